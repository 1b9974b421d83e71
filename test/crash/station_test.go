//go:build linux

package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// station plays sessions, one after the other, until it is told to end. It has one call open at a time. When it does not
// hear the answer it comes back and says the same again, as long as it takes.
type station struct {
	id       string
	protocol string
	url      string
	phantom  bool          // its register goes on after each stop
	sameID   bool          // what is said again keeps its message id; real stations do either
	brisk    bool          // its sessions are hardly more than start and stop
	greets   bool          // it says something else first when it has come back
	within   time.Duration // for an answer
	rng      *rand.Rand
	words    words
	end      <-chan struct{} // closed: finish the session and say no more
	calls    *atomic.Int64   // answered, of all stations

	link     *link
	register float64 // Wh
	flowing  time.Time
	phantoms int // how many flows there were after a stop

	mu    sync.Mutex
	links []*link
}

// power of a session and of a phantom, in W: enough that each message finds the register moved.
const power = 150_000

// play is one station's life.
func (s *station) play(ctx context.Context) error {
	defer func() {
		if s.link != nil {
			_ = s.link.conn.Close()
		}
	}()
	if _, err := s.say(ctx, s.words.boot()); err != nil {
		return err
	}
	if _, err := s.say(ctx, s.words.status("Available")); err != nil {
		return err
	}
	for !s.ending() {
		if err := s.session(ctx); err != nil {
			return err
		}
	}
	_, err := s.say(ctx, message{"Heartbeat", object{}})
	return err
}

func (s *station) ending() bool {
	select {
	case <-s.end:
		return true
	default:
		return false
	}
}

// session is a transaction with its meter values, and what follows it.
func (s *station) session(ctx context.Context) error {
	s.flow()
	s.stand()
	answer, err := s.say(ctx, s.words.start(s))
	if err != nil {
		return err
	}
	tx, err := s.words.started(answer)
	if err != nil {
		return err
	}
	s.flow()
	for range s.readings() {
		s.reads()
		if _, err := s.say(ctx, s.words.meter(s, tx)); err != nil {
			return err
		}
	}
	s.reads()
	s.stand()
	if _, err := s.say(ctx, s.words.stop(s, tx)); err != nil {
		return err
	}
	if _, err := s.say(ctx, s.words.status("Available")); err != nil {
		return err
	}
	return s.idle(ctx)
}

// idle is the time after a session, in which no energy flows, or else enough of it to be noticed.
func (s *station) idle(ctx context.Context) error {
	enough := s.register
	if s.phantom {
		s.phantoms++
		s.flow()
		enough += 15
	}
	for left := s.readings(); left > 0 || s.register < enough; left-- {
		s.reads()
		if _, err := s.say(ctx, s.words.meter(s, "")); err != nil {
			return err
		}
	}
	s.stand()
	return nil
}

// readings is how many there are in a session and after it.
func (s *station) readings() int {
	if s.brisk {
		return 1
	}
	return 3 + s.rng.IntN(9)
}

// The register moves while energy flows, by the station's clock, whether the server is there or not.

func (s *station) flow() { s.flowing = time.Now() }

func (s *station) stand() { s.flowing = time.Time{} }

func (s *station) reads() {
	if now := time.Now(); !s.flowing.IsZero() {
		s.register += power * now.Sub(s.flowing).Hours()
		s.flowing = now
	}
}

func (s *station) think(ctx context.Context) {
	timer := time.NewTimer(time.Duration(5+s.rng.IntN(60)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// say sends a call until it is answered, and thinks.
func (s *station) say(ctx context.Context, m message) (json.RawMessage, error) {
	defer s.think(ctx)
	body, err := json.Marshal(m.payload)
	if err != nil {
		return nil, err
	}
	id := uuid.NewString()
	for {
		if err := s.connect(ctx); err != nil {
			return nil, err
		}
		if !s.sameID {
			id = uuid.NewString()
		}
		answer, err := s.link.call(id, fmt.Appendf(nil, `[2,%q,%q,%s]`, id, m.action, body))
		if err == nil {
			s.calls.Add(1)
			return answer, nil
		}
		if errors.Is(err, errRefused) {
			return nil, fmt.Errorf("%s: %w", s.id, err)
		}
		s.leave()
	}
}

func (s *station) leave() {
	_ = s.link.conn.Close()
	s.link = nil
}

// connect comes back, however often it must try.
func (s *station) connect(ctx context.Context) error {
	if s.link != nil {
		return nil
	}
	for {
		l, err := dial(ctx, s.url+s.id, s.protocol, s.within)
		if err != nil {
			s.think(ctx)
			if ctx.Err() != nil {
				return fmt.Errorf("%s: %w: %w", s.id, ctx.Err(), err)
			}
			continue
		}
		first := len(s.links) == 0
		s.mu.Lock()
		s.links = append(s.links, l)
		s.mu.Unlock()
		s.link = l
		if first || !s.greets {
			return nil
		}
		id := uuid.NewString()
		if _, err := l.call(id, fmt.Appendf(nil, `[2,%q,"Heartbeat",{}]`, id)); err == nil {
			return nil
		}
		s.leave()
	}
}
