package detect

import (
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// MT04Name is the id of the rule frozen-register.
const MT04Name hayalet.RuleName = "MT-04"

// MT04Params are the parameters of MT-04.
type MT04Params struct {
	Power   hayalet.Power  // from which on something charges
	Span    time.Duration  // of a register that stands still
	MaxSpan time.Duration  // between two measurements that are added up
	Medium  hayalet.Energy // that flowed meanwhile
	After   time.Duration  // from which on it is no lag
}

// DefaultMT04 are the defaults.
func DefaultMT04() MT04Params {
	return MT04Params{
		Power: 500 * hayalet.Watt, Span: 10 * time.Minute, MaxSpan: time.Hour, Medium: hayalet.KilowattHour, After: 30 * time.Minute,
	}
}

// Fields are the parameters.
func (p *MT04Params) Fields() []Field {
	return []Field{{"power", &p.Power}, {"span", &p.Span}, {"max_span", &p.MaxSpan}, {"medium", &p.Medium}, {"after", &p.After}}
}

// Validate refuses negative parameters.
func (p *MT04Params) Validate() error { return notNegative(p.Fields()) }

// Rule is the rule with these parameters.
func (p *MT04Params) Rule() Rule { return &MT04{*p} }

// MT04 finds a register that stands still inside a transaction while power flows: energy that nobody pays for. Values of the
// register must arrive, and more must have flowed than its step hides. A register that lags shows it all in the end: then
// the incident is cleared.
type MT04 struct{ p MT04Params }

// Still is what MT-04 remembers of a connector's running transaction.
type Still struct {
	Contest
	From   hayalet.Instant // event time from which the register has stood still; zero: no measurement yet
	At     hayalet.Instant // event time of the last measurement
	Power  hayalet.Power   // that it showed
	Energy hayalet.Energy  // that flowed since From, at least
	Values uint8           // of the register since From
}

// Moves is what MT-04 has learnt of how a connector's register moves.
type Moves struct {
	Bump  hayalet.Energy // by which it rose last, up to a kilowatt-hour: its true step may be coarser than written
	Moved bool           // it has been seen to rise in a transaction
	Lags  bool           // it has been seen to catch up
	Dead  bool           // that it never moves was told
}

// stillNeeds is how many values must show that the register stands still.
const stillNeeds = 3

// Name is MT-04.
func (r *MT04) Name() hayalet.RuleName { return MT04Name }

// Judge weighs one step of a connector.
func (r *MT04) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	c := v.Connector
	if c.ID == 0 {
		return
	}
	switch v.Step.Kind {
	case session.StepStart:
		if m := mem.Still; m != nil {
			m.end(contested(MT04Name, v, v.Step.EventAt, 0, ""), hayalet.Close, hayalet.ReasonNewStart, out)
			mem.Still = nil
		}
	case session.StepReading:
		if c.State == session.Active {
			r.reading(v, need(&mem.Still), &mem.Moves, out)
		}
	case session.StepElectric:
		if c.State == session.Active {
			r.measured(v, need(&mem.Still), &mem.Moves, out)
		}
	case session.StepStop:
		if m := mem.Still; m != nil {
			r.stop(v, m, &mem.Moves, out)
			mem.Still = nil
		}
	}
}

// stop takes meterStop, where a register that lagged catches up.
func (r *MT04) stop(v View, m *Still, moves *Moves, out *[]hayalet.Verdict) {
	if b := &v.Step.Book; b.Placed && b.Stop > b.Last {
		r.moved(v, m, moves, b.Stop-b.Last, out)
	}
	m.end(r.verdict(v, m), hayalet.Close, hayalet.ReasonEnded, out)
}

// reading takes a register value of a transaction.
func (r *MT04) reading(v View, m *Still, moves *Moves, out *[]hayalet.Verdict) {
	rd := &v.Step.Reading
	switch {
	case rd.Fate == session.FateFirst:
		*m = Still{Contest: m.Contest}
	case rd.Fate != session.FateCounted:
	case rd.Increase > 0:
		moves.Bump = min(max(rd.Increase, rd.Step()), hayalet.KilowattHour)
		r.moved(v, m, moves, rd.Increase, out)
	default:
		moves.Bump = max(moves.Bump, min(rd.Step(), hayalet.KilowattHour))
		m.Values = min(m.Values, 254) + 1
	}
}

// moved takes a rise: the register caught up, or goes on from where it stood.
func (r *MT04) moved(v View, m *Still, moves *Moves, by hayalet.Energy, out *[]hayalet.Verdict) {
	if m.Open && by >= m.Energy/2 {
		moves.Lags = true
		m.end(r.verdict(v, m), hayalet.Clear, hayalet.ReasonCaughtUp, out)
	}
	if m.Open {
		m.end(r.verdict(v, m), hayalet.Close, hayalet.ReasonAgrees, out)
	}
	moves.Moved, moves.Dead = true, false
	m.From, m.Energy, m.Values = m.At, 0, 0
}

func (r *MT04) verdict(v View, m *Still) hayalet.Verdict {
	ver := contested(MT04Name, v, m.From, m.Energy, hayalet.ReasonFrozen)
	ver.Measured, ver.Evidence = m.Power, hayalet.EvidencePowerFlows
	return ver
}

// measured takes a power, or a current, of a transaction.
func (r *MT04) measured(v View, m *Still, moves *Moves, out *[]hayalet.Verdict) {
	c, el := v.Connector, &v.Step.Electric
	if el.Late || mixedUp(c) {
		return
	}
	p := min(max(el.Power, 0), c.Rating()) // a power in the wrong unit counts as the rating
	span := el.At.Sub(m.At)
	if m.From == 0 || el.OverOutage || span > r.p.MaxSpan {
		if !m.Open {
			*m = Still{From: el.At}
		}
		m.At, m.Power = el.At, p
		return
	}
	if span <= 0 {
		return
	}
	if flows := min(p, m.Power); flows >= r.p.Power {
		m.Energy += flows.Over(span)
	}
	m.At, m.Power = el.At, p
	still := m.At.Sub(m.From)
	if m.Values < stillNeeds || still < r.p.Span || m.Energy <= 2*moves.Bump || m.Energy == 0 || p < r.p.Power || moves.Dead && !m.Open {
		return
	}
	v.Trace.rung(Rung{Rule: MT04Name, Code: "still", Energy: m.Energy, Rest: moves.Bump, Power: p, Span: still})
	ver := r.verdict(v, m)
	if m.Energy > r.p.Medium && still >= r.p.After && moves.Moved && !moves.Lags && !suspended(c) {
		ver.Severity = hayalet.Medium
	}
	moves.Dead = !moves.Moved // a meter that was never seen to work is told of once
	m.tell(ver, out)
}
