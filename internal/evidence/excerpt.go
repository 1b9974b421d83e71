package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"hayalet"
	"hayalet/internal/journal"
)

// maxMessages bounds the messages of a case, in bytes: they are in memory together.
const maxMessages = 64 << 20

// Excerpt is the frames of one station that a journal holds of a time, and what proves them.
type Excerpt struct {
	Station      hayalet.StationID
	Since, Until hayalet.Instant // receipt: from the first on, up to and without the last
	Frames       []hayalet.Frame
	Blocks       []Block
	Dropped      int  // blocks of the time whose frames retention has taken away
	Cut          bool // there was more than a case holds: Until is where it was cut
}

// Block is a block that holds frames of the excerpt: blocks.jsonl has one in each line.
type Block struct {
	Number uint64         `json:"block"`
	First  uint64         `json:"first"`  // the position of its first frame
	Leaves []journal.Hash `json:"leaves"` // of all its frames, those of other stations too
	Frames []Place        `json:"frames"` // those of the excerpt
}

// Place says which leaf of a block is which frame's.
type Place struct {
	Index int            `json:"index"` // among the leaves, from 0
	Conn  hayalet.ConnID `json:"conn"`
	Seq   uint64         `json:"seq"`
}

// ErrNoFrames is returned by Gather where the journal has none.
var ErrNoFrames = errors.New("the journal holds no frames of that time")

var errFull = errors.New("the case is full")

// Gather reads the frames of a station, and stops where there are more than 64 MB of them.
func Gather(ctx context.Context, blocks hayalet.Blocks, st hayalet.StationID, since, until hayalet.Instant) (*Excerpt, error) {
	opener, err := journal.NewOpener()
	if err != nil {
		return nil, err
	}
	x := &Excerpt{Station: st, Since: since, Until: until}
	size := 0
	err = blocks.ReadBlocks(ctx, hayalet.BlockQuery{Since: since, Until: until, Bodies: true}, func(b hayalet.Block) error {
		if b.Body == nil {
			x.Dropped++
			return nil
		}
		if !journal.SpeaksOf(b.Stations, st) {
			return nil
		}
		fs, err := opener.Frames(&b)
		if err != nil {
			return err
		}
		return x.take(&b, fs, opener, &size)
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("gather frames of %q: %w", st, err)
	}
	if len(x.Frames) == 0 {
		return nil, ErrNoFrames
	}
	return x, nil
}

// take takes from a block what belongs to the excerpt.
func (x *Excerpt) take(b *hayalet.Block, fs []hayalet.Frame, opener *journal.Opener, size *int) error {
	own := Block{Number: b.Number, First: b.First}
	for i := range fs {
		f := fs[i]
		if f.Station != x.Station || f.At < x.Since || f.At >= x.Until {
			continue
		}
		if *size += len(f.Data); *size > maxMessages && len(x.Frames) > 0 {
			x.Cut, x.Until = true, f.At
			break
		}
		f.Data = bytes.Clone(f.Data)
		x.Frames = append(x.Frames, f)
		own.Frames = append(own.Frames, Place{i, f.Conn, f.Seq})
	}
	if len(own.Frames) > 0 {
		own.Leaves = opener.Leaves(nil, fs)
		x.Blocks = append(x.Blocks, own)
	}
	if x.Cut {
		return errFull
	}
	return nil
}

// FirstBlock is the number of the first block with frames of the excerpt.
func (x *Excerpt) FirstBlock() uint64 { return x.Blocks[0].Number }

// LastBlock is the number of the last one.
func (x *Excerpt) LastBlock() uint64 { return x.Blocks[len(x.Blocks)-1].Number }

// Headers reads the headers of these blocks, both included, as headers.bin has them: one behind the other.
func Headers(ctx context.Context, blocks hayalet.Blocks, from, to uint64) ([]byte, error) {
	if to < from || (to-from+1)*uint64(journal.HeaderSize) > maxFile {
		return nil, fmt.Errorf("the chain from block %d to block %d is too long for a case", from, to)
	}
	var all []byte
	err := blocks.ReadBlocks(ctx, hayalet.BlockQuery{From: from, To: to}, func(b hayalet.Block) error {
		all = append(all, b.Header...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the chain from block %d to block %d: %w", from, to, err)
	}
	return all, nil
}
