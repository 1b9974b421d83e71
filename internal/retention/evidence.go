package retention

import (
	"time"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

// evidenceOf turns the times of incidents into those of which everything of their stations stays as long as they do.
func evidenceOf(incidents []hayalet.Span) []hayalet.Span {
	for i, span := range incidents {
		incidents[i] = evidence.Kept(span)
	}
	return incidents
}

// day is the width of what spans are sorted into.
const day = hayalet.Instant(24 * time.Hour / time.Microsecond)

// shelf finds the spans that a block touches. They lie by their days, and those without an end apart.
type shelf struct {
	days map[hayalet.Instant][]hayalet.Span
	open []hayalet.Span
}

// newShelf sorts in what of the spans lies after the oldest that is kept.
func newShelf(spans []hayalet.Span, oldest, now hayalet.Instant) *shelf {
	s := &shelf{days: make(map[hayalet.Instant][]hayalet.Span)}
	for _, span := range spans {
		if span.Until >= now {
			s.open = append(s.open, span)
			continue
		}
		for d := max(span.Since, oldest) / day; d <= span.Until/day; d++ {
			s.days[d] = append(s.days[d], span)
		}
	}
	return s
}

// touches reports whether a block may hold frames of a span.
func (s *shelf) touches(b *hayalet.Block) bool {
	if among(s.open, b) {
		return true
	}
	for d := b.FirstAt / day; d <= b.LastAt/day; d++ {
		if among(s.days[d], b) {
			return true
		}
	}
	return false
}

func among(spans []hayalet.Span, b *hayalet.Block) bool {
	for i := range spans {
		if s := &spans[i]; b.FirstAt <= s.Until && b.LastAt >= s.Since && journal.SpeaksOf(b.Stations, s.Station) {
			return true
		}
	}
	return false
}
