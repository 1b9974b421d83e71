package report

import (
	"slices"

	"hayalet"
)

// What a Trail keeps.
const (
	trailPoints   = 128 // of a connector
	trailMarks    = 24
	episodePoints = 768 // of an episode
)

// Trail is what is remembered of a connector's register: the newer, the finer. It holds at most 128 points of 24 bytes and
// 24 marks, under 4 KiB in all, however long the record is; older points are thinned, and a register that stands still
// needs two. The zero value is an empty one. It is used by one goroutine at a time.
type Trail struct {
	points []Point
	marks  []turn
	forgot hayalet.Instant // of the last mark that is not there any more
	whole  bool            // every part of it counts the same: it is an episode's
}

type turn struct {
	at   hayalet.Instant
	kind MarkKind
}

// Add takes the next reading. One without a time is left out.
func (t *Trail) Add(p Point) {
	if p.At <= 0 {
		return
	}
	if n := len(t.points); n >= 2 && stands(t.points[n-2], p) && stands(t.points[n-1], p) && p.At >= t.points[n-1].At {
		t.points[n-1].At = p.At
		return
	}
	if len(t.points) >= t.room() {
		t.fade()
	}
	t.points = append(t.points, p)
}

// stands reports whether q says again what p said.
func stands(p, q Point) bool {
	return p.Value == q.Value && p.InTransaction == q.InTransaction && p.Track == q.Track
}

func (t *Trail) room() int {
	if t.whole {
		return episodePoints
	}
	return trailPoints
}

// fade makes room: an episode is thinned from end to end, a connector's past the older half.
func (t *Trail) fade() {
	old := len(t.points) / 2
	if t.whole {
		old = len(t.points)
	}
	kept := thin(t.points[:old], old/2)
	t.points = append(t.points[:copy(t.points, kept)], t.points[old:]...)
}

// Mark notes that a transaction began or ended.
func (t *Trail) Mark(at hayalet.Instant, kind MarkKind) {
	if at <= 0 {
		return
	}
	if len(t.marks) >= trailMarks {
		t.forgot = max(t.forgot, t.marks[trailMarks/4-1].at)
		t.marks = slices.Delete(t.marks, 0, trailMarks/4)
	}
	t.marks = append(t.marks, turn{at, kind})
}

// episode is a copy that goes on by itself, with room for 768 points.
func (t *Trail) episode() Trail {
	return Trail{points: slices.Clone(t.points), marks: slices.Clone(t.marks), forgot: t.forgot, whole: true}
}
