package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TestTheSchemaOfARunningServer: neither commands that ask a database of an older program bring it forward, nor a server
// beside the one that works on it.
func TestTheSchemaOfARunningServer(t *testing.T) {
	cfg, db := judged(t)
	release, err := db.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }()
	raw, err := sql.Open("sqlite", cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(`DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`); err != nil {
		t.Fatal(err)
	}
	schema := func() (version int) {
		if err := raw.QueryRow(`SELECT max(version_id) FROM goose_db_version`).Scan(&version); err != nil {
			t.Fatal(err)
		}
		return version
	}
	before := schema()
	for _, args := range [][]string{{"frames"}, {"replay"}, {"audit"}, {"store", "usage"}, {"journal", "verify"}} {
		code, out := hayaletRun(t, append(args, "--db", cfg.DB)...)
		want := fmt.Sprintf("hayalet: open database %s: its schema %d is older than %d, which this program works with; ", cfg.DB, before, before+1)
		if code == exitOK || !strings.HasPrefix(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: exit code %d, %q, want %q", args, code, out, want)
		}
		if now := schema(); now != before {
			t.Fatalf("%v brought the schema from %d to %d", args, before, now)
		}
	}
	code, out := hayaletRun(t, "serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--db", cfg.DB)
	want := "; stop it, or give this one another --db\n"
	if now := schema(); code == exitOK || !strings.HasSuffix(out, want) || strings.Count(out, "\n") != 1 || now != before {
		t.Errorf("a server beside the one that works on it: exit code %d, %q, schema %d", code, out, now)
	}
	if code, out := hayaletRun(t, "frames", "--db", filepath.Join(t.TempDir(), "none.db")); code == exitOK || !strings.Contains(out, "there is no database") {
		t.Errorf("exit code %d, %q", code, out)
	}
}

// startingPostgres is a server that refuses the first connections because it is starting, and then because there is no such
// database. It returns its URL, and how many connections there were.
func startingPostgres(t *testing.T, starting int) (url string, tries *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	tries = new(atomic.Int64)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			refusal := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P03", Message: "the database system is starting up"}
			if tries.Add(1) > int64(starting) {
				refusal = &pgproto3.ErrorResponse{Severity: "FATAL", Code: "3D000", Message: `database "d" does not exist`}
			}
			be := pgproto3.NewBackend(conn, conn)
			if _, err := be.ReceiveStartupMessage(); err == nil {
				be.Send(refusal)
				_ = be.Flush()
			}
			_ = conn.Close()
		}
	}()
	return "postgres://u@" + ln.Addr().String() + "/d?sslmode=disable", tries
}

// TestADatabaseThatStartsIsWaitedFor, for a while, with one line in the log; one that refuses for good is not.
func TestADatabaseThatStartsIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		name     string
		starting int
		patience time.Duration
		stop     bool
		tries    int64
		want     string
	}{
		{"refuses for good", 0, time.Hour, false, 1, "does not exist"},
		{"is up in the end", 2, time.Hour, false, 3, "does not exist"},
		{"never is", 1000, time.Second, false, 0, "(SQLSTATE 57P03); PostgreSQL is starting or ending; try again in a while"},
		{"and is given up", 1000, time.Hour, true, 1, "(SQLSTATE 57P03); PostgreSQL is starting or ending; try again in a while"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url, tries := startingPostgres(t, c.starting)
			cfg := defaultConfig()
			cfg.DB = url
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var log said
			if c.stop {
				log.then = stop
			}
			_, err := cfg.awaitStore(ctx, c.patience, slog.New(slog.NewTextHandler(&log, nil)))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
			if n := tries.Load(); n == 0 || c.tries > 0 && n != c.tries {
				t.Errorf("tried %d times, want %d", n, c.tries)
			}
			if want := min(1, c.starting); log.lines != want {
				t.Errorf("%d lines in the log, want %d", log.lines, want)
			}
		})
	}
}

// said counts the lines of a log, and does something after each.
type said struct {
	lines int
	then  func()
}

func (s *said) Write(b []byte) (int, error) {
	s.lines++
	if s.then != nil {
		s.then()
	}
	return len(b), nil
}
