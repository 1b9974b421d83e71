package session

import (
	"hayalet"
)

// MaxMains bounds the registers before the outlets that are kept of one station; further ones are not watched.
const MaxMains = 4

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
	Low      bool // the last value was below Last and waits for a second

	Idle     hayalet.Instant // the idle period, by its begin, to which the rest belongs; 0: none
	Baseline point
	Waiting  hayalet.Energy // the last increase: judged with the next value, when the outlets have been heard too
	Since    hayalet.Instant
	Outlets  [2]hayalet.Energy // growth of the outlets, as it stood at the last two values
}

// upstream tells the registers before the outlets.
func upstream(c *Connector, v *value) bool {
	return c.ID == 0 || v.location == hayalet.Inlet || v.location == hayalet.Upstream || v.location == hayalet.Body
}

// idle returns the event time from which all outlets are known to be idle; false when one is not, or none is known.
func (s *Station) idle() (hayalet.Instant, bool) {
	var since hayalet.Instant
	for _, c := range s.Connectors {
		if c.ID == 0 {
			continue
		}
		if c.State != Inactive {
			return 0, false
		}
		since = max(since, c.IdleSince)
	}
	return since, since != 0
}

// takeMain takes a value of a register before the outlets. It answers with the reading that can be judged now: the increase
// up to the value before this one, less what the outlets' registers have shown since; false when there is none.
func (s *Station) takeMain(c *Connector, v *value) (Reading, bool) {
	m := s.main(c, v)
	if m == nil {
		return Reading{}, false
	}
	m.Quantum, m.Step = min(m.Quantum, v.quantum), v.step
	since, idle := s.idle()
	low := v.energy < m.Last.Value-m.Step
	high := v.energy > m.Last.Value+absurd
	switch {
	case !idle || m.Idle != since || (low || high) && m.Low: // another idle period, or another base: begin anew
		m.begin(v, since, idle, s.OutletGrowth)
		return Reading{}, false
	case low || high || v.at < m.Last.At:
		m.Low = low || high
		return Reading{}, false
	}
	r := Reading{
		Value: m.Last.Value, Written: m.Step, Quantum: m.Quantum, Since: m.Since, At: m.Last.At, Context: v.context, Track: -1,
		Increase: max(0, m.Waiting-(s.OutletGrowth-m.Outlets[0])), Baseline: m.Baseline.Value, BaselineAt: m.Baseline.At,
		OverOutage: m.LastRecv < s.Link.Up,
	}
	m.Waiting, m.Since = max(0, v.energy-m.Last.Value), m.Last.At
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
	m.Waiting, m.Since = 0, 0
	m.Outlets = [2]hayalet.Energy{outlets, outlets}
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
	r, ok := s.takeMain(c, v)
	station := s.connector(0)
	if !ok || station == nil {
		return
	}
	if since, idle := s.idle(); idle {
		station.State, station.IdleSince = Inactive, since
	}
	s.step(Step{Kind: StepReading, Connector: station, At: e.At, EventAt: r.At, Reading: r})
}

// busy ends the station's own idle time: an outlet has begun a transaction.
func (s *Station) busy(e *hayalet.Event, at hayalet.Instant) {
	if station := s.Connector(0); station != nil && station.State == Inactive {
		station.State = Active
		s.step(Step{Kind: StepStart, Connector: station, At: e.At, EventAt: at})
	}
}
