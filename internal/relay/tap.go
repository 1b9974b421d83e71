package relay

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/frames"
)

// The defaults of TapConfig.
const (
	DefaultTapBytes  = 16 << 20
	DefaultTapFrames = 64 << 10
	DefaultTapPause  = 50 * time.Millisecond
)

const (
	tapRetry    = time.Second // after a sink has failed
	maxTapLoss  = 64 << 10    // connections whose loss is remembered one by one
	frameWeight = 128         // bytes that a frame takes beside its data
)

// TapConfig bounds a tap. A zero field takes its default.
type TapConfig struct {
	Bytes  int           // of messages that may wait for the sink; as much again may be on its way into it
	Frames int           // that may wait for the sink
	Pause  time.Duration // between batches, so that a batch has more than one frame when there is much to do
}

// Tap copies frames for a sink that must never hold up the traffic. It is a [hayalet.FrameSink] whose PutFrames returns at
// once and without error: what the sink is too slow for is lost, and each connection that lost frames gets one Gap frame
// with the number of the last one lost, in its place, as soon as there is room.
type Tap struct {
	cfg  TapConfig
	sink hayalet.FrameSink
	log  *slog.Logger

	mu      sync.Mutex
	fill    *frames.Batch   // what waits
	oldest  hayalet.Instant // receipt of the first of it; zero: nothing waits
	feeding hayalet.Instant // the same of what is on its way into the sink
	losses  map[hayalet.ConnID]hayalet.Frame
	stats   TapStats
	episode TapStats // stats when the present episode of losses began
	losing  bool
	since   time.Time

	wake   chan struct{} // holds one token: there is something to do
	once   sync.Once
	closed chan struct{}
}

// TapStats counts what a tap has done since it was made.
type TapStats struct {
	Frames      uint64 // taken
	Dropped     uint64 // of them lost
	DroppedSize uint64 // bytes of those
	Gaps        uint64 // Gap frames that said so
	Unmarked    uint64 // lost frames for which none will: too many connections lost some before the sink moved on
}

// NewTap returns a tap that keeps frames until Run hands them on.
func NewTap(cfg TapConfig, sink hayalet.FrameSink, log *slog.Logger) *Tap {
	cfg.Bytes = cmp.Or(cfg.Bytes, DefaultTapBytes)
	cfg.Frames = cmp.Or(cfg.Frames, DefaultTapFrames)
	cfg.Pause = cmp.Or(cfg.Pause, DefaultTapPause)
	return &Tap{
		cfg: cfg, sink: sink, log: log, fill: new(frames.Batch), losses: map[hayalet.ConnID]hayalet.Frame{},
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// PutFrames copies the frames, or loses them. It never waits and never fails.
func (t *Tap) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	t.mu.Lock()
	first := t.fill.Len() == 0
	for i := range fs {
		t.put(&fs[i])
	}
	t.mu.Unlock()
	if first {
		t.signal()
	}
	return nil
}

// put is for the holder of the lock.
func (t *Tap) put(f *hayalet.Frame) {
	t.stats.Frames++
	if !t.room(f) {
		t.lose(f)
		return
	}
	if t.fill.Len() == 0 {
		t.oldest = f.At
	}
	if gap, lost := t.losses[f.Conn]; lost {
		t.putGap(gap)
	}
	t.fill.Add(f)
}

// room tells whether a frame fits, and a gap before it.
func (t *Tap) room(f *hayalet.Frame) bool {
	return t.fill.Len()+1 < t.cfg.Frames && t.fill.Bytes()+len(f.Data)+frameWeight <= t.cfg.Bytes
}

func (t *Tap) putGap(gap hayalet.Frame) {
	delete(t.losses, gap.Conn)
	t.stats.Gaps++
	t.fill.Add(&gap)
}

func (t *Tap) lose(f *hayalet.Frame) {
	if !t.losing {
		t.losing, t.episode, t.since = true, t.stats, time.Now()
		t.log.Warn("detection is behind the traffic; frames are lost to it from here on, the stations are not held up")
	}
	t.stats.Dropped++
	t.stats.DroppedSize += uint64(len(f.Data))
	if _, known := t.losses[f.Conn]; !known && len(t.losses) >= maxTapLoss {
		t.stats.Unmarked++
		return
	}
	t.losses[f.Conn] = gapOf(f)
}

func (t *Tap) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Horizon is the time up to which the sink has all that was received: the receipt of the oldest frame that is on its way to
// it, or else now.
func (t *Tap) Horizon(now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, at := range []hayalet.Instant{t.feeding, t.oldest} {
		if at != 0 {
			return at.Time()
		}
	}
	return now
}

// Stats returns the counts.
func (t *Tap) Stats() TapStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// Close lets Run end once the sink has all that waits. No PutFrames may follow.
func (t *Tap) Close() { t.once.Do(func() { close(t.closed) }) }

// Run feeds the sink, from one goroutine, until Close was called and nothing waits, or ctx ends.
func (t *Tap) Run(ctx context.Context) error {
	spare := new(frames.Batch)
	pause := time.NewTimer(t.cfg.Pause)
	defer pause.Stop()
	for ending := false; ; {
		b := t.swap(spare)
		if b.Len() > 0 {
			t.feed(ctx, b)
		}
		t.fed()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.Reset()
		spare = b
		if t.caughtUp() {
			if ending {
				return nil
			}
			select {
			case <-t.wake:
			case <-t.closed:
				ending = true
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		pause.Reset(t.cfg.Pause)
		select {
		case <-pause.C:
		case <-t.closed:
			ending = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// swap takes what waits. The losses that are not told yet come first in what is filled next: they were after it.
func (t *Tap) swap(empty *frames.Batch) *frames.Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	full := t.fill
	t.fill = empty
	t.feeding, t.oldest = t.oldest, 0
	for _, gap := range t.losses {
		if t.fill.Len()+1 >= t.cfg.Frames {
			break
		}
		t.putGap(gap)
	}
	return full
}

// feed gives a batch to the sink. What the sink fails to take is lost: its gaps are tried until the sink takes them.
func (t *Tap) feed(ctx context.Context, b *frames.Batch) {
	err := t.sink.PutFrames(ctx, b.Frames())
	if err == nil || ctx.Err() != nil {
		return
	}
	t.log.Error("detection fails; what it did not take is lost to it, the stations are not held up", "frames", b.Len(), "error", err)
	t.mu.Lock()
	t.stats.Dropped += uint64(b.Len())
	t.stats.DroppedSize += uint64(b.Bytes())
	t.mu.Unlock()
	gaps := gapsOf(b.Frames())
	for err != nil && ctx.Err() == nil {
		select {
		case <-time.After(tapRetry):
		case <-ctx.Done():
			return
		case <-t.closed:
			return
		}
		err = t.sink.PutFrames(ctx, gaps)
	}
	t.mu.Lock()
	t.stats.Gaps += uint64(len(gaps))
	t.mu.Unlock()
}

// fed notes that the sink has what was on its way into it.
func (t *Tap) fed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeding = 0
}

// caughtUp reports whether nothing waits; then an episode of losses is over.
func (t *Tap) caughtUp() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fill.Len() > 0 || len(t.losses) > 0 {
		return false
	}
	if t.losing {
		t.losing = false
		t.log.Warn("detection has caught up with the traffic; what it did not see is a gap of each station",
			"frames_lost", t.stats.Dropped-t.episode.Dropped, "bytes_lost", t.stats.DroppedSize-t.episode.DroppedSize,
			"gaps", t.stats.Gaps-t.episode.Gaps, "unmarked", t.stats.Unmarked-t.episode.Unmarked, "lasted", time.Since(t.since).Round(time.Millisecond))
	}
	return true
}

// gapsOf returns one gap for each connection of the frames, in the place of its last.
func gapsOf(fs []hayalet.Frame) []hayalet.Frame {
	last := map[hayalet.ConnID]uint64{}
	for i := range fs {
		last[fs[i].Conn] = fs[i].Seq
	}
	fs = slices.DeleteFunc(fs, func(f hayalet.Frame) bool { return last[f.Conn] != f.Seq })
	for i := range fs {
		fs[i] = gapOf(&fs[i])
	}
	return fs
}

func gapOf(f *hayalet.Frame) hayalet.Frame {
	gap := *f
	gap.Kind, gap.Dir, gap.Data = hayalet.Gap, hayalet.In, nil
	return gap
}
