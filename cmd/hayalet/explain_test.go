package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/lab"
	"hayalet/internal/report"
	"hayalet/internal/session"
)

// told is one line of explain's ndjson.
type told struct {
	Step  string          `json:"step"`
	At    hayalet.Instant `json:"received_at"`
	Rungs []struct {
		Rule   hayalet.RuleName `json:"rule"`
		Code   string           `json:"code"`
		Energy hayalet.Energy   `json:"energy_wh"`
		Rest   hayalet.Energy   `json:"rest_wh"`
		Text   string           `json:"text"`
	} `json:"rungs"`
	Verdicts []struct {
		Rule     hayalet.RuleName `json:"rule"`
		Kind     string           `json:"kind"`
		Increase hayalet.Energy   `json:"increase_wh"`
		Unpaid   hayalet.Energy   `json:"unpaid_wh"`
		Excess   hayalet.Energy   `json:"excess_wh"`
	} `json:"verdicts"`
	Why []string `json:"why"`
}

// rung returns the energies of the step's rung with the code.
func (s *told) rung(code string) (energy, rest hayalet.Energy, ok bool) {
	for _, r := range s.Rungs {
		if r.Rule == detect.PE01Name && r.Code == code {
			return r.Energy, r.Rest, true
		}
	}
	return 0, 0, false
}

// stories are recorded files: the seed's run, and short stories of the lab in which something flows.
func stories(t *testing.T) []string {
	t.Helper()
	const most, frames = 24, 1500
	files := []string{"../../internal/capture/testdata/seed-csms.log"}
	dir := t.TempDir()
	for _, f := range lab.Attacks() {
		trace := lab.Make(&f, 1, hayalet.OCPP16)
		if len(trace.Frames) > frames || len(files) > most {
			continue
		}
		var b bytes.Buffer
		r := capture.NewRecorder(&b)
		if err := errors.Join(r.PutFrames(t.Context(), trace.Frames), r.Close()); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, trace.Name+".jsonl"))
		if err := os.WriteFile(files[len(files)-1], b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// explainFile runs explain on a file.
func explainFile(t *testing.T, file string, more ...string) []told {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), append([]string{"explain", "-o", "ndjson", file}, more...), nil, strings.NewReader(""), &out, &errs); code != exitOK {
		t.Fatalf("explain %s: code %d, %s", file, code, errs.String())
	}
	var steps []told
	for line := range strings.Lines(out.String()) {
		var s told
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		steps = append(steps, s)
	}
	return steps
}

// TestExplainAgreesWithAnalyze: the alarms of explain are those of analyze, the rungs of PE-01 lead to their numbers, and
// each reading says why it is an alarm or none.
func TestExplainAgreesWithAnalyze(t *testing.T) {
	alarms := 0
	for _, file := range stories(t) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		cfg := defaultConfig()
		found, _, err := analyzeInputs(t.Context(), &cfg, []capture.Input{{Name: file, R: f}}, capture.Options{Location: time.UTC})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		rest := found.alarms
		for _, s := range explainFile(t, file) {
			checkLadder(t, file, &s)
			if s.Step == "reading" && (len(s.Why) == 0 || strings.HasPrefix(s.Why[0], "explain.") || strings.Contains(s.Why[0], "%!")) {
				t.Fatalf("%s at %s: why reads %q", file, s.At, s.Why)
			}
			for _, v := range s.Verdicts {
				if v.Kind != "alarm" {
					continue
				}
				alarms++
				if len(rest) == 0 || rest[0].Rule != v.Rule || rest[0].At != s.At || rest[0].Unpaid != v.Unpaid || rest[0].Excess != v.Excess {
					t.Fatalf("%s: at %s explain has %+v, analyze has %+v", file, s.At, v, rest[:min(1, len(rest))])
				}
				rest = rest[1:]
			}
		}
		if len(rest) > 0 {
			t.Errorf("%s: explain lacks %d alarms of analyze", file, len(rest))
		}
	}
	if alarms < 50 {
		t.Errorf("only %d alarms were compared", alarms)
	}
}

// checkLadder adds up the ladder of PE-01 for an alarm that went into the bucket or is held.
func checkLadder(t *testing.T, file string, s *told) {
	t.Helper()
	for _, r := range s.Rungs {
		if r.Text == "" || strings.Contains(r.Text, "%!") || strings.HasPrefix(r.Text, "rung.") {
			t.Errorf("%s at %s: rung %s reads %q", file, s.At, r.Code, r.Text)
		}
	}
	for _, v := range s.Verdicts {
		increase, _, climbed := s.rung("increase")
		if !climbed || v.Rule != detect.PE01Name && v.Rule != detect.PE04Name || v.Kind != "alarm" {
			continue
		}
		settle, _, _ := s.rung("settle")
		first, _, _ := s.rung("first-step")
		idle, _, learnt := s.rung("idle-learnt")
		if !learnt {
			idle, _, _ = s.rung("idle-start")
		}
		if standby, _, ok := s.rung("idle-standby"); ok {
			idle = standby
		}
		unpaid, _, _ := s.rung("unpaid")
		if increase != v.Increase || unpaid != v.Unpaid || increase-settle-first-idle != unpaid {
			t.Errorf("%s at %s: %s − %s − %s − %s is not %s; the verdict has %s of %s", file, s.At, increase, settle, first, idle, unpaid, v.Unpaid, v.Increase)
		}
		before, after, ok := s.rung("bucket")
		_, held, _ := s.rung("hold")
		_, unseen, _ := s.rung("hold-unseen")
		if peak, _, _ := s.rung("peak"); ok && after-before != unpaid || peak+held+unseen > v.Excess || ok && peak < after {
			t.Errorf("%s at %s: bucket %s → %s, peak %s, held %s; unpaid %s, excess %s", file, s.At, before, after, peak, held+unseen, unpaid, v.Excess)
		}
	}
}

// TestExplainAt: a time as it is printed shows what came then; one between two readings the one before.
func TestExplainAt(t *testing.T) {
	const file = "../../internal/capture/testdata/seed-csms.log"
	for _, tc := range []struct {
		at, want string
		unpaid   hayalet.Energy
	}{
		{"2025-11-23T22:21:06.988", "2025-11-23T22:21:06.988Z", 9_995},
		{"2025-11-23 22:21:06", "2025-11-23T22:21:06.988Z", 9_995},
		{"2025-11-23T19:21:06.986Z", "2025-11-23T22:21:06.988Z", 9_995}, // as taken
		{"2025-11-23T22:21:30Z", "2025-11-23T22:21:13.007Z", 9_995},
		{"2025-11-23T19:21:05+00:00", "2025-11-23T22:21:04.981Z", 4_945},
	} {
		steps := explainFile(t, file, "--at", tc.at)
		if len(steps) != 1 || !strings.HasPrefix(steps[0].At.String(), strings.TrimSuffix(tc.want, "Z")) {
			t.Errorf("--at %s: got %d steps: %+v", tc.at, len(steps), steps)
			continue
		}
		if unpaid, _, _ := steps[0].rung("unpaid"); unpaid != tc.unpaid {
			t.Errorf("--at %s: unpaid %s, want %s", tc.at, unpaid, tc.unpaid)
		}
	}
}

// TestStoryWaitsWithinBounds: a long record of one station is told as it comes; that there is another one is still an error.
func TestStoryWaitsWithinBounds(t *testing.T) {
	told := 0
	story := newStory(explainOptions{connector: anyConnector}, moment{}, func(report.Step) { told++ })
	explain := func(st hayalet.StationID) {
		view := session.View{Station: session.New(st, nil), Connector: &session.Connector{ID: 1}, Step: &session.Step{Kind: session.StepStop}}
		story.Explained(view, nil, nil)
	}
	for i := range waitMost + 5 {
		if explain("A"); len(story.waiting) >= waitMost || i < waitMost-1 && told > 0 {
			t.Fatalf("after %d steps %d wait and %d are told", i+1, len(story.waiting), told)
		}
	}
	explain("B")
	explain("A")
	story.finish()
	if told != waitMost+5 || story.missing([]engine.StationState{{Station: "A"}, {Station: "B"}}, explainOptions{connector: anyConnector}) == nil {
		t.Errorf("%d steps are told of %d", told, waitMost+5)
	}
}

// TestExplainSaysThatItCannotWrite, once.
func TestExplainSaysThatItCannotWrite(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, output := range []string{"text", "ndjson"} {
		var errs bytes.Buffer
		code := run(t.Context(), []string{"explain", "-o", output, "../../internal/capture/testdata/seed-csms.log"}, nil, strings.NewReader(""), full, &errs)
		if code != exitError || strings.Count(errs.String(), "no space") != 1 {
			t.Errorf("%s: code %d, %q", output, code, errs.String())
		}
	}
}
