package csms

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"hayalet"
	"hayalet/internal/ocpp"
)

// bootNotification is an action of every version. Its answer is followed by settings.
const bootNotification = "BootNotification"

// Peer answers one station over one connection.
type Peer struct {
	csms   *CSMS
	link   Link
	speaks *dialect
	out    []byte // the answer being composed; of Receive's goroutine

	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	wg     sync.WaitGroup // what the peer has started

	line chan struct{} // holds one token: who takes it may have a call open

	mu          sync.Mutex
	pending     *call // the open call
	samplingSet bool  // the sampling is being set, or was
}

func newPeer(c *CSMS, link Link, speaks *dialect) *Peer {
	p := &Peer{csms: c, link: link, speaks: speaks, line: make(chan struct{}, 1)}
	p.line <- struct{}{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// log is made where something is to be logged: a peer whose station is silent holds none.
func (p *Peer) log() *slog.Logger {
	return p.csms.log.With("station", p.link.Station(), "conn", p.link.Conn())
}

// Closed ends what the peer has started. Commands that wait for an answer fail.
func (p *Peer) Closed() {
	p.csms.forget(p)
	p.cancel()
	p.wg.Wait()
}

// Receive takes one message of the station and answers a CALL exactly once. It returns an error only when the answer
// could not be sent.
func (p *Peer) Receive(ctx context.Context, data []byte) error {
	m, fault := ocpp.ParseMessage(data)
	switch {
	case m.Type == ocpp.CallResultError || m.Type == ocpp.Send:
		p.hear(&m, fault)
	case fault != nil && (fault.Ignore || m.Type == ocpp.CallResult || m.Type == ocpp.CallError):
		p.log().Debug("frame ignored", "error", fault)
	case fault != nil:
		p.log().Debug("frame broken", "error", fault)
		return p.sendError(ctx, fault.ID, fault)
	case m.Type == ocpp.Call:
		return p.receiveCall(ctx, &m)
	default:
		return p.settle(ctx, &m)
	}
	return nil
}

// Prompt appends the answer to a CALL to b, if that is one whose answer waits for nothing; else it returns false, having done
// nothing, and the message is for Receive.
func (p *Peer) Prompt(b, data []byte) ([]byte, bool) {
	m, fault := ocpp.ParseMessage(data)
	if fault != nil || m.Type != ocpp.Call || slices.Contains(p.speaks.booked, m.Action) {
		return b, false
	}
	payload, fault := p.answer(p.ctx, &m)
	if fault != nil {
		return b, false
	}
	return ocpp.AppendResult(b, m.ID, payload), true
}

// hear takes the messages of OCPP 2.1 that are never answered. On another link they are of an unknown type.
func (p *Peer) hear(m *ocpp.Message, fault *ocpp.WireError) {
	switch {
	case p.link.Protocol() != hayalet.OCPP21 || fault != nil:
		p.log().Debug("frame ignored", "type", int(m.Type))
	case m.Type == ocpp.CallResultError:
		p.log().Warn("the station could not process an answer", "id", m.ID, "error", fmt.Sprintf("%.64q: %.255q", m.ErrorCode, m.ErrorText))
	case !slices.Contains(p.speaks.sends, m.Action):
		p.log().Debug("unknown action sent", "action", m.Action)
	}
}

func (p *Peer) receiveCall(ctx context.Context, m *ocpp.Message) error {
	payload, fault := p.answer(ctx, m)
	if ctx.Err() != nil {
		return fmt.Errorf("answer %s: %w", m.Action, ctx.Err())
	}
	if fault != nil {
		p.log().Debug("call refused", "action", m.Action, "error", fault)
		return p.sendError(ctx, m.ID, fault)
	}
	p.out = ocpp.AppendResult(p.out[:0], m.ID, payload)
	if err := p.link.Answer(ctx, p.out); err != nil {
		return fmt.Errorf("answer %s: %w", m.Action, err)
	}
	if m.Action == bootNotification {
		p.startSampling()
	}
	return nil
}

func (p *Peer) sendError(ctx context.Context, id string, fault *ocpp.WireError) error {
	code := fault.CodeIn(p.link.Protocol())
	p.out = ocpp.AppendError(p.out[:0], id, code, fault.Text)
	if err := p.link.Answer(ctx, p.out); err != nil {
		return fmt.Errorf("answer with %s: %w", code, err)
	}
	return nil
}

// answer composes the payload of a CALLRESULT.
func (p *Peer) answer(ctx context.Context, m *ocpp.Message) ([]byte, *ocpp.WireError) {
	if !isObject(m.Payload) {
		return nil, &ocpp.WireError{Code: ocpp.FormationViolation, Text: "the payload is not a JSON object"}
	}
	if handle, known := p.speaks.answers[m.Action]; known {
		return handle(ctx, p, m.Payload)
	}
	if p.speaks.isCommand(m.Action) {
		return nil, &ocpp.WireError{Code: ocpp.NotSupported, Text: "this action is for a station to answer"}
	}
	return nil, &ocpp.WireError{Code: ocpp.NotImplemented, Text: "unknown action"}
}

func isObject(payload []byte) bool { return len(payload) > 0 && payload[0] == '{' }

// noteBoot writes what a station says of itself into the book.
func (p *Peer) noteBoot(ctx context.Context, st hayalet.Station) *ocpp.WireError {
	now := p.csms.now()
	st.ID, st.Protocol = p.link.Station(), p.link.Protocol()
	st.FirstSeen, st.LastSeen, st.LastBoot = now, now, now
	err := p.csms.book.write(ctx, func(ctx context.Context) error { return p.csms.book.PutStation(ctx, st) })
	return p.unwritten("note a boot", err)
}

// unwritten is the fault of what could not be written before the connection ended. Nobody hears it.
func (p *Peer) unwritten(what string, err error) *ocpp.WireError {
	if err == nil {
		return nil
	}
	p.log().Warn("connection ended before the book could be written; the station is to say it again", "what", what, "error", err)
	return &ocpp.WireError{Code: ocpp.InternalError, Text: "the central system cannot write its book"}
}

// wireTime is now as stations read it: UTC with milliseconds.
func (c *CSMS) wireTime() string { return c.cfg.Clock().UTC().Format("2006-01-02T15:04:05.000Z") }

func (c *CSMS) now() hayalet.Instant { return hayalet.InstantOf(c.cfg.Clock()) }
