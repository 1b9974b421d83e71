package detect

import (
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// MT01Name is the id of the rule rollback.
const MT01Name hayalet.RuleName = "MT-01"

// MT01Params are the parameters of MT-01.
type MT01Params struct {
	Least  hayalet.Energy // that is worth telling of
	Medium hayalet.Energy // by which meterStop lies below meterStart and below its own samples
	Lag    time.Duration  // that a register may be behind its samples' time
	Floor  hayalet.Energy // below it a register that fell has begun anew
}

// DefaultMT01 are the defaults.
func DefaultMT01() MT01Params {
	return MT01Params{Least: 10 * hayalet.WattHour, Medium: hayalet.KilowattHour, Lag: time.Minute, Floor: hayalet.KilowattHour}
}

// Fields are the parameters.
func (p *MT01Params) Fields() []Field {
	return []Field{{"least", &p.Least}, {"medium", &p.Medium}, {"lag", &p.Lag}, {"floor", &p.Floor}}
}

// Validate refuses negative parameters.
func (p *MT01Params) Validate() error { return notNegative(p.Fields()) }

// Rule is the rule with these parameters.
func (p *MT01Params) Rule() Rule { return &MT01{*p} }

// MT01 finds registers that run backwards where nothing restarts them, and a meterStop that the register's own values
// contradict: below meterStart, below the last sample, or further above it than the connector delivers in the time between.
// Registers are raw and never restart [1.6 §7.31]; those that do, do so at a start or a boot.
type MT01 struct{ p MT01Params }

// Falls is what MT-01 remembers of a connector.
type Falls struct {
	Heard     hayalet.Instant // receipt of the register's last value, or of the transaction's start
	Rose      hayalet.Instant // event time from which the register has stood still: some show it all at the stop
	Values    uint8           // of the register, counted in the running transaction, up to 255
	Restarted bool            // a register began anew in it
}

// carriedNeeds is how many starts a register must have carried on over for its zero to be no new beginning.
const carriedNeeds = 3

// valuesNeeded is how many values of a transaction must agree with its meterStart to weigh against its meterStop.
const valuesNeeded = 2

// Name is MT-01.
func (r *MT01) Name() hayalet.RuleName { return MT01Name }

// Judge weighs one step of a connector.
func (r *MT01) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	m := &mem.Falls
	switch v.Step.Kind {
	case session.StepStart:
		*m = Falls{Heard: v.Step.At, Rose: v.Step.EventAt}
	case session.StepReading:
		r.reading(v, m, out)
	case session.StepStop:
		r.stop(v, m, out)
	}
}

// reading takes a register value: one that fell, twice, where nothing explains it.
func (r *MT01) reading(v View, m *Falls, out *[]hayalet.Verdict) {
	c, rd := v.Connector, &v.Step.Reading
	if c.ID == 0 {
		return
	}
	if c.State == session.Active {
		switch {
		case rd.Fate == session.FateFirst || rd.Fall > 0:
			m.Restarted = true
		case rd.Fate == session.FateCounted && rd.Track == int(c.Tx.Track):
			m.Values = min(m.Values, 254) + 1
		}
		m.Heard = v.Step.At
		if rd.Increase > 0 {
			m.Rose = rd.At
		}
	}
	if rd.Fall <= max(r.p.Least, 2*rd.Step()) || c.State == session.Unknown || mixedUp(c) || r.anew(c, rd) {
		return
	}
	since := c.IdleSince
	if c.State == session.Active {
		since = c.Tx.StartedAt
	}
	v.Trace.rung(Rung{Rule: MT01Name, Code: "fell", Energy: rd.Fall, Rest: rd.Value})
	ver := found(MT01Name, v, since, rd.Fall, hayalet.ReasonFell)
	ver.Evidence = rd.Evidence
	*out = append(*out, ver)
}

// anew reports whether a fall is a beginning: to about zero, of a register that is not known to carry on for ever, or to
// where the last transaction began: some registers of sessions end with them.
func (r *MT01) anew(c *session.Connector, rd *session.Reading) bool {
	if rd.Value >= r.p.Floor || rd.Track < 0 || rd.Track >= len(c.Tracks) {
		return false
	}
	if c.State == session.Inactive && c.HasTx && rd.Fall <= c.Tx.Energy+r.p.Floor {
		return true
	}
	t := &c.Tracks[rd.Track]
	return t.Mode() != session.Lifetime || t.Resets.Carried < carriedNeeds
}

// stop weighs meterStop against meterStart and against the last sample.
func (r *MT01) stop(v View, m *Falls, out *[]hayalet.Verdict) {
	c, b := v.Connector, &v.Step.Book
	// A zero is what stations write that cannot read their meter.
	if !b.HasStop || b.Stop == 0 || b.Scaled || mixedUp(c) {
		return
	}
	since := c.Tx.StartedAt
	var ver hayalet.Verdict
	switch slack := max(r.p.Least, 2*b.Step); {
	case b.HasStart && b.Stop < b.Start-slack:
		if m.Restarted || r.ownEnergy(b, slack) {
			return
		}
		ver = found(MT01Name, v, since, b.Start-b.Stop, hayalet.ReasonStopBelowStart)
		if ver.Value > r.p.Medium && m.Values >= valuesNeeded && b.LastAt != 0 && b.Last >= b.Start-slack {
			ver.Severity = hayalet.Medium
		}
	case !b.Placed && b.LastAt != 0 && b.Stop < b.Last-slack:
		if m.Restarted || m.Values < valuesNeeded || r.ownEnergy(b, slack) {
			return
		}
		ver = found(MT01Name, v, since, b.Last-b.Stop, hayalet.ReasonStopBelowValue)
	case b.Placed && b.LastAt != 0:
		over := b.Stop - b.Last - slack - r.most(v, m)
		if over <= 0 || m.Heard == 0 || v.Step.EventAt < c.Tx.StartedAt || v.Station.Clock.Suspect || c.Notes&session.NoteClock != 0 {
			return
		}
		ver = found(MT01Name, v, b.LastAt, over, hayalet.ReasonStopAbove)
	default:
		return
	}
	v.Trace.rung(Rung{Rule: MT01Name, Code: "book", Energy: ver.Value, Rest: b.Stop})
	ver.Confirmed = ver.Severity >= hayalet.Medium
	*out = append(*out, ver)
}

// ownEnergy reports whether the station writes the energy of the transaction where its register belongs.
func (r *MT01) ownEnergy(b *session.Book, slack hayalet.Energy) bool {
	own := b.Last - b.Start
	return b.HasStart && b.LastAt != 0 && own > 0 && b.Stop >= own-slack && b.Stop <= own+own/10+slack
}

// most is what the connector can have delivered between the last value and the stop. A queue brings both at once, a clock
// that was set in between shortens the time: the longer of the two times counts.
func (r *MT01) most(v View, m *Falls) hayalet.Energy {
	c, b := v.Connector, &v.Step.Book
	from := b.LastAt
	if b.Last == b.Start {
		from = min(from, c.Tx.StartedAt)
	}
	if m.Rose != 0 {
		from = min(from, m.Rose)
	}
	span := max(v.Step.EventAt.Sub(from), v.Step.At.Sub(m.Heard))
	p := deliverable(c)
	return (p + p/4).Over(max(span, 0) + r.p.Lag)
}
