package notify

import (
	"sync"

	"hayalet"
)

// Putter takes incidents that somebody is to be told of. It must not block.
type Putter interface{ Put(inc hayalet.Incident) }

// Bell chooses which changes of an incident are worth telling: that it has reached the severity, that its severity or
// state changed after that, that it was cleared or closed. Each further reading is not; the end of an incident that never
// reached the severity is not either. What a rule in shadow mode finds is never told. What is hidden is not told, unless its
// beginning was: that is told to its end. What is hidden no longer is told with its next change.
type Bell struct {
	to    Putter
	least hayalet.Severity
	hides func(inc *hayalet.Incident) bool

	mu   sync.Mutex
	told map[string]told // of running incidents
}

type told struct {
	severity hayalet.Severity
	state    hayalet.IncidentState
}

// NewBell returns a bell that tells of incidents of the least severity and above that are not hidden. Hides may be nil; it
// is asked of no others, on the goroutine of Changed.
func NewBell(to Putter, least hayalet.Severity, hides func(inc *hayalet.Incident) bool) *Bell {
	return &Bell{to: to, least: least, hides: hides, told: make(map[string]told)}
}

// Judged does nothing: a verdict alone wakes nobody.
func (b *Bell) Judged(hayalet.Verdict) {}

// Changed tells of the incident where the change is worth it.
func (b *Bell) Changed(inc hayalet.Incident) {
	if b.worth(&inc) {
		b.to.Put(inc)
	}
}

func (b *Bell) worth(inc *hayalet.Incident) bool {
	if inc.Shadow {
		return false
	}
	hidden := b.hides != nil && inc.Severity >= b.least && b.hides(inc)
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := b.told[inc.Key]
	if !inc.Open() {
		delete(b.told, inc.Key)
		return known || inc.Severity >= b.least && !hidden // not known: told of before a restart
	}
	if inc.Severity < b.least || hidden && !known || known && before == (told{inc.Severity, inc.State}) {
		return false
	}
	b.told[inc.Key] = told{inc.Severity, inc.State}
	return true
}
