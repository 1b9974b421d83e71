//go:build linux

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hayalet"
	"hayalet/internal/postgres"
	"hayalet/internal/sqlstore"
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

// TestSilence: whoever reads from a server that says nothing is told so, and may take as long as they like with what it said.
func TestSilence(t *testing.T) {
	url := cluster.Database(t)
	db, err := postgres.OpenWithin(t.Context(), url, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st := hayalet.State{Snapshots: []hayalet.Snapshot{{Station: "A"}, {Station: "B"}, {Station: "C"}}, Mark: 7}
	if err := db.SaveState(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	read := 0
	mark, err := db.LoadState(t.Context(), func(hayalet.Snapshot) error {
		read++
		<-time.After(300 * time.Millisecond)
		return nil
	})
	if err != nil || mark != 7 || read != 3 {
		t.Errorf("read slowly: %d snapshots, mark %d, %v", read, mark, err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE hayalet.station, hayalet.counter, hayalet.book, hayalet.incident, hayalet.incident_history,
		hayalet.snapshot, hayalet.mark, hayalet.block, hayalet.block_body, hayalet.tally, hayalet.series, hayalet.told, hayalet.audit,
		hayalet.exception, hayalet.anchor`); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Ping":         func() error { return db.Ping(ctx) },
		"Transactions": func() error { _, err := db.Transactions(ctx, "A", 1); return err },
		"Stations":     func() error { _, err := db.Stations(ctx); return err },
		"LastBlock":    func() error { _, err := db.LastBlock(ctx); return err },
		"ReadBlocks": func() error {
			return db.ReadBlocks(ctx, hayalet.BlockQuery{}, func(hayalet.Block) error { return nil })
		},
		"Find":           func() error { _, err := db.Find(ctx, hayalet.IncidentFilter{}); return err },
		"History":        func() error { _, err := db.History(ctx, "k"); return err },
		"LoadState":      func() error { _, err := db.LoadState(ctx, func(hayalet.Snapshot) error { return nil }); return err },
		"the mark":       func() error { _, err := db.LoadState(ctx, nil); return err },
		"ReadSeries":     func() error { return db.ReadSeries(ctx, "A", 0, 0, func(hayalet.Series) error { return nil }) },
		"ToldSince":      func() error { _, err := db.ToldSince(ctx, 0); return err },
		"AuditTrail":     func() error { _, err := db.AuditTrail(ctx, 0, 0, 0); return err },
		"KeptExceptions": func() error { _, err := db.KeptExceptions(ctx); return err },
		"FindAnchors":    func() error { _, err := db.FindAnchors(ctx, 0, 1); return err },
		"Use":            func() error { _, err := db.Use(ctx); return err },
	} {
		if err := call(); !errors.Is(err, sqlstore.ErrSilent) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want ErrSilent in one line", name, err)
		}
	}
	if _, err := conn.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if mark, err := db.LoadState(ctx, nil); err != nil || mark != 7 {
		t.Errorf("when it speaks again: mark %d, %v", mark, err)
	}
}

// TestSilenceAtTheDoor: a server that is asked what it holds, and says nothing.
func TestSilenceAtTheDoor(t *testing.T) {
	t.Parallel()
	url := cluster.Database(t)
	if err := open(t, url).Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE hayalet.goose_db_version`); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for name, call := range map[string]func() error{
		"Open":         func() error { _, err := postgres.Open(t.Context(), url); return err },
		"OpenExisting": func() error { _, err := postgres.OpenExisting(t.Context(), url); return err },
		"Look":         func() error { _, err := postgres.Look(t.Context(), url); return err },
	} {
		all.Go(func() {
			if err := call(); !errors.Is(err, sqlstore.ErrSilent) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %v, want ErrSilent in one line", name, err)
			}
		})
	}
	all.Wait()
}
