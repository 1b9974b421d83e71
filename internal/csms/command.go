package csms

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"hayalet"
	"hayalet/internal/ocpp"
)

// maxCommand bounds a command's payload in bytes.
const maxCommand = 64 << 10

// call is a CALL that waits for its answer.
type call struct {
	id     string
	answer chan answer // holds one
}

type answer struct {
	payload json.RawMessage
	err     error
}

// RefusedError is a station's CALLERROR.
type RefusedError struct {
	code, description string
	details           json.RawMessage
}

// Error names the station's code and description, quoted: they are the station's words.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the station answered with CALLERROR %.64q: %.255q", e.code, e.description)
}

// CallError returns what the station sent.
func (e *RefusedError) CallError() (code, description string, details json.RawMessage) {
	return e.code, e.description, e.details
}

// Command sends an action of the central system to a station and returns the payload of its answer.
//
// A station has one call open at a time [1.6J §4.1.1]; others wait in line until ctx ends. The station has
// Config.CommandTimeout to answer. The error wraps hayalet.ErrInvalid for an action that the version of the station's link
// does not have or a payload that is not a JSON object, hayalet.ErrNotFound for a station that is offline,
// context.DeadlineExceeded for one that does not answer, and hayalet.ErrUnavailable when the connection ends or the answer
// cannot be read; a CALLERROR is a *RefusedError.
//
// It must not be called from Receive's goroutine.
func (c *CSMS) Command(
	ctx context.Context, station hayalet.StationID, action string, payload json.RawMessage,
) (json.RawMessage, error) {
	body, err := commandPayload(payload)
	if err != nil {
		return nil, fmt.Errorf("%.64s: %w", action, err)
	}
	p, ok := c.peer(station)
	if !ok {
		return nil, fmt.Errorf("station %q is not connected: %w", station, hayalet.ErrNotFound)
	}
	if !p.speaks.isCommand(action) {
		return nil, p.speaks.unknownCommand(action)
	}
	result, err := p.command(ctx, action, body)
	if err != nil {
		return nil, fmt.Errorf("%s to %q: %w", action, station, err)
	}
	return result, nil
}

// commandPayload checks strictly, for this is what we send, and takes out white space.
func commandPayload(payload []byte) ([]byte, error) {
	if len(payload) > maxCommand {
		return nil, fmt.Errorf("the payload is longer than %d bytes: %w", maxCommand, hayalet.ErrInvalid)
	}
	v := jsontext.Value(bytes.Clone(payload))
	if !v.IsValid() || v.Kind() != '{' {
		return nil, fmt.Errorf("the payload is not a valid JSON object: %w", hayalet.ErrInvalid)
	}
	if err := v.Compact(); err != nil {
		return nil, fmt.Errorf("the payload is not a valid JSON object: %w", hayalet.ErrInvalid)
	}
	return v, nil
}

func (p *Peer) command(ctx context.Context, action string, payload []byte) (json.RawMessage, error) {
	select {
	case <-p.line:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting in line: %w", ctx.Err())
	case <-p.ctx.Done():
		return nil, errLost()
	}
	defer func() { p.line <- struct{}{} }()

	k := &call{id: uuid.NewString(), answer: make(chan answer, 1)}
	p.setPending(k)
	defer p.setPending(nil)
	if err := p.link.Send(ctx, ocpp.AppendCall(nil, k.id, action, payload)); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	timeout := time.NewTimer(p.csms.cfg.CommandTimeout)
	defer timeout.Stop()
	select {
	case a := <-k.answer:
		return a.payload, a.err
	case <-timeout.C:
		return nil, fmt.Errorf("no answer within %v: %w", p.csms.cfg.CommandTimeout, context.DeadlineExceeded)
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the answer: %w", ctx.Err())
	case <-p.ctx.Done():
		return nil, errLost()
	}
}

func errLost() error { return fmt.Errorf("the connection ended: %w", hayalet.ErrUnavailable) }

func (p *Peer) setPending(k *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = k
}

// settle hands an answer to the call that waits for it; the first one counts. The answer is kept before: whoever waits may
// send the next call at once.
func (p *Peer) settle(ctx context.Context, m *ocpp.Message) error {
	if err := p.link.Keep(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	k := p.pending
	if k != nil && k.id == m.ID {
		p.pending = nil
	}
	p.mu.Unlock()
	if k == nil || k.id != m.ID {
		p.log().Debug("answer that nobody waits for", "id", m.ID)
		return nil
	}
	if m.Type == ocpp.CallError {
		k.answer <- answer{err: &RefusedError{code: m.ErrorCode, description: m.ErrorText, details: bytes.Clone(m.Details)}}
		return nil
	}
	if p.link.Protocol() == hayalet.OCPP21 && !isObject(m.Payload) {
		k.answer <- answer{err: fmt.Errorf("the station's answer is not a JSON object: %w", hayalet.ErrUnavailable)}
		return p.complain(ctx, m.ID)
	}
	k.answer <- answer{payload: bytes.Clone(m.Payload)}
	return nil
}

// complain tells the station that its answer could not be processed, which 2.1 alone has a message for.
func (p *Peer) complain(ctx context.Context, id string) error {
	p.out = ocpp.AppendResultError(p.out[:0], id, ocpp.FormatViolation, "the payload is not a JSON object")
	if err := p.link.Send(ctx, p.out); err != nil {
		return fmt.Errorf("complain of an answer: %w", err)
	}
	return nil
}

// unknownCommand names the commands that come near.
func (d *dialect) unknownCommand(action string) error {
	const most = 3
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	typed := strings.ToLower(action[:min(len(action), 64)])
	for _, name := range d.commands {
		lower := strings.ToLower(name)
		far := distance(typed, lower)
		if len(typed) >= 3 && strings.Contains(lower, typed) {
			far = min(far, 1)
		}
		if far <= max(2, len(name)/4) {
			near = append(near, candidate{name, far})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
	var names []string
	for _, k := range near[:min(len(near), most)] {
		names = append(names, k.name)
	}
	if len(names) == 0 {
		names = d.commands
	}
	return fmt.Errorf("the station speaks OCPP %s, whose central system has no action %.64q; near: %s: %w",
		d.name, action, strings.Join(names, ", "), hayalet.ErrInvalid)
}

// distance is the number of bytes to insert, delete or replace that makes a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
