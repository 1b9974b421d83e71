package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/lang"
)

// What one page shows at most. Beyond these it counts, and says so.
const (
	maxEpisodes  = 40   // incidents with a picture and all their facts
	maxListed    = 1000 // further incidents, one line each
	maxQuiet     = 6    // of the incidents with a picture, those that are no alarms
	maxStations  = 500
	maxCovered   = 500 // connectors
	maxSpans     = 20  // blind spans
	maxSources   = 200
	alarmsShown  = 6 // of an incident
	contentsFrom = 4 // incidents with facts and stations, from which on the page has a table of contents
)

// EpisodesKept is how many incidents are worth following for the pictures of one page: more than it shows, because
// severities change.
const EpisodesKept = 256

// Analysis is what an analysis of recorded traffic hands over to be reported. Times are shown in Zone. Names, examples and
// identifiers may be anything that a record holds.
type Analysis struct {
	Version   string
	Main      lang.Lang                    // the language that is shown first
	Printer   func(lang.Lang) lang.Printer // nil: lang.New
	Zone      *time.Location
	Tariff    Tariff
	Sources   []Source
	Incidents []hayalet.Incident
	Episodes  map[string]*Episode // by the keys of incidents; not every one has one
	Stations  []StationPart
}

// Source is a file that was read.
type Source struct {
	Name          string
	Lines, Frames int64
	Unread        []Unread
}

// Unread counts the lines of a source with the same thing wrong.
type Unread struct {
	Kind    string // a word of package capture
	Count   int64
	Line    int64 // of the first one
	Example string
}

// StationPart is what was seen of a station.
type StationPart struct {
	Station                 hayalet.StationID
	Vendor, Model, Firmware string
	Presence                Presence
	Connectors              []Coverage
}

// Weightier orders incidents by what they ask of a reader: those that may wake somebody first, by severity, then by the
// energy beyond what is paid for, then by time.
func Weightier(a, b *hayalet.Incident) int {
	return cmp.Or(
		cmp.Compare(weight(b), weight(a)), cmp.Compare(b.Excess, a.Excess), cmp.Compare(a.OpenedAt, b.OpenedAt), strings.Compare(a.Key, b.Key),
	)
}

// weight is the severity, below all others for what wakes nobody any more.
func weight(inc *hayalet.Incident) int {
	if inc.State == hayalet.Cleared || inc.Shadow {
		return int(inc.Severity) - int(hayalet.Critical) - 1
	}
	return int(inc.Severity)
}

// sums are the numbers of the whole record, in no language.
type sums struct {
	from, to        hayalet.Instant
	messages        int64
	lines, unread   int64
	connectors      int
	incidents       []*hayalet.Incident // in the order of their weight
	alarms          int                 // incidents of medium severity and up
	bySeverity      [hayalet.Critical + 1]int
	places          int // connectors with alarms
	phantom         hayalet.Energy
	phantoms        int
	blind, doubtful []*Coverage
	unseen          time.Duration
	spans           []ownSpan
	gaps            int
	rules           []hayalet.RuleName
}

// ownSpan is a blind span and whose it is.
type ownSpan struct {
	station hayalet.StationID
	BlindSpan
}

func (a *Analysis) sum() *sums {
	s := new(sums)
	for i := range a.Sources {
		s.lines += a.Sources[i].Lines
		for _, u := range a.Sources[i].Unread {
			s.unread += u.Count
		}
	}
	for i := range a.Stations {
		s.station(&a.Stations[i])
	}
	slices.SortStableFunc(s.spans, func(a, b ownSpan) int { return cmp.Compare(b.length(), a.length()) })
	type place struct {
		station   hayalet.StationID
		connector hayalet.ConnectorID
	}
	places := make(map[place]bool)
	for i := range a.Incidents {
		inc := &a.Incidents[i]
		s.incidents = append(s.incidents, inc)
		if !slices.Contains(s.rules, inc.Rule) {
			s.rules = append(s.rules, inc.Rule)
		}
		if !inc.Alarms(hayalet.Medium) {
			continue
		}
		s.alarms++
		s.bySeverity[min(inc.Severity, hayalet.Critical)]++
		places[place{inc.Station, inc.Connector}] = true
		if phantomRule(inc.Rule) {
			s.phantoms++
			s.phantom += inc.Energy
		}
	}
	s.places = len(places)
	slices.SortFunc(s.incidents, Weightier)
	slices.Sort(s.rules)
	return s
}

func (s *sums) station(st *StationPart) {
	p := &st.Presence
	s.messages += p.Messages()
	s.gaps += p.Gaps
	s.unseen += p.Unseen
	if p.First != 0 && (s.from == 0 || p.First < s.from) {
		s.from = p.First
	}
	s.to = max(s.to, p.Last)
	for _, b := range p.Blind {
		s.spans = append(s.spans, ownSpan{st.Station, b})
	}
	for i := range st.Connectors {
		c := &st.Connectors[i]
		if c.Connector == 0 {
			continue
		}
		s.connectors++
		switch {
		case c.Blind():
			s.blind = append(s.blind, c)
		case c.Doubtful():
			s.doubtful = append(s.doubtful, c)
		}
	}
}

// share is the part of the record's time in which a station was seen, or −1 where the record has no times.
func (s *sums) share(p *Presence) float64 {
	if s.to <= s.from {
		return -1
	}
	return float64(p.Seen) / float64(s.to.Sub(s.from))
}
