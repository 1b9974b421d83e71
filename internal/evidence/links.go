package evidence

import (
	"fmt"

	"hayalet/internal/journal"
)

// links are headers of the journal's chain, one behind the other, and what the last of them must be.
type links struct {
	raw []byte
	end journal.Pin
}

// count is how many there are.
func (l *links) count() int { return len(l.raw) / journal.HeaderSize }

// broken walks from the end back to the first. What a header says can be relied on once the one behind it, or the end, has
// its hash: so the walk goes backwards, and what it stops at was changed.
func (l *links) broken() *journal.Flaw {
	number, hash := l.end.Block, l.end.Hash
	for i := l.count() - 1; i >= 0; i-- {
		h, err := journal.ParseHeader(l.raw[i*journal.HeaderSize:][:journal.HeaderSize])
		if err != nil {
			return flaw("header-changed", number)
		}
		if h.Hash() != hash {
			return misplaced(l.raw, &h, number, hash)
		}
		if h.Number != number {
			return flaw("header-moved", number, h.Number)
		}
		number, hash = number-1, h.Prev
	}
	return nil
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

// header returns that of a block; nil where there is none.
func (l *links) header(number uint64) *journal.Header {
	back := l.end.Block - number
	if back >= uint64(l.count()) {
		return nil
	}
	h, err := journal.ParseHeader(l.raw[len(l.raw)-int(back+1)*journal.HeaderSize:][:journal.HeaderSize])
	if err != nil {
		return nil // broken has read all of them
	}
	return &h
}

// differs finds the first pin that does not agree, and counts those that do.
func (l *links) differs(pins []journal.Pin) (agree int, found *journal.Flaw) {
	for _, p := range pins {
		if h := l.header(p.Block); h != nil && h.Pin() != p {
			return agree, flaw("pin-hash", p.Block)
		} else if h != nil {
			agree++
		}
	}
	return agree, nil
}

// lacks is an error where a pin is of a block whose header is not there.
func (l *links) lacks(pins []journal.Pin) error {
	for _, p := range pins {
		if l.header(p.Block) == nil {
			return fmt.Errorf("it has no header of block %d to hold against --anchor: only those of blocks %d to %d",
				p.Block, l.end.Block+1-uint64(l.count()), l.end.Block)
		}
	}
	return nil
}
