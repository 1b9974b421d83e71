package siterule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/siterule"
)

// describe says what matters of incidents: opened and ended in minutes after the story's begin.
func describe(incidents []hayalet.Incident) string {
	from := hayalet.InstantOf(newStory().now)
	minutes := func(i hayalet.Instant) string {
		if i == 0 {
			return "-"
		}
		return fmt.Sprint(i.Sub(from).Minutes())
	}
	lines := make([]string, len(incidents))
	for i, inc := range incidents {
		lines[i] = fmt.Sprintf("%s %s %s %s..%s readings=%d energy=%s baseline=%s last=%s %s",
			inc.Rule, inc.Severity, inc.State, minutes(inc.OpenedAt), minutes(inc.EndedAt), inc.Readings, inc.Energy, inc.Baseline, inc.Last, inc.Outcome)
	}
	return strings.Join(lines, "\n")
}

func TestEpisodes(t *testing.T) {
	const min = time.Minute
	for _, tc := range []struct {
		name  string
		spec  siterule.Spec
		story *story
		want  string
	}{
		{
			"opens at once, grows, and closes where the condition is over",
			siterule.Spec{When: `!tx_active && power_w > 500`, Severity: hayalet.Medium},
			newStory().meter(min, 1000, 0).meter(min, 1010, 600).meter(min, 1020, 600).meter(min, 1030, 600).meter(min, 1031, 0),
			"SITE-1 medium closed 2..5 readings=3 energy=20 Wh baseline=1010 Wh last=1030 Wh condition-over",
		},
		{
			"an electric alone opens too",
			siterule.Spec{When: `power_w > 500.0`},
			newStory().meter(min, 1000, 0).meter(min, -1, 600).meter(min, -1, 600).meter(min, 1020, -1),
			"SITE-1 info suspected 2..- readings=3 energy=20 Wh baseline=1000 Wh last=1020 Wh ",
		},
		{
			"no hold, no incident",
			siterule.Spec{When: `power_w > 500.0`, For: 10 * min},
			newStory().meter(min, 1000, 600).meter(5*min, 1010, 600).meter(4*min, 1020, 0).meter(min, 1020, 600).meter(9*min, 1020, 0).wait(30 * min),
			"",
		},
		{
			"a reading ends the hold",
			siterule.Spec{When: `power_w > 500.0`, For: 10 * min},
			newStory().meter(min, 1000, 600).meter(6*min, 1010, 600).meter(6*min, 1020, 600),
			"SITE-1 info suspected 11..- readings=1 energy=20 Wh baseline=1000 Wh last=1020 Wh ",
		},
		{
			"a tick ends the hold",
			siterule.Spec{When: `power_w > 500.0`, For: 10 * min},
			newStory().meter(min, 1000, 600).wait(30 * min),
			"SITE-1 info suspected 11..- readings=0 energy=0 Wh baseline=1000 Wh last=1000 Wh ",
		},
		{
			"a start within the hold ends it",
			siterule.Spec{When: `!tx_active && power_w > 500.0`, For: 10 * min},
			newStory().meter(min, 1000, 600).start(min, 1010).wait(30 * min),
			"",
		},
		{
			"what grows in a transaction is somebody's",
			siterule.Spec{When: `energy_wh > 1005.0`},
			newStory().meter(min, 1000, 0).start(min, 1000).meter(min, 1010, 600).meter(min, 1100, 600).stop(min, 1100).meter(min, 1130, 600).meter(min, 1170, 600),
			"SITE-1 info suspected 3..- readings=4 energy=70 Wh baseline=1010 Wh last=1170 Wh ",
		},
		{
			"a power of the transaction says nothing after it",
			siterule.Spec{When: `!tx_active && power_w > 500.0 || !tx_active && has_power`},
			newStory().start(min, 1000).meter(min, 1100, 6000).stop(min, 1200).meter(min, 1200, -1),
			"",
		},
		{
			"each episode is one incident",
			siterule.Spec{When: `delta_wh >= 10.0 && implied_w < 1000.0 && elapsed_s == 60.0`},
			newStory().meter(min, 1000, 0).meter(min, 1010, 0).meter(min, 1010, 0).meter(min, 1020, 0),
			"SITE-1 info closed 2..3 readings=1 energy=0 Wh baseline=1010 Wh last=1010 Wh condition-over\n" +
				"SITE-1 info suspected 4..- readings=1 energy=0 Wh baseline=1020 Wh last=1020 Wh ",
		},
		{
			"only the connectors that it names",
			siterule.Spec{When: `true`, Connectors: []hayalet.ConnectorID{2}},
			newStory().meter(min, 1000, 0), "",
		},
		{
			"texts, times and lists",
			siterule.Spec{When: `station == "CP_1" && connector == 1 && vendor == "V" && model.matches("^M$") && firmware == "" &&
				tx_known && tx_id == "" && status == "Available" && hour == 22 && weekday == 1 && at > timestamp("2026-01-05T22:00:30Z") && notes.size() == 0 &&
				idle_seconds == 60.0 && tx_seconds == 0.0 && !over_outage && !stale_id && context == "" && !has_current && current_a == 0.0 &&
				!has_idle && idle_w == 0.0 && bucket_wh == 0.0`},
			newStory().meter(min, 1000, 0),
			"SITE-1 info suspected 1..- readings=1 energy=0 Wh baseline=1000 Wh last=1000 Wh ",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec.ID = "SITE-1"
			var faults []error
			set := detect.Set{{Rule: compile(t, tc.spec, func(_ hayalet.RuleName, err error) { faults = append(faults, err) })}}
			got := describe(play(t, set, nil, tc.story.frames, 512).incidents())
			if got != tc.want || len(faults) > 0 {
				t.Errorf("got\n%s\nwant\n%s\nfaults %v", got, tc.want, faults)
			}
			if one := describe(play(t, set, nil, tc.story.frames, 1).incidents()); one != got {
				t.Errorf("batches of one give\n%s\ninstead of\n%s", one, got)
			}
		})
	}
}

func TestShadow(t *testing.T) {
	set := append(detect.Defaults(), detect.Entry{Rule: compile(t, siterule.Spec{ID: "SITE-1", When: `bucket_wh > 30.0`, Severity: hayalet.High}, nil), Shadow: true})
	s := newStory().meter(time.Minute, 1000, 0).meter(time.Minute, 1040, 0)
	var found bool
	for _, inc := range play(t, set, nil, s.frames, 512).incidents() {
		if inc.Rule == "SITE-1" {
			found = true
			if !inc.Shadow || inc.Alarms(hayalet.Medium) || inc.State != hayalet.Confirmed {
				t.Errorf("shadow %v, alarms %v, %s", inc.Shadow, inc.Alarms(hayalet.Medium), inc.State)
			}
		} else if inc.Shadow {
			t.Errorf("%s is in shadow too", inc.Rule)
		}
	}
	if !found {
		t.Error("a site rule does not see what PE-01 has judged")
	}
}

// TestRestart stops the engine at every frame in turn: the incidents are those of a run in one go.
func TestRestart(t *testing.T) {
	const min = time.Minute
	set := detect.Set{{Rule: compile(t, siterule.Spec{ID: "SITE-1", When: `power_w > 500.0 && delta_wh >= 0.0`, For: 10 * min, Severity: hayalet.Low}, nil)}}
	s := newStory().meter(min, 1000, 600).meter(6*min, 1010, -1).wait(6*min).meter(min, 1020, 600).meter(min, 1030, 0)
	want := describe(play(t, set, nil, s.frames, 512).incidents())
	if !strings.Contains(want, "11..15") {
		t.Fatalf("in one go: %s", want)
	}
	for cut := range s.frames {
		store := newStore()
		first := play(t, set, store, s.frames[:cut], 512)
		second := play(t, set, store, s.frames[cut:], 512)
		all := first.incidents()
		if last := second.incidents(); len(last) > 0 {
			all = last
		}
		if got := describe(all); got != want {
			t.Errorf("cut at %d:\n%s\nwant\n%s", cut, got, want)
		}
	}
}

// TestForgets drops what a rule remembers once it is gone from the configuration.
func TestForgets(t *testing.T) {
	set := detect.Set{{Rule: compile(t, siterule.Spec{ID: "SITE-1", When: `true`, For: time.Hour}, nil)}, {Rule: compile(t, siterule.Spec{ID: "SITE-2", When: `true`, For: time.Hour}, nil)}}
	store := newStore()
	s := newStory().meter(time.Minute, 1000, 0)
	play(t, set, store, s.frames, 512)
	if n := store.mentions("SITE-1"); n != 1 {
		t.Fatalf("SITE-1 is remembered %d times", n)
	}
	s = newStory().meter(time.Minute, 1000, 0).meter(time.Minute, 1000, 0)
	play(t, set[1:], store, s.frames, 512)
	if one, two := store.mentions("SITE-1"), store.mentions("SITE-2"); one != 0 || two != 1 {
		t.Errorf("SITE-1 is remembered %d times, SITE-2 %d times", one, two)
	}
}

func TestFaultsAreCountedAndDoNotHold(t *testing.T) {
	var faults []error
	rule := compile(t, siterule.Spec{ID: "SITE-1", When: `1 / (connector - 1) == 1 || notes[0] == "x"`}, func(name hayalet.RuleName, err error) {
		if name != "SITE-1" {
			t.Errorf("fault of %s", name)
		}
		faults = append(faults, err)
	})
	heard := play(t, detect.Set{{Rule: rule}}, nil, newStory().meter(time.Minute, 1000, -1).meter(time.Minute, 1000, -1).frames, 512)
	if len(faults) != 2 || len(heard.incidents()) != 0 {
		t.Errorf("faults %v, incidents %v", faults, heard.incidents())
	}
}
