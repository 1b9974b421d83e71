package report

import (
	"embed"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hayalet"
	"hayalet/internal/lang"
)

//go:embed templates
var templates embed.FS

// clock is how logs and tables write a time of day.
const clock = "15:04:05.000"

// document is a Demo in the words of a language, for the templates of every format. The sentences that depend on nothing
// are asked for there, by their keys.
type document struct {
	p    lang.Printer
	demo *Demo

	Lang    string
	Title   string
	Date    string
	Passed  bool
	Badge   string
	Failure string
	Top     []Row // of the results, for the strip at the top
	Sides   []sideText
	Tools   []Row
	Field   string // the rule in the field
	Results []Row
	Facts   []Row // of the incident
	Alarms  [][]string
	Columns []string // of Alarms
	Logs    []logText
	Result  string // the conclusion
	Version string
}

// sideText is one station in the section of the scenario.
type sideText struct{ Where, Flow, Title, Description string }

// logText is one log.
type logText struct {
	Heading string
	Lines   []lineText
}

// lineText is one entry of a log.
type lineText struct{ Time, Text, Kind string }

func (d *Demo) document(p lang.Printer) *document {
	doc := &document{p: p, demo: d, Lang: string(p.Lang()), Passed: d.Passed, Failure: clean(d.Failure), Version: clean(d.Version)}
	doc.Title = p.T("report.title")
	doc.Date = p.T("report.date", d.At.Format(p.T("report.layout.moment")))
	doc.Badge, doc.Result = p.T("report.fail"), p.T("report.conclusion.fail", doc.Failure)
	if d.Passed {
		doc.Badge, doc.Result = p.T("report.pass"), p.T("report.conclusion.pass", d.Sent, Span(p, d.FirstDelay))
	}
	doc.Results = cleanRows(d.Results)
	doc.Top = doc.Results[:min(4, len(doc.Results))]
	doc.Sides = []sideText{doc.side("report.scenario.normal", &d.Normal), doc.side("report.scenario.attack", &d.Attack)}
	doc.Tools = []Row{
		{p.T("report.tools.protocol"), p.T("report.tools.protocol.text")},
		{p.T("report.tools.csms"), p.T("report.tools.csms.text")},
		{p.T("report.tools.stations"), p.T("report.tools.stations.text")},
		{p.T("report.tools.version"), doc.Version},
	}
	doc.Field = p.T("report.rule.field", p.Number(Wh(d.SettlePaid)))
	if d.Incident != nil {
		doc.Facts = cleanRows(doc.facts(d.Incident))
	}
	doc.alarms()
	doc.Logs = []logText{
		doc.log("report.h.attacker", d.Attack.Log), doc.log("report.h.csms", d.CSMSLog), doc.log("report.h.normal", d.Normal.Log),
	}
	return doc
}

func (doc *document) side(key string, s *Side) sideText {
	return sideText{
		Where: clean(doc.p.T("report.side", string(s.Station), int(s.Connector))),
		Flow:  doc.p.T(key, clean(s.Scenario)),
		Title: clean(s.Title), Description: clean(s.Description),
	}
}

// facts lists what is known of the incident; what is unknown has no row.
func (doc *document) facts(inc *hayalet.Incident) []Row {
	p := doc.p
	rows := []Row{
		{p.T("report.fact.rule"), string(inc.Rule)},
		{p.T("report.fact.station"), string(inc.Station)},
		{p.T("report.fact.connector"), strconv.Itoa(int(inc.Connector))},
		{p.T("report.fact.transaction"), inc.Transaction.String()},
		{p.T("report.fact.severity"), p.Severity(inc.Severity)},
		{p.T("report.fact.state"), p.State(inc.State)},
		{p.T("report.fact.reason"), p.Reason(inc.Reason)},
		{p.T("report.fact.cause"), p.Cause(inc.Cause)},
		{p.T("report.fact.readings"), strconv.Itoa(inc.Readings)},
		{p.T("report.fact.energy"), p.Number(Wh(inc.Energy)) + " Wh (" + inc.Baseline.KWh(3) + " → " + inc.Last.KWh(3) + " kWh)"},
		{p.T("report.fact.excess"), p.Number(Wh(inc.Excess)) + " Wh"},
		{p.T("report.fact.duration"), Span(p, inc.Duration())},
		{p.T("report.fact.mean"), doc.power(inc.Mean)},
		{p.T("report.fact.peak"), doc.power(inc.Peak)},
		{p.T("report.fact.loss"), doc.demo.Loss},
		{p.T("report.fact.evidence"), doc.evidence(inc.Evidence)},
		{p.T("report.fact.opened"), doc.at(inc.OpenedAt)},
		{p.T("report.fact.last"), doc.at(inc.LastAt)},
		{p.T("report.fact.ended"), doc.ended(inc)},
	}
	known := rows[:0]
	for _, r := range rows {
		if r.Value != "" {
			known = append(known, r)
		}
	}
	return known
}

func (doc *document) power(w *hayalet.Power) string {
	if w == nil {
		return ""
	}
	return doc.p.Number(Watts(*w))
}

func (doc *document) evidence(names []string) string {
	phrases := make([]string, len(names))
	for i, name := range names {
		phrases[i] = doc.p.Evidence(name)
	}
	return strings.Join(phrases, "; ")
}

func (doc *document) ended(inc *hayalet.Incident) string {
	if inc.EndedAt == 0 {
		return ""
	}
	return doc.at(inc.EndedAt) + ": " + doc.p.Reason(inc.Outcome)
}

// at writes a time of day in the zone of the run.
func (doc *document) at(i hayalet.Instant) string {
	if i == 0 {
		return ""
	}
	return doc.clock(i.Time())
}

func (doc *document) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(doc.demo.At.Location()).Format(clock)
}

// alarms fills the table of reading alarms.
func (doc *document) alarms() {
	p := doc.p
	doc.Columns = []string{
		p.T("report.col.time"), p.T("report.col.value"), p.T("report.col.increase"), p.T("report.col.elapsed"),
		p.T("report.col.power"), p.T("report.col.unpaid"),
	}
	for i := range doc.demo.Alarms {
		v := &doc.demo.Alarms[i]
		at, elapsed := v.EventAt, ""
		if at == 0 {
			at = v.At
		}
		if v.Since != 0 {
			elapsed = Span(p, at.Sub(v.Since))
		}
		doc.Alarms = append(doc.Alarms, []string{
			doc.at(at), KWh(v.Value, v.Quantum) + " kWh", "+" + p.Number(Wh(v.Increase)) + " Wh", elapsed,
			p.Number(Watts(v.Implied)), p.Number(Wh(v.Unpaid)) + " Wh",
		})
	}
}

func (doc *document) log(key string, lines []LogLine) logText {
	l := logText{Heading: doc.p.T(key), Lines: make([]lineText, len(lines))}
	for i, line := range lines {
		l.Lines[i] = lineText{doc.clock(line.At), clean(line.Text), line.Kind.String()}
	}
	return l
}

// clean replaces what a terminal or a browser would obey instead of show: control characters other than the line feed
// and the tabulator, marks of direction, and bad UTF-8.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.TrimRight(text, "\n"))
}

// cleanLine is clean for what must stay one line: a name that ends its line could write the next one.
func cleanLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, clean(text))
}

func cleanLines(lines []string) []string {
	for i := range lines {
		lines[i] = cleanLine(lines[i])
	}
	return lines
}

func cleanRows(rows []Row) []Row {
	cleaned := make([]Row, len(rows))
	for i, r := range rows {
		cleaned[i] = Row{clean(r.Label), clean(r.Value)}
	}
	return cleaned
}
