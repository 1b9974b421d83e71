package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"hayalet"
)

func testRetention(t *testing.T, db Database) {
	t.Run("series", func(t *testing.T) { testDropSeries(t, db) })
	t.Run("incidents", func(t *testing.T) { testDropIncidents(t, db) })
	t.Run("transactions", func(t *testing.T) { testDropTransactions(t, db) })
	t.Run("audit", func(t *testing.T) { testDropAudit(t, db) })
	t.Run("use", func(t *testing.T) { testUse(t, db) })
	t.Run("compact", func(t *testing.T) { testCompact(t, db) })
}

// drain drops with a limit of three until less goes, and returns how many went in all.
func drain(t *testing.T, drop func(ctx context.Context, limit int) (int, error)) (gone int) {
	t.Helper()
	for {
		n, err := drop(t.Context(), 3)
		must(t, "drop", err)
		gone += n
		if n < 3 {
			return gone
		}
		if n > 3 {
			t.Fatalf("%d went, more than the limit", n)
		}
	}
}

func testDropSeries(t *testing.T, db Database) {
	s := db.Open(t, "a")
	var st hayalet.State
	for n := range hayalet.Instant(3000) {
		st.Series = append(st.Series, hayalet.Series{Station: "a", From: 10 * n, To: 10*n + 5, Body: []byte("1234")})
	}
	st.Series = append(st.Series, hayalet.Series{Station: "b", From: 25_000, To: 25_001, Body: []byte("b")})
	saveState(t, s, st)
	keep := []hayalet.Span{{Station: "a", Since: 0, Until: 24_990}, {Station: "b", Since: 1, Until: 24_999}, {Station: "a", Since: 25_015, Until: 25_020}}
	gone := drain(t, func(ctx context.Context, limit int) (int, error) { return s.DropSeries(ctx, 25_100, keep, limit) })
	if gone != 9 { // 2500 to 2509 of a but for 2501 and 2502, and that of b
		t.Errorf("%d went, want 9", gone)
	}
	if left := series(t, s, "a", 24_990, 25_105); len(left) != 4 || left[0].From != 24_990 || left[1].From != 25_010 || left[2].From != 25_020 || left[3].From != 25_100 {
		t.Errorf("left of a: %+v", left)
	}
	if left := series(t, s, "b", 0, 0); len(left) != 0 {
		t.Errorf("left of b: %+v", left)
	}
	use, err := s.Use(t.Context())
	must(t, "use", err)
	if want := (hayalet.Usage{Records: 2992, Bytes: 4 * 2992, Oldest: 5}); use["series"] != want {
		t.Errorf("series use %+v, want %+v", use["series"], want)
	}
}

func testDropIncidents(t *testing.T, db Database) {
	s := db.Open(t, "a")
	var st hayalet.State
	for n := range 8 {
		inc := incident(fmt.Sprintf("k%d", n), 1)
		inc.State, inc.EndedAt = hayalet.Closed, hayalet.Instant(100+n)
		if n%2 == 1 {
			inc.State = hayalet.Cleared
		}
		st.Incidents = append(st.Incidents, inc)
		must(t, "put told", s.PutTold(t.Context(), hayalet.Told{Key: inc.Key, At: 1}))
	}
	st.Incidents = append(st.Incidents, incident("open", 1))
	st.History = st.Incidents
	saveState(t, s, st)
	if gone := drain(t, func(ctx context.Context, limit int) (int, error) { return s.DropIncidents(ctx, 104, limit) }); gone != 4 {
		t.Errorf("%d went, want 4", gone)
	}
	var keys []string
	for _, inc := range find(t, s, hayalet.IncidentFilter{}) {
		keys = append(keys, inc.Key)
	}
	if want := []string{"k4", "k5", "k6", "k7", "open"}; !slices.Equal(keys, want) {
		t.Errorf("left are %v, want %v", keys, want)
	}
	for key, want := range map[string]int{"k0": 0, "k3": 0, "k4": 1, "open": 1} {
		if got := history(t, s, key); len(got) != want {
			t.Errorf("the history of %s has %d revisions, want %d", key, len(got), want)
		}
	}
	told, err := s.ToldSince(t.Context(), 0)
	must(t, "told since", err)
	if len(told) != 4 || told[0].Key != "k4" {
		t.Errorf("told: %+v, want those of k4 to k7", told)
	}
}

func testDropTransactions(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for n := range int64(8) {
		st := start()
		st.Meter, st.At = n, 1
		id := begin(t, s, st)
		if n < 7 {
			end(t, s, hayalet.Stop{Station: "CP_1", Transaction: id, At: hayalet.Instant(100 + n)})
		}
	}
	if gone := drain(t, func(ctx context.Context, limit int) (int, error) { return s.DropTransactions(ctx, 106, limit) }); gone != 6 {
		t.Errorf("%d went, want 6", gone)
	}
	if left := transactions(t, s, "CP_1"); len(left) != 2 {
		t.Errorf("left are %+v, want the last that ended and the one that runs", left)
	}
}

func testDropAudit(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for n := range hayalet.Instant(8) {
		must(t, "put audit", s.PutAudit(t.Context(), hayalet.AuditEntry{At: n}))
	}
	if gone := drain(t, func(ctx context.Context, limit int) (int, error) { return s.DropAudit(ctx, 7, limit) }); gone != 7 {
		t.Errorf("%d went, want 7", gone)
	}
	left, err := s.AuditTrail(t.Context(), 0, 0, 0)
	must(t, "audit trail", err)
	if len(left) != 1 || left[0].At != 7 {
		t.Errorf("left are %+v", left)
	}
}

func testUse(t *testing.T, db Database) {
	s := db.Open(t, "a")
	use := func() map[string]hayalet.Usage {
		t.Helper()
		u, err := s.Use(t.Context())
		must(t, "use", err)
		return u
	}
	kinds := []string{"audit", "chain", "frames", "incidents", "series", "transactions"}
	if got := use(); !slices.Equal(slices.Sorted(maps.Keys(got)), kinds) {
		t.Fatalf("kinds %+v, want %v", got, kinds)
	}
	for kind, u := range use() {
		if u != (hayalet.Usage{}) {
			t.Errorf("%s of an empty store: %+v", kind, u)
		}
	}
	appendBlock(t, s, block(1))
	appendBlock(t, s, block(2))
	saveState(t, s, all(5))
	begin(t, s, start())
	must(t, "put audit", s.PutAudit(t.Context(), hayalet.AuditEntry{At: 4, Detail: "x"}))
	some, err := s.Use(t.Context(), "frames", "audit")
	must(t, "use", err)
	if !slices.Equal(slices.Sorted(maps.Keys(some)), []string{"audit", "frames"}) || some["audit"].Records != 1 {
		t.Errorf("of two kinds: %+v", some)
	}
	got := use()
	for kind, oldest := range map[string]hayalet.Instant{"frames": 11, "chain": 11, "series": 5, "incidents": incident("k", 1).OpenedAt, "transactions": start().At, "audit": 4} {
		u := got[kind]
		want := map[string]int64{"frames": 6, "chain": 2}[kind]
		if want == 0 {
			want = 1
		}
		if u.Records != want || u.Oldest != oldest || u.Bytes <= 0 {
			t.Errorf("%s: %+v, want %d records, the oldest of %d, and some bytes", kind, u, want, oldest)
		}
	}
}

// testCompact gives room back until there is no more, and finds what is kept where it was.
func testCompact(t *testing.T, db Database) {
	s := db.Open(t, "a")
	var numbers []uint64
	for n := range uint64(60) {
		b := block(n + 1)
		b.Body = make([]byte, 100_000)
		appendBlock(t, s, b)
		numbers = append(numbers, n+1)
	}
	must(t, "drop bodies", s.DropBodies(t.Context(), numbers[:59]))
	more, calls := true, 0
	for ; more && calls < 1000; calls++ {
		var err error
		more, err = s.Compact(t.Context())
		must(t, "compact", err)
	}
	if more {
		t.Errorf("more room to give after %d calls", calls)
	}
	if got := read(t, s, hayalet.BlockQuery{From: 60, Bodies: true}); len(got) != 1 || len(got[0].Body) != 100_000 {
		t.Errorf("what was kept is gone: %d blocks", len(got))
	}
	appendBlock(t, s, block(61))
}
