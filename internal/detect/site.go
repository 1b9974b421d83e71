package detect

import (
	"slices"

	"hayalet"
	"hayalet/internal/session"
)

// Site is what a site rule remembers of a connector.
type Site struct {
	Rule  hayalet.RuleName
	Since hayalet.Instant // event time from which its condition has held; zero: it does not
	Open  bool
	Wake  hayalet.Instant // receipt time at which the hold time ends; zero: none runs
	Told  hayalet.Instant // receipt of its last alarm
	Value hayalet.Energy  // the register, on Track
	Grown hayalet.Energy  // by how much it grew outside transactions since the condition began to hold
	Track int8
}

// Seen is the last register value of a connector: what site rules ask for may come between two of them.
type Seen struct {
	Value, Increase hayalet.Energy
	Since, At       hayalet.Instant // event times of the value before and of this one
	Context         hayalet.Context
	OverOutage      bool
	StaleID         bool // the last value carried an id although no transaction was active
}

// See notes what a step measured, for the site rules, and reports whether it measured anything: values that come late or
// wait for a second one do not count. Any number of rules may see the same step.
func (m *Memory) See(v View) bool {
	if m.Seen == nil {
		m.Seen = new(Seen)
		m.Seen.Value, _ = v.Connector.Register()
	}
	stale := func(id hayalet.TransactionID) bool { return v.Connector.State == session.Inactive && id.Usable() }
	switch rd := &v.Step.Reading; v.Step.Kind {
	case session.StepReading:
		switch rd.Fate {
		case session.FateLate, session.FatePending, session.FateRestated:
			return false
		}
		*m.Seen = Seen{rd.Value, rd.Increase, rd.Since, rd.At, rd.Context, rd.OverOutage, stale(rd.ID)}
		return true
	case session.StepElectric:
		if v.Step.Electric.Late {
			return false
		}
		m.Seen.StaleID = stale(v.Step.Electric.ID)
		return true
	}
	return false
}

// SiteOf is what the rule remembers; nil where that is nothing. It is good until the next AddSite.
func (m *Memory) SiteOf(rule hayalet.RuleName) *Site {
	for i := range m.Site {
		if m.Site[i].Rule == rule {
			return &m.Site[i]
		}
	}
	return nil
}

// AddSite gives a rule that remembers nothing its entry.
func (m *Memory) AddSite(rule hayalet.RuleName) *Site {
	m.Site = append(m.Site, Site{Rule: rule})
	return &m.Site[len(m.Site)-1]
}

// Keep forgets what rules remember that are not in the set.
func (m *Memory) Keep(set Set) {
	m.Site = slices.DeleteFunc(m.Site, func(s Site) bool { return !set.Has(s.Rule) })
	kept := Memory{Site: m.Site, Seen: m.Seen}
	for _, e := range set {
		switch e.Name() {
		case PE01Name:
			kept.Flow = m.Flow
		case PE02Name:
			kept.Drip = m.Drip
		case PE05Name:
			kept.Draw = m.Draw
		case PE06Name:
			kept.Booked = m.Booked
		case MT01Name:
			kept.Falls = m.Falls
		case MT02Name:
			kept.Match = m.Match
		case MT03Name:
			kept.Rush = m.Rush
		case MT04Name:
			kept.Still, kept.Moves = m.Still, m.Moves
		case MT05Name:
			kept.Mains = m.Mains
		case TX01Name:
			kept.Restop = m.Restop
		case TX04Name:
			kept.Orphan = m.Orphan
		}
	}
	*m = kept
}
