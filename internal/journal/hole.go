package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"hayalet"
)

// holeMagic begins what a hole's signature is over: the version of the format.
const holeMagic = "hjh1"

// Chain is the blocks of a journal and the holes that retention has made in it.
type Chain interface {
	hayalet.Blocks
	FindHoles(ctx context.Context, from, to uint64) ([]hayalet.Hole, error)
}

// SignHole states with the key that retention dropped the blocks between these two at this time, and why.
func SignHole(key ed25519.PrivateKey, before, behind *Header, at hayalet.Instant, reason string) hayalet.Hole {
	was, is := before.Hash(), behind.Hash()
	h := hayalet.Hole{
		BlockRange: hayalet.BlockRange{First: before.Number + 1, Last: behind.Number - 1}, Before: was[:], After: is[:], At: at, Reason: reason,
		Key: key[ed25519.SeedSize:],
	}
	h.Signature = ed25519.Sign(key, holeBytes(&h))
	return h
}

// HoleHolds reports whether the hole is of blocks that can lie between two others, and its signature is that of its key.
func HoleHolds(h *hayalet.Hole) bool {
	return h.First > 1 && h.First <= h.Last && len(h.Before) == sha256.Size && len(h.After) == sha256.Size &&
		len(h.Key) == ed25519.PublicKeySize && ed25519.Verify(h.Key, holeBytes(h), h.Signature)
}

// holeBytes are what is signed: the numbers of the first and the last block, the hashes of the headers before and behind
// them, the time in µs since 1970, integers big-endian, and the reason.
func holeBytes(h *hayalet.Hole) []byte {
	b := binary.BigEndian.AppendUint64([]byte(holeMagic), h.First)
	b = binary.BigEndian.AppendUint64(b, h.Last)
	b = append(append(b, h.Before...), h.After...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.At))
	return append(b, h.Reason...)
}

// Ends reads the headers of blocks, the one before them and the one behind them, and returns these two. The flaw is the
// first of them that is not the next of the chain: who drops what does not hold makes it impossible to see.
func Ends(ctx context.Context, blocks hayalet.Blocks, r hayalet.BlockRange) (before, behind Header, flaw *Flaw, err error) {
	next := r.First - 1
	err = blocks.ReadBlocks(ctx, hayalet.BlockQuery{From: next, To: r.Last + 1}, func(b hayalet.Block) error {
		h, err := ParseHeader(b.Header)
		switch {
		case err != nil:
			flaw = &Flaw{"header-changed", []any{b.Number}}
		case b.Number != next:
			flaw = &Flaw{"block-removed", []any{next, b.Number - 1}}
		case next == r.First-1:
			before = h
		default:
			flaw = follows(&behind, &h, b.Number)
		}
		if flaw != nil {
			return errEnd
		}
		behind, next = h, next+1
		return nil
	})
	switch {
	case flaw != nil:
		err = nil
	case err == nil && next <= r.Last+1:
		flaw = &Flaw{"block-removed", []any{next, r.Last + 1}}
	}
	return before, behind, flaw, err
}

// approach reads what may explain that the next block is missing: the holes, and then whether what is left before it of a run
// has frames, which no run had that retention has begun to drop.
func (c *Checker) approach(ctx context.Context, chain Chain) (err error) {
	if c.holes, err = chain.FindHoles(ctx, c.anchor.Block+1, c.last.Number+1); err != nil {
		return err
	}
	c.kept = 0
	if c.last.Number == c.anchor.Block {
		return nil
	}
	err = chain.ReadBlocks(ctx, hayalet.BlockQuery{From: c.anchor.Block + 1, To: c.last.Number, Kept: true}, func(b hayalet.Block) error {
		c.kept = b.Number
		return errEnd
	})
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// cross checks that what is missing before the header at this place was dropped by retention: that one of the holes is just
// that, is signed with a key that counts, and lies between two anchored blocks.
func (c *Checker) cross(place uint64, h *Header) *Flaw {
	next := c.last.Number + 1
	found := &Flaw{"block-removed", []any{next, place - 1}}
	for i := range c.holes {
		if found = c.bridges(&c.holes[i], place, h); found == nil {
			break
		}
	}
	if found != nil {
		return found
	}
	for len(c.anchors) > 0 && c.anchors[0].Block < place { // made while the run was on its way out
		if !AnchorHolds(&c.anchors[0]) {
			return &Flaw{"anchor-signature", []any{c.anchors[0].Block}}
		}
		c.anchors = c.anchors[1:]
	}
	for len(c.pins) > 0 && c.pins[0].Block < place {
		c.Passed, c.pins = append(c.Passed, c.pins[0]), c.pins[1:]
	}
	c.Dropped, c.Holes = c.Dropped+place-next, c.Holes+1
	c.crossed = true
	return nil
}

// bridges says why the hole does not lead from the last block to the header at a place, or nil. What retention has yet to
// drop of a run is the beginning of it, which hangs on the block before, and has no frames: nothing that can be proven leads to
// it, so that whoever puts blocks into a hole puts in no messages.
func (c *Checker) bridges(o *hayalet.Hole, place uint64, h *Header) *Flaw {
	hash := h.Hash()
	switch {
	case !c.trusts(o.Key):
		return &Flaw{"hole-key", []any{o.First, o.Last}}
	case !HoleHolds(o):
		return &Flaw{"hole-signature", []any{o.First, o.Last}}
	case h.Number != place:
		return &Flaw{"header-moved", []any{place, h.Number}}
	case o.Last < place-1:
		return &Flaw{"block-removed", []any{max(c.last.Number, o.Last) + 1, place - 1}}
	case o.Last > place-1:
		return &Flaw{"hole-filled", []any{place, o.First, o.Last}}
	case o.First != c.anchor.Block+1:
		return &Flaw{"hole-unanchored", []any{o.First, o.Last}}
	case !bytes.Equal(o.Before, c.anchor.Hash[:]):
		return &Flaw{"hole-moved", []any{o.First, o.Last, o.First - 1}}
	case !bytes.Equal(o.After, hash[:]):
		return &Flaw{"hole-moved", []any{o.First, o.Last, place}}
	case c.kept > 0:
		return &Flaw{"hole-filled", []any{c.kept, o.First, o.Last}}
	}
	return nil
}

// landed checks that a block behind a hole is anchored.
func (c *Checker) landed(h *Header) *Flaw {
	if c.crossed && c.anchor.Block != h.Number {
		return &Flaw{"hole-unanchored", []any{c.anchor.Block + 1, h.Number - 1}}
	}
	c.crossed = false
	return nil
}

// beyond checks that no hole says that there were blocks behind the last one.
func (c *Checker) beyond(ctx context.Context, chain Chain) (*Flaw, error) {
	holes, err := chain.FindHoles(ctx, c.anchor.Block+1, 0)
	if err != nil {
		return nil, err
	}
	for i := range holes {
		if o := &holes[i]; o.Last >= c.last.Number && c.trusts(o.Key) && HoleHolds(o) {
			return &Flaw{"block-removed", []any{c.last.Number + 1, o.Last + 1}}, nil
		}
	}
	return nil, nil
}
