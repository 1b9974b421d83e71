package evidence

import (
	"encoding/json"

	"hayalet/internal/journal"
)

// chain checks the headers against the anchor.
func (v *verifier) chain() *journal.Flaw {
	a, flawed := v.anchor()
	if flawed != nil {
		return flawed
	}
	raw, err := v.archive.read(headersName)
	if err != nil {
		return damaged(headersName)
	}
	if len(raw) == 0 || len(raw)%journal.HeaderSize != 0 {
		return flaw("file-changed", headersName)
	}
	holes, flawed := v.dropped()
	if flawed != nil {
		return flawed
	}
	v.links = links{raw, journal.Pin{Block: a.Block, Hash: a.Hash}, holes}
	v.result.Headers, v.result.Anchor = v.links.count(), v.links.end
	return v.links.broken()
}

// anchor reads the anchor and checks its signature.
func (v *verifier) anchor() (a anchor, _ *journal.Flaw) {
	text, err := v.archive.read(anchorName)
	if err != nil {
		return a, damaged(anchorName)
	}
	if json.Unmarshal(text, &a) != nil {
		return a, flaw("file-changed", anchorName)
	}
	switch key := v.result.Manifest.PublicKey; {
	case !key.Equal(a.Key):
		return a, flaw("anchor-key", Fingerprint(key), Fingerprint(a.Key))
	case !a.holds():
		return a, flaw("anchor-signature", a.Block)
	}
	v.result.Anchored = a.At
	return a, nil
}

// blocks checks the leaves of each block against its header, and learns which frames there must be.
func (v *verifier) blocks() (found *journal.Flaw) {
	err := v.archive.lines(blocksName, func(_ int, text []byte) error {
		var b Block
		if json.Unmarshal(text, &b) != nil {
			found = flaw("file-changed", blocksName)
		} else {
			found = v.block(&b)
		}
		if found != nil {
			return errEnough
		}
		return nil
	})
	if found == nil && err != nil {
		return damaged(blocksName)
	}
	return found
}

func (v *verifier) block(b *Block) *journal.Flaw {
	h := v.links.header(b.Number)
	if h == nil {
		return flaw("header-removed", b.Number)
	}
	if b.First != h.First || len(b.Leaves) != int(h.Frames) || journal.Root(b.Leaves) != h.Root {
		return flaw("leaves", b.Number, h.First, h.First+uint64(h.Frames)-1)
	}
	for _, p := range b.Frames {
		if p.Index < 0 || p.Index >= len(b.Leaves) {
			return flaw("file-changed", blocksName)
		}
		r := record{Place: p, pos: b.First + uint64(p.Index), leaf: b.Leaves[p.Index]}
		if n := len(v.want); n > 0 && v.want[n-1].pos >= r.pos {
			return flaw("file-changed", blocksName)
		}
		v.want = append(v.want, r)
	}
	return nil
}
