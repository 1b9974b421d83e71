package backtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/journal"
	"hayalet/internal/session"
)

// DefaultWarmUp is how long rules watch before what they find is compared: longer than transactions last and allowances
// take to be learnt.
const DefaultWarmUp = 7 * 24 * time.Hour

// Config says what is run.
type Config struct {
	Blocks    hayalet.Blocks
	Incidents hayalet.Incidents
	Rules     detect.Sets
	Profiles  session.Profiles

	// Query selects the frames. From is not used; incidents that were opened since Since, and before Until, are compared.
	Query  hayalet.FrameQuery
	WarmUp time.Duration // what is read before Since, where the journal does not begin later

	// Progress is told how many of the journal's frames were passed, and how many there are; nil: nobody is. It is called
	// often and must be quick.
	Progress func(passed, all uint64)
}

// Run replays the journal as it stands, and compares.
func Run(ctx context.Context, cfg Config) (Result, error) {
	kept, err := findKept(ctx, cfg.Blocks)
	if err != nil {
		return Result{}, err
	}
	stored, err := cfg.Incidents.Find(ctx, hayalet.IncidentFilter{Station: cfg.Query.Station})
	if err != nil {
		return Result{}, err
	}
	heard, span := newCollector(stored), kept.span(&cfg)
	frames, models, err := replay(ctx, &cfg, kept, span, heard)
	if err != nil {
		return Result{}, err
	}
	r := compare(stored, heard.found(), span)
	r.Frames, r.Models = frames, models
	return r, r.recheck(ctx, cfg.Incidents)
}

// kept is the end of the journal of which nothing is missing.
type kept struct {
	from, to uint64          // the position of its first frame, and the one after its last
	firstAt  hayalet.Instant // the earliest receipt of its first block
	last     uint64          // the number of its last block
}

// findKept passes over the blocks that stay in front of a hole, as evidence of incidents: rules cannot follow those.
func findKept(ctx context.Context, blocks hayalet.Blocks) (k kept, err error) {
	err = blocks.ReadBlocks(ctx, hayalet.BlockQuery{Kept: true}, func(b hayalet.Block) error {
		if b.Number != k.last+1 || b.Number == 1 {
			k.from, k.firstAt = b.First, b.FirstAt
		}
		k.last, k.to = b.Number, b.First+uint64(b.Frames)
		return nil
	})
	return k, err
}

// span is what of the kept frames is replayed, and from when on it counts.
func (k *kept) span(cfg *Config) Span {
	q := &cfg.Query
	s := Span{Asked: q.Since, Since: q.Since, Until: q.Until, From: k.firstAt}
	begin := q.Since.Add(-cfg.WarmUp)
	switch cut := q.Since != 0 && begin > k.firstAt; {
	case cut:
		s.From = begin
	case k.from > 1:
		s.Dropped = true
	default:
		s.Whole = true
		return s
	}
	s.Since = max(s.Since, s.From.Add(cfg.WarmUp))
	return s
}

// replay runs the frames, and then the time up to the last that the store was told of: what a deadline did that only the
// clock has passed is found, too. It returns how many frames there were and the stations' models.
func replay(ctx context.Context, cfg *Config, k kept, span Span, heard *collector) (int, map[hayalet.StationID]string, error) {
	e := engine.New(engine.Config{Rules: cfg.Rules, Profiles: cfg.Profiles, Listeners: []engine.Listener{heard}})
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	q := hayalet.FrameQuery{Station: cfg.Query.Station, From: k.from, Until: span.Until}
	if !span.Whole {
		q.Since = span.From
	}
	feed := feed{to: e, kept: k, tell: cfg.Progress}
	err := journal.Replay(ctx, cfg.Blocks, q, &feed)
	if err == nil {
		err = e.Advance(ctx, span.end(heard.told))
	}
	var seen []engine.StationState
	if err == nil {
		seen, err = e.Stations(ctx)
	}
	e.Close()
	if rerr := <-done; err == nil {
		err = rerr
	}
	models := make(map[hayalet.StationID]string, len(seen))
	for i := range seen {
		models[seen[i].Station] = seen[i].Model
	}
	return feed.frames, models, err
}

// feed counts the frames on their way.
type feed struct {
	to     hayalet.FrameSink
	kept   kept
	tell   func(passed, all uint64)
	frames int
}

func (f *feed) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	f.frames += len(fs)
	if f.tell != nil {
		f.tell(fs[len(fs)-1].Pos+1-f.kept.from, f.kept.to-f.kept.from)
	}
	return f.to.PutFrames(ctx, fs)
}

// collector keeps the last state of each incident that is found. One that is stored open is kept as it stood when it was
// stored: what came after that is not known there.
type collector struct {
	open map[string]hayalet.Instant // when each open incident was last updated
	told hayalet.Instant            // the last that the store was told of

	mu  sync.Mutex
	all map[string]hayalet.Incident
}

func newCollector(stored []hayalet.Incident) *collector {
	c := &collector{open: make(map[string]hayalet.Instant), all: make(map[string]hayalet.Incident)}
	for i := range stored {
		c.told = max(c.told, stored[i].UpdatedAt)
		if stored[i].Open() {
			c.open[stored[i].Key] = stored[i].UpdatedAt
		}
	}
	return c
}

func (c *collector) Judged(hayalet.Verdict) {}

func (c *collector) Changed(inc hayalet.Incident) {
	if last, open := c.open[inc.Key]; open && inc.UpdatedAt > last {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[inc.Key] = inc
}

// found returns the incidents in the order in which a store would.
func (c *collector) found() []hayalet.Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.all), func(a, b hayalet.Incident) int {
		return cmp.Or(cmp.Compare(a.OpenedAt, b.OpenedAt), cmp.Compare(a.Key, b.Key))
	})
}
