package evidence

import (
	"bytes"
	"cmp"
	"fmt"
	"sort"

	"hayalet"
	"hayalet/internal/journal"
)

// links are headers of the journal's chain, one behind the other, what the last of them must be, and what is not among them:
// each hole holds, and stands in the order of the blocks.
type links struct {
	raw   []byte
	end   journal.Pin
	holes []hayalet.Hole
}

// count is how many there are.
func (l *links) count() int { return len(l.raw) / journal.HeaderSize }

// broken walks from the end back to the first. What a header says can be relied on once the one behind it, or the end, or a
// hole has its hash: so the walk goes backwards, and what it stops at was changed.
func (l *links) broken() *journal.Flaw {
	number, hash, holes := l.end.Block, l.end.Hash, l.holes
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
		if n := len(holes) - 1; i > 0 && n >= 0 && holes[n].Last == number {
			if was := h.Hash(); !bytes.Equal(holes[n].After, was[:]) {
				return flaw("hole-moved", holes[n].First, holes[n].Last, h.Number)
			}
			number, hash, holes = holes[n].First-1, journal.Hash(holes[n].Before), holes[:n]
		}
	}
	if len(holes) > 0 {
		return flaw("file-changed", droppedName)
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

// header returns that of a block; nil where there is none. Links that are not broken are in order.
func (l *links) header(number uint64) *journal.Header {
	i, found := sort.Find(l.count(), func(i int) int { return cmp.Compare(number, l.at(i).Number) })
	if !found {
		return nil
	}
	return l.at(i)
}

// at is the header with an index; an empty one where none can be read, of which broken has seen that there is none.
func (l *links) at(i int) *journal.Header {
	h, _ := journal.ParseHeader(l.raw[i*journal.HeaderSize:][:journal.HeaderSize])
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
			return fmt.Errorf("it has no header of block %d to hold against --anchor: only those of blocks %d to %d%s",
				p.Block, l.at(0).Number, l.end.Block, l.without())
		}
	}
	return nil
}

// without says that some of them are not there, where it is so.
func (l *links) without() string {
	if len(l.holes) == 0 {
		return ""
	}
	return ", but for what retention has dropped"
}
