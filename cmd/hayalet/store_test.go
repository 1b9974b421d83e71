package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
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
