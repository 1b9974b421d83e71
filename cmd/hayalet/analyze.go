package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/engine"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

type analyzeOptions struct {
	config, output, zone, station, report, failOn string
	follow                                        bool
}

func (a *app) analyze() *cobra.Command {
	var o analyzeOptions
	cmd := &cobra.Command{
		Use: "analyze FILE... | -", Short: a.text.T("cmd.analyze"), Long: a.text.T("cmd.analyze.long"), Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			if o.follow { // it ends with ctx, and has something to say then
				return a.runAnalyze(cmd.Context(), o, files)
			}
			return untilDone(cmd.Context(), func() error { return a.runAnalyze(cmd.Context(), o, files) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", a.text.T("flag.config"))
	f.StringVarP(&o.output, "output", "o", "text", a.text.T("flag.output"))
	f.StringVar(&o.zone, "tz", "UTC", a.text.T("flag.tz"))
	f.StringVar(&o.station, "station", "", a.text.T("flag.station.unnamed"))
	f.BoolVar(&o.follow, "follow", false, a.text.T("flag.follow"))
	f.StringVar(&o.report, "report", "", a.text.T("flag.analyze.report"))
	f.StringVar(&o.failOn, "fail-on", "", a.text.T("flag.fail-on"))
	return cmd
}

// untilDone returns what do returns, or the reason why ctx ended: a pipe that nobody writes to and a terminal where nobody
// types hold up a read, and even the opening, past any context.
func untilDone(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		if err == nil || ctx.Err() == nil {
			return err
		}
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

func (a *app) runAnalyze(ctx context.Context, o analyzeOptions, files []string) error {
	cfg, err := loadConfig(o.config, a.environ)
	if err != nil {
		return usage(err)
	}
	if err := checkOutput(o.output, "text", "json", "ndjson"); err != nil {
		return err
	}
	opts, err := readOptions(o.zone, o.station)
	if err != nil {
		return err
	}
	fail := hayalet.Critical + 1
	if o.failOn != "" {
		if fail, err = hayalet.ParseSeverity(o.failOn); err != nil {
			return hint(fmt.Errorf("--fail-on: %v", err), "see 'hayalet analyze --help'")
		}
	}
	record, err := newReportRecord(o.report)
	if err != nil {
		return err
	}
	a.text = cfg.named(a.text)
	a.sayBrokenSiteRules(&cfg)
	var found findings
	var stats capture.Stats
	if o.follow {
		found, stats, err = a.follow(ctx, o.output, &cfg, files, opts, record.listeners())
	} else {
		found, stats, err = a.analyzeFiles(ctx, &cfg, files, opts, record.listeners())
	}
	if err != nil {
		return err
	}
	a.sayUnread(stats)
	a.saySiteFaults(&cfg)
	if record != nil {
		if err := a.writeReport(o.report, record, found, stats, &cfg, opts.Location); err != nil {
			return err
		}
	}
	if o.follow {
		err = a.endFollow(o.output, found, stats.Frames(), &cfg)
	} else {
		err = a.printIncidents(o.output, found, stats.Frames(), &cfg)
	}
	if err != nil {
		return err
	}
	for i := range found.incidents {
		if found.incidents[i].Alarms(fail) {
			return exitCode{exitAlarms, errSilent}
		}
	}
	if o.failOn != "" && stats.Frames() == 0 { // who asks for an exit code must not take silence for quiet
		return hint(errors.New("no message was read: there is nothing to judge"), "see docs/logs.md for what is understood")
	}
	return nil
}

// analyzeFiles analyses what the files hold, while more listen.
func (a *app) analyzeFiles(ctx context.Context, cfg *config, files []string, opts capture.Options, more []engine.Listener) (findings, capture.Stats, error) {
	inputs, closeAll, err := a.open(files)
	defer closeAll()
	if err != nil {
		return findings{}, capture.Stats{}, err
	}
	found, stats, err := analyzeInputs(ctx, cfg, inputs, opts, more...)
	if err != nil {
		err = usage(err)
	}
	return found, stats, err
}

// findings is what an analysis found, in an order that depends on nothing but the frames.
type findings struct {
	incidents []hayalet.Incident
	alarms    []hayalet.Verdict // reading alarms
	unsaid    int               // further ones
	stations  int
	seen      []engine.StationState // the stations as they stood at the end
}

// analyzeInputs runs recorded traffic through the same engine that serve runs.
func analyzeInputs(
	ctx context.Context, cfg *config, inputs []capture.Input, opts capture.Options, more ...engine.Listener,
) (findings, capture.Stats, error) {
	heard := newCollector()
	seen, stats, err := judgeInputs(ctx, cfg, inputs, opts, append(more, heard)...)
	found := heard.findings()
	found.stations, found.seen = len(seen), seen
	return found, stats, err
}

// judgeInputs lets listeners hear what the engine makes of recorded traffic. It returns the stations as they stood at the end.
func judgeInputs(
	ctx context.Context, cfg *config, inputs []capture.Input, opts capture.Options, heard ...engine.Listener,
) ([]engine.StationState, capture.Stats, error) {
	var stats capture.Stats
	seen, err := judge(ctx, cfg, nil, heard, func(sink hayalet.FrameSink) (err error) {
		stats, err = capture.Read(ctx, opts, inputs, sink)
		return err
	})
	return seen, stats, err
}

// judge lets listeners hear what a fresh engine makes of the frames that feed gives to its sink. What it would save goes to
// the store, if there is one. It returns the stations as they stood at the end.
func judge(ctx context.Context, cfg *config, store hayalet.States, heard []engine.Listener, feed func(hayalet.FrameSink) error) ([]engine.StationState, error) {
	e := engine.New(engine.Config{Rules: cfg.sets.of, Profiles: cfg.profile, Listeners: heard, Store: store})
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	err := feed(tapped(e, heard))
	var seen []engine.StationState
	if err == nil {
		seen, err = e.Stations(ctx)
	}
	e.Close()
	if rerr := <-done; err == nil {
		err = rerr
	}
	return seen, err
}

// alarmsKept bounds the reading alarms that are kept to be printed: 30 MB. The incidents tell of all.
const alarmsKept = 100_000

// collector keeps the last state of each incident and the reading alarms.
type collector struct {
	mu        sync.Mutex
	incidents map[string]hayalet.Incident
	alarms    []hayalet.Verdict
	unsaid    int // alarms that are not kept
}

func newCollector() *collector { return &collector{incidents: make(map[string]hayalet.Incident)} }

func (c *collector) Judged(v hayalet.Verdict) {
	if v.Kind != hayalet.Alarm {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.alarms) >= alarmsKept {
		c.unsaid++
		return
	}
	c.alarms = append(c.alarms, v)
}

func (c *collector) Changed(inc hayalet.Incident) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.incidents[inc.Key] = inc
}

// was returns an incident as it was last heard of.
func (c *collector) was(key string) (inc hayalet.Incident, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	inc, known = c.incidents[key]
	return inc, known
}

func (c *collector) findings() findings {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := findings{incidents: make([]hayalet.Incident, 0, len(c.incidents)), alarms: slices.Clone(c.alarms), unsaid: c.unsaid}
	for _, inc := range c.incidents {
		f.incidents = append(f.incidents, inc)
	}
	slices.SortFunc(f.incidents, func(a, b hayalet.Incident) int {
		return cmp.Or(cmp.Compare(a.OpenedAt, b.OpenedAt), strings.Compare(a.Key, b.Key))
	})
	slices.SortStableFunc(f.alarms, func(a, b hayalet.Verdict) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Station, b.Station))
	})
	return f
}

// sayUnread reports what was not understood: never fatal, never silent.
func (a *app) sayUnread(stats capture.Stats) {
	for i := range stats.Inputs {
		in := &stats.Inputs[i]
		if in.Assumed > 0 {
			fmt.Fprintln(a.stderr, "hayalet:", a.text.T("analyze.assumed", in.Name, in.Assumed, printable([]byte(in.Station))))
		}
		if len(in.Problems) == 0 {
			continue
		}
		var kinds []string
		total := int64(0)
		for _, p := range in.Problems {
			if p.Kind == capture.Broken {
				fmt.Fprintln(a.stderr, "hayalet:", a.text.T("analyze.broken", in.Name, p.Line, p.Example))
				continue
			}
			total += p.Count
			kinds = append(kinds, a.text.T("analyze.unread.kind", p.Count, string(p.Kind), p.Line, p.Example))
		}
		if total == 0 {
			continue
		}
		fmt.Fprintln(a.stderr, "hayalet:", a.text.T("analyze.unread", in.Name, total, in.Lines, strings.Join(kinds, "; ")))
	}
}

// explained is an incident as it is printed for machines: its canonical JSON and its reason as a sentence.
type explained struct {
	hayalet.Incident
	Reason  string `json:"reason"`
	Outcome string `json:"outcome,omitempty"`
}

func explain(p lang.Printer, inc hayalet.Incident) explained {
	x := explained{Incident: inc, Reason: p.Reason(inc.Reason)}
	if inc.Outcome != "" {
		x.Outcome = p.Reason(inc.Outcome)
	}
	return x
}

func checkOutput(format string, known ...string) error {
	if slices.Contains(known, format) {
		return nil
	}
	return hint(fmt.Errorf("--output %q is not known", format), "want "+strings.Join(known, ", "))
}

func (a *app) printIncidents(format string, found findings, frames int64, cfg *config) error {
	switch format {
	case "ndjson":
		return a.printNDJSON(found.incidents)
	case "json":
		return a.printJSON(found.incidents)
	}
	for i := range found.alarms {
		a.printAlarm(&found.alarms[i])
	}
	if found.unsaid > 0 {
		fmt.Fprintln(a.stdout, a.text.T("analyze.alarms.more", found.unsaid))
	}
	return a.printSummary(found, frames, cfg)
}

// printAlarm tells of one reading alarm.
func (a *app) printAlarm(v *hayalet.Verdict) {
	for i, line := range report.Alarm(a.text, v) {
		if i == 0 {
			line = v.At.String() + " " + line
		}
		fmt.Fprintln(a.stdout, line)
	}
}

// printSummary tells of the incidents, of the data, and how much there was.
func (a *app) printSummary(found findings, frames int64, cfg *config) error {
	alarms := 0
	for i := range found.incidents {
		inc := &found.incidents[i]
		if inc.Alarms(hayalet.Medium) {
			alarms++
		}
		fmt.Fprintln(a.stdout)
		for _, line := range report.Incident(a.text, inc, cfg.tariff()) {
			fmt.Fprintln(a.stdout, line)
		}
	}
	switch {
	case len(found.incidents) > 0:
		fmt.Fprintln(a.stdout)
	case frames == 0:
		fmt.Fprintln(a.stdout, a.text.T("analyze.nothing"))
	default:
		fmt.Fprintln(a.stdout, a.text.T("analyze.clean"))
	}
	a.sayQuality(found.seen)
	_, err := fmt.Fprintln(a.stdout, a.text.T("analyze.summary", frames, found.stations, len(found.incidents), alarms))
	return err
}

// qualityLines bounds what is said of the data of a large record.
const qualityLines = 40

// sayQuality tells what was concluded about the data of each connector. A blind one is not a clean one.
func (a *app) sayQuality(seen []engine.StationState) {
	said := 0
	for i := range seen {
		if m := &seen[i].Missed; m.Gaps > 0 {
			fmt.Fprintln(a.stdout, a.text.T("analyze.missed", printable([]byte(seen[i].Station)), m.Gaps, report.Span(a.text, m.Time)))
		}
		for _, c := range seen[i].Connectors {
			if len(c.Notes) == 0 {
				continue
			}
			if said++; said <= qualityLines {
				fmt.Fprintln(a.stdout, a.text.T("analyze.data", printable([]byte(seen[i].Station)), int(c.Connector), a.notes(c.Notes)))
			}
		}
	}
	if said > qualityLines {
		fmt.Fprintln(a.stdout, a.text.T("analyze.data.more", said-qualityLines))
	}
}

func (a *app) printNDJSON(incidents []hayalet.Incident) error {
	return printLines(a.stdout, a.explained(incidents))
}

func (a *app) explained(incidents []hayalet.Incident) []explained {
	all := make([]explained, 0, len(incidents))
	for i := range incidents {
		all = append(all, explain(a.text, incidents[i]))
	}
	return all
}

// printLines writes each on a line of its own, as JSON.
func printLines[T any](w io.Writer, all []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range all {
		if err := enc.Encode(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printJSON(incidents []hayalet.Incident) error { return a.encode(a.explained(incidents)) }

func (a *app) encode(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
