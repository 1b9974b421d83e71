package notify_test

import (
	"slices"
	"testing"

	"hayalet"
	"hayalet/internal/notify"
)

type putter struct{ revs []uint64 }

func (p *putter) Put(inc hayalet.Incident) { p.revs = append(p.revs, inc.Rev) }

func TestBellTellsOfWhatMatters(t *testing.T) {
	type change struct {
		severity hayalet.Severity
		state    hayalet.IncidentState
	}
	for _, c := range []struct {
		name    string
		changes []change
		want    []uint64
	}{
		{"low is nobody's business", []change{{hayalet.Low, hayalet.Suspected}, {hayalet.Low, hayalet.Closed}}, nil},
		{"cleared before it was told", []change{{hayalet.Low, hayalet.Suspected}, {hayalet.Low, hayalet.Cleared}}, nil},
		{
			"reaches medium, goes on, rises, closes",
			[]change{
				{hayalet.Low, hayalet.Suspected},
				{hayalet.Medium, hayalet.Confirmed},
				{hayalet.Medium, hayalet.Confirmed},
				{hayalet.High, hayalet.Confirmed},
				{hayalet.High, hayalet.Closed},
			},
			[]uint64{2, 4, 5},
		},
		{"ended before anybody was told", []change{{hayalet.High, hayalet.Closed}}, []uint64{1}},
		{"cleared at once", []change{{hayalet.High, hayalet.Cleared}}, nil},
		{"told, then cleared", []change{{hayalet.High, hayalet.Confirmed}, {hayalet.High, hayalet.Cleared}}, []uint64{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p putter
			bell := notify.NewBell(&p, hayalet.Medium, nil)
			for i, ch := range c.changes {
				bell.Changed(hayalet.Incident{Key: "k", Rev: uint64(i + 1), Severity: ch.severity, State: ch.state})
			}
			if !slices.Equal(p.revs, c.want) {
				t.Errorf("told of %v, want %v", p.revs, c.want)
			}
		})
	}
}

// TestBellTellsAStoryFromSomePointOnOrNotAtAll: each change says whether it is hidden.
func TestBellTellsAStoryFromSomePointOnOrNotAtAll(t *testing.T) {
	type change struct {
		state  hayalet.IncidentState
		hidden bool
	}
	const confirmed, closed = hayalet.Confirmed, hayalet.Closed
	for _, c := range []struct {
		name    string
		changes []change
		want    []uint64
	}{
		{"hidden throughout", []change{{confirmed, true}, {confirmed, true}, {closed, true}}, nil},
		{"hidden no longer", []change{{confirmed, true}, {confirmed, false}, {confirmed, false}, {closed, false}}, []uint64{2, 4}},
		{"told, then hidden", []change{{confirmed, false}, {confirmed, true}, {closed, true}}, []uint64{1, 3}},
		{"hidden, and ended after", []change{{confirmed, true}, {closed, false}}, []uint64{2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p putter
			hidden := false
			bell := notify.NewBell(&p, hayalet.Medium, func(*hayalet.Incident) bool { return hidden })
			for i, ch := range c.changes {
				hidden = ch.hidden
				bell.Changed(hayalet.Incident{Key: "k", Rev: uint64(i + 1), Severity: hayalet.High, State: ch.state})
			}
			if !slices.Equal(p.revs, c.want) {
				t.Errorf("told of %v, want %v", p.revs, c.want)
			}
		})
	}
}

// TestBellIsSilentOnShadows: an incident of a rule in shadow mode wakes nobody, from its beginning to its end.
func TestBellIsSilentOnShadows(t *testing.T) {
	var p putter
	bell := notify.NewBell(&p, hayalet.Low, nil)
	for i, state := range []hayalet.IncidentState{hayalet.Suspected, hayalet.Confirmed, hayalet.Closed} {
		bell.Changed(hayalet.Incident{Key: "k", Rev: uint64(i + 1), Severity: hayalet.Critical, State: state, Shadow: true})
	}
	if len(p.revs) > 0 {
		t.Errorf("told of %v, want of nothing", p.revs)
	}
}

// TestBellRecalls: a bell that begins with what was told before tells how things stand where that is new, and nothing
// twice, although the journal's tail is judged again, from any point on.
func TestBellRecalls(t *testing.T) {
	stood := func(rev uint64, at hayalet.Instant, severity hayalet.Severity, state hayalet.IncidentState) hayalet.Incident {
		return hayalet.Incident{Key: "k", Rev: rev, UpdatedAt: at, Severity: severity, State: state}
	}
	story := []hayalet.Incident{
		stood(1, 10, hayalet.Medium, hayalet.Confirmed),
		stood(2, 20, hayalet.Medium, hayalet.Confirmed),
		stood(3, 30, hayalet.High, hayalet.Confirmed),
		stood(4, 30, hayalet.High, hayalet.Closed),
		stood(5, 40, hayalet.High, hayalet.Confirmed), // the flow comes back
		stood(6, 50, hayalet.High, hayalet.Closed),
	}
	for _, c := range []struct {
		name        string
		told, saved int // revisions; 0: none
		since       hayalet.Instant
		want        []uint64
	}{
		{"nothing was told or saved", 0, 0, 0, []uint64{1, 3, 4, 5, 6}},
		{"saved, not told", 0, 1, 0, []uint64{1, 3, 4, 5, 6}},
		{"told as it was saved", 1, 1, 0, []uint64{3, 4, 5, 6}},
		{"only another reading since", 1, 2, 0, []uint64{3, 4, 5, 6}},
		{"closed, not told", 3, 4, 0, []uint64{4, 5, 6}},
		{"closed and told", 4, 4, 0, []uint64{5, 6}},
		{"came back, not told", 4, 5, 0, []uint64{5, 6}},
		{"all over, nothing told", 0, 6, 0, []uint64{6}},
		{"all over, the end not told", 5, 6, 0, []uint64{6}},
		{"all over and told", 6, 6, 0, nil},
		{"over long ago, not told", 5, 6, 60, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p putter
			bell := notify.NewBell(&p, hayalet.Medium, nil)
			var told []hayalet.Told
			if c.told > 0 {
				told = append(told, notify.Standing(&story[c.told-1]))
			}
			bell.Recall(told, story[max(0, c.saved-1):c.saved], c.since)
			for _, inc := range story {
				bell.Changed(inc)
			}
			if !slices.Equal(p.revs, c.want) {
				t.Errorf("told of %v, want %v", p.revs, c.want)
			}
		})
	}
}

// TestBellDoesNotRecallWhatWasCleared: nobody had heard of it, and it was nothing.
func TestBellDoesNotRecallWhatWasCleared(t *testing.T) {
	var p putter
	bell := notify.NewBell(&p, hayalet.Medium, nil)
	alarm := hayalet.Incident{Key: "k", Rev: 1, UpdatedAt: 10, Severity: hayalet.High, State: hayalet.Confirmed}
	cleared := hayalet.Incident{Key: "k", Rev: 2, UpdatedAt: 20, Severity: hayalet.High, State: hayalet.Cleared}
	bell.Recall(nil, []hayalet.Incident{cleared}, 0)
	bell.Changed(alarm)
	bell.Changed(cleared)
	if len(p.revs) > 0 {
		t.Errorf("told of %v, want of nothing", p.revs)
	}
}
