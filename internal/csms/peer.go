package csms

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/go-json-experiment/json"

	"hayalet"
	"hayalet/internal/ocpp"
	"hayalet/internal/ocpp/v16"
)

// Peer answers one station over one connection.
type Peer struct {
	csms *CSMS
	link Link
	log  *slog.Logger
	out  []byte // the answer being composed; of Receive's goroutine

	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	wg     sync.WaitGroup // what the peer has started

	line chan struct{} // holds one token: who takes it may have a call open

	mu          sync.Mutex
	pending     *call // the open call
	samplingSet bool  // the sampling is being set, or was
}

func newPeer(c *CSMS, link Link) *Peer {
	p := &Peer{
		csms: c, link: link, line: make(chan struct{}, 1),
		log: c.log.With("station", link.Station(), "conn", link.Conn()),
	}
	p.line <- struct{}{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
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
	case fault != nil && (fault.Ignore || m.Type == ocpp.CallResult || m.Type == ocpp.CallError):
		p.log.Debug("frame ignored", "error", fault)
		return nil
	case fault != nil:
		p.log.Debug("frame broken", "error", fault)
		return p.sendError(ctx, fault.ID, fault)
	case m.Type == ocpp.Call:
		return p.receiveCall(ctx, &m)
	}
	p.settle(&m)
	return nil
}

func (p *Peer) receiveCall(ctx context.Context, m *ocpp.Message) error {
	payload, fault := p.answer(ctx, m)
	if fault != nil {
		p.log.Debug("call refused", "action", m.Action, "error", fault)
		return p.sendError(ctx, m.ID, fault)
	}
	p.out = ocpp.AppendResult(p.out[:0], m.ID, payload)
	if err := p.link.Send(ctx, p.out); err != nil {
		return fmt.Errorf("answer %s: %w", m.Action, err)
	}
	if m.Action == v16.BootNotification {
		p.startSampling()
	}
	return nil
}

func (p *Peer) sendError(ctx context.Context, id string, fault *ocpp.WireError) error {
	p.out = ocpp.AppendError(p.out[:0], id, fault.Code, fault.Text)
	if err := p.link.Send(ctx, p.out); err != nil {
		return fmt.Errorf("answer with %s: %w", fault.Code, err)
	}
	return nil
}

// answer composes the payload of a CALLRESULT.
func (p *Peer) answer(ctx context.Context, m *ocpp.Message) ([]byte, *ocpp.WireError) {
	if len(m.Payload) == 0 || m.Payload[0] != '{' {
		return nil, &ocpp.WireError{Code: ocpp.FormationViolation, Text: "the payload is not a JSON object"}
	}
	switch m.Action {
	case v16.MeterValues, v16.StatusNotification, v16.DiagnosticsStatusNotification, v16.FirmwareStatusNotification,
		v16.LogStatusNotification, v16.SecurityEventNotification, v16.SignedFirmwareStatusNotification:
		return []byte("{}"), nil
	case v16.Heartbeat:
		return respond(v16.HeartbeatResponse{CurrentTime: p.csms.wireTime()}, nil)
	case v16.DataTransfer:
		return respond(v16.DataTransferResponse{Status: v16.DataTransferUnknownVendorID}, nil)
	case v16.SignCertificate:
		return respond(v16.SignCertificateResponse{Status: v16.GenericRejected}, nil)
	case v16.Authorize:
		return handle(ctx, m, p.authorize)
	case v16.BootNotification:
		return handle(ctx, m, p.boot)
	case v16.StartTransaction:
		return handle(ctx, m, p.start)
	case v16.StopTransaction:
		return handle(ctx, m, p.stop)
	}
	if p.csms.isCommand(m.Action) {
		return nil, &ocpp.WireError{Code: ocpp.NotSupported, Text: "this action is for a station to answer"}
	}
	return nil, &ocpp.WireError{Code: ocpp.NotImplemented, Text: "unknown action"}
}

// handle reads a request, however odd, and writes the response.
func handle[Req, Resp any](
	ctx context.Context, m *ocpp.Message, f func(context.Context, *Req) (Resp, *ocpp.WireError),
) ([]byte, *ocpp.WireError) {
	var req Req
	if err := json.Unmarshal(m.Payload, &req, tolerant()); err != nil {
		return nil, &ocpp.WireError{Code: ocpp.FormationViolation, Text: "the payload cannot be read"}
	}
	resp, fault := f(ctx, &req)
	return respond(resp, fault)
}

func respond(resp any, fault *ocpp.WireError) ([]byte, *ocpp.WireError) {
	if fault != nil {
		return nil, fault
	}
	payload, err := json.Marshal(resp)
	if err != nil { // our own types are at fault
		return nil, &ocpp.WireError{Code: ocpp.InternalError, Text: "internal error"}
	}
	return payload, nil
}

// wireTime is now as stations read it: UTC with milliseconds.
func (c *CSMS) wireTime() string { return c.cfg.Clock().UTC().Format("2006-01-02T15:04:05.000Z") }

func (c *CSMS) now() hayalet.Instant { return hayalet.InstantOf(c.cfg.Clock()) }
