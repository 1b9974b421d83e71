package foreign_test

import (
	"slices"
	"strings"
	"testing"
)

// incident is as much of an incident as the tests look at.
type incident struct {
	Rule      string  `json:"rule"`
	Station   string  `json:"station"`
	Connector int     `json:"connector"`
	Severity  string  `json:"severity"`
	Readings  int     `json:"readings"`
	Energy    float64 `json:"energy_wh"`
	Excess    float64 `json:"excess_wh"`
}

// same compares what the peers make certain; what hangs on the clock of the run is left out.
func (i incident) same(j incident) bool {
	return i.Rule == j.Rule && i.Station == j.Station && i.Connector == j.Connector && i.Energy == j.Energy
}

func (s *server) incidents(t *testing.T) []incident {
	t.Helper()
	var all []incident
	s.runJSON(t, &all, "incidents", "list", "--url", s.http)
	return all
}

func (s *server) analyze(t *testing.T) []incident {
	t.Helper()
	var all []incident
	s.runJSON(t, &all, "analyze", s.record)
	return all
}

// phantomOf is what a station raises whose register grows by 50 Wh after the stop.
func phantomOf(station string) incident {
	return incident{Rule: "PE-01", Station: station, Connector: 1, Energy: 50}
}

// awaitIncidents waits until the server knows what it must know, since it judges and saves behind its answers.
func (s *server) awaitIncidents(t *testing.T, want []incident) {
	t.Helper()
	var got []incident
	look(patience/12, func() bool {
		got = s.incidents(t)
		return len(got) >= len(want)
	})
	checkIncidents(t, "incidents list", got, want)
}

// checkIncidents compares them whatever their order.
func checkIncidents(t *testing.T, where string, got, want []incident) {
	t.Helper()
	byStation := func(a, b incident) int { return strings.Compare(a.Station+a.Rule, b.Station+b.Rule) }
	slices.SortFunc(got, byStation)
	slices.SortFunc(want, byStation)
	if !slices.EqualFunc(got, want, incident.same) {
		t.Errorf("incidents by %s: %+v\nwant: %+v", where, got, want)
	}
	for _, inc := range got {
		if inc.Severity != "medium" || inc.Readings < 6 || inc.Excess < 40 {
			t.Errorf("incident by %s: %+v\nwant severity medium, at least 6 readings and 40 Wh of excess", where, inc)
		}
	}
}
