package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hayalet"
)

// saver writes incidents and snapshots behind the frames. Of each incident and each station only the newest waits, so what
// waits is bounded by how many there are.
type saver struct {
	store Store
	log   *slog.Logger
	wake  chan struct{}

	mu        sync.Mutex
	incidents map[string]hayalet.Incident
	snapshots map[hayalet.StationID]hayalet.Snapshot
}

func newSaver(store Store, log *slog.Logger) *saver {
	return &saver{
		store: store, log: log, wake: make(chan struct{}, 1),
		incidents: make(map[string]hayalet.Incident), snapshots: make(map[hayalet.StationID]hayalet.Snapshot),
	}
}

func (s *saver) put(inc hayalet.Incident) {
	s.mu.Lock()
	s.incidents[inc.Key] = inc
	s.mu.Unlock()
	s.poke()
}

func (s *saver) putSnapshots(ss []hayalet.Snapshot) {
	if len(ss) == 0 {
		return
	}
	s.mu.Lock()
	for _, snap := range ss {
		s.snapshots[snap.Station] = snap
	}
	s.mu.Unlock()
	s.poke()
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
	incidents, snapshots := s.incidents, s.snapshots
	s.incidents, s.snapshots = make(map[string]hayalet.Incident), make(map[hayalet.StationID]hayalet.Snapshot)
	s.mu.Unlock()
	var failed error
	for key, inc := range incidents {
		err := s.store.Save(ctx, inc)
		if err == nil || errors.Is(err, hayalet.ErrConflict) { // an older revision: the frames were seen before
			delete(incidents, key)
			continue
		}
		failed = fmt.Errorf("save incident %s: %w", key, err)
	}
	if len(snapshots) > 0 {
		ss := make([]hayalet.Snapshot, 0, len(snapshots))
		for _, snap := range snapshots {
			ss = append(ss, snap)
		}
		if err := s.store.SaveSnapshots(ctx, ss); err != nil {
			failed = errors.Join(failed, fmt.Errorf("save state: %w", err))
		} else {
			clear(snapshots)
		}
	}
	s.putBack(incidents, snapshots)
	return failed
}

func (s *saver) putBack(incidents map[string]hayalet.Incident, snapshots map[hayalet.StationID]hayalet.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, inc := range incidents {
		if newer, ok := s.incidents[key]; !ok || newer.Rev < inc.Rev {
			s.incidents[key] = inc
		}
	}
	for st, snap := range snapshots {
		if _, ok := s.snapshots[st]; !ok {
			s.snapshots[st] = snap
		}
	}
}
