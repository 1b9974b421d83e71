package exception

import (
	"context"

	"hayalet"
)

// Notifier returns a notifier that passes on what the set does not hide, at the incident's [Moment]. What it keeps back goes
// to hid, if that is given, and counts as taken. Model returns a station's model, or "".
//
// It keeps nothing in mind, so that a restart changes no answer, and may be called from as many goroutines as next and hid
// may. It belongs before whatever decides that a change is news, where each change comes by: what it keeps back is not
// offered again, and only a later change can tell that an incident has outlived its exception.
func (s *Set) Notifier(next hayalet.Notifier, model func(hayalet.StationID) string, hid func(inc hayalet.Incident, e *Exception)) hayalet.Notifier {
	return &notifier{set: s, next: next, model: model, hid: hid}
}

type notifier struct {
	set   *Set
	next  hayalet.Notifier
	model func(hayalet.StationID) string
	hid   func(inc hayalet.Incident, e *Exception)
}

// Notify passes the incident on unless an exception hides it.
func (n *notifier) Notify(ctx context.Context, inc hayalet.Incident) error {
	e, hidden := n.set.Hides(&inc, n.model(inc.Station), Moment(&inc))
	if !hidden {
		return n.next.Notify(ctx, inc)
	}
	if n.hid != nil {
		n.hid(inc, e)
	}
	return nil
}
