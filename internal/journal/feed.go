package journal

import (
	"context"
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

	mu      sync.Mutex
	next    uint64          // position that the sink gets next
	end     uint64          // position that is committed next
	reached hayalet.Instant // the latest receipt that the sink has seen
}

// delivery is one commit on its way to the sink.
type delivery struct {
	batch  *frames.Batch
	first  uint64
	end    uint64 // the position after its last
	lastAt hayalet.Instant
}

func newFeed(j *Journal, sink hayalet.FrameSink, next, end uint64) *feed {
	return &feed{journal: j, sink: sink, news: make(chan delivery, waiting), next: next, end: max(end, 1)}
}

// offer hands a commit's frames over, or returns false and leaves them to be read from the store.
func (f *feed) offer(b *frames.Batch, h Header) bool {
	d := delivery{batch: b, first: h.First, end: h.First + uint64(h.Frames), lastAt: h.LastAt}
	f.mu.Lock()
	f.end = d.end
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
	return f.give(ctx, d.batch.Frames(), d.end, d.lastAt)
}

// catchUp reads on from the store where nothing waits in memory.
func (f *feed) catchUp(ctx context.Context) error {
	if len(f.news) > 0 {
		return nil
	}
	return f.read(ctx, f.committed())
}

// read gives the sink what stands in the store up to and without the position.
func (f *feed) read(ctx context.Context, end uint64) error {
	for pause := firstRetry; f.position() < end; pause = min(2*pause, lastRetry) {
		err := f.journal.Replay(ctx, hayalet.FrameQuery{From: f.position()}, upTo{f, end})
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		f.journal.log.Error("journal: cannot read; detection waits", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
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
	var lastAt hayalet.Instant
	for i := range fs {
		lastAt = max(lastAt, fs[i].At)
	}
	return u.feed.give(ctx, fs, fs[len(fs)-1].Pos+1, lastAt)
}

func (f *feed) give(ctx context.Context, fs []hayalet.Frame, end uint64, lastAt hayalet.Instant) error {
	if err := f.sink.PutFrames(ctx, fs); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.reached = end, max(f.reached, lastAt)
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

// Horizon is the time up to which the sink has seen all that was received: now where nothing is on its way to it, else
// the latest receipt that it has.
func (j *Journal) Horizon(now time.Time) time.Time {
	j.mu.Lock()
	idle := j.filling.batch.Len() == 0 && j.writing == nil
	j.mu.Unlock()
	if j.feed == nil {
		return now
	}
	j.feed.mu.Lock()
	defer j.feed.mu.Unlock()
	if idle && j.feed.next >= j.feed.end {
		return now
	}
	return j.feed.reached.Time()
}
