package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hayalet"
)

// blindText is a connector that could not be judged, and why.
type blindText struct{ Place, Why string }

// spanText is a time at which a station was not seen.
type spanText struct{ Station, From, To, Length, Why string }

// stationText is a station's line.
type stationText struct{ Station, Model, First, Last, Messages, Share, Unseen string }

// coveredText is a connector's line.
type coveredText struct {
	Station, Connector  string
	Idle, Values, Flows string
	Starts              string
	Answers             []answerText
	Notes               string
	mark                bool // there is something to note
}

type answerText struct{ Class, Text string }

// sourceText is a file and what was not understood of it.
type sourceText struct {
	Name, Lines, Frames string
	Unread              []unreadText
}

type unreadText struct{ Count, Kind, Line, Example string }

func (p *pageText) blindness() {
	for _, c := range p.s.blind {
		p.Blind = append(p.Blind, blindText{p.place(c.Station, c.Connector), p.whyBlind(c)})
	}
	for _, c := range p.s.doubtful {
		p.Blind = append(p.Blind, blindText{p.place(c.Station, c.Connector), p.T("analysis.blind.unknown", p.length(c.Spent[DoingUnknown]))})
	}
	if n := len(p.Blind); n > maxCovered {
		p.Blind = p.Blind[:maxCovered]
		p.Notes = append(p.Notes, p.T("analysis.left.connectors", p.count("connectors", int64(n-maxCovered))))
	}
	for i := range p.s.spans[:min(maxSpans, len(p.s.spans))] {
		s := &p.s.spans[i]
		p.Spans = append(p.Spans, spanText{
			cleanLine(string(s.station)), p.moment(s.From), p.moment(s.To), p.length(s.length()), p.T("analysis.span." + s.Why.String()),
		})
	}
}

func (p *pageText) whyBlind(c *Coverage) string {
	switch {
	case c.noted("dead-meter"):
		return p.T("analysis.blind.dead")
	case c.Spent[DoingIdle] == 0:
		return p.T("analysis.blind.never")
	case c.IdleValues == 0 && c.IdleFlows == 0 && c.Between() == Yes:
		return p.T("analysis.blind.between", p.length(c.Spent[DoingIdle]))
	case c.IdleValues == 0 && c.IdleFlows == 0:
		return p.T("analysis.blind.silent", p.length(c.Spent[DoingIdle]))
	}
	return p.T("analysis.blind.ceased")
}

func (p *pageText) coverage() {
	for i := range p.a.Stations {
		st := &p.a.Stations[i]
		if i < maxStations {
			p.Stations = append(p.Stations, p.station(st))
		}
		for k := range st.Connectors {
			if c := &st.Connectors[k]; c.Connector != 0 || c.IdleValues+c.ChargeValues > 0 {
				p.Covered = append(p.Covered, p.covered(c))
			}
		}
	}
	if n := len(p.a.Stations); n > maxStations {
		p.Notes = append(p.Notes, p.T("analysis.left.stations", maxStations, grouped(int64(n))))
	}
	if n := len(p.Covered); n > maxCovered { // those with something to note stay
		slices.SortStableFunc(p.Covered, func(a, b coveredText) int { return cmp.Compare(rank(b.mark), rank(a.mark)) })
		p.Covered = p.Covered[:maxCovered]
		p.Notes = append(p.Notes, p.T("analysis.left.covered", maxCovered, grouped(int64(n))))
	}
}

func rank(mark bool) int {
	if mark {
		return 1
	}
	return 0
}

func (p *pageText) station(st *StationPart) stationText {
	pr := &st.Presence
	t := stationText{
		Station: cleanLine(string(st.Station)), Model: cleanLine(strings.Join(filled(st.Vendor, st.Model, st.Firmware), " · ")),
		First: p.moment(pr.First), Last: p.moment(pr.Last), Messages: grouped(pr.Messages()), Share: p.percent(p.s.share(pr)), Unseen: "–",
	}
	if pr.Unseen > 0 {
		t.Unseen = p.length(pr.Unseen)
	}
	return t
}

func filled(parts ...string) []string {
	return slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
}

func (p *pageText) covered(c *Coverage) coveredText {
	t := coveredText{
		Station: cleanLine(string(c.Station)), Connector: strconv.Itoa(int(c.Connector)), Idle: p.idle(c),
		Values: p.rate(c.IdleValues, c.Spent[DoingIdle]), Flows: p.rate(c.IdleFlows, c.Spent[DoingIdle]), Starts: strconv.Itoa(c.Starts),
		mark: len(c.Notes) > 0 || c.Blind(),
	}
	if c.Connector == 0 {
		t.Connector = p.T("analysis.main")
	}
	for _, a := range []Answer{c.Growth(), c.Drip(), c.Between(), c.Flow(), c.Agreement()} {
		if c.Connector == 0 {
			a = NotAsked
		}
		t.Answers = append(t.Answers, answerText{a.String(), p.T("analysis.answer." + a.String())})
	}
	var notes []string
	for _, n := range c.Notes {
		notes = append(notes, p.T("note."+n))
	}
	t.Notes = strings.Join(notes, "; ")
	return t
}

func (p *pageText) idle(c *Coverage) string {
	if c.Spent[DoingIdle] == 0 {
		return "–"
	}
	return p.length(c.Spent[DoingIdle])
}

// rate writes how many values came an hour.
func (p *pageText) rate(n int64, over time.Duration) string {
	switch {
	case n == 0:
		return "0"
	case over < time.Minute:
		return "–"
	}
	hundredths := float64(n) / over.Hours() * 100
	decimals := 1
	if hundredths >= 1000 {
		decimals = 0
	}
	return p.Number(strings.TrimSuffix(hayalet.FormatDecimal(int64(hundredths), 2, decimals), ".0"))
}

func (p *pageText) sources() {
	for i := range p.a.Sources {
		if i == maxSources {
			p.Notes = append(p.Notes, p.T("analysis.left.sources", maxSources, grouped(int64(len(p.a.Sources)))))
			return
		}
		s := &p.a.Sources[i]
		t := sourceText{Name: cleanLine(s.Name), Lines: grouped(s.Lines), Frames: grouped(s.Frames)}
		for _, u := range s.Unread {
			t.Unread = append(t.Unread, unreadText{grouped(u.Count), p.kind(cleanLine(u.Kind)), grouped(u.Line), cleanLine(u.Example)})
		}
		p.Sources = append(p.Sources, t)
	}
}
