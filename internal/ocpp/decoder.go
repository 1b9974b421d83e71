package ocpp

import (
	"slices"
	"strconv"

	"hayalet"
	"hayalet/internal/jsonread"
)

// Limits of what a decoder keeps and reads.
const (
	MaxSamples      = 1024 // of one message; more are marked FlawTooMany
	maxPendingCalls = 32   // starts of one connection without an answer
	maxStatuses     = 64   // of one message
	maxConnectorID  = 1 << 20
	maxIDs          = 1 << 12 // transaction ids of 2.x that are kept, so that none is made twice
)

// Decoder turns frames into events. It is used by one goroutine.
type Decoder struct {
	pending  map[hayalet.ConnID][]PendingStart
	samples  []hayalet.Sample
	statuses []hayalet.StatusReport
	ids      map[string]hayalet.TransactionID
}

// PendingStart is a call that waits for an answer to its token: a StartTransaction, or a TransactionEvent with an idToken.
type PendingStart struct {
	ID          string // message id
	Seq         uint64
	Connector   hayalet.ConnectorID
	Transaction hayalet.TransactionID // of a TransactionEvent: the station has named it itself
}

// NewDecoder returns a decoder that has seen nothing.
func NewDecoder() *Decoder {
	return &Decoder{pending: make(map[hayalet.ConnID][]PendingStart), ids: make(map[string]hayalet.TransactionID)}
}

// Pending returns the starts of a connection that wait for an answer, to be kept with the state of its station.
func (d *Decoder) Pending(conn hayalet.ConnID) []PendingStart { return slices.Clone(d.pending[conn]) }

// Expect puts back what Pending returned.
func (d *Decoder) Expect(conn hayalet.ConnID, starts []PendingStart) {
	for _, p := range starts {
		d.expect(conn, p)
	}
}

// Decode fills e with what f says. Every frame gives an event; what has no bearing is EventOther.
func (d *Decoder) Decode(f *hayalet.Frame, e *hayalet.Event) {
	*e = hayalet.Event{
		Station: f.Station, Conn: f.Conn, Seq: f.Seq, At: f.At, Protocol: f.Protocol, Dir: f.Dir,
		Samples: d.samples[:0], More: d.statuses[:0],
	}
	switch f.Kind {
	case hayalet.ConnOpen:
		e.Kind = hayalet.EventOpen
	case hayalet.ConnClose:
		e.Kind = hayalet.EventClose
		delete(d.pending, f.Conn)
	case hayalet.Gap:
		e.Kind = hayalet.EventGap
	case hayalet.Message:
		d.message(f, e)
	}
	d.samples, d.statuses = e.Samples[:0], e.More[:0]
}

func (d *Decoder) message(f *hayalet.Frame, e *hayalet.Event) {
	waiting := d.pending[f.Conn]
	if f.Dir == hayalet.Out && len(waiting) == 0 {
		return // commands and answers that nothing waits for
	}
	r := jsonread.New(f.Data)
	if !r.ValidUTF8() {
		e.Flaws |= hayalet.FlawAmbiguous
	}
	if !r.Array() || !r.More() {
		e.Flaws |= hayalet.FlawSyntax
		return
	}
	kind, ok := r.Number()
	if !ok || !r.More() {
		e.Flaws |= hayalet.FlawSyntax
		return
	}
	id, ok := r.String()
	if !ok {
		id = r.Skip()
	}
	switch {
	case string(kind) == "2" && f.Dir == hayalet.In:
		d.call(&r, id, f, e)
	case (string(kind) == "3" || string(kind) == "4") && f.Dir == hayalet.Out:
		d.answer(&r, id, waiting, string(kind) == "4", f, e)
	default:
		return
	}
	for r.More() { // elements beyond the standard's
		r.Skip()
	}
	if !r.End() {
		e.Flaws |= hayalet.FlawSyntax
	}
}

func (d *Decoder) call(r *jsonread.Reader, id []byte, f *hayalet.Frame, e *hayalet.Event) {
	if !r.More() {
		return
	}
	action, ok := r.String()
	if !ok || !r.More() {
		e.Flaws |= hayalet.FlawSyntax
		return
	}
	d.byVersion(r, action, e)
	asks := e.Kind == hayalet.EventStart || e.Token != "" && e.Running
	if asks && len(id) <= maxIDLength {
		d.expect(f.Conn, PendingStart{ID: string(id), Seq: f.Seq, Connector: e.Connector, Transaction: e.Transaction})
	}
}

// byVersion reads a call of the version that the subprotocol names. A log may not tell it: then what 1.6 does not know may
// be of 2.x.
func (d *Decoder) byVersion(r *jsonread.Reader, action []byte, e *hayalet.Event) {
	if is2(e.Protocol) {
		d.call2(r, action, e)
		return
	}
	payload, blank := *r, *e
	if call16(r, action, e) || e.Protocol != "" {
		return
	}
	*r, *e = payload, blank
	d.call2(r, action, e)
}

// expect remembers a start until its answer comes; the oldest is forgotten where too many wait.
func (d *Decoder) expect(conn hayalet.ConnID, p PendingStart) {
	waiting := d.pending[conn]
	for i := range waiting {
		if waiting[i].ID == p.ID {
			waiting[i] = p
			return
		}
	}
	if len(waiting) >= maxPendingCalls {
		waiting = append(waiting[:0], waiting[1:]...)
	}
	d.pending[conn] = append(waiting, p)
}

func (d *Decoder) answer(r *jsonread.Reader, id []byte, waiting []PendingStart, failed bool, f *hayalet.Frame, e *hayalet.Event) {
	found := -1
	for i := range waiting {
		if waiting[i].ID == string(id) {
			found = i
		}
	}
	if found < 0 {
		return
	}
	call := waiting[found]
	e.Kind = hayalet.EventStartAnswer
	e.Connector, e.HasConnector = call.Connector, true
	e.CallSeq, e.Transaction = call.Seq, call.Transaction
	if rest := append(waiting[:found], waiting[found+1:]...); len(rest) > 0 {
		d.pending[f.Conn] = rest
	} else {
		delete(d.pending, f.Conn)
	}
	switch named := call.Transaction.IsSet(); {
	case failed:
		e.Rejected = !named
	case !r.More():
	case named:
		answer2(r, e)
	default:
		startAnswer16(r, e)
	}
}

// integer reads a whole number written as a number, as a number with zero decimals, or as a string.
func integer(r *jsonread.Reader, e *hayalet.Event) (int64, bool) {
	text, ok := r.Number()
	if !ok {
		if text, ok = r.String(); !ok {
			null := r.Kind() == 'n'
			r.Skip()
			if !null {
				e.Flaws |= hayalet.FlawType
			}
			return 0, false
		}
		text = trim(text)
		e.Flaws |= hayalet.FlawType
	}
	if v, ok := whole(text); ok {
		return v, true
	}
	dec, ok := parseDecimal(text)
	if !ok {
		return 0, false
	}
	e.Flaws |= hayalet.FlawType
	v, _, flaws := dec.milli(-3)
	if flaws&(hayalet.FlawRange|hayalet.FlawRounded) != 0 {
		e.Flaws |= hayalet.FlawRange
		return 0, false
	}
	return v, true
}

// whole reads a plain integer; short ones, which nearly all are, without a library.
func whole(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		v, err := strconv.ParseInt(string(b), 10, 64)
		return v, err == nil
	}
	digits := b
	if b[0] == '-' {
		digits = b[1:]
	}
	var v int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if len(digits) < len(b) {
		v = -v
	}
	return v, len(digits) > 0
}

// text reads a string; any other value is skipped and marked.
func text(r *jsonread.Reader, e *hayalet.Event) []byte {
	b, ok := r.String()
	if !ok {
		if r.Kind() != 'n' {
			e.Flaws |= hayalet.FlawType
		}
		r.Skip()
	}
	return b
}

// word reads a string that is kept.
func word(r *jsonread.Reader, e *hayalet.Event) string { return cut(text(r, e), e) }

// cut bounds what is kept of a string. The standard's longest identifier has 50 characters.
func cut(b []byte, e *hayalet.Event) string {
	if len(b) > maxIDLength {
		e.Flaws |= hayalet.FlawRange
		b = b[:maxIDLength]
	}
	return string(b)
}
