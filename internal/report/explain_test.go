package report_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// step is a reading that was weighed, under an id that a station chose.
func step() report.Step {
	return report.Step{
		Station: "CP_1", Connector: 1, Kind: "reading", At: 3_000_000, EventAt: 2_000_000,
		Reading: &report.Reading{
			Written: "12.01 kWh", Value: 12_010_000, Step: 10_000, Increase: 10_000, Since: 1_000_000, Context: "Sample.Clock", Track: 1, Mode: "lifetime", Scale: 1, Fate: "counted",
		},
		State: report.State{Word: "inactive", Since: 1_000_000, End: "stop", Transaction: hayalet.TextTransaction("1\x1b[2J\n=> ALARM\u202e")},
		Rungs: []report.Rung{{Rule: "PE-01", Code: "bucket", Energy: 4_945, Rest: 14_940}, {Rule: "PE-01", Code: "of-tomorrow", Energy: 1}},
		Verdicts: []report.Judgement{{
			Rule: "PE-01", Kind: "alarm", Severity: hayalet.Low, Increase: 10_000, Unpaid: 9_995, Excess: 14_940, Reason: hayalet.ReasonAfterStop, Shadow: true,
		}},
	}
}

func TestExplainerWritesAStep(t *testing.T) {
	for l, want := range map[lang.Lang][]string{
		lang.EN: {"1970-01-01 (UTC)", "00:00:03.000  C1  reading", "12.01 kWh = 12010 Wh", "4.945 Wh → 14.94 Wh", "of-tomorrow", "=> ALARM PE-01, low", "Shadow mode"},
		lang.TR: {"00:00:03.000  B1  değer", "4,945 Wh → 14,94 Wh", "=> ALARM PE-01, düşük", "(Gölge"},
	} {
		s := step()
		var all []string
		for _, line := range report.NewExplainer(lang.New(l), false).Lines(&s) {
			all = append(all, line.Text)
			if strings.ContainsAny(line.Text, "\x1b\n\t\u202e") || strings.HasPrefix(strings.TrimSpace(line.Text), "=> ALARM\u202e") {
				t.Errorf("it reaches the terminal: %q", line.Text)
			}
			if n := utf8.RuneCountInString(line.Text); n > 100 {
				t.Errorf("%d letters: %s", n, line.Text)
			}
		}
		text := strings.Join(all, "\n")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is missing in\n%s", l, w, text)
			}
		}
		if strings.Contains(text, "%!") || strings.Contains(text, "explain.") {
			t.Errorf("%s: a text is broken:\n%s", l, text)
		}
	}
}

// TestExplainerCountsStillReadings: of readings at the same value the first is shown, and the others are counted.
func TestExplainerCountsStillReadings(t *testing.T) {
	x := report.NewExplainer(lang.New(lang.EN), false)
	s := step()
	s.Verdicts, s.Rungs, s.Why, s.Reading.Increase = nil, nil, "still", 0
	lines := 0
	for range 5 {
		s.At += 1_000_000
		lines += len(x.Lines(&s))
	}
	if lines != 3 { // an empty line, the day, the first reading
		t.Errorf("%d lines", lines)
	}
	end := x.End()
	if len(end) != 1 || !strings.Contains(end[0].Text, "4 more readings at the same value, until 00:00:08.000") {
		t.Errorf("got %v", end)
	}
	if again := x.End(); len(again) != 0 {
		t.Errorf("said twice: %v", again)
	}
}

// TestTextsOfStepsExist asks for every text that is chosen by a code of the session.
func TestTextsOfStepsExist(t *testing.T) {
	keys := lang.Keys()
	for prefix, codes := range map[string]string{
		"explain.mode.":    "unknown lifetime per-session per-boot",
		"explain.fate.":    "counted first anchor late pending restated",
		"explain.state.":   "active inactive unknown",
		"explain.end.":     "stop boot available start never adopted",
		"explain.verdict.": "notice alarm escalate clear close found",
		"explain.step.":    strings.Join(report.StepKinds[:], " "),
		"explain.why.":     "active unknown late pending restated first anchor still below-step no-gap nothing flow-shown",
		"explain.brief.":   "active unknown late pending restated first anchor still below-step nothing",
	} {
		for code := range strings.FieldsSeq(codes) {
			if _, ok := keys[prefix+code]; !ok {
				t.Errorf("there is no text %s%s", prefix, code)
			}
		}
	}
}
