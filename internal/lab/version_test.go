package lab_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/lab"
	"hayalet/internal/ocpp"
)

// TestStoriesAreTheSameInEachVersion: a family under a seed has one truth and takes one time, whatever it speaks.
func TestStoriesAreTheSameInEachVersion(t *testing.T) {
	if underRace {
		t.Skip("run by make test without the race detector")
	}
	told, _ := lab.Told(append(lab.Attacks(), lab.Benign()...), hayalet.OCPP201)
	for _, f := range told {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			want := lab.Make(&f, 5, hayalet.OCPP16)
			for _, p := range []hayalet.Protocol{hayalet.OCPP201, hayalet.OCPP21} {
				got := lab.Make(&f, 5, p)
				// a backlog has more messages in 2.x, each of which takes its time
				if (got.Span-want.Span).Abs() > time.Minute || !reflect.DeepEqual(got.Truth, want.Truth) {
					t.Errorf("%s: span %s, truth %+v; in 1.6 %s, %+v", p, got.Span, got.Truth, want.Span, want.Truth)
				}
				checkMessages(t, &got)
			}
		})
	}
}

// checkMessages wants nothing of 1.6 in a trace of 2.x, and nothing broken but what its family breaks.
func checkMessages(t *testing.T, tr *lab.Trace) {
	t.Helper()
	d := ocpp.NewDecoder()
	seen := make(map[string]bool)
	for i := range tr.Frames {
		f := &tr.Frames[i]
		if f.Protocol != tr.Protocol {
			t.Fatalf("a frame of %s", f.Protocol)
		}
		if f.Kind != hayalet.Message {
			continue
		}
		if !json.Valid(f.Data) {
			t.Fatalf("no JSON: %s", f.Data)
		}
		for _, word := range []string{`"StartTransaction"`, `"StopTransaction"`, `"idTag"`, `"errorCode"`, `:null`} {
			if strings.Contains(string(f.Data), word) && tr.Family != "malformed" {
				t.Fatalf("a word of 1.6: %s", f.Data)
			}
		}
		var e hayalet.Event
		d.Decode(f, &e)
		const form = hayalet.FlawSyntax | hayalet.FlawAmbiguous | hayalet.FlawMissing
		if e.Flaws&form != 0 && tr.Family != "malformed" && tr.Family != "chatter" && tr.Family != "odd-form" {
			t.Fatalf("%s: %s", e.Flaws, f.Data)
		}
		if e.Kind == hayalet.EventStart || e.Kind == hayalet.EventStop {
			seen[e.Transaction.String()] = true
		}
	}
	if len(seen) == 0 && tr.Family != "charge-on-plug" && tr.Family != "past-outlets-fresh" && tr.Family != "unknown-stop-first" {
		t.Error("no transaction in it")
	}
}

// TestBaselinesUnderstandTwo: the baselines catch a plain flow in 2.x, and AnyIncrease keeps silent over a station that
// shows none outside its sessions.
func TestBaselinesUnderstandTwo(t *testing.T) {
	if underRace {
		t.Skip("run by make test without the race detector")
	}
	families := make(map[string]lab.Family)
	for _, f := range append(lab.Attacks(), lab.Benign()...) {
		families[f.Name] = f
	}
	quiet := 0
	for seed := range uint64(12) {
		for _, p := range hayalet.Protocols() {
			flow, clean := families["flow-2kw"], families["sessions"]
			tr := lab.Make(&flow, 1+seed, p)
			if o := lab.Judge(&tr, lab.AnyIncrease(tr.Frames)); !o.Caught && o.False == 0 {
				t.Errorf("%s in %s: %+v", tr.Name, p, o)
			}
			tr = lab.Make(&clean, 1+seed, p)
			if p != hayalet.OCPP16 && len(lab.AnyIncrease(tr.Frames)) == 0 {
				quiet++
			}
		}
	}
	if quiet == 0 {
		t.Error("it takes each session for a flow")
	}
}
