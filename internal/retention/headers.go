package retention

import (
	"bytes"
	"context"
	"crypto/ed25519"

	"hayalet"
	"hayalet/internal/journal"
)

// What one commit drops of the chain at most, and how many runs are asked for at once.
const (
	headersAStep = 1000 // 200 kB
	runsAtOnce   = 100
)

// The reasons that a hole has.
const (
	tooOld  = "age"
	tooMuch = "size"
)

// headers drops whole runs of blocks that nothing was left of but the headers, from between anchors of the server's key.
func (k *Keeper) headers(ctx context.Context, now hayalet.Instant, l Limit) (gone int, err error) {
	if k.cfg.Key == nil {
		return 0, nil
	}
	if l.Age > 0 {
		always := func() (bool, error) { return true, nil }
		gone, err = k.runs(ctx, now.Add(-l.Age), tooOld, always)
	}
	if err != nil || l.Size <= 0 {
		return gone, err
	}
	var use hayalet.Usage
	over := func() (bool, error) {
		all, err := k.store.Use(ctx, "chain")
		use = all["chain"]
		return use.Bytes > l.Size, err
	}
	n, err := k.runs(ctx, 0, tooMuch, over)
	if err == nil && use.Bytes > l.Size {
		k.log.Warn("retention: headers take more than their limit; what is left has frames, proves some that are kept, or is not between anchors",
			"bytes", use.Bytes, "limit", l.Size)
	}
	return gone + n, err
}

// runs drops those that ended before an instant, the oldest first, as long as more is to go.
func (k *Keeper) runs(ctx context.Context, before hayalet.Instant, reason string, more func() (bool, error)) (gone int, err error) {
	for from := uint64(0); ; {
		if yes, err := more(); err != nil || !yes {
			return gone, err
		}
		found, err := k.store.EmptiedRuns(ctx, k.public(), from, before, runsAtOnce)
		if err != nil {
			return gone, err
		}
		for _, r := range found {
			if yes, err := more(); err != nil || !yes {
				return gone, err
			}
			n, err := k.drop(ctx, r, reason)
			gone += n
			if err != nil {
				return gone, err
			}
			from = r.Last + 1
		}
		if len(found) < runsAtOnce {
			return gone, nil
		}
	}
}

func (k *Keeper) public() ed25519.PublicKey { return k.cfg.Key.Public().(ed25519.PublicKey) }

// drop drops a run once it is on disk, signed, that it goes. A run of which that is said already was not done last time.
func (k *Keeper) drop(ctx context.Context, r hayalet.BlockRange, reason string) (gone int, err error) {
	said, err := k.said(ctx, r)
	if err == nil && !said {
		said, err = k.say(ctx, r, reason)
	}
	for n := headersAStep; err == nil && said && n == headersAStep; {
		err = k.step(ctx, func() (err error) {
			n, err = k.store.DropBlocks(ctx, r, headersAStep)
			gone += n
			return err
		})
	}
	return gone, err
}

// said reports whether there is a hole of the run, by our key.
func (k *Keeper) said(ctx context.Context, r hayalet.BlockRange) (bool, error) {
	holes, err := k.store.FindHoles(ctx, r.First, r.First)
	for i := range holes {
		if h := &holes[i]; h.BlockRange == r && k.public().Equal(ed25519.PublicKey(h.Key)) && journal.HoleHolds(h) {
			return true, err
		}
	}
	return false, err
}

// say signs that the run goes, where it is a chain from one anchor to the other. What is not is left for whoever looks into
// it: nothing that somebody changed or took out is covered up.
func (k *Keeper) say(ctx context.Context, r hayalet.BlockRange, reason string) (bool, error) {
	before, behind, flaw, err := journal.Ends(ctx, k.store, r)
	if err != nil {
		return false, err
	}
	holds := flaw == nil
	for _, end := range []*journal.Header{&before, &behind} {
		if err == nil && holds {
			holds, err = k.anchored(ctx, end)
		}
	}
	if err != nil || !holds {
		if err == nil {
			k.log.Error("retention: headers stay, since they are not a chain from one anchor to the next; see 'hayalet journal verify'", "first", r.First, "last", r.Last)
		}
		return false, err
	}
	hole := journal.SignHole(k.cfg.Key, &before, &behind, hayalet.InstantOf(k.now()), reason)
	return true, k.store.PutHole(ctx, hole)
}

// anchored reports whether our key has anchored the block with this header.
func (k *Keeper) anchored(ctx context.Context, h *journal.Header) (bool, error) {
	anchors, err := k.store.FindAnchors(ctx, h.Number, anchorsOfOne)
	hash := h.Hash()
	for i := range anchors {
		a := &anchors[i]
		if a.Block == h.Number && bytes.Equal(a.Hash, hash[:]) && k.public().Equal(ed25519.PublicKey(a.Key)) && journal.AnchorHolds(a) {
			return true, err
		}
	}
	return false, err
}

// anchorsOfOne bounds how many anchors of one block are looked at.
const anchorsOfOne = 100
