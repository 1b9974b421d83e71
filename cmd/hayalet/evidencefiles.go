package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/engine"
	"hayalet/internal/lang"
	"hayalet/internal/report"
	"hayalet/internal/series"
)

// framesAtOnce is how many frames are judged in one go.
const framesAtOnce = 512

// retold is what a fresh engine makes of the frames of a case.
type retold struct {
	record  *reportRecord
	episode *report.Episode
	steps   []report.Step
	seen    []engine.StationState
	fresh   freshReadings
}

// retell judges the frames again.
func (x *exporter) retell(ctx context.Context) (*retold, error) {
	r := &retold{record: newRecord()}
	episode := r.record.expect(x.incident)
	told := newStory(explainOptions{station: string(x.incident.Station), connector: int(x.incident.Connector)}, moment{}, func(s report.Step) {
		r.steps = append(r.steps, s)
	})
	var err error
	r.seen, err = judge(ctx, x.cfg, &r.fresh, []engine.Listener{r.record, told}, func(sink hayalet.FrameSink) error {
		for some := range slices.Chunk(x.excerpt.Frames, framesAtOnce) {
			if err := sink.PutFrames(ctx, some); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("judge the frames again: %w", err)
	}
	r.record.settle(episode, x.incident)
	r.episode = episode.Episode
	return r, nil
}

// further are the files that say what the frames mean: each is hashed and signed with them.
func (x *exporter) further(ctx context.Context, points []series.Point) (map[string][]byte, error) {
	r, err := x.retell(ctx)
	if err != nil {
		return nil, err
	}
	if points, err = r.fresh.complete(points); err != nil {
		return nil, err
	}
	rule, err := x.rule(ctx)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for name, v := range map[string]any{"readings.json": canonical(points), "rule.json": rule, "explain.json": x.trace(r.steps)} {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		files[name] = append(text, '\n')
	}
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		if err := x.worded(files, l, r); err != nil {
			return nil, err
		}
	}
	files["README.txt"] = []byte(x.readme(lang.EN) + "\n" + x.readme(lang.TR))
	return files, nil
}

// worded adds what is written in a language.
func (x *exporter) worded(files map[string][]byte, l lang.Lang, r *retold) error {
	p, ending := x.cfg.named(lang.New(l)), "."+string(l)
	picture := ""
	if drawn := r.episode.Picture(p, time.UTC); drawn != nil {
		picture = "register" + ending + ".svg"
		files[picture] = drawn
	}
	files["report"+ending+".md"] = report.IncidentMarkdown(p, &x.incident, x.history, x.cfg.tariff(), picture)
	n := int64(len(x.excerpt.Frames))
	analysis := report.Analysis{
		Version: version, Main: l, Zone: time.UTC, Tariff: x.cfg.tariff(), Incidents: []hayalet.Incident{x.incident},
		Printer: func(l lang.Lang) lang.Printer { return x.cfg.named(lang.New(l)) }, Stations: r.record.stations(r.seen),
		Sources: []report.Source{{Name: "frames.jsonl", Lines: n, Frames: n}}, Episodes: map[string]*report.Episode{x.incident.Key: r.episode},
	}
	var page bytes.Buffer
	if err := analysis.HTML(&page); err != nil {
		return err
	}
	files["report"+ending+".html"] = page.Bytes()
	files["explain"+ending+".txt"] = []byte(x.explanation(p, r.steps))
	return nil
}

// fresh says what an explanation begins with, and with which rules.
func (x *exporter) fresh(p lang.Printer) string {
	return p.T("evidence.fresh") + " " + p.T(x.rulesKnown())
}

// rulesKnown is the key of the sentence on whose rules the case is told with.
func (x *exporter) rulesKnown() string {
	if x.rulesOf == 0 {
		return "evidence.rules.unknown"
	}
	return "evidence.rules.known"
}

// explanation is what 'hayalet explain' would print, and says first what it begins with.
func (x *exporter) explanation(p lang.Printer, steps []report.Step) string {
	var b strings.Builder
	b.WriteString(x.fresh(p) + "\n")
	lines := report.NewExplainer(p, true)
	write := func(all []report.LogLine) {
		for _, line := range all {
			b.WriteString(line.Text + "\n")
		}
	}
	for i := range steps {
		write(lines.Lines(&steps[i]))
	}
	write(lines.End())
	return b.String()
}

// traceFile is explain.json.
type traceFile struct {
	Note  map[lang.Lang]string `json:"note"`
	Steps []report.Step        `json:"steps"`
}

func (x *exporter) trace(steps []report.Step) traceFile {
	f := traceFile{Note: make(map[lang.Lang]string), Steps: make([]report.Step, len(steps))}
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		f.Note[l] = x.fresh(lang.New(l))
	}
	for i := range steps {
		f.Steps[i] = steps[i].Worded(lang.New(lang.EN))
	}
	return f
}

// ruleFile is rule.json: the rule as the server had it when it opened the incident, or, where that is not known, as it is
// configured when the case is made.
type ruleFile struct {
	Program string                    `json:"program"`             // version that wrote this: rules have none of their own
	Server  string                    `json:"judged_by,omitempty"` // version of the server at that time
	AsOf    hayalet.Instant           `json:"configured_as_of"`
	Note    map[lang.Lang]string      `json:"note"`
	Rule    map[lang.Lang]report.Rule `json:"rule,omitempty"`
	Site    *siteRuleFile             `json:"site_rule,omitempty"`
}

// siteRuleFile is a rule of the operator's own.
type siteRuleFile struct {
	ID       hayalet.RuleName     `json:"id"`
	Names    map[lang.Lang]string `json:"name"`
	When     string               `json:"when"`
	For      report.Seconds       `json:"for_s"`
	Severity hayalet.Severity     `json:"severity"`
	Mode     string               `json:"mode"`
}

// rule is what is configured for the station. A rule that is not configured any more is left out.
func (x *exporter) rule(ctx context.Context) (ruleFile, error) {
	f := ruleFile{Program: version, Server: x.judgedBy, AsOf: cmp.Or(x.rulesOf, x.now), Note: make(map[lang.Lang]string)}
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		f.Note[l] = lang.New(l).T(x.rulesKnown())
	}
	for _, r := range x.cfg.siteRules() {
		if r.ID == x.incident.Rule {
			f.Site = &siteRuleFile{r.ID, r.Names, r.When, report.Seconds(r.For), r.Severity, r.Mode}
		}
	}
	model, err := x.model(ctx)
	if err != nil {
		return f, err
	}
	rules, err := x.cfg.rulesOf(x.incident.Station, model)
	if err != nil {
		return f, err
	}
	for _, r := range described(rules) {
		if r.ID == x.incident.Rule {
			f.Rule = map[lang.Lang]report.Rule{lang.EN: r.Worded(lang.New(lang.EN)), lang.TR: r.Worded(lang.New(lang.TR))}
		}
	}
	return f, nil
}

// model is the station's, by which parameters may be chosen.
func (x *exporter) model(ctx context.Context) (string, error) {
	all, err := x.db.Stations(ctx)
	for i := range all {
		if all[i].ID == x.incident.Station {
			return all[i].Model, err
		}
	}
	return "", err
}

// readme tells in a language what is in the case and how to check it.
func (x *exporter) readme(l lang.Lang) string {
	return lang.New(l).T("evidence.readme", x.incident.Key, x.excerpt.Since.String(), x.excerpt.Until.String(), version)
}

// freshReadings keeps the readings that an engine saves.
type freshReadings struct {
	hayalet.States
	series []hayalet.Series
}

// SaveState keeps the readings alone.
func (r *freshReadings) SaveState(_ context.Context, s hayalet.State) error {
	r.series = append(r.series, s.Series...)
	return nil
}

// complete adds to the readings that the server saved those that it has yet to save.
func (r *freshReadings) complete(points []series.Point) ([]series.Point, error) {
	last := hayalet.Instant(0)
	if n := len(points); n > 0 {
		last = points[n-1].At
	}
	saved := len(points)
	for _, s := range r.series {
		err := series.Read(s.Body, func(p series.Point) {
			if p.At > last {
				points = append(points, p)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(points[saved:], byTime)
	return points, nil
}

// reading is a canonical reading as readings.json has it.
type reading struct {
	At          hayalet.Instant     `json:"event_at"`
	Connector   hayalet.ConnectorID `json:"connector"`
	Register    *hayalet.Energy     `json:"register_wh,omitempty"`
	Track       int                 `json:"track,omitempty"` // which of the connector's registers, from 1
	Power       *hayalet.Power      `json:"power_w,omitempty"`
	Transaction bool                `json:"in_transaction"`
}

func canonical(points []series.Point) []reading {
	all := make([]reading, len(points))
	for i, p := range points {
		all[i] = reading{At: p.At, Connector: p.Connector, Transaction: p.Active}
		if p.Kind == series.Power {
			all[i].Power = new(hayalet.Power(p.Value))
			continue
		}
		all[i].Register, all[i].Track = new(hayalet.Energy(p.Value)), p.Track+1
	}
	return all
}
