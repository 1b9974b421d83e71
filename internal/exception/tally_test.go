package exception_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/exception"
)

func TestTally(t *testing.T) {
	idle, old, later, soon := heater(t), heater(t), heater(t), heater(t)
	idle.Name, old.Name, later.Name, soon.Name = "idle", "old", "later", "soon"
	now := at(t, "2026-02-01T00:00:00Z")
	old.Until, later.From, soon.Until = now, now+1, now.Add(7*24*time.Hour)
	s := set(t, heater(t), idle, old, later, soon)
	tally := exception.NewTally(s)
	e := &s.Exceptions()[0]
	inc := open(t, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z")
	inc.Energy = 50 * hayalet.WattHour
	tally.Add(&inc, e)
	tally.Add(&inc, e) // the same again
	inc.Rev, inc.Energy, inc.UpdatedAt = 3, 70*hayalet.WattHour, inc.UpdatedAt.Add(time.Hour)
	tally.Add(&inc, e) // grown
	older := inc
	older.Rev, older.Energy = 2, 60*hayalet.WattHour
	tally.Add(&older, e)
	other := inc
	other.Key, other.Rev, other.Energy, other.UpdatedAt = "l", 1, 5*hayalet.WattHour, inc.UpdatedAt.Add(time.Hour)
	tally.Add(&other, e)
	for i, want := range []string{
		"heater active false 2 [l k] 75 Wh 2026-01-01T03:00:00Z",
		"idle active false 0 [] 0 Wh ",
		"old expired false 0 [] 0 Wh ",
		"later pending false 0 [] 0 Wh ",
		"soon active true 0 [] 0 Wh ",
	} {
		h := tally.List(now)[i]
		if got := fmt.Sprint(h.Exception.Name, " ", h.State, " ", h.Expiring, " ", h.Incidents, " ", h.Keys, " ", h.Energy, " ", h.LastAt); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestTallyIsBounded: what it lists and what it remembers have an end; what it counts has not.
func TestTallyIsBounded(t *testing.T) {
	s := set(t, heater(t))
	tally := exception.NewTally(s)
	inc := open(t, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z")
	inc.Energy = math.MaxInt64 / 1000
	const many = exception.MaxRemembered + 5
	for i := range many {
		inc.Key, inc.UpdatedAt = fmt.Sprintf("k%05d", i), inc.UpdatedAt+1
		tally.Add(&inc, &s.Exceptions()[0])
	}
	tally.Add(&inc, &s.Exceptions()[0])
	h := tally.List(inc.UpdatedAt)[0]
	if h.Incidents != many || len(h.Keys) != exception.MaxKeys || h.Keys[0] != inc.Key || h.Energy != math.MaxInt64 {
		t.Errorf("got %d incidents, %d keys, %v", h.Incidents, len(h.Keys), h.Energy)
	}
}
