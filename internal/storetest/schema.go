package storetest

import (
	"errors"
	"strings"
	"testing"

	"hayalet"
)

// testSchema: nobody brings a schema forward under a server, and whoever only asks never does.
func testSchema(t *testing.T, db Database) {
	t.Run("older", func(t *testing.T) { testOlderSchema(t, db) })
	t.Run("newer", func(t *testing.T) { testNewerSchema(t, db) })
	t.Run("asking", func(t *testing.T) { testAsking(t, db) })
}

// refused wants an error in one line about the data of name, which keep the schema that they have.
func refused(t *testing.T, db Database, name string, server bool, want string) error {
	t.Helper()
	before := db.Schema(t, name)
	s, err := db.Reopen(t, name, server)
	if err == nil {
		must(t, "close", s.Close())
		t.Fatalf("opened a database of schema %d", before)
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line with %q", err, want)
	}
	if after := db.Schema(t, name); after != before {
		t.Errorf("schema %d has become %d", before, after)
	}
	return err
}

func testOlderSchema(t *testing.T, db Database) {
	s := db.Open(t, "a")
	newest := db.Schema(t, "a")
	release, err := s.Claim(t.Context())
	must(t, "claim", err)
	db.SetSchema(t, "a", newest-1)
	if err := refused(t, db, "a", true, "cannot be brought forward"); !errors.Is(err, hayalet.ErrConflict) {
		t.Errorf("a server works on it: error %v, want ErrConflict", err)
	}
	_ = refused(t, db, "a", false, "start")
	must(t, "release", release())
	_ = refused(t, db, "a", false, "start")
	db.SetSchema(t, "a", newest)
	release, err = s.Claim(t.Context())
	must(t, "claim again", err)
	must(t, "release", release())
}

func testNewerSchema(t *testing.T, db Database) {
	s, other := db.Open(t, "a"), db.Open(t, "a")
	newest := db.Schema(t, "a")
	db.SetSchema(t, "a", newest+1)
	for _, server := range []bool{true, false} {
		if err := refused(t, db, "a", server, "use the newer program"); errors.Is(err, hayalet.ErrConflict) {
			t.Errorf("error %v, although no server works on it", err)
		}
	}
	if _, err := s.Claim(t.Context()); err == nil || errors.Is(err, hayalet.ErrConflict) || !strings.Contains(err.Error(), "use the newer program") {
		t.Errorf("claim of what was brought forward after it was opened: %v", err)
	}
	db.SetSchema(t, "a", newest)
	release, err := other.Claim(t.Context()) // the one that was refused holds nothing
	must(t, "claim", err)
	must(t, "release", release())
}

// testAsking: whoever asks sees and adds while a server works.
func testAsking(t *testing.T, db Database) {
	s := db.Open(t, "a")
	release, err := s.Claim(t.Context())
	must(t, "claim", err)
	asking, err := db.Reopen(t, "a", false)
	must(t, "open to ask", err)
	must(t, "write", s.PutAudit(t.Context(), hayalet.AuditEntry{At: 1}))
	must(t, "write", asking.PutAudit(t.Context(), hayalet.AuditEntry{At: 2}))
	trail, err := asking.AuditTrail(t.Context(), 0, 0, 0)
	if err != nil || len(trail) != 2 {
		t.Errorf("%+v, %v", trail, err)
	}
	must(t, "close", asking.Close())
	must(t, "release", release())
}
