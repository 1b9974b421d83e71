package retention

import (
	"context"
	"errors"

	"hayalet"
)

// What one commit drops of the journal at most.
const (
	blocksAStep = 100
	framesAStep = 4096 // a megabyte or two at most
)

// frames drops the bodies of the oldest blocks.
func (k *Keeper) frames(ctx context.Context, now hayalet.Instant, l Limit, keep []hayalet.Span) (int, error) {
	if l.Age <= 0 && l.Size <= 0 {
		return 0, nil
	}
	use, err := k.store.Use(ctx, "frames")
	if err != nil || use["frames"].Records == 0 {
		return 0, err
	}
	w := walk{keeper: k, shelf: newShelf(keep, use["frames"].Oldest, now)}
	if l.Age > 0 {
		if err := w.dropBefore(ctx, now.Add(-l.Age)); err != nil {
			return w.gone, err
		}
	}
	if l.Size > 0 {
		err = w.dropOver(ctx, l.Size)
	}
	return w.gone, err
}

// walk goes through the blocks whose bodies are kept, the oldest first.
type walk struct {
	keeper  *Keeper
	shelf   *shelf
	mark    uint64 // frames after it are not in the engine's state
	known   bool   // the mark is
	numbers []uint64
	frames  int // in numbers
	gone    int
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// dropBefore drops what was received before an instant.
func (w *walk) dropBefore(ctx context.Context, before hayalet.Instant) error {
	return w.through(ctx, hayalet.BlockQuery{Kept: true, Until: before}, func(b *hayalet.Block) (bool, error) { return b.LastAt < before, nil })
}

// dropOver drops until what is kept has the size. That a frame is as large as all on average is assumed on the way, and
// made good by looking again.
func (w *walk) dropOver(ctx context.Context, size int64) error {
	for {
		use, err := w.keeper.store.Use(ctx, "frames")
		if err != nil {
			return err
		}
		u := use["frames"]
		if u.Records <= 0 || u.Bytes <= size {
			return nil
		}
		over := int64(float64(u.Bytes-size)/float64(u.Bytes)*float64(u.Records)) + 1
		before := w.gone
		err = w.through(ctx, hayalet.BlockQuery{Kept: true}, func(*hayalet.Block) (bool, error) {
			if int64(w.gone-before+w.frames) >= over {
				return false, errEnough
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		if w.gone == before {
			w.keeper.log.Warn("retention: frames take more than their limit; what is left is evidence of incidents, or not in the engine's state yet",
				"bytes", u.Bytes, "limit", size)
			return nil
		}
	}
}

// through drops those of the blocks that may go and that the function wants gone, until its error or a block that the
// engine needs still.
func (w *walk) through(ctx context.Context, q hayalet.BlockQuery, wants func(*hayalet.Block) (bool, error)) error {
	err := w.keeper.store.ReadBlocks(ctx, q, func(b hayalet.Block) error {
		if err := w.below(ctx, &b); err != nil {
			return err
		}
		wanted, err := wants(&b)
		if err != nil || !wanted || w.shelf.touches(&b) {
			return err
		}
		w.numbers = append(w.numbers, b.Number)
		w.frames += b.Frames
		if len(w.numbers) >= blocksAStep || w.frames >= framesAStep {
			return w.step(ctx)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return w.step(ctx)
}

// below is errEnough where the engine's state does not hold all of the block.
func (w *walk) below(ctx context.Context, b *hayalet.Block) (err error) {
	if !w.known {
		if w.mark, err = w.keeper.store.LoadState(ctx, nil); err != nil {
			return err
		}
		w.known = true
	}
	if b.First+uint64(b.Frames)-1 > w.mark {
		return errEnough
	}
	return nil
}

// step drops what was collected, and lets others write.
func (w *walk) step(ctx context.Context) error {
	if len(w.numbers) == 0 {
		return nil
	}
	return w.keeper.step(ctx, func() error {
		if err := w.keeper.store.DropBodies(ctx, w.numbers); err != nil {
			return err
		}
		w.gone += w.frames
		w.numbers, w.frames = w.numbers[:0], 0
		return nil
	})
}
