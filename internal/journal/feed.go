package journal

import (
	"context"
	"errors"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/frames"
)

// waiting is how many commits may wait for the sink in memory. What is beyond that is read from the store again.
const waiting = 16

// feed gives what was committed to a sink, which may be slower than the disk.
type feed struct {
	journal *Journal
	sink    hayalet.FrameSink
	news    chan delivery
	past    uint64 // the last block that was passed over; run's

	mu    sync.Mutex
	next  uint64  // position that the sink gets next
	end   uint64  // position that is committed next
	owing []stage // what the sink has yet to get, in the order of positions
}

// delivery is one commit on its way to the sink.
type delivery struct {
	batch *frames.Batch
	first uint64
	end   uint64 // the position after its last
}

// stage is frames that the sink has yet to get.
type stage struct {
	end    uint64          // the position after the last of them
	oldest hayalet.Instant // receipt
}

// stages bounds how many are told apart. Beyond that the newest take in what comes.
const stages = 1024

func newFeed(j *Journal, sink hayalet.FrameSink, next, end uint64) *feed {
	f := &feed{journal: j, sink: sink, news: make(chan delivery, waiting), next: next, end: max(end, 1)}
	if f.next < f.end {
		f.owing = []stage{{end: f.end, oldest: 1}} // of before the start: as old as may be
	}
	return f
}

// offer hands a commit's frames over, or returns false and leaves them to be read from the store.
func (f *feed) offer(c *commit, h Header) bool {
	d := delivery{batch: c.batch, first: h.First, end: h.First + uint64(h.Frames)}
	f.mu.Lock()
	f.end = d.end
	if n := len(f.owing); n < stages {
		f.owing = append(f.owing, stage{d.end, c.oldest})
	} else {
		f.owing[n-1] = stage{d.end, min(f.owing[n-1].oldest, c.oldest)}
	}
	f.mu.Unlock()
	select {
	case f.news <- d:
		return true
	default:
		return false // run sees by the positions that it is missing
	}
}

// run feeds the sink until ctx ends, or the journal has ended and all is delivered.
func (f *feed) run(ctx context.Context) error {
	for {
		if err := f.catchUp(ctx); err != nil {
			return err
		}
		select {
		case d := <-f.news:
			err := f.deliver(ctx, d)
			f.journal.release(d.batch)
			if err != nil {
				return err
			}
		case <-f.journal.ended:
			if len(f.news) == 0 {
				return f.catchUp(ctx)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver gives a commit to the sink, and before it what was not handed over.
func (f *feed) deliver(ctx context.Context, d delivery) error {
	if d.first > f.position() {
		if err := f.read(ctx, d.first); err != nil {
			return err
		}
	}
	if d.end <= f.position() {
		return nil // it was read from the store meanwhile
	}
	return f.give(ctx, d.batch.Frames(), d.end)
}

// catchUp reads on from the store where nothing waits in memory.
func (f *feed) catchUp(ctx context.Context) error {
	if len(f.news) > 0 {
		return nil
	}
	return f.read(ctx, f.committed())
}

// damagedTries is how often a block is read before it counts as damaged: what a disk or a memory has read wrongly may be
// right the next time.
const damagedTries = 5

// read gives the sink what stands in the store up to and without the position. While the store cannot be read it waits. A
// block that is there and damaged is passed over after some tries, and the sink is told of the loss.
func (f *feed) read(ctx context.Context, end uint64) error {
	tries, bad := 0, uint64(0)
	for pause := firstRetry; f.position() < end; pause = min(2*pause, lastRetry) {
		err := replayFrom(ctx, f.journal.store, f.past+1, hayalet.FrameQuery{From: f.position()}, upTo{f, end})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d, damaged := errors.AsType[*Damaged](err)
		if err == nil || damaged && d.Loss.First >= end {
			f.mu.Lock()
			f.reach(end) // what is not there any more is not waited for
			f.mu.Unlock()
			return nil
		}
		switch {
		case damaged && d.Loss.Last < f.position(): // its numbers are wrong, and the sink has its frames, or knows that they are lost
			f.past = d.Loss.Block
			continue
		case !damaged:
			f.journal.log.Error("journal: cannot read; detection waits", "error", err)
		case d.Loss.Block != bad:
			tries, bad, pause = 1, d.Loss.Block, firstRetry
		default:
			tries++
		}
		if damaged && tries == damagedTries {
			if err := f.lose(ctx, d, end); err != nil {
				return err
			}
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

// lose passes over a damaged block. It stays in the store as it is.
func (f *feed) lose(ctx context.Context, d *Damaged, end uint64) error {
	l := d.Loss
	l.Last = min(l.Last, end-1) // never beyond what there is, whatever stands there
	f.journal.log.Error("journal: a block is damaged; detection goes on behind it, and its stations have a gap; see 'hayalet journal verify'",
		"block", l.Block, "first", l.First, "last", l.Last, "since", l.Since, "until", l.Until, "error", d.Err)
	if sink, ok := f.sink.(hayalet.LossSink); ok {
		if err := sink.PutLoss(ctx, l); err != nil {
			return err
		}
	}
	f.past = l.Block
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reach(l.Last + 1)
	return nil
}

// upTo passes on what is before a position.
type upTo struct {
	feed *feed
	end  uint64
}

func (u upTo) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	for len(fs) > 0 && fs[len(fs)-1].Pos >= u.end {
		fs = fs[:len(fs)-1]
	}
	if len(fs) == 0 {
		return nil
	}
	return u.feed.give(ctx, fs, fs[len(fs)-1].Pos+1)
}

func (f *feed) give(ctx context.Context, fs []hayalet.Frame, end uint64) error {
	if err := f.sink.PutFrames(ctx, fs); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reach(end)
	return nil
}

func (f *feed) position() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next
}

func (f *feed) committed() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.end
}

// reach is for the holder of the lock.
func (f *feed) reach(next uint64) {
	f.next = next
	got := 0
	for got < len(f.owing) && f.owing[got].end <= next {
		got++
	}
	f.owing = f.owing[:copy(f.owing, f.owing[got:])]
}

// Horizon is the time up to which the sink has all that was received: the receipt of the oldest frame that is on its way to
// it, or else now.
func (j *Journal) Horizon(now time.Time) time.Time {
	oldest := hayalet.InstantOf(now)
	j.mu.Lock()
	for _, c := range []*commit{j.filling, j.writing} {
		if c != nil && c.batch.Len() > 0 {
			oldest = min(oldest, c.oldest)
		}
	}
	if j.feed != nil {
		j.feed.mu.Lock()
		for _, st := range j.feed.owing {
			oldest = min(oldest, st.oldest)
		}
		j.feed.mu.Unlock()
	}
	j.mu.Unlock()
	if oldest == hayalet.InstantOf(now) {
		return now
	}
	return oldest.Time()
}
