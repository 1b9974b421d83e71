//go:build linux

package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"

	"hayalet/internal/lang"
	"hayalet/internal/pgtest"
)

// refusing is a database that can be made to refuse all writing.
type refusing struct {
	where  string
	refuse func(t *testing.T) (mend func())
}

// tables are those that a server writes into.
func tables() []string {
	return []string{"station", "counter", "book", "incident", "incident_history", "snapshot", "mark", "block", "block_body", "series", "told", "audit", "anchor"}
}

// full is a SQLite file on a disk that takes nothing more.
func full(t *testing.T) refusing {
	path := filepath.Join(t.TempDir(), "a.db")
	return refusing{path, func(t *testing.T) func() {
		raw := rawFile(t, path)
		for _, table := range tables() {
			for _, change := range []string{"INSERT", "UPDATE"} {
				execute(t, raw, fmt.Sprintf(`CREATE TRIGGER full_%s_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'disk full'); END`, change, table, change, table))
			}
		}
		return func() {
			for _, table := range tables() {
				execute(t, raw, `DROP TRIGGER full_INSERT_`+table)
				execute(t, raw, `DROP TRIGGER full_UPDATE_`+table)
			}
		}
	}}
}

// held is a SQLite file that another process writes to, without end.
func held(t *testing.T) refusing {
	path := filepath.Join(t.TempDir(), "a.db")
	return refusing{path, func(t *testing.T) func() {
		raw := rawFile(t, path)
		execute(t, raw, `PRAGMA busy_timeout = 60000`)
		execute(t, raw, `BEGIN IMMEDIATE`)
		return func() { execute(t, raw, `ROLLBACK`) }
	}}
}

// silent is a PostgreSQL that does not answer.
func silent(t *testing.T) refusing {
	cluster, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	url := cluster.URL("postgres")
	return refusing{url, func(t *testing.T) func() {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		locked := "BEGIN; LOCK TABLE hayalet." + strings.Join(tables(), ", hayalet.")
		if _, err := conn.Exec(t.Context(), locked); err != nil {
			t.Fatal(err)
		}
		return func() { _ = conn.Close(context.WithoutCancel(t.Context())) }
	}}
}

func rawFile(t *testing.T, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	raw.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatal(err)
	}
}

// dial connects a station and lets it say that it has booted, which is answered.
func dial(t *testing.T, s *server, station string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+s.gateway.Addr().String()+"/"+station, &websocket.DialOptions{Subprotocols: []string{"ocpp1.6"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	tell(t, c, `[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]`)
	if _, answer, err := c.Read(t.Context()); err != nil || !bytes.HasPrefix(answer, []byte(`[3,"b"`)) {
		t.Fatalf("answer %s, %v", answer, err)
	}
	return c
}

func tell(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// TestTheEndDoesNotWaitForTheDatabase: a server that is told to end while its database refuses ends soon, says what was not
// saved, and what it had answered is there.
func TestTheEndDoesNotWaitForTheDatabase(t *testing.T) {
	const stations, starting, most = 40, 10, 12 * time.Second
	for name, database := range map[string]func(*testing.T) refusing{"full": full, "held": held, "silent": silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			cfg := defaultConfig()
			cfg.Listen, cfg.HTTP, cfg.DB, cfg.Evidence.Key = "127.0.0.1:0", "127.0.0.1:0", db.where, filepath.Join(t.TempDir(), "evidence.key")
			var log bytes.Buffer
			s, err := (&app{text: lang.New(lang.EN)}).newServer(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- s.run(ctx) }()
			var conns []*websocket.Conn
			for n := range stations {
				conns = append(conns, dial(t, s, fmt.Sprint("CP_", n)))
			}
			mend := db.refuse(t)
			for _, c := range conns[:starting] {
				tell(t, c, `[2,"s","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-01-05T12:00:00Z"}]`)
			}
			for _, c := range conns[starting:] {
				tell(t, c, `[2,"h","Heartbeat",{}]`)
			}
			wait(t, "messages wait for the disk", func() bool { now := time.Now(); return now.Sub(s.journal.Horizon(now)) > 100*time.Millisecond })

			begun := time.Now()
			stop()
			err = <-ended
			took := time.Since(begun)
			t.Logf("it took %v", took)
			if took > most {
				t.Errorf("it took %v, want at most %v", took, most)
			}
			if err != nil {
				t.Error(err)
			}
			mend()
			for _, want := range []string{
				"not kept and not answered", "state not saved at the end", "cannot anchor the end of the journal", `"not in the audit log" action="server stopped"`,
			} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log does not say %q:\n%s", want, &log)
				}
			}
			code, out := hayaletRun(t, "frames", "--db", cfg.DB)
			if boots, answers := strings.Count(out, "BootNotification"), strings.Count(out, `[3,"b"`); code != exitOK || boots != stations || answers != stations {
				t.Errorf("exit code %d, %d boots and %d answers are there, want %d", code, boots, answers, stations)
			}
		})
	}
}
