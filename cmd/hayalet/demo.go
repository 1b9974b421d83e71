package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
	"hayalet/internal/session"
	"hayalet/internal/sim"
)

// The stations of the demo.
const (
	attackStation hayalet.StationID = "CP_1"
	normalStation hayalet.StationID = "CP_2"
	playTimeout                     = 19 * time.Second
	demoPrice     hayalet.Money     = 7_500_000 // where the configuration names none
)

func (a *app) demo() *cobra.Command {
	var config, base string
	var speed float64
	cmd := &cobra.Command{
		Use: "demo", Short: a.text.T("cmd.demo"), Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runDemo(cmd.Context(), config, base, speed) },
	}
	cmd.Flags().StringVar(&config, "config", "", a.text.T("flag.config"))
	cmd.Flags().Float64Var(&speed, "speed", 1, a.text.T("flag.speed"))
	cmd.Flags().StringVar(&base, "report", "hayalet-report", a.text.T("flag.report"))
	return cmd
}

func (a *app) runDemo(ctx context.Context, config, base string, speed float64) error {
	cfg, err := loadConfig(config, a.environ)
	if err != nil {
		return usage(err)
	}
	if err := tryFolder(filepath.Dir(base)); err != nil {
		return hint(fmt.Errorf("write report: %v", err), "give a place with --report")
	}
	dir, err := os.MkdirTemp("", "hayalet-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %v", err)
	}
	defer os.RemoveAll(dir)
	cfg.private(dir)
	if cfg.Tariff.Price == 0 {
		cfg.Tariff.Price = price(demoPrice)
	}
	term := newTerminal(a.stdout, a.environ)
	term.print(headStyle(), a.text.T("demo.intro"))
	show := newShow(a.text, term)
	results, err := a.playDemo(ctx, cfg, show, speed)
	if err != nil {
		return err
	}
	d := show.judge(cfg.tariff(), results)
	a.printDemo(term, d, cfg.tariff())
	if err := writeDemo(d, a.text, base); err != nil {
		return err
	}
	term.print(plainStyle(), a.text.T("demo.written", base+".md", base+".html"))
	if !d.Passed {
		return exitCode{exitError, errSilent}
	}
	return nil
}

// tryFolder says before the demo, not after it, that its report cannot be written.
func tryFolder(dir string) error {
	f, err := os.CreateTemp(dir, ".hayalet-report-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// playDemo runs the central system and both stations over sockets until both have finished.
func (a *app) playDemo(ctx context.Context, cfg config, show *show, speed float64) ([2]sim.Result, error) {
	var options []sim.Options
	for _, side := range show.sides {
		options = append(options, sim.Options{Scenario: side.scenario, Listener: side.voice, Speed: speed})
	}
	ctx, stop := context.WithTimeout(ctx, playTimeout)
	defer stop()
	started := func(url string) { show.csms.say(time.Now(), report.LineNote, a.text.T("csms.started", url)) }
	var results [2]sim.Result
	played, err := a.play(ctx, cfg, options, []hayalet.StationID{attackStation, normalStation}, started, show)
	copy(results[:], played)
	return results, err
}

// show watches the demo from the central system's side and gathers what the report needs.
type show struct {
	text  lang.Printer
	csms  speaker
	sides [2]*showSide // the attacker, the normal station

	begun     time.Time
	mu        sync.Mutex
	alarms    []caught
	incidents map[string]hayalet.Incident
}

// showSide is one station of the demo.
type showSide struct {
	scenario *sim.Scenario
	voice    *stationVoice
	points   []report.Point
	marks    []report.Mark
	stopped  hayalet.Instant // receipt of its first stop: what it claims is of another clock where the demo is played faster
}

// caught is a reading alarm and the moment at which it was raised.
type caught struct {
	verdict hayalet.Verdict
	at      time.Time
}

func newShow(text lang.Printer, term *terminal) *show {
	s := &show{text: text, begun: time.Now(), incidents: make(map[string]hayalet.Incident)}
	s.csms.term, s.csms.name, s.csms.style = term, text.T("csms.name"), colour("4")
	for i, name := range []string{"s1-phantom-current", "normal"} {
		scenario, err := sim.Load(name)
		if err != nil {
			panic(err) // embedded: the tests load it
		}
		station := []hayalet.StationID{attackStation, normalStation}[i]
		voice := (&app{text: text}).voice(term, scenario, station)
		s.sides[i] = &showSide{scenario: scenario, voice: voice}
	}
	return s
}

func (s *show) side(st hayalet.StationID) *showSide {
	if st == attackStation {
		return s.sides[0]
	}
	return s.sides[1]
}

// PutFrames prints the traffic as the central system sees it.
func (s *show) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	for i := range fs {
		f := &fs[i]
		if f.Kind != hayalet.Message {
			continue
		}
		key, kind := "csms.receive", report.LineReceived
		if f.Dir == hayalet.Out {
			key, kind = "csms.send", report.LineSent
		}
		s.csms.say(time.Now(), kind, s.text.T(key, string(f.Station), printable(f.Data)))
	}
	return nil
}

// Observed follows registers and transactions.
func (s *show) Observed(v session.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	side := s.side(v.Station.ID)
	switch step := v.Step; step.Kind {
	case session.StepReading:
		side.points = append(side.points, report.Point{
			At: step.Reading.At, Value: step.Reading.Value, InTransaction: v.Connector.State == session.Active,
		})
		s.csms.say(time.Now(), report.LineNote, s.said(v, s.text.T("csms.meter", report.KWh(step.Reading.Value, step.Reading.Written))))
	case session.StepStart:
		side.marks = append(side.marks, report.Mark{At: step.EventAt, Kind: report.MarkStart})
		s.csms.say(time.Now(), report.LineNote, s.said(v, s.text.T("csms.active")))
	case session.StepStop:
		if value, ok := v.Connector.Register(); ok {
			side.points = append(side.points, report.Point{At: step.EventAt, Value: value, InTransaction: true})
		}
		side.marks = append(side.marks, report.Mark{At: step.EventAt, Kind: report.MarkStop})
		if side.stopped == 0 {
			side.stopped = step.At
		}
		s.csms.say(time.Now(), report.LineNote, s.said(v, s.text.T("csms.inactive")))
	}
}

// said puts the station before a line of the central system.
func (s *show) said(v session.View, text string) string { return string(v.Station.ID) + ": " + text }

// Judged prints the alarms.
func (s *show) Judged(v hayalet.Verdict) {
	if v.Kind != hayalet.Alarm {
		return
	}
	now := time.Now()
	s.mu.Lock()
	s.alarms = append(s.alarms, caught{v, now})
	if points := s.side(v.Station).points; len(points) > 0 {
		points[len(points)-1].Alarm = true
	}
	s.mu.Unlock()
	for _, line := range report.Alarm(s.text, &v) {
		s.csms.say(now, report.LineAlarm, line)
	}
}

// Changed keeps the newest state of each incident.
func (s *show) Changed(inc hayalet.Incident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incidents[inc.Key] = inc
}

// judge compares what was sent with what was caught.
func (s *show) judge(tariff report.Tariff, results [2]sim.Result) *report.Demo {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &report.Demo{
		Version: version, At: s.begun, CSMSLog: s.csms.lines(), Sent: len(results[0].Phantom),
		Attack: s.sides[0].report(s.text), Normal: s.sides[1].report(s.text),
	}
	left := slices.Clone(s.alarms)
	var afterStop time.Duration
	for i, sent := range results[0].Phantom {
		match := slices.IndexFunc(left, func(c caught) bool {
			return c.verdict.Station == attackStation && int(c.verdict.Connector) == sent.Connector && c.verdict.Value == sent.Energy
		})
		if match < 0 {
			continue
		}
		d.Alarms = append(d.Alarms, left[match].verdict)
		if i == 0 {
			d.FirstDelay = left[match].at.Sub(sent.SentAt.Time())
			if stopped := s.sides[0].stopped; stopped != 0 {
				afterStop = left[match].at.Sub(stopped.Time())
			}
			d.SettlePaid = left[match].verdict.Increase - left[match].verdict.Unpaid
		}
		left = slices.Delete(left, match, match+1)
	}
	d.Caught = len(d.Alarms)
	var measured hayalet.Energy
	for _, inc := range s.incidents {
		if inc.Station == attackStation {
			d.Incident = &inc
			measured = inc.Energy
			d.Loss = tariff.Estimate(s.text, inc.Energy)
		}
	}
	d.Failure = s.failure(d, len(left), measured, results[0].PhantomEnergy)
	d.Passed = d.Failure == ""
	p := s.text
	d.Results = []report.Row{
		{Label: p.T("demo.sent"), Value: fmt.Sprint(d.Sent)},
		{Label: p.T("demo.caught"), Value: fmt.Sprint(d.Caught)},
		{Label: p.T("demo.false"), Value: fmt.Sprint(len(left))},
		{Label: p.T("demo.delay"), Value: report.Span(p, d.FirstDelay)},
		{Label: p.T("demo.delay.stop"), Value: report.Span(p, afterStop)},
		{Label: p.T("demo.energy"), Value: p.Number(report.Wh(results[0].PhantomEnergy)) + " / " + p.Number(report.Wh(measured)) + " Wh"},
	}
	return d
}

func (s *show) failure(d *report.Demo, falseAlarms int, measured, sent hayalet.Energy) string {
	p := s.text
	switch {
	case d.Sent == 0 || d.Caught != d.Sent:
		return p.T("demo.fail.caught", d.Caught, d.Sent)
	case falseAlarms > 0:
		return p.T("demo.fail.false", falseAlarms)
	case len(s.incidents) != 1 || d.Incident == nil:
		return p.T("demo.fail.incidents", len(s.incidents))
	case measured != sent:
		return p.T("demo.fail.energy", measured.String(), sent.String())
	}
	return ""
}

func (s *showSide) report(p lang.Printer) report.Side {
	return report.Side{
		Station: s.voice.station, Connector: 1, Scenario: s.scenario.Name, Title: s.scenario.Title.In(string(p.Lang())),
		Description: s.scenario.Description.In(string(p.Lang())), Log: s.voice.lines(), Points: s.points, Marks: s.marks,
	}
}

func (a *app) printDemo(term *terminal, d *report.Demo, tariff report.Tariff) {
	term.print(plainStyle(), "")
	term.print(headStyle(), a.text.T("demo.incident"))
	if d.Incident != nil {
		for i, line := range report.Incident(a.text, d.Incident, tariff) {
			style := plainStyle()
			if i == 0 {
				style = alarmStyle()
			}
			term.print(style, "  "+line)
		}
	}
	term.print(plainStyle(), "")
	term.print(headStyle(), a.text.T("demo.results"))
	term.mu.Lock()
	t := tabwriter.NewWriter(term.out, 0, 0, 3, ' ', 0)
	for _, row := range d.Results {
		fmt.Fprintf(t, "  %s\t%s\n", row.Label, row.Value)
	}
	_ = t.Flush()
	term.mu.Unlock()
	term.print(plainStyle(), "")
	if d.Passed {
		term.print(goodStyle(), a.text.T("demo.pass"))
	} else {
		term.print(alarmStyle(), a.text.T("demo.fail", d.Failure))
	}
}

// writeDemo writes the report's three files.
func writeDemo(d *report.Demo, p lang.Printer, base string) error {
	picture, err := d.Picture(p)
	if err != nil {
		return err
	}
	markdown, err := d.Markdown(p, filepath.Base(base)+".svg")
	if err != nil {
		return err
	}
	html, err := d.HTML(p)
	if err != nil {
		return err
	}
	for suffix, data := range map[string][]byte{".svg": picture, ".md": markdown, ".html": html} {
		if err := os.WriteFile(base+suffix, data, 0o644); err != nil {
			return fmt.Errorf("write report: %v", err)
		}
	}
	return nil
}
