package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

var headings = []string{
	"report.title", "report.h.purpose", "report.h.scenario", "report.h.tools", "report.h.rule", "report.h.results", "report.h.summary",
	"report.h.incident", "report.h.alarms", "report.h.picture", "report.h.attacker", "report.h.csms", "report.h.normal", "report.h.conclusion",
}

// formats writes a demo in both formats.
func formats(t *testing.T, p lang.Printer, d *report.Demo) map[string]string {
	t.Helper()
	markdown, err := d.Markdown(p, "picture.svg")
	if err != nil {
		t.Fatal(err)
	}
	html, err := d.HTML(p)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"markdown": string(markdown), "html": string(html)}
}

func TestReportHasAllSectionsInOrder(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		p := lang.New(l)
		for format, text := range formats(t, p, sample(p)) {
			rest := text[strings.Index(text, p.T("report.title")):]
			for _, key := range headings {
				_, after, found := strings.Cut(rest, p.T(key))
				if !found {
					t.Errorf("%s %s: %q is missing or out of order", l, format, p.T(key))
					continue
				}
				rest = after
			}
			for _, broken := range []string{"report.", "reason.", "evidence.", "%!", "<no value>", "ZgotmplZ"} {
				if strings.Contains(text, broken) {
					t.Errorf("%s %s holds %q", l, format, broken)
				}
			}
		}
	}
}

func TestReportTellsTheRun(t *testing.T) {
	p := lang.New(lang.TR)
	for format, text := range formats(t, p, sample(p)) {
		for _, want := range []string{
			"23.11.2025 22:20:57 (UTC+03:00)", "BAŞARILI", "s1-phantom-current", "12.05 kWh", "+10 Wh", "18 kW", "22:21:04.947",
			"50 Wh (12.000 → 12.050 kWh)", "17,9 kW", "0.38 TRY at 7.50 TRY/kWh", "06a7809e-1a9d-4a89-9195-1650f33ceaf8", "5 Wh'ini",
		} {
			if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, "&#43;", "+"), "&#39;", "'"), want) {
				t.Errorf("%s: %q is missing", format, want)
			}
		}
	}
}

func TestFailedRunSaysWhy(t *testing.T) {
	p := lang.New(lang.EN)
	d := sample(p)
	d.Passed, d.Failure, d.Incident, d.Alarms, d.CSMSLog = false, p.T("demo.fail.caught", 0, 5), nil, nil, nil
	for format, text := range formats(t, p, d) {
		for _, want := range []string{"FAIL", "0 of 5 phantom readings were caught", "No incident was raised.", "No reading raised an alarm.", "Nothing was logged."} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", format, want)
			}
		}
		if strings.Contains(text, "PASS") || strings.Contains(text, "All 5 phantom") {
			t.Errorf("%s says that the run passed", format)
		}
	}
}

func TestAlarmLinesStandOut(t *testing.T) {
	p := lang.New(lang.EN)
	got := formats(t, p, sample(p))
	if n := strings.Count(got["html"], `<div class="alarm">`); n != 15 {
		t.Errorf("HTML: %d alarm lines, want 15", n)
	}
	if n := strings.Count(got["markdown"], "\n- 22:21:"); n != 15 {
		t.Errorf("Markdown: %d alarm lines, want 15", n)
	}
}

func TestPageFetchesNothing(t *testing.T) {
	p := lang.New(lang.TR)
	page := formats(t, p, sample(p))["html"]
	if !strings.Contains(page, `<html lang="tr">`) || strings.Count(page, "<svg ") != 2 {
		t.Error("the page lacks its language or its pictures")
	}
	page = strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
	if found := regexp.MustCompile(`(?i)https?:|<script|<link|<img|\ssrc=|@import|url\(|\son[a-z]+=`).FindString(page); found != "" {
		t.Errorf("the page holds %q", found)
	}
}

const hostile = "<script>alert('1')</script>\"`|&]](x)\\ \x1b[31m\u202e\x00\xff"

// hostileRun puts hostile text wherever a station or a scenario can.
func hostileRun(p lang.Printer) *report.Demo {
	d := sample(p)
	d.Version, d.Failure, d.Loss, d.Passed = hostile, hostile, hostile, false
	for _, s := range []*report.Side{&d.Attack, &d.Normal} {
		s.Station, s.Scenario, s.Title, s.Description = hayalet.StationID(hostile), hostile, hostile, hostile
		s.Log = append(s.Log, report.LogLine{At: begin, Text: hostile + "\n````\n# heading " + hostile, Kind: report.LinePlain})
		for i := range s.Marks {
			s.Marks[i].Label = hostile
		}
	}
	d.Results = append(d.Results, report.Row{Label: hostile, Value: hostile + "\n| a | b |"})
	d.Incident.Station, d.Incident.Transaction = hayalet.StationID(hostile), hayalet.TextTransaction(hostile)
	return d
}

func TestHostileTextStaysText(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		p := lang.New(l)
		got := formats(t, p, hostileRun(p))
		if strings.Contains(strings.ToLower(got["html"]), "<script") {
			t.Error("a script got into the page")
		}
		for format, text := range got {
			if i := strings.IndexAny(text, "\x1b\x00\u202e"); i >= 0 {
				t.Errorf("%s: a control character got through: %q", format, text[max(0, i-40):i+5])
			}
		}
		checkMarkdown(t, got["markdown"])
	}
}

// checkMarkdown reads the report as GitHub would: fenced blocks are closed by their own mark alone, and outside of them
// there is no markup but ours and every table has as many cells in each row.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	fence, cells, logs := "", 0, 0
	pipe := regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\|`)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence != "":
			if closing := strings.TrimSpace(line); len(closing) >= len(fence) && strings.Trim(closing, "`") == "" {
				fence = ""
			}
			continue
		case strings.HasPrefix(line, "```"):
			fence = strings.TrimSuffix(line, "diff")
			logs++
		case strings.HasPrefix(line, "|"):
			n := len(pipe.FindAllString(line, -1))
			if cells != 0 && n != cells {
				t.Errorf("%d cells instead of %d: %s", n, cells, line)
			}
			cells = n
			continue
		case strings.Contains(strings.ReplaceAll(line, "<br>", ""), "<") && !strings.HasPrefix(line, "!["):
			t.Errorf("markup: %s", line)
		}
		cells = 0
	}
	if fence != "" || logs != 3 {
		t.Errorf("%d logs, open fence %q", logs, fence)
	}
}

func TestMarkdownNamesThePicture(t *testing.T) {
	p := lang.New(lang.EN)
	for name, want := range map[string]string{
		"hayalet-report.svg": "](<hayalet-report.svg>)",
		"a b(1)>.svg":        "](<a%20b%281%29%3E.svg>)",
	} {
		b, err := sample(p).Markdown(p, name)
		if err != nil || !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s: want %s: %v", name, want, err)
		}
	}
	if b, _ := sample(p).Markdown(p, ""); bytes.Contains(b, []byte("![")) {
		t.Error("a picture without a name")
	}
}
