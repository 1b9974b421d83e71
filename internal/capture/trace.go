package capture

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/jsonread"
)

// Loss is a stable word for what Open OCPP Trace has no place for.
type Loss string

// The losses. Of each the whole frame is left out.
const (
	LostControl Loss = "control"  // the opening, the end or a gap of a connection
	LostTime    Loss = "no-time"  // the record needs a time
	LostShape   Loss = "no-call"  // neither CALL nor CALLRESULT nor CALLERROR: SEND, CALLRESULTERROR, or no message at all
	LostSize    Loss = "too-long" // its line would be longer than MaxLine
	LostBytes   Loss = "no-utf-8" // the text or a name is no UTF-8
)

// LossCount counts the frames that were left out for one reason.
type LossCount struct {
	Loss    Loss
	Count   int64
	Example string // the first one: its time, station and the beginning of its text, fit for a terminal
}

// TraceWriter writes messages as Open OCPP Trace v1.1, one record a line:
//
//	{"schemaVersion":"1.1","timestamp":"2025-11-23T19:21:04.980000Z","ocppVersion":"1.6","transport":"json","chargePointId":"CP_1",
//	"direction":"cp-to-csms","messageType":"CALL","messageId":"a","action":"Heartbeat","payload":{},"raw":"[2,\"a\",\"Heartbeat\",{}]",
//	"meta":{"conn":"c7","seq":9}}
//
// Under "raw" stands the message as it was, byte for byte; under "meta" what only our own reader takes back. What the format
// has no place for is left out and counted. It is safe for use by several goroutines.
type TraceWriter struct {
	mu     sync.Mutex
	w      io.Writer
	buf    []byte
	err    error
	losses losses
}

// NewTraceWriter returns a writer that appends to w. Closing w stays with the caller.
func NewTraceWriter(w io.Writer) *TraceWriter { return &TraceWriter{w: w} }

// PutFrames appends one record for each message that the format can hold.
func (t *TraceWriter) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range fs {
		if t.err != nil {
			return t.err
		}
		start := len(t.buf)
		loss := t.record(&fs[i])
		if loss == "" && len(t.buf)-start > MaxLine {
			loss = LostSize
		}
		if loss != "" {
			t.buf = t.buf[:start]
			t.losses.add(loss, &fs[i])
			continue
		}
		t.buf = append(t.buf, '\n')
		if len(t.buf) >= recordBuffer {
			t.flush()
		}
	}
	return t.err
}

// Flush writes what was gathered.
func (t *TraceWriter) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
	return t.err
}

// Lost returns what was left out, in the order of first appearance.
func (t *TraceWriter) Lost() []LossCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.losses)
}

func (t *TraceWriter) flush() {
	if t.err != nil || len(t.buf) == 0 {
		return
	}
	if _, err := t.w.Write(t.buf); err != nil {
		t.err = fmt.Errorf("write trace: %w", err)
	}
	t.buf = t.buf[:0]
}

// losses counts what a writer left out.
type losses []LossCount

func (l *losses) add(loss Loss, f *hayalet.Frame) {
	for i := range *l {
		if (*l)[i].Loss == loss {
			(*l)[i].Count++
			return
		}
	}
	text := fmt.Sprintf("%s %s %s", f.At, f.Station, f.Data[:min(len(f.Data), maxExample)])
	if f.Kind != hayalet.Message {
		text = fmt.Sprintf("%s %s %s", f.At, f.Station, f.Kind)
	}
	*l = append(*l, LossCount{Loss: loss, Count: 1, Example: example([]byte(strings.TrimSpace(text)))})
}

// record appends the record of a frame, or returns why there is none.
func (t *TraceWriter) record(f *hayalet.Frame) Loss {
	var m parts
	switch {
	case f.Kind != hayalet.Message:
		return LostControl
	case f.At.IsZero():
		return LostTime
	case !utf8.Valid(f.Data), !utf8.ValidString(string(f.Station) + string(f.Conn) + string(f.Protocol)):
		return LostBytes
	case !m.split(f.Data):
		return LostShape
	}
	b := append(t.buf, `{"schemaVersion":"1.1","timestamp":`...)
	b = appendStamp(b, f.At)
	version, known := strings.CutPrefix(string(f.Protocol), "ocpp")
	known = known && string(protocolName([]byte(version))) == string(f.Protocol)
	if known {
		b = append(b, `,"ocppVersion":`...)
		b = appendString(b, version)
	}
	b = append(b, `,"transport":"json","chargePointId":`...)
	b = appendString(b, string(f.Station))
	b = append(b, `,"direction":"`...)
	b = append(b, [...]string{hayalet.In: "cp-to-csms", hayalet.Out: "csms-to-cp"}[f.Dir&1]...)
	b = append(b, `","messageType":"`...)
	b = append(b, m.kind...)
	b = append(b, '"')
	b = m.append(b)
	b = append(b, `,"raw":`...)
	b = appendString(b, f.Data)
	b = append(b, `,"meta":{"conn":`...)
	b = appendString(b, string(f.Conn))
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, f.Seq, 10)
	if !known && f.Protocol != "" {
		b = append(b, `,"protocol":`...)
		b = appendString(b, string(f.Protocol))
	}
	t.buf = append(b, "}}"...)
	return ""
}

// parts are the members of a message, as JSON.
type parts struct {
	kind                                      string
	id, action, payload, code, about, details []byte
}

// split takes a message apart; not ok when it is none that the format knows.
func (m *parts) split(data []byte) bool {
	r := jsonread.New(data)
	if !r.Array() || !r.More() {
		return false
	}
	number, _ := r.Number()
	var members [6][]byte
	n := 0
	for r.More() {
		value := r.Skip()
		if n < len(members) {
			members[n] = value
		}
		n++
	}
	if !r.End() || n == 0 {
		return false
	}
	m.id = text(members[0])
	switch string(number) {
	case "2":
		m.kind, m.action, m.payload = "CALL", text(members[1]), members[2]
		return m.action != nil
	case "3":
		m.kind, m.payload = "CALLRESULT", members[1]
		return true
	case "4":
		m.kind, m.code, m.about, m.details = "CALLERROR", text(members[1]), text(members[2]), members[3]
		return true
	}
	return false
}

// text returns a value that is a string, and nil for any other.
func text(value []byte) []byte {
	if len(value) > 0 && value[0] == '"' {
		return value
	}
	return nil
}

func (m *parts) append(b []byte) []byte {
	b = appendMember(b, `,"messageId":`, m.id)
	b = appendMember(b, `,"action":`, m.action)
	b = appendMember(b, `,"payload":`, m.payload)
	if m.kind != "CALLERROR" {
		return b
	}
	b = append(b, `,"error":{`...)
	start := len(b)
	b = appendMember(b, `,"code":`, m.code)
	b = appendMember(b, `,"description":`, m.about)
	b = appendMember(b, `,"details":`, m.details)
	if len(b) > start { // the first comma
		b = append(b[:start], b[start+1:]...)
	}
	return append(b, '}')
}

// appendMember appends a value on one line; line breaks can only stand between its parts.
func appendMember(b []byte, name string, value []byte) []byte {
	if value == nil {
		return b
	}
	b = append(b, name...)
	from := len(b)
	b = append(b, value...)
	for i := from; i < len(b); i++ {
		n := bytes.IndexAny(b[i:], "\n\r")
		if n < 0 {
			break
		}
		i += n
		b[i] = ' '
	}
	return b
}
