package journal

import (
	"fmt"
	"slices"

	"hayalet"
)

// Damaged is the error of a block that the store has and that cannot be read.
type Damaged struct {
	Loss hayalet.Loss
	Err  error
}

// Error names the block and what is wrong with it.
func (d *Damaged) Error() string { return fmt.Sprintf("read block %d: %v", d.Loss.Block, d.Err) }

// Unwrap is what is wrong with the block.
func (d *Damaged) Unwrap() error { return d.Err }

// lossOf is what is lost with a block, by its header, which one place in the row cannot spoil together with the columns that
// the store finds it by; where it has none that can be read, by these. Where its index is empty, or no index, every station
// may have lost something.
func lossOf(b *hayalet.Block) hayalet.Loss {
	index := slices.Clone(b.Stations)
	l := hayalet.Loss{
		Block: b.Number, First: b.First, Last: b.First + uint64(b.Frames) - 1, Since: b.FirstAt, Until: b.LastAt,
		Of: func(st hayalet.StationID) bool {
			return len(index) == 0 || len(index)%markSize != 0 || SpeaksOf(index, st)
		},
	}
	if h, err := ParseHeader(b.Header); err == nil && h.Number == b.Number {
		l.First, l.Last, l.Since, l.Until = h.First, h.First+uint64(h.Frames)-1, h.FirstAt, h.LastAt
	}
	return l
}
