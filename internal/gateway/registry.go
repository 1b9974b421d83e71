package gateway

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hayalet"
)

// registry gives each station id to one connection at a time.
type registry struct {
	mu    sync.Mutex
	slots map[hayalet.StationID]*slot
}

type slot struct {
	owner      *conn // nil while the challenger takes over
	challenger *conn
}

// challenge makes c the owner of its id when it is free. Otherwise it returns the owner, with c as its one challenger.
func (r *registry) challenge(c *conn) (*conn, *refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sl := r.slots[c.station]
	if sl == nil {
		r.slots[c.station] = &slot{owner: c}
		return nil, nil
	}
	if sl.challenger != nil || !sl.owner.established.Load() {
		return nil, refuse(http.StatusConflict, "another connection of this station is being made")
	}
	sl.challenger = c
	return sl.owner, nil
}

// take makes the challenger the owner.
func (r *registry) take(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[c.station] = &slot{owner: c}
}

// release ends what c has in its station's slot.
func (r *registry) release(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sl := r.slots[c.station]
	if sl == nil {
		return
	}
	if sl.owner == c {
		sl.owner = nil
	}
	if sl.challenger == c {
		sl.challenger = nil
	}
	if sl.owner == nil && sl.challenger == nil {
		delete(r.slots, c.station)
	}
}

// claim makes c the owner of its id, or refuses it because the present owner answers a ping. The present owner has
// ended altogether, its peer too, before claim succeeds.
func (s *Server) claim(ctx context.Context, c *conn) error {
	old, ref := s.registry.challenge(c)
	if ref != nil {
		s.log.Warn("station id claimed twice at once; newcomer refused", "station", c.station, "newcomer", c.remote)
		return ref
	}
	if old == nil {
		return nil
	}
	log := s.log.With("station", c.station, "connected", old.remote, "newcomer", c.remote, "conn", old.id)
	if old.sock.AnswersPing(ctx, s.cfg.DuplicateTimeout) {
		s.registry.release(c)
		log.Warn("station id in use and alive; newcomer refused")
		return refuse(http.StatusConflict, "this station is connected already, and that connection is alive")
	}
	old.sock.Cut()
	select {
	case <-old.done:
	case <-ctx.Done():
		s.registry.release(c)
		log.Warn("station id in use by a connection that does not end; newcomer refused")
		return refuse(http.StatusConflict, "the station's former connection has not ended yet")
	}
	s.registry.take(c)
	log.Warn("station id taken over; the former connection did not answer a ping")
	return nil
}

// Horizon is the time up to which the sink was given all that was received: the receipt of the oldest message that is still
// being answered, or else now.
func (s *Server) Horizon(now time.Time) time.Time {
	oldest := hayalet.InstantOf(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		for _, waits := range []*atomic.Int64{&c.waits, &c.rest.waits} {
			if at := hayalet.Instant(waits.Load()); at != 0 {
				oldest = min(oldest, at)
			}
		}
	}
	if oldest == hayalet.InstantOf(now) {
		return now
	}
	return oldest.Time()
}

// Connections lists the live connections in the order of their station ids, the older first where a station has several.
func (s *Server) Connections() []ConnInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]ConnInfo, 0, len(s.conns))
	for c := range s.conns {
		if c.established.Load() && c.sock.Context().Err() == nil {
			infos = append(infos, c.info())
		}
	}
	slices.SortFunc(infos, func(a, b ConnInfo) int {
		return cmp.Or(cmp.Compare(a.Station, b.Station), cmp.Compare(a.Since, b.Since))
	})
	return infos
}
