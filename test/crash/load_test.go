//go:build linux

package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is many stations at work.
type load struct {
	stations []*station
	calls    atomic.Int64 // that were answered
	end      chan struct{}
	group    *errgroup.Group
}

// startLoad starts stations of all kinds: two in five with phantoms, one in three of 2.0.1.
func startLoad(t *testing.T, s *server, n int, seed uint64) *load {
	t.Helper()
	l := &load{end: make(chan struct{})}
	var ctx context.Context
	l.group, ctx = errgroup.WithContext(t.Context())
	for i := range n {
		st := &station{
			id: fmt.Sprintf("CP_%03d", i), protocol: "ocpp1.6", url: "ws://" + s.stations + "/", words: words16{},
			phantom: i%5 < 2, sameID: i%2 == 0, brisk: i%4 == 1, greets: i%7 == 0, within: patient, rng: rand.New(rand.NewPCG(seed, uint64(i))),
			register: float64(1000 * i), end: l.end, calls: &l.calls,
		}
		if i%3 == 0 {
			st.protocol, st.words = "ocpp2.0.1", new(words201)
		}
		if i%4 == 0 {
			st.within = impatient
		}
		l.stations = append(l.stations, st)
		l.group.Go(func() error { return st.play(ctx) })
	}
	return l
}

// finish lets the stations end their sessions.
func (l *load) finish(t *testing.T) {
	t.Helper()
	close(l.end)
	if err := l.group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// progress waits until stations were answered so many times more.
func (l *load) progress(t *testing.T, s *server, calls int64) {
	t.Helper()
	want := l.calls.Load() + calls
	s.await(t, fmt.Sprintf("answering %d calls", calls), func() bool { return l.calls.Load() >= want })
}

// pause lets the stations work, or wait, for a while.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
