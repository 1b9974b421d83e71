package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/lab"
	"hayalet/internal/lang"
)

// labSample is a result with the widest cells that are to be expected.
func labSample() *labResult {
	day := 26*time.Hour + 59*time.Minute
	attack := &lab.Trace{Family: "unknown-stop-other-charging", Attack: true, Rule: "PE-06"}
	score := lab.Tally([]lab.Outcome{
		{Trace: attack, Caught: true, EnergyOK: true, Delay: day, AtAlarm: 123_456_700 * hayalet.WattHour / 1000},
		{Trace: attack, Caught: true, EnergyOK: true, Delay: day, AtAlarm: 987_654_300 * hayalet.WattHour / 1000},
		{Trace: attack},
		{Trace: &lab.Trace{Family: "a|b <i>"}, False: 1},
	})
	return &labResult{
		Detectors: []labScore{{"hayalet", score}, {"any-value", score}}, Live: &score, Command: "hayalet lab --live <x>",
		Quiet: &lab.Quiet{ConnectorMonths: 3000.4, FalseAlarms: 1, Per1000: 0.33, Traces: []string{"month-9"}},
	}
}

func TestLabTextFitsATerminal(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		var b strings.Builder
		labSample().document(lang.New(l)).text(&b)
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 150 {
				t.Errorf("%s: %d columns: %s", l, n, line)
			}
		}
		for _, want := range []string{"month-9", "unknown-stop-other-charging", "any-value"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %s in\n%s", l, want, b.String())
			}
		}
	}
}

// TestLabReportsAreTheSame wants every cell of the text in the other formats, and nothing of a name obeyed.
func TestLabReportsAreTheSame(t *testing.T) {
	d := labSample().document(lang.New(lang.EN))
	var md, page strings.Builder
	d.markdown(&md)
	if err := labPage().Execute(&page, d); err != nil {
		t.Fatal(err)
	}
	for _, table := range d.Tables {
		for _, row := range table.Rows {
			if len(row) != len(table.Head) {
				t.Errorf("%s: %d cells under %d heads", table.Title, len(row), len(table.Head))
			}
		}
	}
	for name, want := range map[string][2]string{
		"markdown": {md.String(), `| a\|b <i> |  | 1 |`}, "html": {page.String(), "<td>a|b &lt;i&gt;</td><td></td><td>1</td>"},
		"command": {page.String(), "hayalet lab --live &lt;x&gt;"}, "sum": {page.String(), `<tr class="sum"><td>all</td>`},
		"dark": {page.String(), "prefers-color-scheme: dark"}, "months": {md.String(), "3000.4 benign connector-months: 1 false alarms, 0.33 per 1000."},
	} {
		if !strings.Contains(want[0], want[1]) {
			t.Errorf("%s: no %q in\n%s", name, want[1], want[0])
		}
	}
	if strings.Contains(page.String(), "http") || strings.Contains(page.String(), "<script") {
		t.Error("the page fetches or runs something")
	}
}

func TestLiveOptionsAreBounded(t *testing.T) {
	options, longest, err := liveOptions([]string{"s1-drip", "normal"}, 0, "")
	if err != nil || len(options) != 2 || longest <= 0 || longest > livePlay+time.Second {
		t.Errorf("%d scenarios, %v, %v", len(options), longest, err)
	}
	if _, longest, _ := liveOptions([]string{"s1-drip"}, 3600, hayalet.OCPP201); longest > 3*time.Second {
		t.Errorf("at 3600 times the speed: %v", longest)
	}
}

// TestLiveEndsWhenTold ends a run that would take more than an hour.
func TestLiveEndsWhenTold(t *testing.T) {
	r, w := io.Pipe()
	a := &app{environ: []string{"LANG=C"}, stdout: w, stderr: io.Discard, text: lang.New(lang.EN)}
	ctx, stop := context.WithCancel(t.Context())
	go func() { // it has begun
		_, _ = r.Read(make([]byte, 1))
		stop()
		_, _ = io.Copy(io.Discard, r)
	}()
	done := make(chan error, 1)
	go func() { done <- a.runLab(ctx, &labFlags{live: true, speed: 1}, []string{"s1-drip"}) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
	_ = w.Close()
}

func TestLabSumsAreInTheReadersLanguage(t *testing.T) {
	var b strings.Builder
	labSample().document(lang.New(lang.TR)).text(&b)
	for _, want := range []string{"\ntümü ", "\nzararsız "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// TestLabEndsWhenTold: no score of what was not played.
func TestLabEndsWhenTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs strings.Builder
	for _, args := range [][]string{{"lab", "--seeds", "2000"}, {"lab", "generate", t.TempDir(), "--seeds", "2000"}} {
		if code := run(ctx, args, nil, strings.NewReader(""), &out, &errs); code != exitError || out.Len() > 0 {
			t.Errorf("%v: code %d, %q", args, code, out.String())
		}
	}
}
