package session

import (
	"time"

	"hayalet"
)

// mainsVoltage is taken where a station sends currents and no voltage, in mV.
const mainsVoltage = 230_000

const (
	lateMeasure = 10 * time.Minute // how long after a stop measurements of the transaction may still arrive over a link that never broke
	lateQueue   = time.Hour        // and out of a queue that an outage filled
)

// flow is what the samples of one stamp say of power and current.
type flow struct {
	total, phases               hayalet.Power
	hasTotal, hasPhases         bool
	current, currents           int64 // the highest, and the sum over the phases, mA
	hasCurrent, currentsByPhase bool
	voltage                     int64 // the highest, mV
	hasVoltage                  bool
}

// flowing adds up the samples of one stamp that are of the outlet.
func flowing(samples []hayalet.Sample) (f flow) {
	for i := range samples {
		m := &samples[i]
		if !m.Usable() || beforeOutlet(m.Location) {
			continue
		}
		switch {
		case m.Measurand == hayalet.PowerImport && m.Phase == hayalet.PhaseNone:
			f.total, f.hasTotal = max(f.total, hayalet.Power(m.Value)), true
		case m.Measurand == hayalet.PowerImport && m.Phase <= hayalet.L3:
			f.phases += hayalet.Power(m.Value)
			f.hasPhases = true
		case m.Measurand == hayalet.CurrentImport && m.Phase != hayalet.PhaseN:
			f.add(m)
		case m.Measurand == hayalet.Voltage && m.Phase <= hayalet.L3:
			f.voltage, f.hasVoltage = max(f.voltage, m.Value), true
		}
	}
	return f
}

// add takes a current: of one phase, or of no phase in particular, which then stands for all.
func (f *flow) add(m *hayalet.Sample) {
	f.current, f.hasCurrent = max(f.current, m.Value), true
	switch byPhase := m.Phase != hayalet.PhaseNone; {
	case byPhase && !f.currentsByPhase:
		f.currents, f.currentsByPhase = m.Value, true
	case byPhase:
		f.currents += m.Value
	case !f.currentsByPhase:
		f.currents = max(f.currents, m.Value)
	}
}

// power is what was sent, or what the currents make at the voltage that was sent; phases multiply a current of no phase in
// particular.
func (f *flow) power(phases int) (p hayalet.Power, sent bool) {
	switch {
	case f.hasTotal:
		return f.total, true
	case f.hasPhases:
		return f.phases, true
	}
	voltage := f.voltage
	if voltage < mainsVoltage/4 { // none, or a dead meter
		voltage = mainsVoltage
	}
	sum := f.currents
	if !f.currentsByPhase {
		sum *= int64(max(phases, 1))
	}
	const most = 10_000_000 // 10 kA, so that the product fits
	return hayalet.Power(min(max(sum, 0), most) * min(voltage, most) / 1000), false
}

// measure keeps power and current of the outlet; false when there are none.
func (s *Station) measure(c *Connector, e *hayalet.Event, samples []hayalet.Sample, at hayalet.Instant) (el Electric, ok bool) {
	f := flowing(samples)
	if f.hasVoltage {
		c.Notes &^= NoteDead
		if f.voltage == 0 {
			c.Notes |= NoteDead
		}
	}
	power, sent := f.power(c.Profile.Phases)
	if !sent && !f.hasCurrent {
		return el, false
	}
	el = Electric{
		At: at, Since: c.Electric, Power: power, Current: f.current, HasPower: sent, HasCurrent: f.hasCurrent, ID: e.Transaction,
		OverOutage: c.ElectricRecv < s.Link.Up,
	}
	if c.State == Inactive && !s.asOld(c, at, e.At) {
		el.At = e.At
	}
	el.Late = el.At < c.Electric || c.State == Inactive && el.At <= c.IdleSince
	if sent {
		c.Power, c.PowerAt = power, at
	}
	if f.hasCurrent {
		c.Current, c.CurrentAt = f.current, at
	}
	c.Heard = e.At
	return el, c.ID != 0
}

// asOld reports whether a measurement of an idle connector can be as old as its stamp says, inside the transaction that ended
// or no newer than the one before: it comes soon after, or out of a queue that an outage filled.
func (s *Station) asOld(c *Connector, at, recv hayalet.Instant) bool {
	told := c.ElectricRecv
	switch {
	case at <= c.IdleSince:
		told = c.IdleRecv
	case at > c.Electric:
		return true
	}
	if s.Link.Up <= told {
		return recv.Sub(told) <= lateMeasure
	}
	return recv.Sub(s.Link.Up) <= lateQueue && at >= s.Link.Down.Add(-lateQueue)
}

// measured makes a step of a measurement, after the register of the same stamp, which may show it already. One that came
// with registers of a transaction that ended is of that transaction.
func (s *Station) measured(c *Connector, e *hayalet.Event, el Electric, belated bool) {
	el.Late = el.Late || belated && e.At.Sub(c.IdleRecv) <= lateQueue
	if !el.Late {
		if el.At > c.Electric {
			c.ElectricRecv = e.At
		}
		c.Electric = el.At
	}
	s.step(Step{Kind: StepElectric, Connector: c, At: e.At, EventAt: el.At, Electric: el})
}
