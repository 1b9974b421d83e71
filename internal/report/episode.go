package report

import (
	"slices"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/lang"
)

// What an Episode keeps.
const (
	episodeAlarms = 256
	firstAlarms   = 8  // that are never thinned, so that a table can show how it began
	afterwards    = 12 // points beyond its end
	drawnPoints   = 260
)

// Episode is what is remembered of one incident to draw and to tell it: at most 768 points, 24 marks and 256 alarms, under
// 48 KiB.
type Episode struct {
	Incident hayalet.Incident
	Alarms   []EpisodeAlarm
	trail    Trail
	after    int
}

// EpisodeAlarm is a reading alarm.
type EpisodeAlarm struct {
	At, Since                        hayalet.Instant // event times
	Value, Quantum, Increase, Unpaid hayalet.Energy
	Implied                          hayalet.Power
}

// NewEpisode begins to follow an incident on a connector of which the trail is known.
func NewEpisode(inc hayalet.Incident, before *Trail) *Episode {
	return &Episode{Incident: inc, trail: before.episode()}
}

// Alarm takes a reading alarm of the incident.
func (e *Episode) Alarm(v *hayalet.Verdict) {
	at := v.EventAt
	if at == 0 {
		at = v.At
	}
	if len(e.Alarms) >= episodeAlarms {
		kept := firstAlarms
		for i := firstAlarms; i < len(e.Alarms); i += 2 {
			e.Alarms[kept] = e.Alarms[i]
			kept++
		}
		e.Alarms = e.Alarms[:kept]
	}
	e.Alarms = append(e.Alarms, EpisodeAlarm{at, v.Since, v.Value, v.Quantum, v.Increase, v.Unpaid, v.Implied})
}

// Add takes a reading of the connector and reports whether the episode wants another.
func (e *Episode) Add(p Point) bool {
	if !e.Incident.Open() {
		e.after++
	}
	e.trail.Add(p)
	return e.after < afterwards
}

// Mark notes that a transaction began or ended.
func (e *Episode) Mark(at hayalet.Instant, kind MarkKind) { e.trail.Mark(at, kind) }

// Picture draws the register around the incident as an SVG that stands alone. It is nil where there is too little to draw.
func (e *Episode) Picture(p lang.Printer, zone *time.Location) []byte {
	s := e.series(zone)
	if s == nil {
		return nil
	}
	return draw(p, s, pageWidth)
}

// phantomRule reports whether a rule's incidents are energy without a transaction.
func phantomRule(r hayalet.RuleName) bool { return strings.HasPrefix(string(r), "PE-") }

// onRegister reports whether the values of the rule's incidents are a register's: not sums of what is missing, and not what
// power amounts to.
func onRegister(r hayalet.RuleName) bool {
	switch r {
	case "PE-01", "PE-03", "PE-04", "PE-06":
		return true
	}
	return false
}

// series is the register around the incident, or nil where there is too little to draw.
func (e *Episode) series(zone *time.Location) *series {
	inc, w := &e.Incident, e.window()
	s := &series{station: clean(string(inc.Station)), connector: inc.Connector, zone: zone, episode: true}
	s.points = e.points(w)
	if len(s.points) < 2 {
		return nil
	}
	s.marks = e.marks(w)
	s.readings = len(s.points)
	for i := range s.points {
		if s.points[i].Alarm {
			s.alarms++
		}
	}
	s.charging = s.stretches()
	if e.beyond(s) {
		s.phantoms = []phantom{{
			stretch: stretch{e.begin(), inc.LastAt}, base: inc.Baseline, top: inc.Last,
			stopped: slices.ContainsFunc(s.charging, func(c stretch) bool { return c.to == e.begin() }),
		}}
	}
	s.points = thin(s.points, drawnPoints)
	s.thin()
	for _, p := range s.points {
		s.decimals = max(s.decimals, decimalsOf(p.Value))
	}
	s.decimals = min(s.decimals, 4)
	return s
}

// marks are the begins and ends of transactions within the window; none where some of them were forgotten, so that the
// readings tell.
func (e *Episode) marks(w stretch) []Mark {
	if w.from <= e.trail.forgot {
		return nil
	}
	var marks []Mark
	for _, m := range e.trail.marks {
		if m.at >= w.from && m.at <= w.to {
			marks = append(marks, Mark{At: m.at, Kind: m.kind})
		}
	}
	slices.SortStableFunc(marks, func(a, b Mark) int { return compareAt(a.At, b.At) })
	return marks
}

func compareAt(a, b hayalet.Instant) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// beyond reports whether the incident is one flow beyond the end of a transaction, with none inside.
func (e *Episode) beyond(s *series) bool {
	inc := &e.Incident
	if !onRegister(inc.Rule) || inc.BaselineAt == 0 || inc.LastAt <= inc.BaselineAt || inc.Last <= inc.Baseline {
		return false
	}
	return !slices.ContainsFunc(s.marks, func(m Mark) bool {
		return m.Kind == MarkStart && m.At > inc.BaselineAt && m.At < inc.LastAt
	})
}

// window is the time that the picture shows: the incident, the transaction before it as far as it is not much longer, and
// a little of what came after.
func (e *Episode) window() stretch {
	inc := &e.Incident
	from := e.begin()
	to := max(inc.LastAt, from)
	length := max(to.Sub(from), time.Minute)
	w := stretch{from.Add(-length / 2), to.Add(length / 3)}
	for _, m := range slices.Backward(e.trail.marks) {
		if m.kind == MarkStart && m.at <= from {
			w.from = max(m.at, from.Add(-3*length))
			break
		}
	}
	return w
}

// begin is where the picture of the incident begins: at its baseline, or shortly before the flow where the register stood
// still for long before it.
func (e *Episode) begin() hayalet.Instant {
	inc := &e.Incident
	first := inc.FirstAt
	if first == 0 {
		first = inc.OpenedAt
	}
	if len(e.Alarms) > 0 && e.Alarms[0].Since != 0 { // the first increase took its time
		first = min(first, e.Alarms[0].Since)
	}
	flow := max(inc.LastAt.Sub(first), 10*time.Minute)
	if inc.BaselineAt == 0 || first.Sub(inc.BaselineAt) > 4*flow {
		return first.Add(-flow)
	}
	return inc.BaselineAt
}

// points are the readings of the incident's own register within the window, its alarms among them.
func (e *Episode) points(w stretch) []Point {
	inc, track := &e.Incident, e.track(w)
	var points []Point
	for _, p := range e.trail.points {
		if p.Track == track && p.At >= w.from && p.At <= w.to && p.At < latest {
			p.Value = min(max(p.Value, -extreme), extreme)
			points = append(points, p)
		}
	}
	slices.SortStableFunc(points, func(a, b Point) int { return compareAt(a.At, b.At) })
	if onRegister(inc.Rule) && inc.BaselineAt > 0 {
		points = settled(points, Point{At: max(inc.BaselineAt, e.begin()), Value: inc.Baseline, Track: track})
	}
	for _, a := range e.Alarms {
		points = alarmed(points, a, track, onRegister(inc.Rule))
	}
	return points
}

// settled puts in the baseline where no reading tells it.
func settled(points []Point, base Point) []Point {
	i := sortedAfter(points, base.At)
	if i > 0 && points[i-1].Value == base.Value {
		return points
	}
	base.InTransaction = i > 0 && points[i-1].InTransaction
	return slices.Insert(points, i, base)
}

// alarmed marks the reading of an alarm; one that was thinned away, or that was no reading, is put in.
func alarmed(points []Point, a EpisodeAlarm, track int8, own bool) []Point {
	i := sortedAfter(points, a.At)
	p := Point{At: a.At, Value: a.Value, Track: track, Alarm: true}
	for k := i - 1; k >= 0 && points[k].At == a.At; k-- {
		if !own || points[k].Value == a.Value {
			points[k].Alarm = true
			return points
		}
	}
	if !own { // it stands where the register stood
		if i == 0 {
			return points
		}
		p.Value, p.InTransaction = points[i-1].Value, points[i-1].InTransaction
	}
	return slices.Insert(points, i, p)
}

// track is the register that the incident is about: the one that shows its last value, else the one with the most readings
// in the window.
func (e *Episode) track(w stretch) int8 {
	counts := make(map[int8]int)
	best := int8(0)
	for _, p := range e.trail.points {
		if p.At < w.from || p.At > w.to {
			continue
		}
		if p.At == e.Incident.LastAt && p.Value == e.Incident.Last {
			return p.Track
		}
		if counts[p.Track]++; counts[p.Track] > counts[best] {
			best = p.Track
		}
	}
	return best
}
