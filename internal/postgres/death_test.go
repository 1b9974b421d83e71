//go:build linux

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hayalet"
	"hayalet/internal/postgres"
)

func block(n uint64) hayalet.Block {
	return hayalet.Block{Number: n, First: n, Frames: 1, Header: []byte{byte(n)}, Body: make([]byte, 1000)}
}

// TestServerDies kills the server while blocks are appended. Until it is back every call is an error, soon and in one line;
// then the store is back, too, with all that was acknowledged, and the block of which nobody knew is appended once.
func TestServerDies(t *testing.T) {
	db := open(t, cluster.Database(t))
	next := uint64(1)
	for range 4 {
		busy, broken := make(chan struct{}), make(chan error)
		go func() {
			for first := next; ; next++ {
				if err := db.AppendBlock(t.Context(), block(next)); err != nil {
					broken <- err
					return
				}
				if next == first+20 {
					close(busy)
				}
			}
		}()
		<-busy
		if err := cluster.Kill(); err != nil {
			t.Fatal(err)
		}
		checkLine(t, "the append that was broken", <-broken)
		for range 3 {
			checkLine(t, "an append to a dead server", db.AppendBlock(t.Context(), block(next)))
		}
		if _, err := db.LastBlock(t.Context()); err == nil {
			t.Error("a dead server knows the last block")
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendBlock(t.Context(), block(next)); err != nil {
			t.Errorf("the broken block again: %v", err)
		}
		if last, err := db.LastBlock(t.Context()); err != nil || last.Number != next {
			t.Errorf("after the server is back: block %d, %v; want %d", last.Number, err, next)
		}
		next++
	}
}

// checkLine wants an error in one line that says what to do, and is no conflict.
func checkLine(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, hayalet.ErrConflict) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "; ") {
		t.Errorf("%s: %v", what, err)
	}
}

// TestPatience: a commit that another session holds up is given up, and works when it is tried again.
func TestPatience(t *testing.T) {
	url := cluster.Database(t)
	db, err := postgres.OpenWithin(t.Context(), url, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE hayalet.block_body`); err != nil {
		t.Fatal(err)
	}
	err = db.AppendBlock(t.Context(), block(1))
	if err == nil || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") {
		t.Errorf("append to a table that is locked: %v", err)
	}
	if _, err := conn.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := db.AppendBlock(t.Context(), block(1)); err != nil {
		t.Errorf("when the lock is gone: %v", err)
	}
}
