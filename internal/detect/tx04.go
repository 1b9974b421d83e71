package detect

import (
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// TX04Name is the id of the rule orphan-transaction.
const TX04Name hayalet.RuleName = "TX-04"

// TX04Params are the parameters of TX-04.
type TX04Params struct {
	Grace   time.Duration // in which the stop of a transaction may come whose end was inferred
	Short   time.Duration // a transaction that was replaced this soon was only a second try to start
	Silence time.Duration // without a sample, at least
	Missed  int           // sampling intervals without a sample, at least
}

// DefaultTX04 are the defaults.
func DefaultTX04() TX04Params {
	return TX04Params{Grace: 15 * time.Minute, Short: 5 * time.Minute, Silence: time.Hour, Missed: 10}
}

// Fields are the parameters.
func (p *TX04Params) Fields() []Field {
	return []Field{{"grace", &p.Grace}, {"short", &p.Short}, {"silence", &p.Silence}, {"missed", &p.Missed}}
}

// Validate refuses negative parameters.
func (p *TX04Params) Validate() error { return notNegative(p.Fields()) }

// Rule is the rule with these parameters.
func (p *TX04Params) Rule() Rule { return &TX04{*p} }

// TX04 finds transactions that nobody ends: their end shows in a boot, in status Available or in another start, and no stop
// comes; or they run on and nothing is heard of them while the station talks. The central system goes on counting them.
type TX04 struct{ p TX04Params }

// Orphan is what TX-04 remembers of a connector.
type Orphan struct {
	Contest                 // silence in the running transaction
	Began   hayalet.Instant // receipt of its start; zero: it was not seen
	Last    hayalet.Instant // receipt of its last sample
	Spacing time.Duration   // the longest between two of them over one connection
	Wake    hayalet.Instant // when silence is looked at

	Lost hayalet.Instant // receipt of what showed that a transaction had ended; zero: none is looked for
	Of   hayalet.Instant // receipt of that transaction's start
	Due  hayalet.Instant // when its stop is looked for
}

// Name is TX-04.
func (r *TX04) Name() hayalet.RuleName { return TX04Name }

// Judge weighs one step of a connector.
func (r *TX04) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	kind := v.Step.Kind
	if v.Connector.ID == 0 || mem.Orphan == nil && kind != session.StepStart {
		return
	}
	m := need(&mem.Orphan)
	switch kind {
	case session.StepStart:
		m.runs(v, hayalet.ReasonNewStart, out)
		m.Began = v.Step.At
	case session.StepReading, session.StepElectric:
		r.sample(v, m, out)
	case session.StepStop:
		r.stop(v, m, out)
	case session.StepRestop: // of a transaction that another start had ended, perhaps
		if !v.Step.Book.HasWas {
			m.found()
		}
	case session.StepTick:
		r.lost(v, m, out)
		r.silent(v, m, out)
	}
	if *m == (Orphan{}) {
		mem.Orphan = nil
	}
}

// runs ends what is known of the running transaction.
func (m *Orphan) runs(v View, why hayalet.Reason, out *[]hayalet.Verdict) {
	m.end(contested(TX04Name, v, v.Step.EventAt, 0, ""), hayalet.Close, why, out)
	*m = Orphan{Lost: m.Lost, Of: m.Of, Due: m.Due}
}

// found ends the search for a stop.
func (m *Orphan) found() { m.Lost, m.Of, m.Due = 0, 0, 0 }

// stop takes the end of a transaction. After a start that ended it the connector is active again.
func (r *TX04) stop(v View, m *Orphan, out *[]hayalet.Verdict) {
	c, began := v.Connector, m.Began
	m.runs(v, hayalet.ReasonEnded, out)
	replaced := c.State == session.Active
	switch {
	case !replaced && c.Tx.End == session.Stopped:
		if m.Of == c.Tx.StartedRecv {
			m.found()
		}
	case began == 0 || m.Lost != 0 || v.Step.At.Sub(began) < r.p.Short || !replaced && c.Tx.Unauthorised:
	default:
		m.Lost, m.Of, m.Due = v.Step.At, began, v.Step.At.Add(r.p.Grace)
	}
}

// lost looks whether the stop has come. It may be in a queue, and the transaction may have gone on after a boot.
func (r *TX04) lost(v View, m *Orphan, out *[]hayalet.Verdict) {
	c, link, at := v.Connector, &v.Station.Link, v.Step.At
	if m.Due == 0 || at < m.Due {
		return
	}
	if c.State == session.Active && c.Tx.StartedRecv == m.Of || r.inPlaceOfStop(c, m) {
		m.found()
		return
	}
	if heard := max(m.Lost, link.Up, link.Old); link.LastIn.Sub(heard) < r.p.Grace {
		m.Due = at.Add(max(r.p.Grace, at.Sub(m.Lost)))
		return
	}
	v.Trace.rung(Rung{Rule: TX04Name, Code: "no-stop", Span: at.Sub(m.Lost)})
	ver := found(TX04Name, v, m.Lost, 0, hayalet.ReasonNoStop)
	ver.EventAt, ver.Evidence = m.Lost, hayalet.EvidenceInferredEnd
	if c.State == session.Active || c.Tx.StartedRecv != m.Of { // another one has begun
		ver.Transaction = hayalet.TransactionID{}
	}
	m.found()
	*out = append(*out, ver)
}

// inPlaceOfStop reports whether the start that ended the transaction only stood for its stop: it ended itself at once, and
// without one.
func (r *TX04) inPlaceOfStop(c *session.Connector, m *Orphan) bool {
	return c.State == session.Inactive && c.Tx.StartedRecv == m.Lost && c.Tx.End != session.Stopped && c.Tx.EndedRecv.Sub(c.Tx.StartedRecv) < r.p.Short
}

// sample takes a sign of life of the running transaction.
func (r *TX04) sample(v View, m *Orphan, out *[]hayalet.Verdict) {
	c, at := v.Connector, v.Step.At
	if c.State != session.Active {
		return
	}
	if m.Lost != 0 && m.Of == c.Tx.StartedRecv { // it goes on after a boot
		m.Began = m.Of
		m.found()
	}
	if m.Began == 0 {
		return
	}
	m.end(contested(TX04Name, v, v.Step.EventAt, 0, ""), hayalet.Close, hayalet.ReasonSampled, out)
	if m.Last != 0 && m.Last >= v.Station.Link.Up {
		m.Spacing = max(m.Spacing, at.Sub(m.Last))
	}
	if m.Last = at; m.Spacing > 0 {
		m.Wake = at.Add(r.patience(m))
	}
}

// patience is how long a transaction may be silent.
func (r *TX04) patience(m *Orphan) time.Duration {
	return max(r.p.Silence, time.Duration(r.p.Missed)*m.Spacing)
}

// silent looks whether the station has talked for long without a word on the running transaction. Suspended ones may be
// silent.
func (r *TX04) silent(v View, m *Orphan, out *[]hayalet.Verdict) {
	c, link, at := v.Connector, &v.Station.Link, v.Step.At
	if m.Wake == 0 || at < m.Wake {
		return
	}
	if c.State != session.Active || m.Open {
		m.Wake = 0
		return
	}
	quiet := link.LastIn.Sub(max(m.Last, link.Up))
	if quiet < r.patience(m) || suspended(c) {
		m.Wake = at.Add(max(r.patience(m), at.Sub(m.Last)))
		return
	}
	v.Trace.rung(Rung{Rule: TX04Name, Code: "no-samples", Span: quiet})
	m.Wake = 0
	m.tell(contested(TX04Name, v, m.Last, 0, hayalet.ReasonNoSamples), out)
}
