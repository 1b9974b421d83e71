//go:build linux

package crash_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const stations = 40

// TestMain lets all tests run side by side: what they run waits nearly all of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// number is a number of the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestCrash builds the server once; what it runs are processes, side by side.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and takes half a minute")
	}
	bin := build(t)
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, bin, filepath.Join(t.TempDir(), "hayalet.db"))
		survive(t, s, s.disturb)
	})
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, bin, filepath.Join(f.dir(t), "hayalet.db"))
			refuse(t, s, f)
		})
	}
	t.Run("ended while it cannot write", func(t *testing.T) {
		t.Parallel()
		endRefused(t, newServer(t, bin, filepath.Join(t.TempDir(), "hayalet.db")))
	})
	postgres(t, bin)
}

// survive disturbs a server at random points while stations talk to it.
func survive(t *testing.T, s *server, disturb func(*testing.T, *rand.Rand)) {
	t.Helper()
	rounds, seed := number(t, "CRASH_ROUNDS", 6), uint64(number(t, "CRASH_SEED", 1))
	t.Logf("%d rounds, CRASH_SEED=%d", rounds, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s.start(t)
	l := startLoad(t, s, stations, seed)
	for range rounds {
		if rng.IntN(10) == 0 {
			pause(t, time.Duration(rng.IntN(80))*time.Millisecond)
			s.kill(t) // while it starts
			s.start(t)
			continue
		}
		s.awaitReady(t)
		pause(t, time.Duration(rng.IntN(1200))*time.Millisecond)
		disturb(t, rng)
	}
	s.awaitReady(t)
	l.progress(t, s, 10*stations)
	l.finish(t)
	s.check(t, l)
}

// disturb kills the server, or holds it, or ends it, and starts it again.
func (s *server) disturb(t *testing.T, rng *rand.Rand) {
	t.Helper()
	switch rng.IntN(8) {
	case 0:
		s.signal(t, syscall.SIGSTOP)
		pause(t, time.Duration(rng.IntN(4500))*time.Millisecond) // some stations lose patience
		s.signal(t, syscall.SIGCONT)
		return
	case 1:
		s.stop(t)
	default:
		s.kill(t)
	}
	pause(t, time.Duration(rng.IntN(300))*time.Millisecond)
	s.start(t)
}
