package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/engine"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

type analyzeOptions struct {
	config, output, zone, failOn string
}

func (a *app) analyze() *cobra.Command {
	var o analyzeOptions
	cmd := &cobra.Command{
		Use: "analyze FILE... | -", Short: a.text.T("cmd.analyze"), Long: a.text.T("cmd.analyze.long"), Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			return untilDone(cmd.Context(), func() error { return a.runAnalyze(cmd.Context(), o, files) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", a.text.T("flag.config"))
	f.StringVarP(&o.output, "output", "o", "text", a.text.T("flag.output"))
	f.StringVar(&o.zone, "tz", "UTC", a.text.T("flag.tz"))
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
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		return hint(fmt.Errorf("--tz %q is not a time zone", o.zone), "want a name such as Europe/Istanbul, or UTC")
	}
	fail := hayalet.Critical + 1
	if o.failOn != "" {
		if fail, err = hayalet.ParseSeverity(o.failOn); err != nil {
			return hint(fmt.Errorf("--fail-on: %v", err), "see 'hayalet analyze --help'")
		}
	}
	a.text = cfg.named(a.text)
	a.sayBrokenSiteRules(&cfg)
	inputs, closeAll, err := a.open(files)
	defer closeAll()
	if err != nil {
		return err
	}
	found, stats, err := analyzeInputs(ctx, &cfg, inputs, capture.Options{Location: zone})
	if err != nil {
		return usage(err)
	}
	a.sayUnread(stats)
	a.saySiteFaults(&cfg)
	if err := a.printIncidents(o.output, found, stats.Frames(), &cfg); err != nil {
		return err
	}
	for i := range found.incidents {
		if found.incidents[i].Alarms(fail) {
			return exitCode{exitAlarms, errSilent}
		}
	}
	return nil
}

func (a *app) open(files []string) (inputs []capture.Input, closeAll func(), err error) {
	var open []io.Closer
	closeAll = func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	for _, name := range files {
		if name == "-" {
			inputs = append(inputs, capture.Input{Name: "-", R: a.stdin})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, closeAll, hint(fmt.Errorf("read %s: %v", name, err), "give files of recorded traffic, or - for standard input")
		}
		open = append(open, f)
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, closeAll, hint(fmt.Errorf("read %s: it is a directory", name), "give the files in it")
		}
		inputs = append(inputs, capture.Input{Name: name, R: f})
	}
	return inputs, closeAll, nil
}

// findings is what an analysis found, in an order that depends on nothing but the frames.
type findings struct {
	incidents []hayalet.Incident
	alarms    []hayalet.Verdict // reading alarms
	stations  int
	seen      []engine.StationState // the stations as they stood at the end
}

// analyzeInputs runs recorded traffic through the same engine that serve runs.
func analyzeInputs(ctx context.Context, cfg *config, inputs []capture.Input, opts capture.Options) (findings, capture.Stats, error) {
	heard := newCollector()
	seen, stats, err := judgeInputs(ctx, cfg, inputs, opts, heard)
	found := heard.findings()
	found.stations, found.seen = len(seen), seen
	return found, stats, err
}

// judgeInputs lets a listener hear what the engine makes of recorded traffic. It returns the stations as they stood at the end.
func judgeInputs(ctx context.Context, cfg *config, inputs []capture.Input, opts capture.Options, heard engine.Listener) ([]engine.StationState, capture.Stats, error) {
	e := engine.New(engine.Config{Rules: cfg.sets.of, Profiles: cfg.profile, Listeners: []engine.Listener{heard}})
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stats, err := capture.Read(ctx, opts, inputs, e)
	var seen []engine.StationState
	if err == nil {
		seen, err = e.Stations(ctx)
	}
	e.Close()
	if rerr := <-done; err == nil {
		err = rerr
	}
	return seen, stats, err
}

// collector keeps the last state of each incident and all reading alarms.
type collector struct {
	mu        sync.Mutex
	incidents map[string]hayalet.Incident
	alarms    []hayalet.Verdict
}

func newCollector() *collector { return &collector{incidents: make(map[string]hayalet.Incident)} }

func (c *collector) Judged(v hayalet.Verdict) {
	if v.Kind != hayalet.Alarm {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = append(c.alarms, v)
}

func (c *collector) Changed(inc hayalet.Incident) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.incidents[inc.Key] = inc
}

func (c *collector) findings() findings {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := findings{incidents: make([]hayalet.Incident, 0, len(c.incidents)), alarms: slices.Clone(c.alarms)}
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
		if len(in.Problems) == 0 {
			continue
		}
		var kinds []string
		total := int64(0)
		for _, p := range in.Problems {
			total += p.Count
			kinds = append(kinds, a.text.T("analyze.unread.kind", p.Count, string(p.Kind), p.Line, p.Example))
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
		v := &found.alarms[i]
		for j, line := range report.Alarm(a.text, v) {
			if j == 0 {
				line = v.At.String() + " " + line
			}
			fmt.Fprintln(a.stdout, line)
		}
	}
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
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	for i := range incidents {
		if err := enc.Encode(explain(a.text, incidents[i])); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printJSON(incidents []hayalet.Incident) error {
	all := make([]explained, 0, len(incidents))
	for i := range incidents {
		all = append(all, explain(a.text, incidents[i]))
	}
	return a.encode(all)
}

func (a *app) encode(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
