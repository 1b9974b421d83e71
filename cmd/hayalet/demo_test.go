package main

import (
	"io"
	"slices"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
	"hayalet/internal/session"
	"hayalet/internal/sim"
)

// TestDemoJudgesItself holds the demo's verdict on itself to what makes it fail.
func TestDemoJudgesItself(t *testing.T) {
	sent := sim.Result{PhantomEnergy: 20 * hayalet.WattHour}
	for i := range 2 {
		sent.Phantom = append(sent.Phantom, sim.PhantomReading{Connector: 1, Energy: hayalet.Energy(12_010_000 + i*10_000)})
	}
	alarm := func(st hayalet.StationID, c hayalet.ConnectorID, value hayalet.Energy) caught {
		return caught{hayalet.Verdict{Station: st, Connector: c, Value: value}, time.Now()}
	}
	one, two := alarm(attackStation, 1, 12_010_000), alarm(attackStation, 1, 12_020_000)
	good := hayalet.Incident{Key: "a", Station: attackStation, Energy: 20 * hayalet.WattHour}
	for _, c := range []struct {
		name      string
		alarms    []caught
		incidents []hayalet.Incident
		want      string
	}{
		{"all is well", []caught{one, two}, []hayalet.Incident{good}, ""},
		{"one missed", []caught{one}, []hayalet.Incident{good}, "1 of 2 phantom readings were caught"},
		{"nothing", nil, nil, "0 of 2 phantom readings were caught"},
		{"the same reading twice", []caught{one, one}, []hayalet.Incident{good}, "1 of 2 phantom readings were caught"},
		{"wrong connector", []caught{one, alarm(attackStation, 2, 12_020_000)}, []hayalet.Incident{good}, "1 of 2 phantom readings were caught"},
		{"the normal station too", []caught{one, two, alarm(normalStation, 1, 5)}, []hayalet.Incident{good}, "1 false alarms"},
		{"two incidents", []caught{one, two}, []hayalet.Incident{good, {Key: "b", Station: normalStation}}, "2 incidents instead of one"},
		{"wrong energy", []caught{one, two}, []hayalet.Incident{{Key: "a", Station: attackStation, Energy: 1}}, "0.001 Wh measured, 20 Wh sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShow(lang.New(lang.EN), newTerminal(io.Discard, nil))
			s.alarms = c.alarms
			for _, inc := range c.incidents {
				s.incidents[inc.Key] = inc
			}
			d := s.judge(report.Tariff{}, [2]sim.Result{sent})
			if d.Failure != c.want || d.Passed != (c.want == "") {
				t.Errorf("got %q, passed %v, want %q", d.Failure, d.Passed, c.want)
			}
		})
	}
}

// TestDemoDelaysAreOfOneClock: a demo that is played faster claims times that are not those of the alarms.
func TestDemoDelaysAreOfOneClock(t *testing.T) {
	s := newShow(lang.New(lang.EN), newTerminal(io.Discard, nil))
	at := hayalet.InstantOf(time.Now())
	s.Observed(session.View{
		Station: session.New(attackStation, nil), Connector: new(session.Connector),
		Step: &session.Step{Kind: session.StepStop, At: at, EventAt: at.Add(-time.Hour)},
	})
	s.alarms = []caught{{hayalet.Verdict{Station: attackStation, Connector: 1, Value: 1}, at.Add(2 * time.Second).Time()}}
	sent := sim.Result{Phantom: []sim.PhantomReading{{Connector: 1, Energy: 1, SentAt: at}}}
	d := s.judge(report.Tariff{}, [2]sim.Result{sent})
	label := s.text.T("demo.delay.stop")
	if i := slices.IndexFunc(d.Results, func(r report.Row) bool { return r.Label == label }); i < 0 || d.Results[i].Value != report.Span(s.text, 2*time.Second) {
		t.Errorf("results %+v; want %s after the stop", d.Results, report.Span(s.text, 2*time.Second))
	}
}
