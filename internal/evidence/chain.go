package evidence

import (
	"encoding/json"

	"hayalet/internal/journal"
)

// chain checks the headers from the anchor back to the first. What a header says can be relied on once the one behind it,
// or the anchor, has its hash: so the walk goes backwards, and what it stops at was changed.
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
	v.result.Headers = len(raw) / journal.HeaderSize
	number, hash := a.Block, a.Hash
	for i := v.result.Headers - 1; i >= 0; i-- {
		h, err := journal.ParseHeader(raw[i*journal.HeaderSize:][:journal.HeaderSize])
		if err != nil {
			return flaw("header-changed", number)
		}
		if h.Hash() != hash {
			return misplaced(raw, &h, number, hash)
		}
		if h.Number != number {
			return flaw("header-moved", number, h.Number)
		}
		number, hash = number-1, h.Prev
	}
	v.headers = raw
	return nil
}

// header returns that of a block; nil where the case has none.
func (v *verifier) header(number uint64) *journal.Header {
	back := v.result.Anchor.Block - number
	if back >= uint64(v.result.Headers) {
		return nil
	}
	h, err := journal.ParseHeader(v.headers[len(v.headers)-int(back+1)*journal.HeaderSize:][:journal.HeaderSize])
	if err != nil {
		return nil // chain has read all of them
	}
	return &h
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
	v.result.Anchor, v.result.Anchored = journal.Pin{Block: a.Block, Hash: a.Hash}, a.At
	return a, nil
}

// misplaced says what is wrong with the header that stands where the one with this number and hash belongs.
func misplaced(raw []byte, h *journal.Header, number uint64, hash journal.Hash) *journal.Flaw {
	for ; len(raw) >= journal.HeaderSize; raw = raw[journal.HeaderSize:] {
		if other, err := journal.ParseHeader(raw[:journal.HeaderSize]); err == nil && other.Hash() == hash {
			if h.Number > number {
				return flaw("header-added", h.Number)
			}
			return flaw("header-moved", number, h.Number)
		}
	}
	if h.Number < number {
		return flaw("header-removed", number)
	}
	return flaw("header-changed", number)
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
	h := v.header(b.Number)
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
