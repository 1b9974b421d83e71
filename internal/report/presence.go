package report

import (
	"cmp"
	"slices"
	"time"

	"hayalet"
)

// silence is how long a station may say nothing and still count as seen.
const silence = time.Hour

// spansKept is how many of a station's longest blind spans are kept.
const spansKept = 3

// Blindness is why a station was not seen for a time.
type Blindness uint8

// The kinds of blindness.
const (
	Silent       Blindness = iota // nothing was heard of it for more than an hour
	Disconnected                  // its connection had ended
	Lost                          // frames were lost before they could be kept
)

var blindWords = [...]string{"silent", "disconnected", "lost"}

// String is the word of the kind.
func (b Blindness) String() string {
	if int(b) < len(blindWords) {
		return blindWords[b]
	}
	return "?"
}

// blink is the shortest time without a connection that is worth a word: a station that boots is gone for less.
const blink = time.Second

// BlindSpan is a time at which a station was not seen.
type BlindSpan struct {
	From, To hayalet.Instant
	Why      Blindness
}

// Presence tells when a station was seen in a record: it takes every frame of the station, in the order of the record, and
// keeps a fixed size. The time between two frames is seen if it is at most an hour, the first of them does not end the
// connection and the second one does not say that frames were lost.
type Presence struct {
	First, Last hayalet.Instant // receipt; zero where no frame has a time
	In, Out     int64           // messages of the station, and to it
	Gaps        int             // times at which frames were lost
	Seen        time.Duration
	Unseen      time.Duration // between its first and its last frame
	Blind       []BlindSpan   // the longest of them, at most three, longest first

	closed bool
}

// Frame takes the next frame.
func (p *Presence) Frame(at hayalet.Instant, dir hayalet.Direction, kind hayalet.FrameKind) {
	switch {
	case kind == hayalet.Gap:
		p.Gaps++
	case kind == hayalet.Message && dir == hayalet.In:
		p.In++
	case kind == hayalet.Message:
		p.Out++
	}
	if at > 0 {
		p.advance(at, kind == hayalet.Gap)
	}
	p.closed = kind == hayalet.ConnClose
}

func (p *Presence) advance(at hayalet.Instant, lost bool) {
	if p.First == 0 {
		p.First, p.Last = at, at
		return
	}
	if at <= p.Last { // of another connection or file
		return
	}
	span := BlindSpan{From: p.Last, To: at}
	p.Last = at
	switch {
	case lost:
		span.Why = Lost
	case p.closed && span.length() >= blink:
		span.Why = Disconnected
	case span.length() <= silence:
		p.Seen += span.length()
		return
	}
	p.Unseen += span.length()
	p.keep(span)
}

func (b *BlindSpan) length() time.Duration { return b.To.Sub(b.From) }

func (p *Presence) keep(span BlindSpan) {
	at, _ := slices.BinarySearchFunc(p.Blind, span, func(a, b BlindSpan) int { return cmp.Compare(b.length(), a.length()) })
	if at >= spansKept {
		return
	}
	if len(p.Blind) == spansKept {
		p.Blind = p.Blind[:spansKept-1]
	}
	p.Blind = slices.Insert(p.Blind, at, span)
}

// Messages counts the messages of both directions.
func (p *Presence) Messages() int64 { return p.In + p.Out }
