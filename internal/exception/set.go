package exception

import (
	"errors"
	"fmt"
	"slices"

	"hayalet"
)

// Set is a number of exceptions, in order. It does not change once made, so any goroutine may ask it; a nil set hides
// nothing.
type Set struct{ list []Exception }

// New checks the exceptions, as Validate does without a catalogue or a clock, and returns their set. The faults of all of
// them are joined, one a line.
func New(list []Exception) (*Set, error) {
	s := &Set{list: slices.Clone(list)}
	names := make(map[string]bool, len(list))
	var faults []error
	for i := range s.list {
		e := &s.list[i]
		faults = append(faults, e.Validate(nil, 0))
		if names[e.Name] {
			faults = append(faults, fmt.Errorf("exception %q is there twice: give one another name", e.Name))
		}
		names[e.Name] = true
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// Exceptions returns the exceptions in their order. They belong to the set.
func (s *Set) Exceptions() []Exception {
	if s == nil {
		return nil
	}
	return s.list
}

// Hides returns the first exception that nobody is to be told of the incident for, as it stands at an instant: the
// incident's own UpdatedAt, or what [Moment] makes of it. Model is the station's, "" when it is not known.
//
// An incident is hidden while it has not left the window in which it opened. So each is a story that is told from some
// point on to its end, or not at all:
//
//   - one that opened before the window, or before the exception was wanted, is told throughout: whoever heard the
//     beginning hears that it ended;
//   - one that opened in the window and ended in it is not told;
//   - one that opened in the window and flows on after it (the exception expired, the night is over) is told from then on,
//     for it is no longer what was expected;
//   - one that grows above MaxSeverity is told from then on, since an incident's severity never falls.
//
// An exception without From covers the past, too: it also silences what was told before somebody wrote it.
func (s *Set) Hides(inc *hayalet.Incident, model string, at hayalet.Instant) (*Exception, bool) {
	if s == nil {
		return nil, false
	}
	opened := inc.OpenedAt
	if opened.IsZero() {
		opened = at
	}
	for i := range s.list {
		e := &s.list[i]
		if e.concerns(inc, model) && e.covers(opened, max(opened, at)) {
			return e, true
		}
	}
	return nil, false
}

// Moment is the instant at which an incident is to be judged, by what it says itself. That is the receipt of its last change
// while it runs. One that has ended is judged by its last flow: the register must stand still for an hour or so until the
// end is known, and what stopped within the window shall not be told because of that hour. The last flow has only the
// time that the station gave, so it counts no further than from the opening to the end; a station that lies about it can
// hide the end of an incident, not the flow.
func Moment(inc *hayalet.Incident) hayalet.Instant {
	if inc.Open() || inc.LastAt.IsZero() {
		return inc.UpdatedAt
	}
	end := inc.EndedAt
	if end.IsZero() {
		end = inc.UpdatedAt
	}
	return max(inc.OpenedAt, min(inc.LastAt, end))
}
