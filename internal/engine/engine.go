// Package engine runs the pipeline: frames in; decoded, brought into state, judged and folded; verdicts and incidents out.
//
// A station belongs to one shard, and the shard's goroutine alone holds its state, so nothing needs a lock and the order
// of a connection's frames is kept. Frames that were seen before, by connection and sequence number, change nothing.
// Time enters as ticks on whole tens of seconds of receipt time: driven by the clock where frames are live, by the frames
// themselves where they were recorded, and at the same instants.
//
// It does not read sockets or files, and does not wait for a database on the path of a frame.
package engine

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/frames"
	"hayalet/internal/session"
)

// Defaults of Config.
const (
	DefaultShards    = 2
	DefaultSaveEvery = 2 * time.Second
	queueLength      = 64 // batches that wait at a shard
)

// Listener hears what the engine concludes. It is called on the shards' goroutines, in order for each station; it must be
// quick and may be called from several goroutines at once.
type Listener interface {
	Judged(v hayalet.Verdict)
	Changed(inc hayalet.Incident)
}

// Observer is a [Listener] that also hears every step, judged or not. The view is good only during the call.
type Observer interface {
	Observed(v session.View)
}

// Explainer is a [Listener] that also hears how the rules came to their verdicts, step by step. What it is given is good
// only during the call.
type Explainer interface {
	Explained(v session.View, rungs []detect.Rung, verdicts []hayalet.Verdict)
}

// Config configures an engine. Rules must be set; everything else may be zero.
type Config struct {
	Rules     detect.Sets
	Profiles  session.Profiles
	Listeners []Listener
	Store     hayalet.States   // nil: nothing is saved
	Clock     func() time.Time // nil: recorded frames, whose own times drive the ticks
	Shards    int
	SaveEvery time.Duration // how long what changed of a station may wait to be saved

	// Horizon is the time up to which all frames were put that were received by then; nil: always the clock's. No tick is
	// later than that.
	Horizon func(now time.Time) time.Time
	Log     *slog.Logger
}

// Engine runs the pipeline. It is a [hayalet.LossSink].
type Engine struct {
	cfg    Config
	shards []*shard
	seed   maphash.Seed
	saver  *saver

	observers  []Observer // those of cfg.Listeners that observe
	explainers []Explainer
	done       chan struct{} // closed when the shards have ended
	once       sync.Once
	closed     chan struct{} // closed by Close

	mu     sync.Mutex // recorded frames only: latest
	latest hayalet.Instant

	queued atomic.Uint64 // the position up to which frames are with the shards
}

// ErrClosed is returned by PutFrames after the engine has ended.
var ErrClosed = errors.New("engine has ended")

// New returns an engine that does nothing until Run.
func New(cfg Config) *Engine {
	if cfg.Shards <= 0 {
		cfg.Shards = DefaultShards
	}
	if cfg.SaveEvery <= 0 {
		cfg.SaveEvery = DefaultSaveEvery
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{cfg: cfg, seed: maphash.MakeSeed(), done: make(chan struct{}), closed: make(chan struct{})}
	if cfg.Store != nil {
		e.saver = newSaver(cfg.Store, cfg.Log)
	}
	for _, l := range cfg.Listeners {
		if o, ok := l.(Observer); ok {
			e.observers = append(e.observers, o)
		}
		if x, ok := l.(Explainer); ok {
			e.explainers = append(e.explainers, x)
		}
	}
	for range cfg.Shards {
		e.shards = append(e.shards, newShard(e))
	}
	return e
}

func (e *Engine) shardOf(st hayalet.StationID) *shard {
	if len(e.shards) == 1 {
		return e.shards[0]
	}
	return e.shards[maphash.String(e.seed, string(st))%uint64(len(e.shards))]
}

// PutFrames queues the frames for their shards. It blocks while a shard's queue is full. Frames of a journal come from one
// goroutine, in the order of their positions; those that a station's state knows already change nothing.
func (e *Engine) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	var few [16]*frames.Batch
	parts := few[:0]
	if len(e.shards) > len(few) {
		parts = make([]*frames.Batch, 0, len(e.shards))
	}
	parts = parts[:len(e.shards)]
	for i := range fs {
		n := 0
		if len(e.shards) > 1 {
			n = int(maphash.String(e.seed, string(fs[i].Station)) % uint64(len(e.shards)))
		}
		if parts[n] == nil {
			parts[n] = batches.Get().(*frames.Batch)
		}
		parts[n].Add(&fs[i])
	}
	tick := e.advance(fs)
	for n, b := range parts {
		if b == nil && tick == 0 {
			continue
		}
		if err := e.shards[n].put(ctx, job{batch: b, tick: tick}); err != nil {
			return err
		}
	}
	if len(fs) > 0 && fs[len(fs)-1].Pos != 0 {
		e.queued.Store(fs[len(fs)-1].Pos)
	}
	return nil
}

// PutLoss makes a gap of the loss for each station that it may be of, in the place of the connection that was last known of
// it. A station that nothing is known of has nothing to lose.
func (e *Engine) PutLoss(ctx context.Context, l hayalet.Loss) error {
	for _, s := range e.shards {
		if err := s.put(ctx, job{ask: func(s *shard) { s.lose(l) }}); err != nil {
			return err
		}
	}
	e.queued.Store(l.Last)
	return nil
}

// batches are reused between senders and shards.
var batches = sync.Pool{New: func() any { return new(frames.Batch) }} //nolint:gochecknoglobals // a pool has no state that anybody could see

// advance follows the time of recorded frames and returns the tick that they have reached, or zero.
func (e *Engine) advance(fs []hayalet.Frame) hayalet.Instant {
	if e.cfg.Clock != nil {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.latest
	for i := range fs {
		e.latest = max(e.latest, fs[i].At)
	}
	if reached := floorTick(e.latest.Add(-grace)); reached > floorTick(before.Add(-grace)) {
		return reached
	}
	return 0
}

// Advance lets the time of recorded frames pass up to an instant: all that were received before it were put.
func (e *Engine) Advance(ctx context.Context, at hayalet.Instant) error {
	for _, s := range e.shards {
		if err := s.put(ctx, job{tick: floorTick(at)}); err != nil {
			return err
		}
	}
	return nil
}

// Close lets Run end once all queued frames are done. No PutFrames may follow.
func (e *Engine) Close() { e.once.Do(func() { close(e.closed) }) }

// Run works until Close was called and the queues are empty, or ctx ends; then it saves what is unsaved, for ten seconds at
// most, and returns. After Close the end of ctx ends the saving, too. The error is that of ctx, or nil after Close.
func (e *Engine) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var helpers errgroup.Group
	if e.cfg.Clock != nil {
		helpers.Go(func() error { e.tickLive(work); return nil })
	}
	if e.saver != nil {
		helpers.Go(func() error { e.snapshotLoop(work); return nil })
		helpers.Go(func() error { e.saver.run(work); return nil })
	}
	var shards errgroup.Group
	for _, s := range e.shards {
		shards.Go(func() error { s.run(ctx, e.closed); return nil })
	}
	_ = shards.Wait() // they return no error
	close(e.done)
	cancel()
	_ = helpers.Wait() // nor do these
	err := ctx.Err()
	select {
	case <-e.closed:
		err = nil
	default:
		ctx = context.WithoutCancel(ctx)
	}
	if e.saver != nil {
		e.saveAll(ctx)
	}
	return err
}

// tickLive sends the ticks of the wall clock.
func (e *Engine) tickLive(ctx context.Context) {
	next := floorTick(hayalet.InstantOf(e.cfg.Clock().Add(-grace))).Add(tickEvery)
	for {
		now := e.cfg.Clock()
		seen := now
		if e.cfg.Horizon != nil {
			seen = e.cfg.Horizon(now)
		}
		if reached := floorTick(hayalet.InstantOf(seen.Add(-grace))); reached >= next {
			for _, s := range e.shards {
				if s.put(ctx, job{tick: reached}) != nil {
					return
				}
			}
			next = reached.Add(tickEvery)
		}
		timer := time.NewTimer(max(next.Time().Add(grace).Sub(now), time.Second)) // frames are behind the clock: look again
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

const (
	tickEvery = 10 * time.Second
	// grace is how late ticks are: frames that were received before them are queued by then, in whatever order those of
	// different stations come.
	grace = 2 * time.Second
)

func floorTick(at hayalet.Instant) hayalet.Instant {
	const step = hayalet.Instant(tickEvery / time.Microsecond)
	return at - at%step
}

func ceilTick(at hayalet.Instant) hayalet.Instant {
	floor := floorTick(at)
	if floor == at {
		return at
	}
	return floor.Add(tickEvery)
}
