package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hayalet"
	"hayalet/internal/backtest"
	"hayalet/internal/exception"
	"hayalet/internal/report"
)

// replayPage is where the result of a replay is written.
type replayPage struct {
	app        *app
	result     *backtest.Result
	exceptions *exception.Set
	took       time.Duration
}

func (p *replayPage) print(output string) error {
	if output == "ndjson" {
		return p.printNDJSON()
	}
	return p.printText()
}

func (p *replayPage) count(kind string) int {
	switch kind {
	case diffFound:
		return len(p.result.Found)
	case diffSpared:
		return len(p.result.Spared)
	}
	return len(p.result.Changed)
}

// hiddenBy is the name of the exception that would keep people from being told of an incident that was found, or "".
func (p *replayPage) hiddenBy(inc *hayalet.Incident) string {
	if e, hidden := p.exceptions.Hides(inc, p.result.Models[inc.Station], exception.Moment(inc)); hidden {
		return e.Name
	}
	return ""
}

// tally counts incidents.
type tally struct {
	Incidents int            `json:"incidents"`
	Alarms    int            `json:"alarms"` // of medium severity or above, not cleared, not in shadow
	Hidden    int            `json:"hidden"` // of the alarms, by exceptions
	Energy    hayalet.Energy `json:"energy_wh"`
}

func (t *tally) add(inc *hayalet.Incident, hiddenBy string) {
	t.Incidents++
	t.Energy += inc.Energy
	if inc.Alarms(hayalet.Medium) {
		t.Alarms++
		if hiddenBy != "" {
			t.Hidden++
		}
	}
}

// tallies counts what is stored and what was found, of those that were compared. What exceptions hid at the time is not
// known.
func (p *replayPage) tallies() (stored, found tally) {
	both := func(before, now *hayalet.Incident) {
		if before != nil {
			stored.add(before, "")
		}
		if now != nil {
			found.add(now, p.hiddenBy(now))
		}
	}
	r := p.result
	for i := range r.Same {
		both(&r.Same[i], &r.Same[i])
	}
	for i := range r.Changed {
		both(&r.Changed[i].Stored, &r.Changed[i].Found)
	}
	for i := range r.Spared {
		both(&r.Spared[i], nil)
	}
	for i := range r.Found {
		both(nil, &r.Found[i])
	}
	return stored, found
}

func (p *replayPage) rate() int64 {
	return int64(float64(p.result.Frames) / max(p.took, time.Microsecond).Seconds())
}

func (p *replayPage) printText() error {
	r, text := p.result, p.app.text
	if err := p.printTable(); err != nil {
		return err
	}
	left := map[backtest.Why]int{}
	for i := range r.Left {
		left[r.Left[i].Why]++
	}
	for _, why := range []backtest.Why{backtest.Before, backtest.Dropped, backtest.After} {
		if n := left[why]; n > 0 {
			fmt.Fprintln(p.app.stdout, text.T("replay.left."+string(why), n))
		}
	}
	if !r.Span.Whole && r.Frames > 0 {
		fmt.Fprintln(p.app.stdout, text.T("replay.warm-up", r.Span.From.String(), r.Span.Since.String()))
	}
	stored, found := p.tallies()
	fmt.Fprintln(p.app.stdout, text.T("replay.stored", stored.Incidents, stored.Alarms, text.Number(report.Wh(stored.Energy))))
	fmt.Fprintln(p.app.stdout, text.T("replay.found", found.Incidents, found.Alarms, found.Hidden, text.Number(report.Wh(found.Energy))))
	_, err := fmt.Fprintln(p.app.stdout, text.T("replay.summary", len(r.Found), len(r.Spared), len(r.Changed), len(r.Same), r.Frames, p.rate()))
	return err
}

func (p *replayPage) printTable() error {
	r, text := p.result, p.app.text
	if len(r.Found)+len(r.Spared)+len(r.Changed) == 0 {
		_, err := fmt.Fprintln(p.app.stdout, text.T("replay.none"))
		return err
	}
	t := tabwriter.NewWriter(p.app.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, text.T("replay.header"))
	for i := range r.Found {
		p.row(t, diffFound, &r.Found[i], p.hidden(&r.Found[i]))
	}
	for i := range r.Spared {
		p.row(t, diffSpared, &r.Spared[i], "")
	}
	for i := range r.Changed {
		c := &r.Changed[i]
		p.row(t, diffChanged, &c.Found, strings.Join(append(p.changes(c), p.hidden(&c.Found)), " "))
	}
	return t.Flush()
}

func (p *replayPage) row(t *tabwriter.Writer, kind string, inc *hayalet.Incident, note string) {
	text := p.app.text
	fmt.Fprintln(t, strings.TrimRight(strings.Join([]string{
		text.T("replay." + kind + ".word"), inc.Key[:min(12, len(inc.Key))], text.Severity(inc.Severity), text.State(inc.State), string(inc.Rule),
		printable([]byte(inc.Station)), strconv.Itoa(int(inc.Connector)), strconv.Itoa(inc.Readings), text.Number(report.Wh(inc.Energy)) + " Wh",
		inc.OpenedAt.String(), note,
	}, "\t"), " \t"))
}

func (p *replayPage) hidden(inc *hayalet.Incident) string {
	if name := p.hiddenBy(inc); name != "" {
		return p.app.text.T("replay.hidden", printable([]byte(name)))
	}
	return ""
}

// changes are what was, of all that is another way now.
func (p *replayPage) changes(c *backtest.Change) []string {
	text := p.app.text
	all := make([]string, len(c.What))
	for i, what := range c.What {
		var was string
		switch what {
		case backtest.Opened:
			was = c.Stored.OpenedAt.String()
		case backtest.Severity:
			was = text.Severity(c.Stored.Severity)
		case backtest.Cleared:
			was = text.State(c.Stored.State)
		case backtest.Energy:
			was = text.Number(report.Wh(c.Stored.Energy)) + " Wh"
		case backtest.Readings:
			was = strconv.Itoa(c.Stored.Readings)
		case backtest.Shadow:
			was = text.T("rules.mode." + map[bool]string{true: modeShadow, false: modeEnabled}[c.Stored.Shadow])
		}
		all[i] = text.T("replay.was."+string(what), was)
	}
	return all
}

// difference is one line of ndjson.
type difference struct {
	Kind     string             `json:"difference"`
	What     []backtest.What    `json:"what,omitempty"`
	Why      backtest.Why       `json:"why,omitempty"`
	Stored   *hayalet.Incident  `json:"stored,omitempty"`
	Found    *hayalet.Incident  `json:"found,omitempty"`
	HiddenBy string             `json:"hidden_by,omitempty"`
	Summary  *differenceSummary `json:"summary,omitempty"`
}

type differenceSummary struct {
	Found   int             `json:"found"`
	Spared  int             `json:"spared"`
	Changed int             `json:"changed"`
	Same    int             `json:"same"`
	Left    int             `json:"not_replayed"`
	Stored  tally           `json:"stored_total"`
	Now     tally           `json:"found_total"`
	From    hayalet.Instant `json:"from"`
	Since   hayalet.Instant `json:"since"`
	Frames  int             `json:"frames"`
	Rate    int64           `json:"frames_per_second"`
}

func (p *replayPage) printNDJSON() error {
	r := p.result
	var all []difference
	for i := range r.Found {
		all = append(all, difference{Kind: diffFound, Found: &r.Found[i], HiddenBy: p.hiddenBy(&r.Found[i])})
	}
	for i := range r.Spared {
		all = append(all, difference{Kind: diffSpared, Stored: &r.Spared[i]})
	}
	for i := range r.Changed {
		c := &r.Changed[i]
		all = append(all, difference{Kind: diffChanged, What: c.What, Stored: &c.Stored, Found: &c.Found, HiddenBy: p.hiddenBy(&c.Found)})
	}
	for i := range r.Left {
		all = append(all, difference{Kind: "not-replayed", Why: r.Left[i].Why, Stored: &r.Left[i].Incident})
	}
	stored, found := p.tallies()
	all = append(all, difference{Kind: "summary", Summary: &differenceSummary{
		Found: len(r.Found), Spared: len(r.Spared), Changed: len(r.Changed), Same: len(r.Same), Left: len(r.Left), Stored: stored, Now: found,
		From: r.Span.From, Since: r.Span.Since, Frames: r.Frames, Rate: p.rate(),
	}})
	enc := json.NewEncoder(p.app.stdout)
	enc.SetEscapeHTML(false)
	for i := range all {
		if err := enc.Encode(&all[i]); err != nil {
			return err
		}
	}
	return nil
}
