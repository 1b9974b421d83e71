package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"hayalet"
)

// What is drawn is bounded so that the arithmetic of scales cannot overflow: values are cut, and times after the year 2200
// are taken for unknown.
const (
	extreme hayalet.Energy  = math.MaxInt64 / 16
	latest  hayalet.Instant = 7_258_118_400_000_000
)

// series is one register as the picture needs it: in order, bounded, and divided into what was paid for and what was not.
type series struct {
	station   string
	connector hayalet.ConnectorID
	zone      *time.Location
	points    []Point
	marks     []Mark
	charging  []stretch // inside a transaction
	phantoms  []phantom
	decimals  int // that write every value exactly

	readings, alarms int  // before they are thinned
	episode          bool // of one incident: it is drawn once where it is plain to see
}

// stretch is a piece of time.
type stretch struct{ from, to hayalet.Instant }

// phantom is a stretch outside a transaction with alarms in it: from the end of the transaction to the last alarm.
type phantom struct {
	stretch
	base, top hayalet.Energy
	stopped   bool // a transaction ended at its beginning
}

// newSeries puts a side's points in order.
func newSeries(side *Side, zone *time.Location) *series {
	s := &series{station: clean(string(side.Station)), connector: side.Connector, zone: zone}
	for _, p := range side.Points {
		if p.At <= 0 || p.At >= latest {
			continue
		}
		p.Value = min(max(p.Value, -extreme), extreme)
		s.points = append(s.points, p)
		s.readings++
		if p.Alarm {
			s.alarms++
		}
	}
	slices.SortStableFunc(s.points, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
	for _, m := range side.Marks {
		if m.At > 0 && m.At < latest {
			m.Label = clean(m.Label)
			s.marks = append(s.marks, m)
		}
	}
	slices.SortStableFunc(s.marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	return s
}

// finish derives what the picture shades, and then bounds all that it draws.
func (s *series) finish() {
	s.charging = s.stretches()
	s.phantoms = s.findPhantoms()
	s.thin()
	for _, p := range s.points {
		s.decimals = max(s.decimals, decimalsOf(p.Value))
	}
}

// bounds are the first and the last moment that the picture shows.
func (s *series) bounds() stretch {
	b := stretch{math.MaxInt64, 0}
	for _, p := range s.points {
		b.from, b.to = min(b.from, p.At), max(b.to, p.At)
	}
	for _, m := range s.marks {
		b.from, b.to = min(b.from, m.At), max(b.to, m.At)
	}
	if b.from >= b.to {
		b.from, b.to = b.to.Add(-time.Second), b.to.Add(time.Second)
	}
	return b
}

// stretches pairs the marks of starts and stops; where there are no marks, the points tell.
func (s *series) stretches() []stretch {
	if len(s.marks) == 0 {
		return s.stretchesOfPoints()
	}
	b := s.bounds()
	var all []stretch
	open := s.marks[0].Kind == MarkStop
	from := b.from
	for _, m := range s.marks {
		switch {
		case m.Kind == MarkStart && !open:
			open, from = true, m.At
		case m.Kind == MarkStop && open:
			open, all = false, append(all, stretch{from, m.At})
		}
	}
	if open {
		all = append(all, stretch{from, b.to})
	}
	return all
}

func (s *series) stretchesOfPoints() []stretch {
	var all []stretch
	for i, p := range s.points {
		switch {
		case !p.InTransaction:
		case i > 0 && s.points[i-1].InTransaction:
			all[len(all)-1].to = p.At
		default:
			all = append(all, stretch{p.At, p.At})
		}
	}
	return all
}

// findPhantoms gathers the alarms that follow the same end of a transaction.
func (s *series) findPhantoms() []phantom {
	var all []phantom
	ended, quiet, group := 0, 0, -1 // transactions that have ended; the last point that was no alarm; ended of the last phantom
	for i, p := range s.points {
		for ended < len(s.charging) && s.charging[ended].to <= p.At {
			ended++
		}
		switch {
		case !p.Alarm:
			quiet = i
		case ended == group:
			last := &all[len(all)-1]
			last.to, last.top = p.At, max(last.top, p.Value)
		default:
			group = ended
			at, base := s.baseline(ended, quiet)
			all = append(all, phantom{stretch{at, p.At}, base, p.Value, ended > 0})
		}
	}
	return all
}

// baseline is the register where the last of the ended transactions ended. Without one it is the quiet point's.
func (s *series) baseline(ended, quiet int) (hayalet.Instant, hayalet.Energy) {
	if ended == 0 {
		return s.points[quiet].At, s.points[quiet].Value
	}
	stop := s.charging[ended-1].to
	return stop, s.points[max(sortedAfter(s.points, stop)-1, 0)].Value
}

// sortedAfter is the index of the first point after the moment.
func sortedAfter(points []Point, at hayalet.Instant) int {
	i, _ := slices.BinarySearchFunc(points, at+1, func(p Point, at hayalet.Instant) int { return cmp.Compare(p.At, at) })
	return i
}

// settle puts the register's value at the end of the transaction where no point tells it: a station reports meterStop in
// another message than its readings.
func (s *series) settle(value hayalet.Energy) {
	first := slices.IndexFunc(s.points, func(p Point) bool { return p.Alarm })
	if first < 0 {
		return
	}
	for _, m := range slices.Backward(s.marks) {
		if m.Kind != MarkStop || m.At > s.points[first].At {
			continue
		}
		i := sortedAfter(s.points, m.At)
		if i == 0 || s.points[i-1].Value != value {
			s.points = slices.Insert(s.points, i, Point{At: m.At, Value: value, InTransaction: true})
		}
		return
	}
}

// enlarged is the phantom that deserves a panel of its own: the one with the most energy.
func (s *series) enlarged() (phantom, bool) {
	if len(s.phantoms) == 0 {
		return phantom{}, false
	}
	most := slices.MaxFunc(s.phantoms, func(a, b phantom) int { return cmp.Compare(a.top-a.base, b.top-b.base) })
	return most, most.to > most.from
}

// plain reports whether a phantom is plain to see in the picture of the whole.
func (s *series) plain(z *phantom) bool {
	if !s.episode {
		return false
	}
	b, lo, hi := s.bounds(), z.base, z.top
	for _, p := range s.points {
		lo, hi = min(lo, p.Value), max(hi, p.Value)
	}
	return 3*(z.top-z.base) >= hi-lo && 5*(z.to-z.from) >= 2*(b.to-b.from)
}
