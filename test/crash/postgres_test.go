//go:build linux

package crash_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"hayalet/internal/pgtest"
)

// postgres does to a server on PostgreSQL what is done to one on SQLite, and kills the database's server, too: all its
// processes at once. Each has a cluster of its own.
func postgres(t *testing.T, bin string) {
	t.Helper()
	t.Run("killed on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t)
		s := newServer(t, bin, c.Database(t))
		survive(t, s, func(t *testing.T, rng *rand.Rand) {
			t.Helper()
			if rng.IntN(2) == 0 {
				s.disturb(t, rng)
				return
			}
			kill(t, c)
			pause(t, time.Duration(rng.IntN(1500))*time.Millisecond)
			if rng.IntN(4) == 0 {
				s.kill(t)
				start(t, c)
				s.start(t)
				return
			}
			start(t, c)
		})
	})
	t.Run("PostgreSQL gone", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t)
		s := newServer(t, bin, c.Database(t))
		refuse(t, s, fault{
			name: "PostgreSQL gone", reason: "PostgreSQL",
			begin: func(t *testing.T, _ *server) (end func()) {
				t.Helper()
				kill(t, c)
				return func() { start(t, c) }
			},
		})
	})
}

func newCluster(t *testing.T) *pgtest.Cluster {
	t.Helper()
	c, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func kill(t *testing.T, c *pgtest.Cluster) {
	t.Helper()
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, c *pgtest.Cluster) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
}
