package session

import (
	"time"

	"hayalet"
)

const (
	weighSpan  = time.Hour     // a window of the station's register lasts this long at least
	weighMost  = 6 * time.Hour // and no longer than this, however far the outlets' registers lag
	weighSlack = 10            // one part in so many of the energy may be lag; more, and the window goes on
)

// Balance is what the station's own register and those of its outlets showed over one window.
type Balance struct {
	Main    hayalet.Energy // growth of the station's own register
	Outlets hayalet.Energy // sum over the outlets' registers
	Slack   hayalet.Energy // how far they may be apart: registers are not read at one time, and are written in steps
	Since   hayalet.Instant
	At      hayalet.Instant
}

// Weighing is the begin of the running window.
type Weighing struct {
	At      hayalet.Instant // zero: none runs
	Value   hayalet.Energy
	Slack   hayalet.Energy
	Outlets int8
}

// weigh sets a value of the station's own register against those of its outlets; it answers when a window ends. Windows are
// kept only while each outlet has one register, which goes on: sums over registers that restart, or are two, say nothing.
func (s *Station) weigh(m *Main, v *value) (b Balance, ok bool) {
	w := &m.Weighing
	slack, outlets, ok := s.outletSlack(v)
	if !ok {
		*w = Weighing{}
		return b, false
	}
	span := v.at.Sub(w.At)
	if w.At == 0 || outlets != w.Outlets || span < 0 || v.energy < w.Value || v.recv.Sub(m.LastRecv) > weighSpan {
		s.startWeighing(m, v, slack, outlets)
		return b, false
	}
	if span < weighSpan {
		return b, false
	}
	b = Balance{Main: v.energy - w.Value, Since: w.At, At: v.at, Slack: slack + w.Slack + 2*m.Step}
	if b.Slack > max(b.Main, 0)/weighSlack && span < weighMost {
		return Balance{}, false
	}
	ok = true
	for _, c := range s.Connectors {
		if t := c.only(); t != nil && c.ID != 0 {
			b.Outlets += t.Last.Value - c.Weighed
			ok = ok && t.Last.Value >= c.Weighed
		}
	}
	s.startWeighing(m, v, slack, outlets)
	return b, ok
}

func (s *Station) startWeighing(m *Main, v *value, slack hayalet.Energy, outlets int8) {
	m.Weighing = Weighing{At: v.at, Value: v.energy, Slack: slack, Outlets: outlets}
	for _, c := range s.Connectors {
		if t := c.only(); t != nil {
			c.Weighed = t.Last.Value
		}
	}
}

// only is the connector's one register; nil where it has none, or more.
func (c *Connector) only() (one *Track) {
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if t.StopOnly {
			continue
		}
		if one != nil {
			return nil
		}
		one = t
	}
	return one
}

// outletSlack is how far the outlets' registers may be from where they stood at v's time, and how many of them there are;
// false where they cannot be added up.
func (s *Station) outletSlack(v *value) (slack hayalet.Energy, outlets int8, ok bool) {
	for _, c := range s.Connectors {
		if c.ID == 0 {
			continue
		}
		t := c.only()
		switch {
		case t == nil && len(c.Tracks) == 0 && c.State != Active: // never heard
			continue
		case t == nil || t.Interval || t.EpochOpen && t.Booted || t.Resets.AtStart+t.Resets.AtBoot > 0 || c.Notes&NoteScaled != 0:
			return 0, 0, false
		}
		outlets++
		slack += t.Step
		if c.State == Inactive {
			continue
		}
		p := t.powerBefore(t.Last)
		if t.Older.At == 0 && t.Newer.At == 0 {
			p = c.Rating()
		}
		if c.PowerAt != 0 {
			p = max(p, c.Power)
		}
		slack += (p + p/2).Over(v.at.Sub(t.Last.At).Abs())
	}
	return slack, outlets, outlets > 0
}
