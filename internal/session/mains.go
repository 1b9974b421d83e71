package session

import (
	"time"

	"hayalet"
)

// MaxMains bounds the registers before the outlets that are kept of one station; further ones are not watched.
const MaxMains = 4

// sumLag is how long after the outlets are known to be idle the station's own register may still show what they took.
const sumLag = 5 * time.Minute

// Main is a register before the outlets: of connector 0, or at the inlet, in the body, or upstream. Growth there is
// expected while anybody charges, and up to the station's standby always. While all outlets are known to be idle, what
// exceeds both standby and the growth of the outlets' own registers flows past them.
type Main struct {
	Owner    hayalet.ConnectorID // that reported it
	Location hayalet.Location
	Phases   uint8
	Quantum  hayalet.Energy
	Step     hayalet.Energy
	Last     point
	LastRecv hayalet.Instant
	Low      bool           // the last value was far from Last and waits for a second
	Before   hayalet.Energy // the value before a fall; back there, the fall was a glitch

	Idle     hayalet.Instant // the idle period, by its begin, to which the rest belongs; 0: none
	Baseline point
	Waiting  hayalet.Energy // the last increase: judged with the next value, when the outlets have been heard too
	Since    hayalet.Instant
	Over     bool              // Waiting spans an outage
	Outlets  [2]hayalet.Energy // growth of the outlets, as it stood at the last two values

	Weighing Weighing // against the outlets while they charge
}

// upstream tells the registers before the outlets.
func upstream(c *Connector, v *value) bool {
	return c.ID == 0 || beforeOutlet(v.location)
}

func beforeOutlet(l hayalet.Location) bool {
	return l == hayalet.Inlet || l == hayalet.Upstream || l == hayalet.Body
}

// idle returns the event time from which all outlets are known to be idle, and the receipt of what told; false when one is
// not, when its end may yet be taken back, or when none is known. Outlets are told after a boot: where we joined later,
// one of which we have not heard may be charging.
func (s *Station) idle(recv hayalet.Instant) (since, told hayalet.Instant, ok bool) {
	if !s.Booted {
		return 0, 0, false
	}
	for _, c := range s.Connectors {
		if c.ID == 0 {
			continue
		}
		if c.State != Inactive || c.provisional(recv) {
			return 0, 0, false
		}
		since, told = max(since, c.IdleSince), max(told, c.IdleRecv)
	}
	return since, told, since != 0
}

// takeMain takes a value of a register before the outlets. It answers with the reading that can be judged now: the increase
// up to the value before this one, less what the outlets' registers have shown since; false when there is none.
func (s *Station) takeMain(c *Connector, v *value) (Reading, bool) {
	if v.interval { // no register
		return Reading{}, false
	}
	m := s.main(c, v)
	if m == nil {
		return Reading{}, false
	}
	m.Quantum, m.Step = min(m.Quantum, v.quantum), v.step
	since, told, idle := s.idle(v.recv)
	far := v.energy < m.Last.Value-m.Step || v.energy > m.reach(v)
	switch {
	case !idle || m.Idle != since: // another idle period: begin anew, when its values are no longer of the sessions before
		m.begin(v, since, idle && v.at >= since && v.recv.Sub(told) >= sumLag, s.OutletGrowth)
		return Reading{}, false
	case v.at <= m.Last.At && v.energy <= m.Last.Value: // late, or said again
		return Reading{}, false
	case m.Before > 0 && v.energy >= m.Before-m.Step: // back from a glitch
		m.begin(v, since, true, s.OutletGrowth)
		return Reading{}, false
	case far && m.Low: // another base
		before := m.Last.Value
		m.begin(v, since, true, s.OutletGrowth)
		if v.energy < before {
			m.Before = before
		}
		return Reading{}, false
	case far:
		m.Low = true
		return Reading{}, false
	case v.at <= m.Last.At: // it cannot have risen before it was lower
		v.at = v.recv
	}
	r := Reading{
		Value: m.Last.Value, Written: m.Step, Quantum: m.Quantum, Since: m.Since, At: m.Last.At, Context: v.context, Track: -1,
		Increase: max(0, m.Waiting-(s.OutletGrowth-m.Outlets[0])), Baseline: m.Baseline.Value, BaselineAt: m.Baseline.At,
		OverOutage: m.Over,
	}
	m.Waiting, m.Since = max(0, v.energy-m.Last.Value), m.Last.At
	m.Over = m.LastRecv < s.Link.Up
	m.Outlets[0], m.Outlets[1] = m.Outlets[1], s.OutletGrowth
	m.Last, m.LastRecv, m.Low = point{max(v.energy, m.Last.Value), v.at}, v.recv, false
	return r, r.Since != 0
}

func (m *Main) begin(v *value, since hayalet.Instant, idle bool, outlets hayalet.Energy) {
	m.Last, m.LastRecv, m.Low = point{v.energy, v.at}, v.recv, false
	m.Idle, m.Baseline = 0, m.Last
	if idle {
		m.Idle = since
	}
	m.Waiting, m.Since, m.Over, m.Before = 0, 0, false, 0
	m.Outlets = [2]hayalet.Energy{outlets, outlets}
}

// reach is the most that the register can show at v's time.
func (m *Main) reach(v *value) hayalet.Energy {
	return m.Last.Value + fastest.Over(max(v.at.Sub(m.Last.At), v.recv.Sub(m.LastRecv), 0)) + max(m.Step, hayalet.KilowattHour)
}

// main finds the register of v, or makes it.
func (s *Station) main(c *Connector, v *value) *Main {
	for i := range s.Mains {
		if m := &s.Mains[i]; m.Owner == c.ID && m.Location == v.location && m.Phases == v.phases {
			return m
		}
	}
	if len(s.Mains) >= MaxMains {
		return nil
	}
	s.Mains = append(s.Mains, Main{
		Owner: c.ID, Location: v.location, Phases: v.phases, Quantum: v.quantum, Step: v.step, Last: point{v.energy, v.at}, LastRecv: v.recv,
	})
	return &s.Mains[len(s.Mains)-1]
}

// upstreamStep places a value before the outlets; what can be judged of it is a step of connector 0.
func (s *Station) upstreamStep(c *Connector, v *value, e *hayalet.Event) {
	s.balanceStep(c, v, e)
	r, ok := s.takeMain(c, v)
	station := s.connector(0)
	if !ok || station == nil {
		return
	}
	if since, _, idle := s.idle(v.recv); idle {
		station.State, station.IdleSince = Inactive, since
	}
	s.step(Step{Kind: StepReading, Connector: station, At: e.At, EventAt: r.At, Reading: r})
}

// balanceStep weighs a value of the station's own register, the first that connector 0 has, against its outlets.
func (s *Station) balanceStep(c *Connector, v *value, e *hayalet.Event) {
	if c.ID != 0 || v.interval {
		return
	}
	m := s.main(c, v)
	if m == nil || v.energy > m.reach(v) || v.at < m.Last.At {
		return
	}
	for i := range s.Mains {
		if first := &s.Mains[i]; first.Owner == 0 && first != m {
			return
		} else if first == m {
			break
		}
	}
	if b, ok := s.weigh(m, v); ok {
		s.step(Step{Kind: StepBalance, Connector: c, At: e.At, EventAt: b.At, Balance: b})
	}
}

// busy ends the station's own idle time: an outlet has begun a transaction. One that was reported late explains what was
// read since then.
func (s *Station) busy(e *hayalet.Event, at, since hayalet.Instant) {
	station := s.Connector(0)
	if station == nil || station.State != Inactive {
		return
	}
	station.State = Active
	if since != 0 {
		s.step(Step{Kind: StepExplained, Connector: station, At: e.At, EventAt: at, Since: since})
	}
	s.step(Step{Kind: StepStart, Connector: station, At: e.At, EventAt: at})
}
