package exception_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/exception"
)

func set(t *testing.T, list ...exception.Exception) *exception.Set {
	t.Helper()
	s, err := exception.New(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open is a running incident of PE-01 on CP_1, connector 1.
func open(t *testing.T, opened, updated string) hayalet.Incident {
	return hayalet.Incident{
		Key: "k", Rev: 1, Rule: "PE-01", Station: "CP_1", Connector: 1, Severity: hayalet.High, State: hayalet.Confirmed,
		OpenedAt: at(t, opened), UpdatedAt: at(t, updated), LastAt: at(t, updated),
	}
}

func TestHidesWhatItNames(t *testing.T) {
	inc := open(t, "2026-02-01T00:00:00Z", "2026-02-01T01:00:00Z")
	for _, c := range []struct {
		name   string
		change func(e *exception.Exception, inc *hayalet.Incident)
		want   bool
	}{
		{"everything", func(*exception.Exception, *hayalet.Incident) {}, true},
		{"station", func(e *exception.Exception, _ *hayalet.Incident) { e.Station = "CP_*" }, true},
		{"other station", func(e *exception.Exception, _ *hayalet.Incident) { e.Station = "DC_*" }, false},
		{"model", func(e *exception.Exception, _ *hayalet.Incident) { e.Model = "Home*" }, true},
		{"other model", func(e *exception.Exception, _ *hayalet.Incident) { e.Model = "Office*" }, false},
		{"connector", func(e *exception.Exception, _ *hayalet.Incident) { e.Connectors = []hayalet.ConnectorID{2, 1} }, true},
		{"other connector", func(e *exception.Exception, _ *hayalet.Incident) { e.Connectors = []hayalet.ConnectorID{2} }, false},
		{"the station itself", func(e *exception.Exception, _ *hayalet.Incident) { e.Connectors = []hayalet.ConnectorID{0} }, false},
		{"rule", func(e *exception.Exception, _ *hayalet.Incident) { e.Rules = []hayalet.RuleName{"PE-01"} }, true},
		{"other rule", func(e *exception.Exception, _ *hayalet.Incident) { e.Rules = []hayalet.RuleName{"PE-02"} }, false},
		{"critical is told", func(_ *exception.Exception, inc *hayalet.Incident) { inc.Severity = hayalet.Critical }, false},
		{"unless it is said", func(e *exception.Exception, inc *hayalet.Incident) {
			e.MaxSeverity, inc.Severity = hayalet.Critical, hayalet.Critical
		}, true},
		{"above what is said", func(e *exception.Exception, _ *hayalet.Incident) { e.MaxSeverity = hayalet.Medium }, false},
		{"an opening that is not known", func(_ *exception.Exception, inc *hayalet.Incident) { inc.OpenedAt = 0 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, inc := heater(t), inc
			c.change(&e, &inc)
			if got, hidden := set(t, e).Hides(&inc, "HomeBox", inc.UpdatedAt); hidden != c.want || hidden != (got != nil) {
				t.Errorf("got %v, %v, want %v", got, hidden, c.want)
			}
		})
	}
}

func TestFirstThatMatches(t *testing.T) {
	inc := open(t, "2026-02-01T00:00:00Z", "2026-02-01T01:00:00Z")
	old, other, first, second := heater(t), heater(t), heater(t), heater(t)
	old.Name, other.Name, first.Name, second.Name = "old", "other", "first", "second"
	old.Until, other.Station = inc.UpdatedAt, "DC"
	if e, _ := set(t, old, other, first, second).Hides(&inc, "", inc.UpdatedAt); e == nil || e.Name != "first" {
		t.Errorf("got %+v", e)
	}
	var none *exception.Set
	if e, hidden := none.Hides(&inc, "", inc.UpdatedAt); hidden || e != nil {
		t.Errorf("no set hides: %+v", e)
	}
}

func TestNewRefuses(t *testing.T) {
	a, b := heater(t), heater(t)
	b.Owner = ""
	_, err := exception.New([]exception.Exception{a, b})
	if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "no owner") || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
}

// TestOneStory follows incidents through the window of an exception: from some point on everything is told, or nothing.
func TestOneStory(t *testing.T) {
	type step struct {
		at     string
		state  hayalet.IncidentState
		hidden bool
	}
	const confirmed, closed = hayalet.Confirmed, hayalet.Closed
	istanbul := zone(t, "Europe/Istanbul") // UTC+3 all the year
	for _, c := range []struct {
		name   string
		opened string
		night  bool   // 22:00-06:00 of the wall
		lastAt string // of the last step; empty: its own time
		steps  []step
	}{
		{"within", "2026-02-01T00:00:00Z", false, "", []step{{"2026-02-01T00:00:00Z", confirmed, true}, {"2026-02-02T00:00:00Z", closed, true}}},
		{"from before", "2025-12-31T23:00:00Z", false, "", []step{{"2026-01-01T01:00:00Z", confirmed, false}, {"2026-01-01T02:00:00Z", closed, false}}},
		{"after", "2026-03-01T00:00:00Z", false, "", []step{{"2026-03-01T00:00:00Z", confirmed, false}}},
		{
			"outlives its exception", "2026-02-28T23:00:00Z", false, "",
			[]step{{"2026-02-28T23:00:00Z", confirmed, true}, {"2026-03-01T00:00:00Z", confirmed, false}, {"2026-03-01T02:00:00Z", closed, false}},
		},
		{
			"stops in time, found closed later", "2026-02-28T22:00:00Z", false, "2026-02-28T23:30:00Z",
			[]step{{"2026-02-28T23:30:00Z", confirmed, true}, {"2026-03-01T00:30:00Z", closed, true}},
		},
		{
			"a running one is judged by receipt, whatever it claims", "2026-02-28T22:00:00Z", false, "2026-02-28T23:30:00Z",
			[]step{{"2026-03-01T00:30:00Z", confirmed, false}},
		},
		{
			"over midnight", "2026-02-01T20:00:00Z", true, "",
			[]step{{"2026-02-01T20:59:59Z", confirmed, true}, {"2026-02-01T21:00:00Z", confirmed, true}, {"2026-02-02T02:59:59Z", confirmed, true}, {"2026-02-02T03:00:00Z", confirmed, false}},
		},
		{"opens by day", "2026-02-01T18:59:59Z", true, "", []step{{"2026-02-01T18:59:59Z", confirmed, false}, {"2026-02-01T19:00:00Z", confirmed, false}, {"2026-02-02T00:00:00Z", closed, false}}},
		{"opens after midnight", "2026-02-01T22:00:00Z", true, "", []step{{"2026-02-02T02:00:00Z", closed, true}}},
		{
			"from one night to the next", "2026-02-01T20:00:00Z", true, "",
			[]step{{"2026-02-02T02:00:00Z", confirmed, true}, {"2026-02-02T20:00:00Z", confirmed, false}, {"2026-02-02T22:00:00Z", closed, false}},
		},
		{"the night it expires", "2026-02-28T22:00:00Z", true, "", []step{{"2026-02-28T23:59:59Z", confirmed, true}, {"2026-03-01T00:00:00Z", confirmed, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := heater(t)
			if c.night {
				e.Daily = &exception.Daily{From: 22 * 60, To: 6 * 60, Zone: istanbul}
			}
			s := set(t, e)
			for i, step := range c.steps {
				inc := open(t, c.opened, step.at)
				inc.State = step.state
				if step.state == closed {
					inc.EndedAt = inc.UpdatedAt
				}
				if c.lastAt != "" && i == len(c.steps)-1 {
					inc.LastAt = at(t, c.lastAt)
				}
				if _, hidden := s.Hides(&inc, "", exception.Moment(&inc)); hidden != step.hidden {
					t.Errorf("%s %v: hidden is %v, want %v", step.at, step.state, hidden, step.hidden)
				}
			}
		})
	}
}

// TestMomentIsBounded: a station that claims any time for its last reading moves the moment of an ended incident no
// further than from its opening to its end.
func TestMomentIsBounded(t *testing.T) {
	for claimed, want := range map[string]string{
		"2001-01-01T00:00:00Z": "2026-02-01T00:00:00Z",
		"2026-02-01T01:00:00Z": "2026-02-01T01:00:00Z",
		"2099-01-01T00:00:00Z": "2026-02-01T03:00:00Z",
	} {
		inc := open(t, "2026-02-01T00:00:00Z", "2026-02-01T03:00:00Z")
		inc.LastAt, inc.EndedAt, inc.State = at(t, claimed), inc.UpdatedAt, hayalet.Cleared
		if got := exception.Moment(&inc); got != at(t, want) {
			t.Errorf("%s: got %v, want %s", claimed, got, want)
		}
	}
}

// TestClocksChange walks over the nights on which Berlin changes its clocks (at 01:00 UTC).
func TestClocksChange(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		name, daily, opened string
		in, out             []string
	}{
		{
			"spring: a night is an hour shorter", "22:00-06:00", "2026-03-28T21:00:00Z",
			[]string{"2026-03-28T21:00:00Z", "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "2026-03-29T03:59:00Z"},
			[]string{"2026-03-29T04:00:00Z"},
		},
		{
			"spring: the hour is not there", "02:00-03:00", "", nil,
			[]string{"2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:59:00Z"},
		},
		{
			"autumn: a night is an hour longer", "22:00-06:00", "2026-10-24T20:00:00Z",
			[]string{"2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T04:59:00Z"},
			[]string{"2026-10-25T05:00:00Z"},
		},
		{
			"autumn: the hour comes twice", "02:00-03:00", "2026-10-25T00:00:00Z",
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T00:59:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:59:00Z"},
			[]string{"2026-10-25T02:00:00Z"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := heater(t)
			e.Until = at(t, "2026-12-01T00:00:00Z")
			var err error
			if e.Daily, err = exception.ParseDaily(c.daily, berlin); err != nil {
				t.Fatal(err)
			}
			s := set(t, e)
			for _, when := range append(slices.Clone(c.in), c.out...) {
				inc := open(t, cmp.Or(c.opened, when), when)
				if _, hidden := s.Hides(&inc, "", inc.UpdatedAt); hidden != slices.Contains(c.in, when) {
					t.Errorf("%s: hidden is %v", when, hidden)
				}
			}
		})
	}
}

func TestNilSetHidesNothing(t *testing.T) {
	var none *exception.Set
	inc := open(t, "2026-02-01T00:00:00Z", "2026-02-01T01:00:00Z")
	if e, hidden := none.Hides(&inc, "", inc.UpdatedAt); hidden || len(none.Exceptions()) > 0 {
		t.Errorf("hidden by %v", e)
	}
}
