package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"hayalet"
	"hayalet/internal/journal"
)

// MaxHeaders is how many headers a case holds.
const MaxHeaders = uint64(maxFile / journal.HeaderSize)

// limits bound an excerpt, which is in memory as a whole.
type limits struct {
	lines  int    // bytes of frames.jsonl
	leaves int    // of all blocks; each is 67 bytes in blocks.jsonl
	chain  uint64 // blocks from the first with frames to the last; those to the anchor come after them
}

// most leaves room for what is told of the frames: an explanation takes some times as much as they do.
func most() limits { return limits{lines: 32 << 20, leaves: 2 << 20, chain: MaxHeaders / 2} }

// Window is the time of which an excerpt is taken, in receipts. Where it is more than a case holds, what was received
// before the baseline goes first, then what is not needed for the opening, then the end.
type Window struct {
	Since, Until     hayalet.Instant // from the first on, up to and without the last
	Baseline, Opened hayalet.Instant
}

// Excerpt is the frames of one station that a journal holds of a time, and what proves them.
type Excerpt struct {
	Station hayalet.StationID
	Window  // Since and Until are where it was cut, if it was
	Frames  []hayalet.Frame
	Blocks  []Block
	Dropped int  // blocks of the time whose frames retention has taken away, some with their headers
	Cut     bool // there was more than a case holds

	limits limits
	size   int // bytes of the lines
	leaves int
	missed int    // emptied blocks before where it was cut
	line   []byte // of one frame, to know its size
}

// Block is a block that holds frames of the excerpt: blocks.jsonl has one in each line.
type Block struct {
	Number uint64         `json:"block"`
	First  uint64         `json:"first"`  // the position of its first frame
	Leaves []journal.Hash `json:"leaves"` // of all its frames, those of other stations too
	Frames []Place        `json:"frames"` // those of the excerpt

	size    int // bytes of the frames' lines
	emptied int // blocks read before it that had no frames any more
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

// Gather reads the frames of a station: those of the window, or as much of it as a case holds.
func Gather(ctx context.Context, chain journal.Chain, st hayalet.StationID, w Window) (*Excerpt, error) {
	return gather(ctx, chain, st, w, most())
}

func gather(ctx context.Context, chain journal.Chain, st hayalet.StationID, w Window, l limits) (*Excerpt, error) {
	opener, err := journal.NewOpener()
	if err != nil {
		return nil, err
	}
	x := &Excerpt{Station: st, Window: w, limits: l}
	last := uint64(0)
	err = chain.ReadBlocks(ctx, hayalet.BlockQuery{Since: w.Since, Until: w.Until, Bodies: true}, func(b hayalet.Block) error {
		if last > 0 && b.Number > last+1 {
			gone, err := lost(ctx, chain, hayalet.BlockRange{First: last + 1, Last: b.Number - 1})
			if err != nil {
				return err
			}
			x.Dropped += gone
		}
		last = b.Number
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
		if err := x.take(&b, fs, opener); err != nil {
			return err
		}
		return x.fit()
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("gather frames of %q: %w", st, err)
	}
	if len(x.Frames) == 0 {
		return nil, ErrNoFrames
	}
	x.Dropped -= x.missed
	return x, nil
}

// lost is how many of the blocks retention says it has dropped: all of them, or none. Those may be of another time.
func lost(ctx context.Context, chain journal.Chain, r hayalet.BlockRange) (int, error) {
	holes, err := chain.FindHoles(ctx, r.First, r.First)
	for i := range holes {
		if holes[i].BlockRange == r && journal.HoleHolds(&holes[i]) {
			return int(r.Last - r.First + 1), err
		}
	}
	return 0, err
}

// take takes from a block what belongs to the excerpt.
func (x *Excerpt) take(b *hayalet.Block, fs []hayalet.Frame, opener *journal.Opener) (err error) {
	own := Block{Number: b.Number, First: b.First, emptied: x.Dropped}
	for i := range fs {
		f := fs[i]
		if f.Station != x.Station || f.At < x.Since || f.At >= x.Until {
			continue
		}
		if x.line, err = appendLine(x.line[:0], &f); err != nil {
			return fmt.Errorf("frame %d: %w", f.Pos, err)
		}
		own.size += len(x.line)
		f.Data = bytes.Clone(f.Data)
		x.Frames = append(x.Frames, f)
		own.Frames = append(own.Frames, Place{i, f.Conn, f.Seq})
	}
	if len(own.Frames) == 0 {
		return nil
	}
	own.Leaves = opener.Leaves(nil, fs)
	x.Blocks = append(x.Blocks, own)
	x.size, x.leaves = x.size+own.size, x.leaves+len(own.Leaves)
	return nil
}

// fit leaves out blocks until the rest fits into a case. One block always does.
func (x *Excerpt) fit() error {
	for len(x.Blocks) > 1 && x.tooMuch() {
		x.Cut = true
		last := x.Blocks[len(x.Blocks)-1].Frames
		if x.Frames[0].At >= x.Baseline && x.Frames[len(x.Frames)-len(last)].At > x.Opened {
			x.cutEnd()
			return errFull
		}
		x.cutBegin()
	}
	return nil
}

func (x *Excerpt) tooMuch() bool {
	return x.size > x.limits.lines || x.leaves > x.limits.leaves || x.LastBlock()-x.FirstBlock() >= x.limits.chain
}

// cutBegin leaves the first block out.
func (x *Excerpt) cutBegin() {
	first := x.Blocks[0]
	x.leave(&first)
	clear(x.Frames[:len(first.Frames)]) // their bytes are not needed any more
	x.Frames, x.Blocks = x.Frames[len(first.Frames):], x.Blocks[1:]
	x.Since, x.missed = x.Frames[0].At, x.Blocks[0].emptied
}

// cutEnd leaves the last block out.
func (x *Excerpt) cutEnd() {
	last := len(x.Blocks) - 1
	x.leave(&x.Blocks[last])
	end := len(x.Frames) - len(x.Blocks[last].Frames)
	x.Until = x.Frames[end].At
	x.Frames, x.Blocks = x.Frames[:end], x.Blocks[:last]
}

// leave notes that a block is not in it.
func (x *Excerpt) leave(b *Block) {
	x.size, x.leaves = x.size-b.size, x.leaves-len(b.Leaves)
}

// FirstBlock is the number of the first block with frames of the excerpt.
func (x *Excerpt) FirstBlock() uint64 { return x.Blocks[0].Number }

// LastBlock is the number of the last one.
func (x *Excerpt) LastBlock() uint64 { return x.Blocks[len(x.Blocks)-1].Number }

// Headers reads the headers of these blocks, both included, one behind the other.
func Headers(ctx context.Context, blocks hayalet.Blocks, from, to uint64) (all []byte, err error) {
	err = eachHeader(ctx, blocks, from, to, func(b *hayalet.Block) { all = append(all, b.Header...) })
	return all, err
}

func eachHeader(ctx context.Context, blocks hayalet.Blocks, from, to uint64, do func(*hayalet.Block)) error {
	if to < from || to-from >= MaxHeaders {
		return fmt.Errorf("the chain from block %d to block %d is too long for a case", from, to)
	}
	err := blocks.ReadBlocks(ctx, hayalet.BlockQuery{From: from, To: to}, func(b hayalet.Block) error {
		do(&b)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the chain from block %d to block %d: %w", from, to, err)
	}
	return nil
}
