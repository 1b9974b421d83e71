package report

import (
	"strconv"
	"strings"

	"hayalet"
	"hayalet/internal/lang"
)

// pageText is an Analysis in the words of one language, for the template.
type pageText struct {
	words
	a *Analysis
	s *sums

	tariff Tariff

	Lang    string
	Verdict string   // alarms, clean, blind or nothing: a class, and analysis.verdict.WORD
	Head    string   // the verdict in a few words
	Strip   []Row    // the numbers at the top
	Summary []string // in plain words
	Notes   []string // on what the page leaves out

	Contents bool
	Episodes []episodeText
	Listed   []listedText // those of Episodes
	Further  []listedText
	Blind    []blindText
	Spans    []spanText
	Stations []stationText
	Covered  []coveredText
	Sources  []sourceText
	Rules    []Rule
}

func (a *Analysis) page(l lang.Lang, s *sums) *pageText {
	w := words{lang.New(l), a.Zone}
	if a.Printer != nil {
		w.Printer = a.Printer(l)
	}
	p := &pageText{words: w, a: a, s: s, Lang: string(l), tariff: a.Tariff}
	p.tariff.Currency = cleanLine(a.Tariff.Currency)
	p.verdict()
	p.strip()
	p.summary()
	p.incidents()
	p.blindness()
	p.coverage()
	p.sources()
	p.rules()
	p.Contents = len(p.Episodes)+len(p.Stations) >= contentsFrom
	return p
}

// ID is the name of a place in the page; each language has its own.
func (p *pageText) ID(parts ...any) string {
	id := p.Lang
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			id += "-" + part
		case int:
			id += "-" + strconv.Itoa(part)
		}
	}
	return id
}

// Version is that of the program.
func (p *pageText) Version() string { return cleanLine(p.a.Version) }

func (p *pageText) verdict() {
	switch {
	case p.s.messages == 0:
		p.Verdict = "nothing"
	case p.s.alarms > 0:
		p.Verdict = "alarms"
		p.Head = p.count("alarms", int64(p.s.alarms))
		return
	case len(p.s.blind)+len(p.s.doubtful) > 0:
		p.Verdict = "partly"
	default:
		p.Verdict = "clean"
	}
	p.Head = p.T("analysis.verdict." + p.Verdict)
}

func (p *pageText) strip() {
	p.Strip = []Row{
		{p.T("analysis.strip.energy"), breakable(p.energy(p.s.phantom))},
		{p.T("analysis.strip.cost"), breakable(p.cost())},
		{p.T("analysis.strip.stations"), grouped(int64(len(p.a.Stations))) + " / " + grouped(int64(p.s.connectors))},
		{p.T("analysis.strip.blind"), grouped(int64(len(p.s.blind) + len(p.s.doubtful)))},
	}
}

// breakable lets the unit of a long number go to the next line, where there is no room beside it.
func breakable(amount string) string { return strings.ReplaceAll(amount, "\u00a0", " ") }

func (p *pageText) cost() string {
	if p.tariff.Price == 0 {
		return "–"
	}
	return p.Number(amount(p.s.phantom.Cost(p.tariff.Price))) + "\u00a0" + p.tariff.Currency
}

// summary says the whole in plain words.
func (p *pageText) summary() {
	s := p.s
	say := func(text string) { p.Summary = append(p.Summary, text) }
	if s.messages == 0 {
		say(p.T("analysis.sum.nothing", p.count("lines", s.lines)))
		return
	}
	read := p.T("analysis.sum.read", p.count("messages", s.messages), p.count("stations", int64(len(p.a.Stations))), p.count("connectors", int64(s.connectors)))
	if s.to > s.from {
		read += " " + p.T("analysis.sum.time", p.moment(s.from), p.moment(s.to), p.zoneName(s.from), p.length(s.to.Sub(s.from)))
	} else if s.from == 0 {
		read += " " + p.T("analysis.sum.timeless")
	}
	say(read)
	say(p.found())
	if s.phantom > 0 {
		say(p.T("analysis.sum.energy", p.energy(s.phantom)) + " " + p.price())
	}
	say(p.unseen())
	if s.unread > 0 {
		say(p.T("analysis.sum.unread", grouped(s.unread), grouped(s.lines)))
	}
}

// found says what was found.
func (p *pageText) found() string {
	s := p.s
	others := len(s.incidents) - s.alarms
	text := p.T("analysis.sum.clean")
	if s.alarms > 0 {
		text = p.T("analysis.sum.alarms", p.count("alarms", int64(s.alarms)), p.count("connectors", int64(s.places)), p.severities())
	}
	if others > 0 {
		text += " " + p.T("analysis.sum.others", p.count("incidents", int64(others)))
	}
	return text
}

func (p *pageText) severities() string {
	text := ""
	for sev := hayalet.Critical; sev >= hayalet.Medium; sev-- {
		if n := p.s.bySeverity[sev]; n > 0 {
			if text != "" {
				text += ", "
			}
			text += grouped(int64(n)) + " " + p.Severity(sev)
		}
	}
	return text
}

func (p *pageText) price() string {
	if p.tariff.Price == 0 {
		return p.T("analysis.sum.no-tariff")
	}
	return p.T("analysis.sum.cost", p.cost(), p.Number(amount(p.tariff.Price))+"\u00a0"+p.tariff.Currency)
}

// unseen says what could not be judged.
func (p *pageText) unseen() string {
	s, text := p.s, ""
	if n := len(s.blind); n > 0 {
		text = p.T("analysis.sum.blind", p.count("connectors", int64(n)), grouped(int64(s.connectors)))
	}
	if n := len(s.doubtful); n > 0 {
		text += " " + p.T("analysis.sum.doubtful", p.count("connectors", int64(n)))
	}
	if s.unseen > 0 {
		text += " " + p.T("analysis.sum.unseen", p.length(s.unseen))
	}
	if text == "" {
		return p.T("analysis.sum.seen")
	}
	return text
}

// rules are the texts of the rules that incidents are of.
func (p *pageText) rules() {
	for _, id := range p.s.rules {
		key := "rule." + string(id) + ".what"
		if p.T(key) == key { // one of the operator's own
			continue
		}
		p.Rules = append(p.Rules, Rule{ID: id}.Worded(p.Printer))
	}
}
