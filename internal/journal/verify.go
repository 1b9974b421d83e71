package journal

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"slices"

	"hayalet"
)

// Flaw is the first place at which a chain, or what was taken from one, does not hold.
type Flaw struct {
	Code string // of its sentence: flaw.CODE in the catalogue of texts
	Args []any  // what the sentence speaks of
}

// Checked is what a walk over a chain saw.
type Checked struct {
	Blocks, Bodies, Frames uint64
	Dropped                uint64          // blocks that are not there, all of them in holes that retention has signed
	Holes                  int             // these
	From, To               hayalet.Instant // receipts
	Anchors                int             // that the chain agrees with
	Anchored               uint64          // the last block that they cover
	Foreign                int             // anchors of other keys, which say nothing
	Pinned                 int             // pins that the chain agrees with
}

// Checker walks over a chain, block by block from the first, and finds where it first does not hold. One goroutine uses it.
type Checker struct {
	Checked
	Passed  []Pin // pins of blocks that were dropped: they say nothing any more
	opener  *Opener
	keys    []ed25519.PublicKey
	last    Header
	leaves  []Hash
	anchors []hayalet.Anchor // those that are not reached yet, in the order of their blocks
	pins    []Pin            // likewise
	anchor  Pin              // the last block that is anchored
	holes   []hayalet.Hole   // that may be what is missing before the next block
	kept    uint64           // the first block that has its frames of what is left of that; 0: none has
	crossed bool             // the block lies behind a hole
}

// NewChecker returns a checker that knows anchors, and pins, which need no key. With keys, only anchors and holes of these
// count.
func NewChecker(anchors []hayalet.Anchor, keys []ed25519.PublicKey, pins ...Pin) (*Checker, error) {
	o, err := NewOpener()
	if err != nil {
		return nil, err
	}
	c := &Checker{opener: o, keys: keys, pins: slices.SortedFunc(slices.Values(pins), func(a, b Pin) int { return cmp.Compare(a.Block, b.Block) })}
	for _, a := range anchors {
		if !c.trusts(a.Key) {
			c.Foreign++
			continue
		}
		c.anchors = append(c.anchors, a)
	}
	slices.SortStableFunc(c.anchors, func(a, b hayalet.Anchor) int { return cmp.Compare(a.Block, b.Block) })
	return c, nil
}

// trusts reports whether a key counts.
func (c *Checker) trusts(key []byte) bool {
	return len(c.keys) == 0 || slices.ContainsFunc(c.keys, func(k ed25519.PublicKey) bool { return k.Equal(ed25519.PublicKey(key)) })
}

// errEnd ends a walk over blocks.
var errEnd = errors.New("end")

// Walk checks all that the store holds, and tells each block's number to seen. Blocks may be appended and dropped meanwhile.
// The flaw is nil where everything holds; the error is the store's.
func (c *Checker) Walk(ctx context.Context, chain Chain, seen func(number uint64)) (flaw *Flaw, err error) {
	err = chain.ReadBlocks(ctx, hayalet.BlockQuery{Bodies: true}, func(b hayalet.Block) error {
		if b.Number > c.last.Number+1 {
			if err := c.approach(ctx, chain); err != nil {
				return err
			}
		}
		if flaw = c.Block(&b); flaw != nil {
			return errEnd
		}
		seen(b.Number)
		return nil
	})
	switch {
	case flaw != nil:
		return flaw, nil
	case err != nil && !errors.Is(err, hayalet.ErrNotFound):
		return nil, err
	}
	if flaw = c.End(); flaw != nil {
		return flaw, nil
	}
	return c.beyond(ctx, chain)
}

// Block checks the next block.
func (c *Checker) Block(b *hayalet.Block) *Flaw {
	h, err := ParseHeader(b.Header)
	if err != nil {
		return &Flaw{"header-changed", []any{b.Number}}
	}
	if flaw := c.link(b.Number, &h); flaw != nil {
		return flaw
	}
	if b.First != h.First || b.Frames != int(h.Frames) || b.FirstAt != h.FirstAt || b.LastAt != h.LastAt {
		return &Flaw{"block-columns", []any{h.Number}}
	}
	if b.Body != nil {
		if flaw := c.body(b, &h); flaw != nil {
			return flaw
		}
		c.Bodies++
	}
	if flaw := c.anchored(&h); flaw != nil {
		return flaw
	}
	if flaw := c.landed(&h); flaw != nil {
		return flaw
	}
	if c.Blocks == 0 {
		c.From = h.FirstAt
	}
	c.Blocks, c.Frames, c.To = c.Blocks+1, c.Frames+uint64(h.Frames), max(c.To, h.LastAt)
	c.last = h
	return nil
}

// link checks that the header, which stands at the place of a number, is the next of the chain, or the next behind a hole.
func (c *Checker) link(place uint64, h *Header) *Flaw {
	if place > c.last.Number+1 {
		return c.cross(place, h)
	}
	return follows(&c.last, h, place)
}

// follows checks that a header, which stands at the place of a number, is the next one after last. That of the first block
// follows an empty one.
func follows(last, h *Header, place uint64) *Flaw {
	var prev Hash // zeroes in the first
	if last.Number > 0 {
		prev = last.Hash()
	}
	switch next := last.Number + 1; {
	case place > next:
		return &Flaw{"block-removed", []any{next, place - 1}}
	case h.Number != place:
		return &Flaw{"header-moved", []any{place, h.Number}}
	case h.Prev != prev:
		return &Flaw{"block-link", []any{h.Number, last.Number}}
	case h.First != max(last.First+uint64(last.Frames), 1):
		return &Flaw{"block-positions", []any{h.Number, h.First}}
	}
	return nil
}

func (c *Checker) body(b *hayalet.Block, h *Header) *Flaw {
	end := h.First + uint64(h.Frames) - 1
	fs, err := c.opener.Frames(b)
	if err != nil {
		return &Flaw{"body-damaged", []any{h.Number, h.First, end}}
	}
	c.leaves = c.opener.Leaves(c.leaves[:0], fs)
	if rootInPlace(c.leaves) == h.Root {
		if !c.opener.indexed(b) { // a station that it lacks is not found, although its frames are there
			return &Flaw{"block-index", []any{h.Number}}
		}
		return nil
	}
	if f := strange(fs, h); f != nil {
		return &Flaw{"frame-strange", []any{f.Pos, string(f.Station), string(f.Conn), f.Seq, h.Number}}
	}
	return &Flaw{"body-changed", []any{h.Number, h.First, end}}
}

// strange is the first frame of a block that cannot stand where it does: received at a time that the header does not
// cover, or behind a later one of its connection. It is nil where all could.
func strange(fs []hayalet.Frame, h *Header) *hayalet.Frame {
	seen := make(map[hayalet.ConnID]uint64)
	for i := range fs {
		f := &fs[i]
		if f.At < h.FirstAt || f.At > h.LastAt || f.Seq != 0 && f.Seq <= seen[f.Conn] {
			return f
		}
		seen[f.Conn] = f.Seq
	}
	return nil
}

// anchored checks the block against the anchors of it.
func (c *Checker) anchored(h *Header) *Flaw {
	for len(c.anchors) > 0 && c.anchors[0].Block <= h.Number {
		a := &c.anchors[0]
		if hash := h.Hash(); !AnchorHolds(a) {
			return &Flaw{"anchor-signature", []any{a.Block}}
		} else if !bytes.Equal(a.Hash, hash[:]) {
			return &Flaw{"anchor-hash", []any{a.Block, a.At.String()}}
		}
		c.anchor = h.Pin()
		c.Anchors, c.Anchored, c.anchors = c.Anchors+1, a.Block, c.anchors[1:]
	}
	for len(c.pins) > 0 && c.pins[0].Block <= h.Number {
		if c.pins[0] != h.Pin() {
			return &Flaw{"pin-hash", []any{h.Number}}
		}
		c.Pinned, c.pins = c.Pinned+1, c.pins[1:]
	}
	return nil
}

// Last is the block that the walk saw last.
func (c *Checker) Last() Pin { return c.last.Pin() }

// Anchor is the last block that is anchored, or an empty one: retention leaves it where it is.
func (c *Checker) Anchor() Pin { return c.anchor }

// End checks that the chain does not end before the last anchor or pin.
func (c *Checker) End() *Flaw {
	if n := len(c.pins); n > 0 {
		return &Flaw{"pin-cut", []any{c.last.Number, c.pins[n-1].Block}}
	}
	if len(c.anchors) == 0 {
		return nil
	}
	a := &c.anchors[len(c.anchors)-1]
	if !AnchorHolds(a) {
		return &Flaw{"anchor-signature", []any{a.Block}}
	}
	return &Flaw{"chain-cut", []any{c.last.Number, a.Block, a.At.String()}}
}
