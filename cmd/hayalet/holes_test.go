package main

import (
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/journal"
	"hayalet/internal/retention"
	"hayalet/internal/sqlite"
)

// emptied is a database of forty blocks, each of a minute, in which CP_1, which has an incident, speaks in the first ten and in
// 31 to 34, and CP_2 always; every fifth is anchored, and retention has dropped what may go of all that is older than the last
// four.
func emptied(t *testing.T) config {
	t.Helper()
	cfg := defaultConfig()
	cfg.DB = filepath.Join(t.TempDir(), "kept.db")
	db, err := sqlite.Open(t.Context(), cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a, err := newAnchors(t.Context(), &cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	begin := hayalet.InstantOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))
	j, err := journal.Open(t.Context(), db, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	for n := 1; n <= 40; n++ {
		f := hayalet.Frame{Station: "CP_2", Conn: "b", Seq: uint64(n), At: begin.Add(time.Duration(n) * time.Minute), Protocol: hayalet.OCPP16, Data: []byte(`[2,"1","Heartbeat",{}]`)}
		fs := []hayalet.Frame{f}
		if n <= 10 || n > 30 && n <= 34 {
			f.Station, f.Conn = "CP_1", "a"
			fs = append(fs, f)
		}
		if err := j.PutFrames(t.Context(), fs); err != nil {
			t.Fatal(err)
		}
		if n%5 == 0 {
			if err := a.sign(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	j.Close()
	inc := hayalet.Incident{
		Key: "abcdef", Rule: "PE-01", Station: "CP_1", Connector: 1, State: hayalet.Closed,
		OpenedAt: begin.Add(8 * time.Minute), UpdatedAt: begin.Add(33 * time.Minute), EndedAt: begin.Add(33 * time.Minute),
	}
	if err := <-done; err != nil || db.SaveState(t.Context(), hayalet.State{Incidents: []hayalet.Incident{inc}, Mark: 54}) != nil {
		t.Fatal(err)
	}
	cfg.Retention.Frames.Age, cfg.Retention.Headers.Age = age(4*time.Minute), age(4*time.Minute)
	rc := cfg.Retention.keeping(a.key)
	rc.Pause = -1
	now := func() time.Time { return begin.Add(40*time.Minute + time.Second).Time() }
	gone, err := retention.New(db, rc, now, slog.New(slog.DiscardHandler)).Sweep(t.Context())
	if err != nil || gone.Headers != 4*4 { // 11 to 14, 16 to 19, 21 to 24, 26 to 29
		t.Fatalf("%s: %v", gone, err)
	}
	return cfg
}

// TestCommandsOverHoles: all that can be asked of a journal with holes. It is checked, an incident on both sides of them is taken out and checked,
// single frames are proven, and what has gone is told.
func TestCommandsOverHoles(t *testing.T) {
	cfg := emptied(t)
	dir := t.TempDir()
	name, proof := filepath.Join(dir, "case.zip"), filepath.Join(dir, "proof.json")
	ask := func(code int, want string, args ...string) string {
		t.Helper()
		got, out := hayaletRun(t, args...)
		if got != code || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d, want %d: %s\nwant %q", args, got, code, out, want)
		}
		return out
	}
	said := ask(exitOK, "the journal holds: blocks 24, frames 38,", "journal", "verify", "--db", cfg.DB)
	for _, want := range []string{
		"blocks of which only the header is left, since retention took the frames: 6\n", // 15, 20, 25, 30, 35 and 36
		"blocks that retention dropped with their headers, as signed records say: 16, in holes between anchors: 4\n",
		"its last anchored block: 40:", "anchors that agree: 8, the last of block 40",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("journal verify says %s\nwant %q", said, want)
		}
	}
	ask(exitOK, "headers       24", "store", "usage", "--db", cfg.DB)
	ask(exitOK, "frames 14,", "evidence", "export", "abc", "--db", cfg.DB, "-o", name)
	ask(exitOK, "blocks between its first and its last that retention has taken out of the journal, as a statement with the same key says: 16", "evidence", "verify", name)
	ask(exitOK, "position 3", "journal", "prove", "3", "--db", cfg.DB, "-o", proof) // of block 2, whose anchor is that of block 5
	ask(exitOK, "its anchor: 5:", "journal", "prove", "--check", proof)
	ask(exitError, "retention has taken its block, which was before block 15", "journal", "prove", "22", "--db", cfg.DB)

	pins := map[int]string{}
	db, err := sqlite.Open(t.Context(), cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	known, err := db.FindAnchors(t.Context(), 0, 0)
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	for _, a := range known {
		pins[int(a.Block)] = journal.Pin{Block: a.Block, Hash: journal.Hash(a.Hash)}.String()
	}
	ask(exitOK, "anchors that were given and agree: 2", "journal", "verify", "--db", cfg.DB, "--anchor", pins[15], "--anchor", pins[40])
	ask(exitOK, "anchors that were given and agree: 2", "evidence", "verify", name, "--anchor", pins[10], "--anchor", pins[30])
	ask(exitUsage, "there is no header of block 17 to hold against --anchor: retention has dropped it", "journal", "verify", "--db", cfg.DB, "--anchor", "17"+strings.TrimPrefix(pins[15], "15"))
}

// TestAnchorsOfWhatIsBetweenHoles: what is kept is covered by the anchor that all headers lead to, whoever says what of holes.
func TestAnchorsOfWhatIsBetweenHoles(t *testing.T) {
	cfg := emptied(t)
	db, err := sqlite.Open(t.Context(), cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a, err := newAnchors(t.Context(), &cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	junk := hayalet.Hole{BlockRange: hayalet.BlockRange{First: 8, Last: 22}, Before: []byte{1}, After: []byte{1}, Key: []byte{1}, Signature: []byte{1}}
	if err := db.PutHole(t.Context(), junk); err != nil {
		t.Fatal(err)
	}
	covers := func(by *anchors, block, want uint64) {
		t.Helper()
		if got, err := by.covering(t.Context(), block, math.MaxUint64); err != nil || got.Block != want {
			t.Errorf("block %d is covered by the anchor of block %d, want %d: %v", block, got.Block, want, err)
		}
	}
	covers(a, 2, 5)
	covers(a, 7, 10)
	covers(a, 10, 10)
	covers(a, 31, 35)
	other := &anchors{db: db, key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), log: slog.New(slog.DiscardHandler)}
	covers(other, 31, 40) // the end, which nobody with this key has anchored
	covers(other, 7, 7)   // a hole of the key before lies between it and that
}

// TestNobodyElseMakesHoles: rows that were taken out of the database, with or without a record that says so.
func TestNobodyElseMakesHoles(t *testing.T) {
	const without = `DELETE FROM block WHERE number BETWEEN %d AND %[2]d; DELETE FROM block_body WHERE number BETWEEN %[1]d AND %[2]d;`
	for name, tc := range map[string]struct{ change, want string }{
		"a run between anchors": {fmt.Sprintf(without, 6, 9), "blocks 6 to 9 were removed"},
		"with a record of another run": {
			fmt.Sprintf(without, 6, 9) + `INSERT INTO hole SELECT 6, 9, hash_before, hash_after, at, reason, key, signature FROM hole WHERE first_block = 11`,
			"the record of blocks 6 to 9, which are not there, was changed: its signature does not fit",
		},
		"one more than the record says": {fmt.Sprintf(without, 15, 15), "blocks 15 to 19 were removed"},
		"the record":                    {`DELETE FROM hole WHERE first_block = 16`, "blocks 16 to 19 were removed"},
		"the record and its anchors":    {`DELETE FROM hole WHERE first_block = 16; DELETE FROM anchor WHERE block IN (15, 20)`, "blocks 11 to 14 are not there, and do not lie between two anchored ones"},
		"a message behind all holes":    {`UPDATE block_body SET body = (SELECT body FROM block_body WHERE number = 39) WHERE number = 38`, "of block 38 was changed"},
	} {
		cfg := emptied(t)
		raw, err := sql.Open("sqlite", cfg.DB)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Exec(tc.change); err != nil || raw.Close() != nil {
			t.Fatal(err)
		}
		if code, out := hayaletRun(t, "journal", "verify", "--db", cfg.DB); code != exitError || !strings.HasPrefix(out, "the journal does not hold: ") || !strings.Contains(out, tc.want) {
			t.Errorf("%s: exit code %d: %s, want %q", name, code, out, tc.want)
		}
	}
}
