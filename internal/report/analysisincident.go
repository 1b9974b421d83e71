package report

import (
	"html/template"
	"strconv"
	"strings"

	"hayalet"
)

// episodeText is an incident with all that is said of it.
type episodeText struct {
	N           int
	Rule, Name  string
	Place       string
	Severity    string
	Class       string // the severity's word
	State       string
	Quiet       bool // it wakes nobody: cleared, of a rule in shadow, or below medium
	Reason      string
	Lead        string
	Facts       []Row
	Evidence    []string
	Do          string
	Wide, Phone template.HTML
	NoPicture   string
	Columns     []string
	Alarms      [][]string
	More        string
}

// listedText is an incident in one line.
type listedText struct {
	N                                  int // of the incident with facts; 0: it has none
	Rule, Name, Severity, Class, State string
	Station, Connector, Opened, Energy string
	Reason                             string
}

func (p *pageText) incidents() {
	all := p.s.incidents
	shown := min(len(all), maxEpisodes, p.s.alarms+maxQuiet)
	for i, inc := range all[:shown] {
		line := p.listed(inc)
		line.N = i + 1
		p.Listed, p.Episodes = append(p.Listed, line), append(p.Episodes, p.episode(line.N, inc))
	}
	rest := all[shown:]
	if len(rest) == 0 {
		return
	}
	p.Notes = append(p.Notes, p.T("analysis.left.pictures", shown, grouped(int64(len(all)))))
	for _, inc := range rest[:min(len(rest), maxListed)] {
		p.Further = append(p.Further, p.listed(inc))
	}
	if more := len(rest) - maxListed; more > 0 {
		p.Notes = append(p.Notes, p.T("analysis.left.incidents", p.count("incidents", int64(more))))
	}
}

func (p *pageText) listed(inc *hayalet.Incident) listedText {
	return listedText{
		Rule: cleanLine(string(inc.Rule)), Name: p.Rule(inc.Rule), Severity: p.Severity(inc.Severity), Class: inc.Severity.String(),
		State: p.state(inc), Station: cleanLine(string(inc.Station)), Connector: strconv.Itoa(int(inc.Connector)),
		Opened: p.moment(inc.OpenedAt), Energy: p.amount(inc), Reason: p.Reason(inc.Reason),
	}
}

// amount is the energy that an incident is about: of a phantom all that flowed, else what is contested.
func (p *pageText) amount(inc *hayalet.Incident) string {
	e := inc.Excess
	if phantomRule(inc.Rule) {
		e = inc.Energy
	}
	if e == 0 {
		return "–"
	}
	return p.energy(e)
}

func (p *pageText) state(inc *hayalet.Incident) string {
	text := p.State(inc.State)
	if inc.Shadow {
		text += " · " + p.T("rules.mode.shadow")
	}
	return text
}

func (p *pageText) episode(n int, inc *hayalet.Incident) episodeText {
	t := episodeText{
		N: n, Rule: cleanLine(string(inc.Rule)), Name: p.Rule(inc.Rule), Place: p.place(inc.Station, inc.Connector),
		Severity: p.Severity(inc.Severity), Class: inc.Severity.String(), State: p.state(inc), Quiet: !inc.Alarms(hayalet.Medium),
		Reason: sentence(p.Reason(inc.Reason)), Lead: p.lead(inc), Facts: p.facts(inc),
	}
	for _, name := range inc.Evidence {
		t.Evidence = append(t.Evidence, p.Evidence(name))
	}
	key := "rule." + string(inc.Rule) + ".do"
	if t.Do = p.T(key); t.Do == key {
		t.Do = ""
	}
	e := p.a.Episodes[inc.Key]
	if e == nil {
		t.NoPicture = p.T("analysis.picture.none")
		return t
	}
	p.alarms(&t, e)
	series := e.series(p.zone)
	if series == nil {
		t.NoPicture = p.T("analysis.picture.few")
		return t
	}
	t.Wide = template.HTML(drawBare(p.Printer, series, pageWidth))   //nolint:gosec // escaped where it is drawn
	t.Phone = template.HTML(drawBare(p.Printer, series, phoneWidth)) //nolint:gosec // escaped where it is drawn
	return t
}

// sentence begins with a capital letter.
func sentence(text string) string {
	for i, r := range text {
		if i == 0 {
			return strings.ToUpper(string(r)) + text[len(string(r)):]
		}
	}
	return text
}

// lead says the incident in a sentence of numbers.
func (p *pageText) lead(inc *hayalet.Incident) string {
	if !phantomRule(inc.Rule) {
		if inc.Excess == 0 {
			return ""
		}
		return p.T("explain.contests", p.energy(inc.Excess))
	}
	key := "analysis.lead." + inc.Cause.String()
	return p.T("analysis.lead", p.energy(inc.Energy), p.length(inc.Duration())) + " " + p.T(key)
}

// facts lists what is known of an incident; what is unknown has no row.
func (p *pageText) facts(inc *hayalet.Incident) []Row {
	energy, excess, loss := "", "", ""
	if phantomRule(inc.Rule) {
		energy = p.energy(inc.Energy)
		if onRegister(inc.Rule) {
			energy += " (" + inc.Baseline.KWh(3) + " → " + inc.Last.KWh(3) + " kWh)"
		}
		excess, loss = p.energy(inc.Excess), p.tariff.Estimate(p.Printer, inc.Energy)
	}
	ended := ""
	if inc.EndedAt != 0 {
		ended = p.moment(inc.EndedAt) + " – " + p.Reason(inc.Outcome)
	}
	rows := []Row{
		{p.T("report.fact.energy"), energy},
		{p.T("report.fact.excess"), excess},
		{p.T("report.fact.loss"), loss},
		{p.T("report.fact.duration"), p.length(inc.Duration())},
		{p.T("report.fact.mean"), p.power(inc.Mean)},
		{p.T("report.fact.peak"), p.power(inc.Peak)},
		{p.T("report.fact.cause"), p.Cause(inc.Cause)},
		{p.T("report.fact.readings"), grouped(int64(inc.Readings))},
		{p.T("report.fact.transaction"), cleanLine(inc.Transaction.String())},
		{p.T("report.fact.opened"), p.moment(inc.OpenedAt)},
		{p.T("report.fact.last"), p.moment(inc.LastAt)},
		{p.T("report.fact.ended"), ended},
		{p.T("analysis.fact.key"), inc.Key[:min(12, len(inc.Key))]},
	}
	known := rows[:0]
	for _, r := range rows {
		if r.Value != "" {
			known = append(known, r)
		}
	}
	return known
}

// alarms fills the table of an incident's reading alarms.
func (p *pageText) alarms(t *episodeText, e *Episode) {
	if !onRegister(e.Incident.Rule) || len(e.Alarms) < 2 {
		return
	}
	t.Columns = []string{
		p.T("report.col.time"), p.T("report.col.value"), p.T("report.col.increase"), p.T("report.col.elapsed"),
		p.T("report.col.power"), p.T("report.col.unpaid"),
	}
	for _, a := range e.Alarms[:min(alarmsShown, len(e.Alarms))] {
		elapsed := ""
		if a.Since != 0 {
			elapsed = p.length(a.At.Sub(a.Since))
		}
		t.Alarms = append(t.Alarms, []string{
			p.moment(a.At), KWh(a.Value, a.Quantum) + " kWh", "+" + p.energy(a.Increase), elapsed, p.Number(Watts(a.Implied)), p.energy(a.Unpaid),
		})
	}
	if more := e.Incident.Readings - len(t.Alarms); more > 0 {
		t.More = p.T("analysis.alarms.more", p.count("readings", int64(more)))
	}
}
