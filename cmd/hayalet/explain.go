package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/report"
	"hayalet/internal/session"
)

type explainOptions struct {
	config, output, zone, station, at string
	connector                         int
}

func (a *app) explain() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use: "explain FILE... | -", Short: a.text.T("cmd.explain"), Long: a.text.T("cmd.explain.long"), Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			return untilDone(cmd.Context(), func() error { return a.runExplain(cmd.Context(), o, files) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", a.text.T("flag.config"))
	f.StringVarP(&o.output, "output", "o", "text", a.text.T("flag.output.lines"))
	f.StringVar(&o.zone, "tz", "UTC", a.text.T("flag.tz"))
	f.StringVar(&o.station, "station", "", a.text.T("flag.station"))
	f.IntVar(&o.connector, "connector", anyConnector, a.text.T("flag.connector"))
	f.StringVar(&o.at, "at", "", a.text.T("flag.at"))
	return cmd
}

// anyConnector is the connector of a question about all of them.
const anyConnector = -1

func (a *app) runExplain(ctx context.Context, o explainOptions, files []string) error {
	cfg, err := loadConfig(o.config, a.environ)
	if err != nil {
		return usage(err)
	}
	if err := checkOutput(o.output, "text", "ndjson"); err != nil {
		return err
	}
	opts, err := readOptions(o.zone, o.station)
	if err != nil {
		return err
	}
	at, err := moments(o.at, opts.Location)
	if err != nil {
		return err
	}
	a.sayBrokenSiteRules(&cfg)
	inputs, closeAll, err := a.open(files)
	defer closeAll()
	if err != nil {
		return err
	}
	page := a.newPage(o.output, at != moment{})
	told := newStory(o, at, page.write)
	seen, stats, err := judgeInputs(ctx, &cfg, inputs, opts, told)
	if err != nil {
		return usage(err)
	}
	a.sayUnread(stats)
	a.saySiteFaults(&cfg)
	if err := told.missing(seen, o); err != nil {
		return err
	}
	told.finish()
	page.end(a.notesOn(seen, told))
	return page.err
}

// moment is the time that --at names, as finely as it was written: a time without a fraction is the whole second.
type moment struct{ from, to hayalet.Instant }

func moments(text string, zone *time.Location) (moment, error) {
	if text == "" {
		return moment{}, nil
	}
	at, zoned, ok := hayalet.ParseInstant(text)
	if !ok {
		return moment{}, hint(fmt.Errorf("--at %q is not a time", text), "want one as explain prints it, such as 2026-01-05T12:30:04Z")
	}
	if !zoned {
		t := at.Time()
		at = hayalet.InstantOf(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone))
	}
	width := time.Second
	switch _, fraction, found := strings.Cut(text, "."); {
	case len(text) < 19 || text[16] != ':':
		width = time.Minute
	case found:
		width = time.Second
		for _, digit := range fraction {
			if digit < '0' || digit > '9' || width <= time.Microsecond {
				break
			}
			width /= 10
		}
	}
	return moment{at, at.Add(max(width, time.Microsecond)) - 1}, nil
}

// holds reports whether an instant is the moment.
func (m moment) holds(at hayalet.Instant) bool { return at >= m.from && at <= m.to }

// waitMost is how many steps wait before a story is told of a station that nobody asked for: what then comes of another
// ends it with an error.
const waitMost = 10_000

// story follows one station through the engine. Until it has been the only one for long, its steps wait.
type story struct {
	mu        sync.Mutex
	station   hayalet.StationID
	named     bool // the station was asked for
	several   bool // it was not, and there are more
	begun     bool // it was not, and its steps wait no longer
	connector int
	at        moment
	tell      func(report.Step)
	waiting   []report.Step
	near      []report.Step // the readings at the moment, or nearest before it
	exact     bool          // they are at the moment
}

func newStory(o explainOptions, at moment, tell func(report.Step)) *story {
	return &story{
		station: hayalet.StationID(o.station), named: o.station != "", connector: o.connector, at: at, tell: tell,
	}
}

// Judged and Changed make it a listener of the engine: what it tells comes by Explained.
func (*story) Judged(hayalet.Verdict) {}

// Changed does nothing.
func (*story) Changed(hayalet.Incident) {}

// Explained takes one step.
func (t *story) Explained(v session.View, rungs []detect.Rung, verdicts []hayalet.Verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.station == "" && !t.named {
		t.station = v.Station.ID
	}
	if v.Station.ID != t.station && !t.named { // one must be chosen: nothing will be told
		t.several, t.waiting, t.near = true, nil, nil
	}
	if t.several {
		return
	}
	if v.Station.ID != t.station || t.connector != anyConnector && v.Connector.ID != hayalet.ConnectorID(t.connector) {
		return
	}
	if !worthTelling(v.Step.Kind, rungs, verdicts) {
		return
	}
	s := stepOf(v, rungs, verdicts)
	switch {
	case t.at != moment{}:
		t.narrow(s)
	case t.named || t.begun:
		t.tell(s)
	default:
		if t.waiting = append(t.waiting, s); len(t.waiting) == waitMost {
			t.begun = true
			t.finish()
		}
	}
}

// worthTelling leaves out what no rule looked at: the passing of time, and power within transactions.
func worthTelling(kind session.StepKind, rungs []detect.Rung, verdicts []hayalet.Verdict) bool {
	switch kind {
	case session.StepTick:
		return len(verdicts) > 0
	case session.StepElectric, session.StepBalance:
		return len(rungs)+len(verdicts) > 0
	}
	return true
}

// narrow keeps the readings at the moment; while there are none, those nearest before it.
func (t *story) narrow(s report.Step) {
	hit := t.at.holds(s.At) || t.at.holds(s.EventAt)
	switch {
	case hit && !t.exact:
		t.near, t.exact = []report.Step{s}, true
	case hit:
		t.near = append(t.near, s)
	case t.exact || s.Kind != "reading" || s.EventAt > t.at.to:
	case len(t.near) == 0 || s.EventAt > t.near[0].EventAt:
		t.near = []report.Step{s}
	case s.EventAt == t.near[0].EventAt:
		t.near = append(t.near, s)
	}
}

// finish tells what waited for the end.
func (t *story) finish() {
	for _, s := range t.waiting {
		t.tell(s)
	}
	t.waiting = nil
	for _, s := range t.near {
		t.tell(s)
	}
}

// missing says what there is where what was asked for is not.
func (t *story) missing(seen []engine.StationState, o explainOptions) error {
	var names []string
	var own *engine.StationState
	for i := range seen {
		names = append(names, strconv.Quote(string(seen[i].Station)))
		if seen[i].Station == t.station {
			own = &seen[i]
		}
	}
	switch {
	case len(seen) == 0:
		return usage(errors.New("no traffic of any station was found"))
	case !t.named && len(seen) > 1:
		return hint(fmt.Errorf("%d stations are there: %s", len(seen), few(names)), "choose one with --station")
	case t.named && own == nil:
		return hint(fmt.Errorf("there is no station %q", o.station), "there is: "+few(names))
	case o.connector == anyConnector || own == nil:
		return nil
	}
	var connectors []string
	for _, c := range own.Connectors {
		if int(c.Connector) == o.connector {
			return nil
		}
		connectors = append(connectors, strconv.Itoa(int(c.Connector)))
	}
	if len(connectors) == 0 {
		return usage(fmt.Errorf("station %q has no connector %d: it has told of none", own.Station, o.connector))
	}
	return hint(fmt.Errorf("station %q has no connector %d", own.Station, o.connector), "it has: "+few(connectors))
}

// notesOn are sentences on the data of the connectors that the story is of.
func (a *app) notesOn(seen []engine.StationState, t *story) []string {
	var all []string
	for i := range seen {
		for _, c := range seen[i].Connectors {
			if seen[i].Station != t.station || t.connector != anyConnector && int(c.Connector) != t.connector {
				continue
			}
			for _, name := range c.Notes {
				all = append(all, a.text.T("explain.note", int(c.Connector), a.text.T("note."+name)))
			}
		}
	}
	return all
}

// few lists names, as far as a line reaches.
func few(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// page is where a story is written.
type page struct {
	app    *app
	term   *terminal
	lines  *report.Explainer
	json   *json.Encoder // nil: for a person
	steps  int
	alarms int
	err    error
}

func (a *app) newPage(output string, full bool) *page {
	p := &page{app: a, term: newTerminal(a.stdout, a.environ), lines: report.NewExplainer(a.text, full)}
	if output == "ndjson" {
		p.json = json.NewEncoder(a.stdout)
		p.json.SetEscapeHTML(false)
	}
	return p
}

func (p *page) write(s report.Step) {
	for i := range s.Verdicts {
		if s.Verdicts[i].Alarms() {
			p.alarms++
		}
	}
	p.steps++
	if p.json != nil {
		if p.err == nil {
			p.err = p.json.Encode(s.Worded(p.app.text))
		}
		return
	}
	p.print(p.lines.Lines(&s))
}

func (p *page) print(lines []report.LogLine) {
	for _, line := range lines {
		p.term.print(lineStyle(line.Kind), line.Text)
	}
}

func lineStyle(kind report.LineKind) lipgloss.Style {
	switch kind {
	case report.LineAlarm:
		return alarmStyle()
	case report.LineNote:
		return headStyle()
	}
	return plainStyle()
}

// end says what is known of the connectors' data, and how much was told.
func (p *page) end(notes []string) {
	if p.json != nil {
		return
	}
	text := p.app.text
	p.print(p.lines.End())
	p.term.print(plainStyle(), "")
	if p.steps == 0 {
		p.term.print(plainStyle(), text.T("explain.nothing"))
	}
	for _, note := range notes {
		p.term.print(plainStyle(), note)
	}
	p.term.print(plainStyle(), text.T("explain.summary", p.steps, p.alarms))
	p.err = p.term.err
}
