package exception

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"hayalet"
)

// The limits of a tally.
const (
	MaxKeys       = 20   // keys that are listed of each exception, the newest
	MaxRemembered = 1024 // incidents of each exception that are known again
	SoonExpires   = 7 * 24 * time.Hour
)

// Hidden is what one exception hid.
type Hidden struct {
	Exception *Exception
	State     State
	Expiring  bool // it stands for no more than seven days more
	Incidents int
	Keys      []string       // at most [MaxKeys], the last changed first
	Energy    hayalet.Energy // of these incidents, as large as they were when they were last hidden
	LastAt    hayalet.Instant
}

// Tally counts what the exceptions of a set hid. It is for one goroutine at a time.
//
// Of each exception the [MaxRemembered] incidents that changed last are known by their keys; one that changes again after
// as many others is counted again.
type Tally struct {
	set    *Set
	counts map[string]*count // by the exception's name
}

type count struct {
	incidents int
	energy    hayalet.Energy
	known     map[string]seen // by the incident's key
	last      hayalet.Instant
}

// seen is an incident as it was last hidden.
type seen struct {
	rev    uint64
	energy hayalet.Energy
	at     hayalet.Instant
}

// NewTally returns a tally in which each exception of the set has hidden nothing yet.
func NewTally(s *Set) *Tally { return &Tally{set: s, counts: make(map[string]*count)} }

// Add notes that the exception hid the incident. A further revision of an incident counts only by what it adds to the energy,
// and the same revision or an older one not at all.
func (t *Tally) Add(inc *hayalet.Incident, e *Exception) {
	c := t.counts[e.Name]
	if c == nil {
		c = &count{known: make(map[string]seen)}
		t.counts[e.Name] = c
	}
	before, known := c.known[inc.Key]
	if known && inc.Rev <= before.rev {
		return
	}
	if !known {
		c.incidents++
	}
	c.energy = add(c.energy-before.energy, inc.Energy)
	c.known[inc.Key] = seen{rev: inc.Rev, energy: inc.Energy, at: inc.UpdatedAt}
	c.last = max(c.last, inc.UpdatedAt)
	if len(c.known) > MaxRemembered {
		delete(c.known, slices.MaxFunc(slices.Collect(maps.Keys(c.known)), c.newerFirst))
	}
}

// add saturates: what a register says may be anything.
func add(a, b hayalet.Energy) hayalet.Energy {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// newerFirst orders keys, the last changed first.
func (c *count) newerFirst(a, b string) int {
	return cmp.Or(cmp.Compare(c.known[b].at, c.known[a].at), cmp.Compare(a, b))
}

// List returns what each exception of the set hid, in their order: those that hid nothing and those that have expired as well.
func (t *Tally) List(now hayalet.Instant) []Hidden {
	list := t.set.Exceptions()
	all := make([]Hidden, len(list))
	for i := range list {
		e := &list[i]
		state := e.At(now)
		all[i] = Hidden{Exception: e, State: state, Expiring: state != Expired && e.Until.Sub(now) <= SoonExpires, Keys: []string{}}
		if c := t.counts[e.Name]; c != nil {
			keys := slices.SortedFunc(maps.Keys(c.known), c.newerFirst)
			all[i].Incidents, all[i].Energy, all[i].LastAt = c.incidents, c.energy, c.last
			all[i].Keys = keys[:min(len(keys), MaxKeys)]
		}
	}
	return all
}
