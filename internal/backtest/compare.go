package backtest

import (
	"context"

	"hayalet"
)

// Span is what of the journal was replayed. Times are of receipt.
type Span struct {
	Asked hayalet.Instant // incidents that were opened before it were not asked for; zero: all were
	From  hayalet.Instant // the first frames that were read; zero: there are none
	Since hayalet.Instant // incidents that were opened from here on are compared; zero: all are
	Until hayalet.Instant // those that were opened before it are; zero: to the end

	Whole   bool // it begins with the first frame of the journal
	Dropped bool // what was before it is gone
}

// end is how far time passes when the store was told of nothing later.
func (s *Span) end(told hayalet.Instant) hayalet.Instant {
	if s.Until != 0 {
		return min(told, s.Until-1)
	}
	return told
}

// Why is the reason why a stored incident was not compared.
type Why string

// The reasons.
const (
	Before  Why = "before"  // its evidence lies before what was replayed, or in the warm-up
	Dropped Why = "dropped" // its evidence, or the warm-up, lies in frames that retention has dropped
	After   Why = "after"   // it went on after what was replayed
)

// asked reports whether an incident is one of those that the run is about.
func (s *Span) asked(inc *hayalet.Incident) bool {
	return inc.OpenedAt >= s.Asked && (s.Until == 0 || inc.OpenedAt < s.Until)
}

// leaves says why a stored incident that was asked for cannot be compared, or "".
func (s *Span) leaves(inc *hayalet.Incident) Why {
	unread := s.From == 0 || inc.OpenedAt < s.From || !s.Whole && inc.BaselineAt != 0 && inc.BaselineAt < s.From
	switch early := unread || inc.OpenedAt < s.Since; {
	case early && s.Dropped:
		return Dropped
	case early:
		return Before
	case s.Until != 0 && inc.UpdatedAt >= s.Until:
		return After
	}
	return ""
}

// Result is how what was found differs from what is stored.
type Result struct {
	Found   []hayalet.Incident // not stored
	Spared  []hayalet.Incident // stored, and not found
	Changed []Change
	Same    []hayalet.Incident
	Left    []Left // stored, and not compared

	Span   Span
	Frames int
	Models map[hayalet.StationID]string
}

// Change is an incident that is stored one way and was found another.
type Change struct {
	Stored, Found hayalet.Incident
	What          []What
}

// Left is a stored incident that was not compared.
type Left struct {
	Incident hayalet.Incident
	Why      Why
}

// What is something that differs.
type What string

// The things that are compared. That one is open and the other closed is no difference: the clock may have closed it after
// the last frame.
const (
	Opened   What = "opened"   // another reading opened it
	Severity What = "severity" // the highest that it reached
	Cleared  What = "cleared"  // a later fact explained one and not the other
	Energy   What = "energy"
	Readings What = "readings"
	Shadow   What = "shadow" // one of them wakes nobody
)

func differences(a, b *hayalet.Incident) (all []What) {
	for _, d := range []struct {
		what What
		is   bool
	}{
		{Opened, a.OpenedAt != b.OpenedAt},
		{Severity, a.Severity != b.Severity},
		{Cleared, (a.State == hayalet.Cleared) != (b.State == hayalet.Cleared)},
		{Energy, a.Energy != b.Energy},
		{Readings, a.Readings != b.Readings},
		{Shadow, a.Shadow != b.Shadow},
	} {
		if d.is {
			all = append(all, d.what)
		}
	}
	return all
}

// compare sorts out what is stored and what was found. Both are in the order of OpenedAt, then Key.
func compare(stored, found []hayalet.Incident, span Span) Result {
	r := Result{Span: span}
	p := pair(stored, found)
	for i := range stored {
		inc := &stored[i]
		if !span.asked(inc) {
			continue
		}
		if why := span.leaves(inc); why != "" {
			r.Left = append(r.Left, Left{*inc, why})
			continue
		}
		if p.partner[i] < 0 {
			r.Spared = append(r.Spared, *inc)
			continue
		}
		now := &found[p.partner[i]]
		if what := differences(inc, now); len(what) > 0 {
			r.Changed = append(r.Changed, Change{*inc, *now, what})
		} else {
			r.Same = append(r.Same, *now)
		}
	}
	for i := range found {
		if inc := &found[i]; !p.taken[i] && span.asked(inc) && inc.OpenedAt >= span.Since {
			r.Found = append(r.Found, *inc)
		}
	}
	return r
}

// recheck takes those for stored that a running server has stored meanwhile.
func (r *Result) recheck(ctx context.Context, store hayalet.Incidents) error {
	anew := r.Found[:0]
	for i := range r.Found {
		now, err := store.Find(ctx, hayalet.IncidentFilter{Key: r.Found[i].Key})
		if err != nil {
			return err
		}
		if len(now) > 0 {
			r.Same = append(r.Same, r.Found[i])
		} else {
			anew = append(anew, r.Found[i])
		}
	}
	r.Found = anew
	return nil
}
