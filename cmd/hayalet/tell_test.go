package main

import (
	"slices"
	"testing"
	"time"

	"hayalet"
)

// TestWhatWasToldLatelyIsKnown: also of an incident that was never saved, and after a server was away for long; of others
// only what is asked for.
func TestWhatWasToldLatelyIsKnown(t *testing.T) {
	end := hayalet.InstantOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)) // of the process before
	told := []hayalet.Told{
		{Key: "old", At: end.Add(-100 * 24 * time.Hour)},
		{Key: "runs for long", At: end.Add(-50 * 24 * time.Hour)},
		{Key: "saved", At: end.Add(-23 * time.Hour)},
		{Key: "not saved", At: end},
	}
	var got []string
	for _, t := range lately(told, []hayalet.Incident{{Key: "runs for long"}, {Key: "saved"}}) {
		got = append(got, t.Key)
	}
	if want := []string{"runs for long", "saved", "not saved"}; !slices.Equal(got, want) {
		t.Errorf("known are %q, want %q", got, want)
	}
	if got := lately(nil, nil); len(got) > 0 {
		t.Errorf("known are %v, want none", got)
	}
}
