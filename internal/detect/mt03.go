package detect

import (
	"errors"
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// MT03Name is the id of the rule impossible-power.
const MT03Name hayalet.RuleName = "MT-03"

// MT03Params are the parameters of MT-03.
type MT03Params struct {
	Margin Ratio          // of the rating, that a register may show
	Lag    time.Duration  // that a register may be behind its samples' time
	Amps   Ratio          // of the rated current, that a current may show
	Medium hayalet.Energy // above the rating, sustained
	After  time.Duration  // from which on it is sustained
}

// DefaultMT03 are the defaults.
func DefaultMT03() MT03Params {
	return MT03Params{Margin: 1100, Lag: time.Minute, Amps: 1250, Medium: hayalet.KilowattHour, After: 5 * time.Minute}
}

// Fields are the parameters.
func (p *MT03Params) Fields() []Field {
	return []Field{{"margin", &p.Margin}, {"lag", &p.Lag}, {"amps", &p.Amps}, {"medium", &p.Medium}, {"after", &p.After}}
}

// Validate refuses parameters that contradict one another.
func (p *MT03Params) Validate() error {
	if p.Margin < 1000 || p.Amps < 1000 {
		return errors.New("margin and amps are less than the rating (1000 thousandths)")
	}
	return notNegative(p.Fields())
}

// Rule is the rule with these parameters.
func (p *MT03Params) Rule() Rule { return &MT03{*p} }

// MT03 finds registers that rise faster inside a transaction than the connector can deliver, and currents above its limit.
// Outside a transaction such a rise is evidence of PE-01. Time drains what exceeds the rating, so that registers that lag
// and catch up stay below the line and a flow that comes in bursts does not.
type MT03 struct{ p MT03Params }

// Rush is what MT-03 remembers of a connector.
type Rush struct {
	Contest
	Level  hayalet.Energy  // above what the rating delivers
	Began  hayalet.Instant // event time from which it is above zero
	Recv   hayalet.Instant // receipt of the last value of a register: a clock that stands makes no power
	Hits   uint8           // readings above the rating since Began
	Agree  bool            // a measured power agreed with one of them: then it is the rating that is wrong
	Strong uint8           // currents above the limit in a row
}

const (
	hitsNeeded   = 2 // readings, or currents in a row, above the limit
	hitsSustain  = 4 // readings of a rise that is sustained
	milliampUnit = 2_000_000
	openAmps     = 1_000_000 // no outlet has more, where no rating is known
)

// Name is MT-03.
func (r *MT03) Name() hayalet.RuleName { return MT03Name }

// Judge weighs one step of a connector.
func (r *MT03) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	if v.Connector.ID == 0 {
		return
	}
	switch v.Step.Kind {
	case session.StepStart:
		r.end(v, mem, hayalet.ReasonNewStart, out)
		mem.Rush = &Rush{Recv: v.Step.At}
	case session.StepReading:
		if v.Connector.State == session.Active {
			r.reading(v, need(&mem.Rush), out)
		}
	case session.StepElectric:
		if v.Connector.State == session.Active {
			r.current(v, need(&mem.Rush), out)
		}
	case session.StepStop:
		r.end(v, mem, hayalet.ReasonEnded, out)
	}
}

// end ends what is known of a transaction.
func (r *MT03) end(v View, mem *Memory, why hayalet.Reason, out *[]hayalet.Verdict) {
	if mem.Rush != nil {
		mem.Rush.end(contested(MT03Name, v, v.Step.EventAt, 0, ""), hayalet.Close, why, out)
		mem.Rush = nil
	}
}

// reading takes a register value of a transaction.
func (r *MT03) reading(v View, m *Rush, out *[]hayalet.Verdict) {
	c, rd := v.Connector, &v.Step.Reading
	if rd.Fate == session.FatePending || rd.Fate == session.FateLate || rd.Fate == session.FateRestated {
		return
	}
	elapsed := max(rd.Elapsed(), v.Step.At.Sub(m.Recv))
	first := m.Recv == 0
	m.Recv = v.Step.At
	if first || rd.Fate != session.FateCounted || rd.OverOutage || rd.Jumped || mixedUp(c) {
		return
	}
	r.level(v, m, elapsed, out)
}

// level lets the rise fill and the time drain.
func (r *MT03) level(v View, m *Rush, elapsed time.Duration, out *[]hayalet.Verdict) {
	c, rd := v.Connector, &v.Step.Reading
	rating := deliverable(c)
	limit := rating * hayalet.Power(r.p.Margin) / 1000
	above := rd.Increase - limit.Over(elapsed)
	if m.Level == 0 && above > 0 {
		m.Began, m.Hits, m.Agree = rd.Since, 0, false
	}
	m.Level = max(0, m.Level+above)
	if m.Level == 0 {
		if m.Open && m.Strong == 0 {
			m.end(contested(MT03Name, v, rd.At, 0, ""), hayalet.Close, hayalet.ReasonAgrees, out)
		}
		return
	}
	implied := hayalet.MeanPower(rd.Increase, elapsed)
	if above > 0 {
		m.Hits = min(m.Hits, 254) + 1
		m.Agree = m.Agree || c.PowerAt >= rd.Since && c.Power > implied/5*4
	}
	v.Trace.rung(Rung{Rule: MT03Name, Code: "rush", Energy: rd.Increase, Rest: m.Level, Power: implied, Span: elapsed})
	if m.Hits < hitsNeeded || above <= 0 || m.Level <= limit.Over(r.p.Lag)+2*rd.Step() {
		return
	}
	ver := contested(MT03Name, v, m.Began, m.Level, hayalet.ReasonTooFast)
	ver.Implied, ver.Evidence = implied, rd.Evidence|hayalet.EvidenceImpossible
	if m.Level > r.p.Medium && m.Hits >= hitsSustain && rd.At.Sub(m.Began) >= r.p.After && implied > 2*rating && !m.Agree {
		ver.Severity = hayalet.Medium
	}
	m.tell(ver, out)
}

// current takes a current of a transaction.
func (r *MT03) current(v View, m *Rush, out *[]hayalet.Verdict) {
	c, el := v.Connector, &v.Step.Electric
	if !el.HasCurrent || el.Late || el.Current >= milliampUnit {
		return
	}
	if el.Current <= r.limit(c) {
		if m.Strong >= hitsNeeded && m.Level == 0 {
			m.end(contested(MT03Name, v, el.At, 0, ""), hayalet.Close, hayalet.ReasonAgrees, out)
		}
		m.Strong = 0
		return
	}
	if m.Strong = min(m.Strong, 254) + 1; m.Strong < hitsNeeded {
		return
	}
	ver := contested(MT03Name, v, el.At, m.Level, hayalet.ReasonTooStrong)
	ver.Implied, ver.Measured, ver.Evidence = el.Power, el.Power, hayalet.EvidenceImpossible
	m.tell(ver, out)
}

// limit is the highest current of a phase, in mA: all of the rating on one phase, at the voltage of the mains or, for
// direct current, of a battery that is nearly empty.
func (r *MT03) limit(c *session.Connector) int64 {
	rating, volts := c.Profile.Rating, hayalet.Power(230)
	switch {
	case rating == 0 && !c.Profile.AC:
		return openAmps
	case rating == 0:
		rating = c.Rating()
	case c.Profile.DC || rating > session.RatingAC:
		volts = 150
	case c.Profile.Phases > 1:
		volts *= hayalet.Power(c.Profile.Phases)
	}
	return int64(rating) / int64(volts) * int64(r.p.Amps) / 1000
}
