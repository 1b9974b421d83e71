package engine

import (
	"context"

	"hayalet"
	"hayalet/internal/frames"
	"hayalet/internal/ocpp"
)

// job is a shard's work: frames, then a tick, or a question.
type job struct {
	batch *frames.Batch
	tick  hayalet.Instant
	ask   func(*shard)
}

// shard holds the state of its stations. Only its goroutine touches it.
type shard struct {
	engine  *Engine
	jobs    chan job
	units   map[hayalet.StationID]*unit
	last    *unit // whose frame was the last
	decoder *ocpp.Decoder
	scratch scratch
	wake    hayalet.Instant // the earliest tick that matters to any unit; zero: none
	round   uint64          // of looking for what is to be saved
}

func newShard(e *Engine) *shard {
	return &shard{
		engine: e, jobs: make(chan job, queueLength), units: make(map[hayalet.StationID]*unit), decoder: ocpp.NewDecoder(),
	}
}

func (s *shard) put(ctx context.Context, j job) error {
	select {
	case s.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.engine.done:
		return ErrClosed
	}
}

func (s *shard) run(ctx context.Context, closed <-chan struct{}) {
	for {
		select {
		case j := <-s.jobs:
			s.work(j)
		case <-closed:
			s.rest()
			return
		case <-ctx.Done():
			s.rest()
			return
		}
	}
}

// rest does what is queued already.
func (s *shard) rest() {
	for {
		select {
		case j := <-s.jobs:
			s.work(j)
		default:
			return
		}
	}
}

func (s *shard) work(j job) {
	if j.batch != nil {
		fs := j.batch.Frames()
		for i := range fs {
			s.frame(&fs[i])
		}
		j.batch.Reset()
		batches.Put(j.batch)
	}
	if j.tick != 0 {
		s.tick(j.tick)
	}
	if j.ask != nil {
		j.ask(s)
	}
}

func (s *shard) frame(f *hayalet.Frame) {
	u := s.last // a message and its answer come together
	if u == nil || u.station.ID != f.Station {
		u = s.unit(f.Station)
		s.last = u
	}
	if u.seen(f) {
		return
	}
	e := &s.scratch.event
	s.decoder.Decode(f, e)
	u.timed(e)
	u.runTicks(floorTick(e.At), &s.scratch)
	u.apply(e, &s.scratch)
	s.follow(u)
}

func (s *shard) unit(st hayalet.StationID) *unit {
	u := s.units[st]
	if u == nil {
		u = newUnit(st, s.engine)
		s.units[st] = u
	}
	return u
}

// lose gives a gap to the stations that frames were lost of. What a station's state knows already changes nothing.
func (s *shard) lose(l hayalet.Loss) {
	for id, u := range s.units {
		if l.Of(id) {
			s.frame(&hayalet.Frame{Station: id, Conn: u.station.Link.Conn, Pos: l.Last, At: l.Until, Kind: hayalet.Gap})
		}
	}
}

// follow keeps the shard's next tick no later than the unit's.
func (s *shard) follow(u *unit) {
	if u.wake != 0 && (s.wake == 0 || u.wake < s.wake) {
		s.wake = u.wake
	}
}

// tick lets time pass for every station that waits for it.
func (s *shard) tick(at hayalet.Instant) {
	if s.wake == 0 || s.wake > at {
		return
	}
	s.wake = 0
	for _, u := range s.units {
		u.runTicks(at, &s.scratch)
		s.follow(u)
	}
}
