package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hayalet"
)

// saver writes incidents and state behind the frames, in one commit all that waits. Of each incident and each station only
// the newest waits, so what waits is bounded by how many there are, and by how often incidents turn.
type saver struct {
	store hayalet.States
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex
	waiting waiting
	turns   map[string]turn // of running incidents
}

// waiting is what is to be saved.
type waiting struct {
	incidents map[string]hayalet.Incident
	history   []hayalet.Incident
	stations  map[hayalet.StationID]stationState
	mark      uint64 // all that the frames up to here did is in stations, or saved
}

// stationState is a station's snapshot and the readings that go with it.
type stationState struct {
	snapshot hayalet.Snapshot
	series   []hayalet.Series
}

// stationsACommit bounds how long answers wait for the disk while state is saved.
const stationsACommit = 100

// turn is what of an incident makes history when it changes.
type turn struct {
	state    hayalet.IncidentState
	severity hayalet.Severity
	cause    hayalet.Cause
}

func turnOf(inc *hayalet.Incident) turn { return turn{inc.State, inc.Severity, inc.Cause} }

func newWaiting() waiting {
	return waiting{incidents: make(map[string]hayalet.Incident), stations: make(map[hayalet.StationID]stationState)}
}

func newSaver(store hayalet.States, log *slog.Logger) *saver {
	return &saver{store: store, log: log, wake: make(chan struct{}, 1), waiting: newWaiting(), turns: make(map[string]turn)}
}

// know takes the incidents of a station whose state was saved: how those that run stand is history already.
func (s *saver) know(kept []hayalet.Incident) {
	for i := range kept {
		if kept[i].Open() {
			s.turns[kept[i].Key] = turnOf(&kept[i])
		}
	}
}

func (s *saver) put(inc hayalet.Incident) {
	now := turnOf(&inc)
	s.mu.Lock()
	s.waiting.incidents[inc.Key] = inc
	if before, known := s.turns[inc.Key]; !known || before != now {
		s.waiting.history = append(s.waiting.history, inc)
	}
	if inc.Open() {
		s.turns[inc.Key] = now
	} else {
		delete(s.turns, inc.Key)
	}
	s.mu.Unlock()
	s.poke()
}

// putStations adds what a shard has to save.
func (s *saver) putStations(states []stationState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range states {
		before := s.waiting.stations[st.snapshot.Station]
		st.series = append(before.series, st.series...)
		s.waiting.stations[st.snapshot.Station] = st
	}
}

// putMark says that all that the frames up to a position did was put, and lets it be saved.
func (s *saver) putMark(mark uint64) {
	s.mu.Lock()
	news := mark > s.waiting.mark || len(s.waiting.stations) > 0
	s.waiting.mark = max(s.waiting.mark, mark)
	s.mu.Unlock()
	if news {
		s.poke()
	}
}

func (s *saver) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run saves until ctx ends. After a failure it waits a little longer each time; nothing that waits is lost.
func (s *saver) run(ctx context.Context) {
	const most = 30 * time.Second
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		if err := s.flush(ctx); err != nil {
			pause = min(max(2*pause, 250*time.Millisecond), most)
			if ctx.Err() == nil {
				s.log.Error("incidents not saved, will try again", "error", err, "after", pause)
			}
			timer := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
				s.poke()
			}
			continue
		}
		pause = 0
	}
}

// flush writes all that waits. What could not be written waits again, unless something newer came.
func (s *saver) flush(ctx context.Context) error {
	s.mu.Lock()
	w := s.waiting
	s.waiting = newWaiting()
	s.waiting.mark = w.mark
	s.mu.Unlock()
	for more := true; more; {
		st := hayalet.State{History: w.history}
		for _, inc := range w.incidents {
			st.Incidents = append(st.Incidents, inc)
		}
		taken := w.take(&st)
		if more = len(w.stations) > len(taken); !more {
			st.Mark = w.mark
		}
		if err := s.store.SaveState(ctx, st); err != nil {
			s.putBack(w)
			return fmt.Errorf("save %d incidents and the state of %d stations: %w", len(st.Incidents), len(w.stations), err)
		}
		clear(w.incidents)
		w.history = nil
		for _, id := range taken {
			delete(w.stations, id)
		}
	}
	return nil
}

// take adds the state of some stations, and returns which.
func (w *waiting) take(st *hayalet.State) (taken []hayalet.StationID) {
	for id, s := range w.stations {
		if len(taken) == stationsACommit {
			break
		}
		st.Snapshots = append(st.Snapshots, s.snapshot)
		st.Series = append(st.Series, s.series...)
		taken = append(taken, id)
	}
	return taken
}

func (s *saver) putBack(w waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, inc := range w.incidents {
		if newer, ok := s.waiting.incidents[key]; !ok || newer.Rev < inc.Rev {
			s.waiting.incidents[key] = inc
		}
	}
	s.waiting.history = slices.Concat(w.history, s.waiting.history)
	for id, st := range w.stations {
		if newer, ok := s.waiting.stations[id]; ok {
			st = stationState{newer.snapshot, slices.Concat(st.series, newer.series)}
		}
		s.waiting.stations[id] = st
	}
}
