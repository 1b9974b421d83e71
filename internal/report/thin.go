package report

import (
	"cmp"
	"slices"

	"hayalet"
)

// What one picture draws at most.
const (
	maxPoints    = 2000
	maxMarks     = 200
	maxPhantoms  = 200
	maxStretches = 1000
)

// thin bounds what is drawn to what an eye can tell apart: the largest phantoms stay, with the marks where they begin.
func (s *series) thin() {
	whole := s.bounds()
	s.points = thin(s.points, maxPoints)
	if len(s.phantoms) > maxPhantoms {
		slices.SortStableFunc(s.phantoms, func(a, b phantom) int { return cmp.Compare(b.top-b.base, a.top-a.base) })
		s.phantoms = s.phantoms[:maxPhantoms]
		slices.SortFunc(s.phantoms, func(a, b phantom) int { return cmp.Compare(a.from, b.from) })
	}
	if len(s.marks) > maxMarks {
		s.marks = slices.DeleteFunc(s.marks, func(m Mark) bool {
			return !slices.ContainsFunc(s.phantoms, func(z phantom) bool { return z.from == m.At })
		})
		s.marks = s.marks[:min(len(s.marks), maxMarks)]
	}
	if len(s.charging) > maxStretches {
		s.charging = join(s.charging, (whole.to-whole.from)/maxStretches)
	}
}

// join makes one stretch of neighbours with less than gap between them.
func join(stretches []stretch, gap hayalet.Instant) []stretch {
	joined := stretches[:1]
	for _, s := range stretches[1:] {
		if last := &joined[len(joined)-1]; s.from-last.to <= gap {
			last.to = s.to
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// thin returns at most limit of the points, in their order: of each bucket of neighbours the first, the last, the lowest
// and the highest, so that no step and no spike is lost to the eye. Alarms have half of the limit to themselves.
func thin(points []Point, limit int) []Point {
	if len(points) <= limit {
		return points
	}
	var alarms, others []int
	for i := range points {
		if points[i].Alarm {
			alarms = append(alarms, i)
		} else {
			others = append(others, i)
		}
	}
	share := max(limit/2, limit-len(alarms))
	keep := make([]bool, len(points))
	keepExtremes(keep, points, others, share)
	keepExtremes(keep, points, alarms, limit-min(share, len(others)))
	kept := make([]Point, 0, limit)
	for i, k := range keep {
		if k {
			kept = append(kept, points[i])
		}
	}
	return kept
}

// keepExtremes marks at most limit of the points whose indices are given.
func keepExtremes(keep []bool, points []Point, indices []int, limit int) {
	if len(indices) <= limit {
		for _, i := range indices {
			keep[i] = true
		}
		return
	}
	buckets := max(limit/4, 1)
	for b := range buckets {
		bucket := indices[b*len(indices)/buckets : (b+1)*len(indices)/buckets]
		low, high := bucket[0], bucket[0]
		for _, i := range bucket {
			if points[i].Value < points[low].Value {
				low = i
			}
			if points[i].Value > points[high].Value {
				high = i
			}
		}
		keep[bucket[0]], keep[bucket[len(bucket)-1]], keep[low], keep[high] = true, true, true, true
	}
}
