package evidence

import (
	"time"

	"hayalet"
)

// How far evidence reaches before the baseline of an incident and after its end: what stays for it, and what a case takes.
const (
	lead   = 24 * time.Hour // so that the transaction before it is in
	trail  = time.Hour
	before = time.Hour
	after  = 10 * time.Minute
)

// trusted is how far before the opening a baseline may be to be worth the end, where a case cannot hold both: what is
// further off may be a station's wrong clock.
const trusted = 7 * 24 * time.Hour

// Kept is the time of which everything of a station stays as long as its incident of this span does: from a day before the
// incident's begin to an hour after its end, or for ever while it is open.
func Kept(incident hayalet.Span) hayalet.Span {
	if incident.Since = incident.Since.Add(-lead); incident.Until != hayalet.Endless {
		incident.Until = incident.Until.Add(trail)
	}
	return incident
}

// Around is the part of Kept that a case takes: from an hour before the incident's begin, or from a minute before a
// transaction that began earlier (0: none did), to ten minutes after its end, or to now.
func Around(inc *hayalet.Incident, transaction, now hayalet.Instant) Window {
	begin := inc.Begin()
	w := Window{Since: begin.Add(-before), Until: now, Baseline: max(begin, inc.OpenedAt.Add(-trusted)), Opened: inc.OpenedAt.Add(after)}
	if transaction != 0 {
		w.Since = min(w.Since, transaction.Add(-time.Minute))
	}
	w.Since = max(w.Since, Kept(inc.Span()).Since)
	if !inc.Open() {
		w.Until = min(w.Until, max(inc.UpdatedAt, inc.EndedAt).Add(after))
	}
	return w
}
