package journal

import (
	"context"
	"fmt"

	"hayalet"
)

// Replay gives the frames that the query selects to the sink, a block's at a time, in the order of their positions. Frames
// whose bodies retention has dropped are passed over. It ends with the sink's first error.
func (j *Journal) Replay(ctx context.Context, q hayalet.FrameQuery, to hayalet.FrameSink) error {
	return Replay(ctx, j.store, q, to)
}

// Replay is [Journal.Replay] of a store that nobody here writes to.
func Replay(ctx context.Context, store hayalet.Blocks, q hayalet.FrameQuery, to hayalet.FrameSink) error {
	return replayFrom(ctx, store, 0, q, to)
}

// replayFrom is Replay from a block on.
func replayFrom(ctx context.Context, store hayalet.Blocks, block uint64, q hayalet.FrameQuery, to hayalet.FrameSink) error {
	opener, err := NewOpener()
	if err != nil {
		return err
	}
	r := reader{q: q, opener: opener}
	blocks := hayalet.BlockQuery{From: block, Position: q.From, Since: q.Since, Until: q.Until, Bodies: true}
	return store.ReadBlocks(ctx, blocks, func(b hayalet.Block) error {
		fs, err := r.read(&b)
		if err != nil || len(fs) == 0 {
			return err
		}
		if err := to.PutFrames(ctx, fs); err != nil {
			return fmt.Errorf("replay frame %d and after: %w", fs[0].Pos, err)
		}
		return nil
	})
}

// reader chooses the frames of blocks.
type reader struct {
	q      hayalet.FrameQuery
	opener *Opener
}

func (r *reader) read(b *hayalet.Block) ([]hayalet.Frame, error) {
	if b.Body == nil || !SpeaksOf(b.Stations, r.q.Station) {
		return nil, nil
	}
	fs, err := r.opener.Frames(b)
	if err != nil {
		return nil, err
	}
	chosen := fs[:0]
	for i := range fs {
		if r.selects(&fs[i]) {
			chosen = append(chosen, fs[i])
		}
	}
	return chosen, nil
}

func (r *reader) selects(f *hayalet.Frame) bool {
	return f.Pos >= r.q.From && (r.q.Station == "" || f.Station == r.q.Station) &&
		(r.q.Since == 0 || f.At >= r.q.Since) && (r.q.Until == 0 || f.At < r.q.Until)
}
