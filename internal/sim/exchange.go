package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"hayalet/internal/ocpp"
)

// sleep waits until the wall clock shows t, and serves the central system meanwhile.
func (p *player) sleep(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	for {
		for p.client != nil && len(p.todo) > 0 {
			do := p.todo[0]
			p.todo = p.todo[1:]
			if err := do(ctx); err != nil {
				return err
			}
		}
		in, ok, err := p.next(ctx, timer.C)
		if err != nil || !ok {
			return err
		}
		if _, _, err := p.handle(in, ""); err != nil {
			return err
		}
	}
}

// next returns the next message, or false when the time is over.
func (p *player) next(ctx context.Context, over <-chan time.Time) (inbound, bool, error) {
	var inbox chan inbound
	if p.client != nil {
		inbox = p.client.inbox
	}
	select {
	case <-ctx.Done():
		return inbound{}, false, context.Cause(ctx)
	case <-over:
		return inbound{}, false, nil
	case in := <-inbox:
		if in.err != nil {
			return inbound{}, false, p.lost(in.err)
		}
		return in, true, nil
	}
}

func (p *player) lost(err error) error {
	return fmt.Errorf("connection to %s lost: %w", p.addr.url, err)
}

// handle takes one message. It returns the message, and true, where it answers the call with the id awaited.
func (p *player) handle(in inbound, awaited string) (ocpp.Message, bool, error) {
	p.listener.Received(in.at, in.data)
	m, fault := ocpp.ParseMessage(in.data)
	switch {
	case fault != nil:
		p.res.Unexpected++
		if fault.Ignore || m.Type > ocpp.Call { // only what may be a call is answered
			return m, false, nil
		}
		return m, false, p.write(ocpp.AppendError(nil, fault.ID, fault.CodeIn(p.o.Protocol), fault.Text))
	case m.Type == ocpp.Call:
		return m, false, p.answer(m)
	case m.Type != ocpp.CallResult && m.Type != ocpp.CallError, awaited == "", m.ID != awaited:
		p.res.Unexpected++
		return m, false, nil
	}
	return m, true, nil
}

// write sends one message to the connection, which must be there.
func (p *player) write(data []byte) error {
	p.listener.Sent(time.Now(), data)
	if err := p.client.write(data); err != nil {
		return p.lost(err)
	}
	return nil
}

// reply is what became of a call. It is zero where the call could not be sent.
type reply struct {
	id      string
	at      time.Time // when the call was sent
	ok      bool      // it was answered with a result
	payload []byte    // of the result
}

// decode reads the result into to. It is false, and counted, for a result that cannot be read.
func (p *player) decode(r reply, to any) bool {
	if !r.ok {
		return false
	}
	if err := json.Unmarshal(r.payload, to); err != nil {
		p.res.CallErrors++
		return false
	}
	return true
}

// call sends a call and waits for its answer, as a station may have only one call open [1.6J §4.1.1]. Its error ends
// the play; a refusal or silence is in the reply.
func (p *player) call(ctx context.Context, m message) (reply, error) {
	body, err := json.Marshal(m.payload)
	if err != nil {
		return reply{}, fmt.Errorf("encode %s: %w", m.action, err)
	}
	id := uuid.NewString()
	return p.exchange(ctx, id, m.action, ocpp.AppendCall(nil, id, m.action, body))
}

// tell is a call whose answer does not matter.
func (p *player) tell(ctx context.Context, m message) error {
	_, err := p.call(ctx, m)
	return err
}

func (p *player) exchange(ctx context.Context, id, action string, data []byte) (reply, error) {
	p.res.Calls++
	r := reply{id: id, at: time.Now()}
	if err := p.write(data); err != nil {
		return reply{}, err
	}
	timer := time.NewTimer(p.o.Timeout)
	defer timer.Stop()
	for {
		in, ok, err := p.next(ctx, timer.C)
		if err != nil {
			return r, err
		}
		if !ok {
			p.res.Timeouts++
			p.note(Note{Kind: NoteNoAnswer, Action: action})
			return r, nil
		}
		m, mine, err := p.handle(in, id)
		if err != nil {
			return r, err
		}
		if !mine {
			continue
		}
		if m.Type == ocpp.CallError {
			p.res.CallErrors++
			p.note(Note{Kind: NoteAnswerRefused, Action: action, Text: m.ErrorCode})
			return r, nil
		}
		r.ok, r.payload = true, m.Payload
		return r, nil
	}
}

// reconnect makes a new connection and sends what has waited for one.
func (p *player) reconnect(ctx context.Context) error {
	for try := 1; ; try++ {
		c, err := connect(ctx, p.addr, p.o.Protocol)
		if err == nil {
			p.client = c
			break
		}
		if try == dialTries || errors.Is(err, context.Canceled) {
			return err
		}
		if err := p.sleep(ctx, time.Now().Add(dialWait)); err != nil {
			return err
		}
	}
	p.note(Note{Kind: NoteConnected, Text: p.addr.url})
	queue := p.queue
	p.queue = nil
	for _, do := range queue {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) disconnect() {
	p.client.drop()
	p.client = nil
	p.note(Note{Kind: NoteDisconnected})
}
