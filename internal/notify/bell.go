package notify

import (
	"sync"

	"hayalet"
)

// Putter takes incidents that somebody is to be told of. It must not block.
type Putter interface{ Put(inc hayalet.Incident) }

// Bell chooses which changes of an incident are worth telling: that it has reached the severity, that its severity or
// state changed after that, that it was cleared or closed. Each further reading is not; the end of an incident that never
// reached the severity is not either, nor that one was cleared of which nobody had heard. What a rule in shadow mode finds
// is never told. What is hidden is not told, unless its beginning was: that is told to its end. What is hidden no longer is
// told with its next change.
//
// After a restart [Bell.Recall] says what was told before; a change that comes again from the journal is not told again.
type Bell struct {
	to    Putter
	least hayalet.Severity
	hides func(inc *hayalet.Incident) bool

	mu   sync.Mutex
	told map[string]hayalet.Told // of running incidents, and what was recalled
}

// NewBell returns a bell that tells of incidents of the least severity and above that are not hidden. Hides may be nil; it
// is asked of no others, on the goroutine of Changed.
func NewBell(to Putter, least hayalet.Severity, hides func(inc *hayalet.Incident) bool) *Bell {
	return &Bell{to: to, least: least, hides: hides, told: make(map[string]hayalet.Told)}
}

// Recall takes what was told before this bell was there, and tells of the incidents that stand otherwise by now. Of those
// that ended before since it tells no more, and how they came to that may be heard again without being told.
func (b *Bell) Recall(told []hayalet.Told, incidents []hayalet.Incident, since hayalet.Instant) {
	for _, t := range told {
		b.remember(t)
	}
	for _, inc := range incidents {
		if inc.Open() || inc.UpdatedAt >= since {
			b.Changed(inc)
		}
		if !inc.Open() && !b.hidden(&inc) {
			b.remember(Standing(&inc))
		}
	}
}

func (b *Bell) remember(t hayalet.Told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told[t.Key] = t
}

func (b *Bell) hidden(inc *hayalet.Incident) bool {
	return b.hides != nil && inc.Severity >= b.least && b.hides(inc)
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
	hidden := b.hidden(inc)
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := b.told[inc.Key]
	if known && !newer(inc, before) {
		return false
	}
	if !inc.Open() {
		delete(b.told, inc.Key)
		return known || inc.State != hayalet.Cleared && inc.Severity >= b.least && !hidden
	}
	if inc.Severity < b.least || hidden && !known {
		return false
	}
	b.told[inc.Key] = Standing(inc)
	return true
}

// newer reports whether the incident stands otherwise than was told, and has come to that later.
func newer(inc *hayalet.Incident, told hayalet.Told) bool {
	switch {
	case inc.UpdatedAt > told.At:
		return inc.Severity != told.Severity || inc.State != told.State
	case inc.UpdatedAt == told.At: // of two changes by one frame the second goes further
		return inc.Severity > told.Severity || inc.State > told.State
	}
	return false
}

// Standing is what somebody knows of an incident who was told of it.
func Standing(inc *hayalet.Incident) hayalet.Told {
	return hayalet.Told{Key: inc.Key, Severity: inc.Severity, State: inc.State, At: inc.UpdatedAt}
}
