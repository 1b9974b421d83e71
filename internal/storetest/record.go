package storetest

import (
	"math"
	"reflect"
	"testing"

	"hayalet"
)

// testRecords is of what is kept beside the traffic: tellings, audit, exceptions, anchors.
func testRecords(t *testing.T, db Database) {
	t.Run("told", func(t *testing.T) { testTold(t, db) })
	t.Run("audit", func(t *testing.T) { testAudit(t, db) })
	t.Run("exceptions", func(t *testing.T) { testExceptions(t, db) })
	t.Run("anchors", func(t *testing.T) { testAnchors(t, db) })
}

func testTold(t *testing.T, db Database) {
	s := db.Open(t, "a")
	put := func(told ...hayalet.Told) {
		t.Helper()
		for _, one := range told {
			must(t, "put told", s.PutTold(t.Context(), one))
		}
	}
	early := hayalet.Told{Key: "c", Severity: hayalet.Low, State: hayalet.Suspected, At: 5}
	late := hayalet.Told{Key: "a", Severity: hayalet.Critical, State: hayalet.Closed, At: 9}
	twin := hayalet.Told{Key: "b", Severity: hayalet.High, State: hayalet.Confirmed, At: 9}
	older := late
	older.At, older.Severity = 8, hayalet.Info
	put(twin, older, early, late, older, late)
	s = db.reopen(t, "a", s)
	for since, want := range map[hayalet.Instant][]hayalet.Told{0: {early, late, twin}, 5: {early, late, twin}, 6: {late, twin}, 10: nil} {
		got, err := s.ToldSince(t.Context(), since)
		must(t, "told since", err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("told since %d: %+v, want %+v", since, got, want)
		}
	}
}

func testAudit(t *testing.T, db Database) {
	s := db.Open(t, "a")
	entry := func(at hayalet.Instant, detail string) hayalet.AuditEntry {
		return hayalet.AuditEntry{At: at, Actor: "Ayşe", Action: "command", Subject: "CP_1", Detail: detail}
	}
	entries := []hayalet.AuditEntry{entry(10, "first"), entry(20, "second\x00"), entry(20, "third"), entry(30, "fourth")}
	for _, e := range entries {
		must(t, "put audit", s.PutAudit(t.Context(), e))
	}
	entries[1].Detail = "second\uFFFD" // no text holds a zero byte
	s = db.reopen(t, "a", s)
	for _, c := range []struct {
		name         string
		since, until hayalet.Instant
		limit        int
		want         []hayalet.AuditEntry
	}{
		{"all", 0, 0, 0, entries},
		{"since", 20, 0, 0, entries[1:]},
		{"until", 0, 20, 0, entries[:1]},
		{"time", 20, 30, 0, entries[1:3]},
		{"the newest", 0, 0, 2, entries[2:]},
		{"the newest of a time", 0, 30, 1, entries[2:3]},
		{"a generous limit", 0, 0, math.MaxInt, entries},
		{"none", 31, 0, 0, nil},
	} {
		got, err := s.AuditTrail(t.Context(), c.since, c.until, c.limit)
		must(t, "audit trail", err)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func testExceptions(t *testing.T, db Database) {
	s := db.Open(t, "a")
	sync := func(at hayalet.Instant, bodies map[string][]byte, began, ended []string) {
		t.Helper()
		b, e, err := s.SyncExceptions(t.Context(), at, bodies)
		must(t, "sync exceptions", err)
		if !reflect.DeepEqual(b, began) || !reflect.DeepEqual(e, ended) {
			t.Errorf("at %d: began %v, ended %v; want %v and %v", at, b, e, began, ended)
		}
	}
	one, two := []byte(`{"owner":"ş"}`), []byte(`{}`)
	sync(10, map[string][]byte{"b": one, "a": one, "A": nil}, []string{"A", "a", "b"}, nil)
	sync(20, map[string][]byte{"b": one, "a": one, "A": nil}, nil, nil)
	s = db.reopen(t, "a", s)
	sync(30, map[string][]byte{"b": two, "a": one, "c": one}, []string{"b", "c"}, []string{"A", "b"})
	sync(40, nil, nil, []string{"a", "b", "c"})
	sync(50, map[string][]byte{"b": two}, []string{"b"}, nil)
	want := []hayalet.KeptException{
		{Name: "A", Body: []byte{}, Since: 10, Until: 30},
		{Name: "a", Body: one, Since: 10, Until: 40},
		{Name: "b", Body: one, Since: 10, Until: 30},
		{Name: "b", Body: two, Since: 30, Until: 40},
		{Name: "c", Body: one, Since: 30, Until: 40},
		{Name: "b", Body: two, Since: 50},
	}
	got, err := s.KeptExceptions(t.Context())
	must(t, "kept exceptions", err)
	for i := range got {
		got[i].Body = append([]byte{}, got[i].Body...) // empty or nil is the same
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
}

func testAnchors(t *testing.T, db Database) {
	s := db.Open(t, "a")
	anchor := func(block uint64, at hayalet.Instant, signature string) hayalet.Anchor {
		return hayalet.Anchor{Block: block, Hash: []byte{0, 255, byte(block)}, At: at, Key: []byte("key"), Signature: []byte(signature)}
	}
	want := []hayalet.Anchor{anchor(1, 5, "\x00a"), anchor(1, 6, "b"), anchor(7, 6, "c"), anchor(1<<40, 4, "d")}
	for _, i := range []int{3, 1, 0, 2, 0, 3} {
		must(t, "put anchor", s.PutAnchor(t.Context(), want[i]))
	}
	s = db.reopen(t, "a", s)
	for _, c := range []struct {
		from  uint64
		limit int
		want  []hayalet.Anchor
	}{
		{0, 10, want}, {1, 1, want[:1]}, {2, 10, want[2:]}, {7, 1, want[2:3]}, {1<<40 + 1, 10, nil}, {0, 0, want},
	} {
		got, err := s.FindAnchors(t.Context(), c.from, c.limit)
		must(t, "find anchors", err)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %d, limit %d: %+v, want %+v", c.from, c.limit, got, c.want)
		}
	}
}
