package evidence

import (
	"context"
	"crypto/ed25519"
	"encoding/json"

	"hayalet"
	"hayalet/internal/journal"
)

// droppedRun is one of dropped.json: headers that retention has taken from between two of the case's.
type droppedRun struct {
	First     uint64            `json:"first"` // number of the first block
	Last      uint64            `json:"last"`
	Before    journal.Hash      `json:"before"` // of the header before the first
	After     journal.Hash      `json:"after"`  // of the one behind the last
	At        hayalet.Instant   `json:"at"`
	Reason    string            `json:"reason"`
	Key       ed25519.PublicKey `json:"key"`
	Signature []byte            `json:"signature"`
}

func droppedRuns(holes []hayalet.Hole) []droppedRun {
	all := make([]droppedRun, len(holes))
	for i := range holes {
		h := &holes[i]
		all[i] = droppedRun{First: h.First, Last: h.Last, At: h.At, Reason: h.Reason, Key: h.Key, Signature: h.Signature}
		copy(all[i].Before[:], h.Before)
		copy(all[i].After[:], h.After)
	}
	return all
}

func (r *droppedRun) hole() hayalet.Hole {
	return hayalet.Hole{
		BlockRange: hayalet.BlockRange{First: r.First, Last: r.Last}, Before: r.Before[:], After: r.After[:], At: r.At, Reason: r.Reason,
		Key: r.Key, Signature: r.Signature,
	}
}

// Stretch reads the headers from one block to another as headers.bin has them, and the holes between these by statements of
// this key: without what is in the holes, of which some may be there still. Retention may work meanwhile: it says what goes
// before it goes, so the holes are read last.
func Stretch(ctx context.Context, chain journal.Chain, key ed25519.PublicKey, from, to uint64) (_ []byte, holes []hayalet.Hole, err error) {
	var all []byte
	var numbers []uint64 // of them
	err = eachHeader(ctx, chain, from, to, func(b *hayalet.Block) {
		if len(b.Header) == journal.HeaderSize { // what is none is missing
			all, numbers = append(all, b.Header...), append(numbers, b.Number)
		}
	})
	if err == nil {
		holes, err = holesBetween(ctx, chain, key, from, to)
	}
	if err != nil {
		return nil, nil, err
	}
	headers, rest := all[:0], holes
	for i, n := range numbers {
		for len(rest) > 0 && rest[0].Last < n {
			rest = rest[1:]
		}
		if len(rest) == 0 || n < rest[0].First {
			headers = append(headers, all[i*journal.HeaderSize:][:journal.HeaderSize]...)
		}
	}
	return headers, holes, nil
}

func holesBetween(ctx context.Context, chain journal.Chain, key ed25519.PublicKey, from, to uint64) (holes []hayalet.Hole, err error) {
	known, err := chain.FindHoles(ctx, from+1, to)
	last := from
	for i := range known {
		if h := &known[i]; key.Equal(ed25519.PublicKey(h.Key)) && journal.HoleHolds(h) && last < h.First && h.Last < to {
			holes, last = append(holes, *h), h.Last
		}
	}
	return holes, err
}

// dropped reads which headers are not there, and who says so.
func (v *verifier) dropped() (holes []hayalet.Hole, _ *journal.Flaw) {
	if v.archive.files[droppedName] == nil {
		return nil, nil
	}
	text, err := v.archive.read(droppedName)
	if err != nil {
		return nil, damaged(droppedName)
	}
	var runs []droppedRun
	if json.Unmarshal(text, &runs) != nil {
		return nil, flaw("file-changed", droppedName)
	}
	for i := range runs {
		h := runs[i].hole()
		switch {
		case !v.result.Manifest.PublicKey.Equal(runs[i].Key):
			return nil, flaw("hole-key", h.First, h.Last)
		case !journal.HoleHolds(&h):
			return nil, flaw("hole-signature", h.First, h.Last)
		}
		holes = append(holes, h)
		v.result.Dropped += h.Last - h.First + 1
	}
	return holes, nil
}
