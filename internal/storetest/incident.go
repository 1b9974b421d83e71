package storetest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"hayalet"
)

func incident(key string, rev uint64) hayalet.Incident {
	mean, peak := 18*hayalet.Kilowatt, 18*hayalet.Kilowatt+1
	return hayalet.Incident{
		Key: key, Rev: rev, Rule: "PE-01", Station: "CP_1", Connector: 1, Transaction: hayalet.NumericTransaction(7),
		Severity: hayalet.Medium, State: hayalet.Confirmed, Cause: hayalet.Reported,
		OpenedAt: 1763925669123456, UpdatedAt: 1763925679000000, FirstAt: 1763925669000000, LastAt: 1763925677000000,
		BaselineAt: 1763925667000000, Baseline: 12 * hayalet.KilowattHour, Last: 12*hayalet.KilowattHour + 50*hayalet.WattHour,
		Energy: 50 * hayalet.WattHour, Excess: 44_972, Readings: 5, Mean: &mean, Peak: &peak,
		Reason: hayalet.ReasonAfterStop, Evidence: []string{"periodic-context", "<ş>"},
	}
}

func testIncidents(t *testing.T, db Database) {
	t.Run("save", func(t *testing.T) { testSave(t, db) })
	t.Run("history", func(t *testing.T) { testHistory(t, db) })
	t.Run("find", func(t *testing.T) { testFind(t, db) })
	t.Run("spans", func(t *testing.T) { testSpans(t, db) })
}

func testSave(t *testing.T, db Database) {
	s := db.Open(t, "a")
	first := incident("k", 1)
	save(t, s, first)
	newer := incident("k", 3)
	newer.State, newer.EndedAt, newer.Outcome, newer.Mean = hayalet.Closed, 1763925690000000, hayalet.ReasonFlowEnded, nil
	save(t, s, newer)
	save(t, s, newer)
	save(t, s, incident("k", 2))
	save(t, s, incident("k", 1), newer, incident("k", 2))
	if err := s.SaveState(t.Context(), hayalet.State{Incidents: []hayalet.Incident{{Rev: 1}}}); !errors.Is(err, hayalet.ErrInvalid) {
		t.Errorf("no key: error %v, want ErrInvalid", err)
	}
	s = db.reopen(t, "a", s)
	found := find(t, s, hayalet.IncidentFilter{})
	if !reflect.DeepEqual(found, []hayalet.Incident{newer}) {
		t.Fatalf("found %+v, want only %+v", found, newer)
	}
	got, _ := json.Marshal(found[0])
	want, _ := json.Marshal(newer)
	if string(got) != string(want) {
		t.Errorf("canonical JSON:\n%s, want\n%s", got, want)
	}
}

// testSpans: of each incident that is kept, as its newest revision has it.
func testSpans(t *testing.T, db Database) {
	s := db.Open(t, "a")
	spans := func() []hayalet.Span {
		t.Helper()
		all, err := s.IncidentSpans(t.Context())
		must(t, "incident spans", err)
		slices.SortFunc(all, func(a, b hayalet.Span) int { return cmp.Compare(a.Since, b.Since) })
		return all
	}
	if all := spans(); len(all) != 0 {
		t.Errorf("no incidents: %+v", all)
	}
	open, closed, bare := incident("open", 1), incident("closed", 2), hayalet.Incident{Key: "bare", Rev: 1, Station: "CP_2", State: hayalet.Cleared, OpenedAt: 100, EndedAt: 200}
	closed.State, closed.BaselineAt, closed.EndedAt = hayalet.Closed, 0, closed.OpenedAt+1
	save(t, s, open, closed, bare)
	save(t, s, incident("closed", 1)) // older
	want := []hayalet.Span{
		{Station: "CP_2", Since: 100, Until: 200},
		{Station: "CP_1", Since: open.BaselineAt, Until: hayalet.Endless},
		{Station: "CP_1", Since: closed.FirstAt, Until: closed.UpdatedAt},
	}
	if all := spans(); !slices.Equal(all, want) {
		t.Errorf("spans %+v, want %+v", all, want)
	}
	open.Rev, open.State, open.LastAt, open.FirstAt = 2, hayalet.Closed, open.UpdatedAt+500, -7
	save(t, s, open)
	want = []hayalet.Span{{Station: "CP_1", Since: -7, Until: open.LastAt}, want[0], want[2]}
	if all := spans(); !slices.Equal(all, want) {
		t.Errorf("after a turn: spans %+v, want %+v", all, want)
	}
	if n, err := s.DropIncidents(t.Context(), 201, 10); n != 1 || err != nil {
		t.Errorf("%d dropped, %v", n, err)
	}
	if all := spans(); !slices.Equal(all, []hayalet.Span{want[0], want[2]}) {
		t.Errorf("after one was dropped: spans %+v", all)
	}
}

func testHistory(t *testing.T, db Database) {
	s := db.Open(t, "a")
	want := []hayalet.Incident{incident("k", 1), incident("k", 4), incident("k", 10)}
	saveState(t, s, hayalet.State{History: []hayalet.Incident{want[2], want[0], incident("k2", 7)}})
	saveState(t, s, hayalet.State{History: []hayalet.Incident{want[1], want[2], want[2]}})
	s = db.reopen(t, "a", s)
	if got := history(t, s, "k"); !reflect.DeepEqual(got, want) {
		t.Errorf("history: %+v, want %+v", got, want)
	}
	for _, key := range []string{"", "K", "k%", "k3"} {
		if got := history(t, s, key); len(got) != 0 {
			t.Errorf("the history of %q: %+v, want none", key, got)
		}
	}
}

// testFind saves ten incidents whose keys are not in the order of their opening.
func testFind(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for n := range 10 {
		inc := incident(fmt.Sprintf("k%d", 9-n), 1)
		inc.OpenedAt = hayalet.Instant(1000 + n/2) // in pairs
		inc.Severity = hayalet.Severity(n % 5)
		inc.State = hayalet.IncidentState(n % 4)
		if n >= 6 {
			inc.Station = "CP_2"
		}
		save(t, s, inc)
	}
	odd := incident("K_%", 1)
	odd.Station, odd.OpenedAt, odd.Severity, odd.State = "%", 1, hayalet.Info, hayalet.Cleared
	save(t, s, odd)
	for _, c := range []struct {
		name   string
		filter hayalet.IncidentFilter
		want   []string
	}{
		{"all, by opening then key", hayalet.IncidentFilter{}, []string{"K_%", "k8", "k9", "k6", "k7", "k4", "k5", "k2", "k3", "k0", "k1"}},
		{"full key", hayalet.IncidentFilter{Key: "k4"}, []string{"k4"}},
		{"key prefix", hayalet.IncidentFilter{Key: "k", Limit: 2}, []string{"k0", "k1"}},
		{"longer than any key", hayalet.IncidentFilter{Key: "k44"}, nil},
		{"wildcard per cent", hayalet.IncidentFilter{Key: "%"}, nil},
		{"wildcard underscore", hayalet.IncidentFilter{Key: "k_"}, nil},
		{"wildcards in a key", hayalet.IncidentFilter{Key: "K_%"}, []string{"K_%"}},
		{"case of the key", hayalet.IncidentFilter{Key: "K"}, []string{"K_%"}},
		{"station", hayalet.IncidentFilter{Station: "CP_2"}, []string{"k2", "k3", "k0", "k1"}},
		{"station is no pattern", hayalet.IncidentFilter{Station: "%"}, []string{"K_%"}},
		{"no such station", hayalet.IncidentFilter{Station: "cp_2"}, nil},
		{"severity", hayalet.IncidentFilter{MinSeverity: hayalet.High}, []string{"k6", "k5", "k0", "k1"}},
		{"open", hayalet.IncidentFilter{OpenOnly: true}, []string{"k8", "k9", "k4", "k5", "k0", "k1"}},
		{"the newest", hayalet.IncidentFilter{Limit: 3}, []string{"k3", "k0", "k1"}},
		{"everything", hayalet.IncidentFilter{Key: "k", Station: "CP_1", MinSeverity: hayalet.Low, OpenOnly: true, Limit: 1}, []string{"k5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, inc := range find(t, s, c.filter) {
				got = append(got, inc.Key)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("keys %v, want %v", got, c.want)
			}
		})
	}
}

func save(t *testing.T, s hayalet.Store, incidents ...hayalet.Incident) {
	t.Helper()
	saveState(t, s, hayalet.State{Incidents: incidents})
}

func history(t *testing.T, s hayalet.Store, key string) []hayalet.Incident {
	t.Helper()
	all, err := s.History(t.Context(), key)
	must(t, "history", err)
	return all
}

func find(t *testing.T, s hayalet.Store, f hayalet.IncidentFilter) []hayalet.Incident {
	t.Helper()
	found, err := s.Find(t.Context(), f)
	must(t, "find", err)
	return found
}
