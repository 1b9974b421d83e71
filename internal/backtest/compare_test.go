package backtest

import (
	"reflect"
	"testing"

	"hayalet"
)

// closed is an incident of one idle period.
func closed(key string, from, to hayalet.Instant) hayalet.Incident {
	return hayalet.Incident{
		Key: key, Rule: "PE-01", Station: "CP_1", Connector: 1, Severity: hayalet.Medium, State: hayalet.Closed,
		OpenedAt: from, UpdatedAt: to, EndedAt: to, BaselineAt: from - 10, Energy: 1000, Readings: 3,
	}
}

func with(inc hayalet.Incident, change func(*hayalet.Incident)) hayalet.Incident {
	change(&inc)
	return inc
}

func TestCompare(t *testing.T) {
	a, b, c := closed("a", 100, 200), closed("b", 300, 400), closed("c", 500, 600)
	other := with(a, func(i *hayalet.Incident) { i.Key, i.Connector = "other", 2 })
	later := with(a, func(i *hayalet.Incident) { i.Key, i.OpenedAt = "later", 150 })
	again := with(a, func(i *hayalet.Incident) { i.Key, i.OpenedAt, i.EndedAt = "again", 210, 220 })
	whole := Span{From: 50, Whole: true}
	for _, tc := range []struct {
		name          string
		stored, found []hayalet.Incident
		span          Span
		want          Result // Frames and Models are not compared
	}{
		{"nothing", nil, nil, whole, Result{}},
		{"the same", []hayalet.Incident{a, b}, []hayalet.Incident{a, b}, whole, Result{Same: []hayalet.Incident{a, b}}},
		{"the clock closed it", []hayalet.Incident{a}, []hayalet.Incident{with(a, open)}, whole, Result{Same: []hayalet.Incident{with(a, open)}}},
		{"found", []hayalet.Incident{a}, []hayalet.Incident{a, b}, whole, Result{Same: []hayalet.Incident{a}, Found: []hayalet.Incident{b}}},
		{"spared", []hayalet.Incident{a, b}, []hayalet.Incident{b}, whole, Result{Same: []hayalet.Incident{b}, Spared: []hayalet.Incident{a}}},
		{"another connector", []hayalet.Incident{a}, []hayalet.Incident{other}, whole, Result{Spared: []hayalet.Incident{a}, Found: []hayalet.Incident{other}}},
		{
			"changed",
			[]hayalet.Incident{a, b},
			[]hayalet.Incident{with(a, func(i *hayalet.Incident) { i.Severity, i.Energy = hayalet.High, 1001 }), with(b, func(i *hayalet.Incident) { i.State, i.Readings, i.Shadow = hayalet.Cleared, 4, true })},
			whole,
			Result{Changed: []Change{
				{a, with(a, func(i *hayalet.Incident) { i.Severity, i.Energy = hayalet.High, 1001 }), []What{Severity, Energy}},
				{b, with(b, func(i *hayalet.Incident) { i.State, i.Readings, i.Shadow = hayalet.Cleared, 4, true }), []What{Cleared, Readings, Shadow}},
			}},
		},
		{"opened later", []hayalet.Incident{a}, []hayalet.Incident{later}, whole, Result{Changed: []Change{{a, later, []What{Opened}}}}},
		{"the same idle time", []hayalet.Incident{a}, []hayalet.Incident{again}, whole, Result{Changed: []Change{{a, again, []What{Opened}}}}},
		{"the key counts before the time", []hayalet.Incident{later}, []hayalet.Incident{a, later}, whole, Result{Same: []hayalet.Incident{later}, Found: []hayalet.Incident{a}}},
		{
			"not asked for",
			[]hayalet.Incident{a, b, c},
			[]hayalet.Incident{b},
			Span{From: 50, Whole: true, Asked: 250, Since: 250, Until: 450},
			Result{Same: []hayalet.Incident{b}},
		},
		{"found outside", nil, []hayalet.Incident{a, b, c}, Span{From: 50, Whole: true, Asked: 250, Since: 250, Until: 450}, Result{Found: []hayalet.Incident{b}}},
		{"opened later than asked", []hayalet.Incident{a}, []hayalet.Incident{later}, Span{From: 50, Whole: true, Asked: 120, Since: 120}, Result{}},
		{"went on", []hayalet.Incident{b}, nil, Span{From: 50, Whole: true, Until: 350}, Result{Left: []Left{{b, After}}}},
		{"dropped", []hayalet.Incident{a, b}, []hayalet.Incident{b}, Span{From: 150, Since: 250, Dropped: true}, Result{Same: []hayalet.Incident{b}, Left: []Left{{a, Dropped}}}},
		{"found in the warm-up", nil, []hayalet.Incident{a}, Span{From: 50, Since: 250, Dropped: true}, Result{}},
		{"older than the journal", []hayalet.Incident{a, b}, []hayalet.Incident{b}, Span{From: 250, Whole: true}, Result{Same: []hayalet.Incident{b}, Left: []Left{{a, Before}}}},
		{"in the journal's first frame", []hayalet.Incident{a}, nil, Span{From: 100, Whole: true}, Result{Spared: []hayalet.Incident{a}}},
		{"no frames", []hayalet.Incident{a}, nil, Span{Whole: true}, Result{Left: []Left{{a, Before}}}},
		{
			"evidence before",
			[]hayalet.Incident{with(b, func(i *hayalet.Incident) { i.BaselineAt = 40 })},
			nil,
			Span{Asked: 250, From: 50, Since: 250},
			Result{Left: []Left{{with(b, func(i *hayalet.Incident) { i.BaselineAt = 40 }), Before}}},
		},
	} {
		tc.want.Span = tc.span
		if got := compare(tc.stored, tc.found, tc.span); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func open(i *hayalet.Incident) { i.State, i.EndedAt = hayalet.Confirmed, 0 }

// TestWhatIsOpenIsComparedAsItStood: what came after an incident was stored is not known there.
func TestWhatIsOpenIsComparedAsItStood(t *testing.T) {
	stored := with(closed("a", 100, 200), open)
	c := newCollector([]hayalet.Incident{stored})
	for _, at := range []hayalet.Instant{100, 200, 201} {
		c.Changed(with(stored, func(i *hayalet.Incident) { i.UpdatedAt, i.Energy = at, hayalet.Energy(at) }))
	}
	if got := c.found(); len(got) != 1 || got[0].Energy != 200 {
		t.Errorf("got %+v", got)
	}
	if c.told != 200 {
		t.Errorf("told up to %d", c.told)
	}
}

func TestSpan(t *testing.T) {
	hour := hayalet.Instant(3600e6)
	for _, tc := range []struct {
		name   string
		kept   kept
		since  hayalet.Instant
		warmUp hayalet.Instant
		want   Span
	}{
		{"no frames", kept{}, 0, hour, Span{Whole: true}},
		{"all", kept{from: 1, firstAt: hour}, 0, hour, Span{From: hour, Whole: true}},
		{"the beginning is near", kept{from: 1, firstAt: 10 * hour}, 10*hour + 5, hour, Span{Asked: 10*hour + 5, From: 10 * hour, Since: 10*hour + 5, Whole: true}},
		{"a warm-up before", kept{from: 1, firstAt: hour}, 10 * hour, 2 * hour, Span{Asked: 10 * hour, From: 8 * hour, Since: 10 * hour}},
		{"dropped", kept{from: 7, firstAt: 5 * hour}, 0, 2 * hour, Span{From: 5 * hour, Since: 7 * hour, Dropped: true}},
		{"dropped in the warm-up", kept{from: 7, firstAt: 5 * hour}, 6 * hour, 2 * hour, Span{Asked: 6 * hour, From: 5 * hour, Since: 7 * hour, Dropped: true}},
		{"dropped long before", kept{from: 7, firstAt: 5 * hour}, 9 * hour, 2 * hour, Span{Asked: 9 * hour, From: 7 * hour, Since: 9 * hour}},
	} {
		cfg := Config{WarmUp: tc.warmUp.Sub(0), Query: hayalet.FrameQuery{Since: tc.since}}
		if got := tc.kept.span(&cfg); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}
