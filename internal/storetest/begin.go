package storetest

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"hayalet"
)

func start() hayalet.Start {
	return hayalet.Start{
		Station: "CP_1", Connector: 1, Token: "User123", Meter: 10, ClaimedAt: "2025-11-23T19:20:59.947281Z",
		At: 1763925659948000,
	}
}

func testBegin(t *testing.T, db Database) {
	t.Run("same start", func(t *testing.T) { testBeginSame(t, db) })
	t.Run("other start", func(t *testing.T) { testBeginOther(t, db) })
	t.Run("after its stop", func(t *testing.T) { testBeginAfterStop(t, db) })
	t.Run("without a time", func(t *testing.T) { testBeginUntimed(t, db) })
	t.Run("ids over restarts", func(t *testing.T) { testBeginRestarts(t, db) })
	t.Run("two at once", func(t *testing.T) { testBeginTwoStores(t, db) })
	t.Run("two at the same moment", func(t *testing.T) { testBeginRace(t, db) })
	t.Run("concurrent", func(t *testing.T) { testBeginConcurrent(t, db) })
	t.Run("odd texts", func(t *testing.T) { testBeginOddTexts(t, db) })
}

func testBeginSame(t *testing.T, db Database) {
	s := db.Open(t, "a")
	id := begin(t, s, start())
	again := start()
	again.At += 5_000_000 // received later: no part of the key
	if got := begin(t, s, again); got != id {
		t.Errorf("the same start again: id %d, want %d", got, id)
	}
	s = db.reopen(t, "a", s)
	if got := begin(t, s, again); got != id {
		t.Errorf("the same start after a restart: id %d, want %d", got, id)
	}
	if ts := transactions(t, s, "CP_1"); len(ts) != 1 || ts[0].Start != start() {
		t.Errorf("transactions: %+v, want only %+v", ts, start())
	}
}

func testBeginOther(t *testing.T, db Database) {
	s := db.Open(t, "a")
	id := begin(t, s, start())
	for _, c := range []struct {
		name  string
		alter func(*hayalet.Start)
	}{
		{"station", func(s *hayalet.Start) { s.Station = "CP_2" }},
		{"station's case", func(s *hayalet.Start) { s.Station = "cp_1" }},
		{"connector", func(s *hayalet.Start) { s.Connector = 2 }},
		{"token", func(s *hayalet.Start) { s.Token = "User124" }},
		{"token's case", func(s *hayalet.Start) { s.Token = "USER123" }},
		{"token's blank", func(s *hayalet.Start) { s.Token = "User123 " }},
		{"meter", func(s *hayalet.Start) { s.Meter = -10 }},
		{"claimed time", func(s *hayalet.Start) { s.ClaimedAt = "2025-11-23T19:20:59.947282Z" }},
		{"no claimed time", func(s *hayalet.Start) { s.ClaimedAt = "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := start()
			c.alter(&other)
			if begin(t, s, other) == id {
				t.Errorf("both starts have id %d", id)
			}
		})
	}
}

func testBeginAfterStop(t *testing.T, db Database) {
	s := db.Open(t, "a")
	id := begin(t, s, start())
	end(t, s, hayalet.Stop{Station: "CP_1", Transaction: id, Meter: 12, At: start().At + 1})
	if got := begin(t, s, start()); got != id {
		t.Errorf("a start sent again after its stop: id %d, want %d", got, id)
	}
	if ts := transactions(t, s, "CP_1"); len(ts) != 1 || ts[0].Stop == nil {
		t.Errorf("transactions: %+v, want one that has ended", ts)
	}
}

func testBeginUntimed(t *testing.T, db Database) {
	s := db.Open(t, "a")
	untimed := start()
	untimed.ClaimedAt = ""
	seen := map[int64]bool{}
	for range 3 {
		id := begin(t, s, untimed)
		if again := begin(t, s, untimed); again != id {
			t.Errorf("the same start while the transaction runs: id %d, want %d", again, id)
		}
		if seen[id] {
			t.Errorf("id %d given again after its stop", id)
		}
		seen[id] = true
		end(t, s, hayalet.Stop{Station: "CP_1", Transaction: id, At: untimed.At})
	}
}

func testBeginRestarts(t *testing.T, db Database) {
	seen := map[int64]bool{}
	fresh := func(s hayalet.Store, n int64) {
		t.Helper()
		st := start()
		st.Meter = n
		id := begin(t, s, st)
		if id < 1 || id > math.MaxInt32 {
			t.Errorf("id %d: want a positive 32-bit integer", id)
		}
		if seen[id] {
			t.Errorf("id %d given twice", id)
		}
		seen[id] = true
	}
	s := db.Open(t, "a")
	for n := range int64(120) {
		fresh(s, n)
	}
	s = db.reopen(t, "a", s)
	fresh(s, 1001)
	crashed := db.Open(t, "a") // the store before was never closed
	fresh(crashed, 1002)
}

func testBeginTwoStores(t *testing.T, db Database) {
	a, b := db.Open(t, "a"), db.Open(t, "a")
	seen := map[int64]bool{}
	for n := range int64(20) {
		st := start()
		st.Meter = n
		id := begin(t, a, st)
		if got := begin(t, b, st); got != id {
			t.Fatalf("the same start at the other store: id %d, want %d", got, id)
		}
		if seen[id] {
			t.Fatalf("id %d given twice", id)
		}
		seen[id] = true
		a, b = b, a
	}
}

// testBeginRace lets two processes get the same start at the same moment, as when a station comes back through another one.
func testBeginRace(t *testing.T, db Database) {
	stores := []hayalet.Store{db.Open(t, "a"), db.Open(t, "a")}
	for n := range int64(20) {
		st := start()
		st.Meter = n
		var ids [2]int64
		var both sync.WaitGroup
		for i, s := range stores {
			both.Go(func() {
				var err error
				if ids[i], err = s.Begin(t.Context(), st); err != nil {
					t.Errorf("begin: %v", err)
				}
			})
		}
		both.Wait()
		if ids[0] != ids[1] {
			t.Fatalf("the same start has ids %d and %d", ids[0], ids[1])
		}
	}
}

// testBeginOddTexts: what a station writes is kept, whatever it is.
func testBeginOddTexts(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for _, token := range []string{"", "a\x00b", "\xff\xfe", "'; --", "\\x00", "\\", "👻", "\u202e"} {
		st := start()
		st.Token, st.ClaimedAt = token, "t"+token
		id := begin(t, s, st)
		if again := begin(t, s, st); again != id {
			t.Errorf("token %q: the same start again has id %d, not %d", token, again, id)
		}
		end(t, s, hayalet.Stop{Station: st.Station, Transaction: id, Reason: token, ClaimedAt: token, At: 1})
	}
	must(t, "put station", s.PutStation(t.Context(), hayalet.Station{ID: "CP_1", Vendor: "a\x00", Serial: "\xff"}))
}

func testBeginConcurrent(t *testing.T, db Database) {
	const starts, callers = 20, 8
	s := db.Open(t, "a")
	var ids [callers][starts]int64
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for n := range starts {
				st := start()
				st.Token = fmt.Sprint(n)
				id, err := s.Begin(t.Context(), st)
				if err != nil {
					t.Errorf("begin: %v", err)
				}
				ids[c][n] = id
			}
		})
	}
	all.Wait()
	seen := map[int64]int{}
	for n := range starts {
		id := ids[0][n]
		if other, ok := seen[id]; ok {
			t.Errorf("starts %d and %d share id %d", other, n, id)
		}
		seen[id] = n
		for c := range callers {
			if ids[c][n] != id {
				t.Errorf("start %d has ids %d and %d", n, id, ids[c][n])
			}
		}
	}
}

func begin(t *testing.T, s hayalet.Store, st hayalet.Start) int64 {
	t.Helper()
	id, err := s.Begin(t.Context(), st)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return id
}

func end(t *testing.T, s hayalet.Store, st hayalet.Stop) {
	t.Helper()
	if err := s.End(t.Context(), st); err != nil {
		t.Fatalf("end: %v", err)
	}
}

func transactions(t *testing.T, s hayalet.Store, st hayalet.StationID) []hayalet.Transaction {
	t.Helper()
	ts, err := s.Transactions(t.Context(), st, 1000)
	if err != nil {
		t.Fatalf("transactions: %v", err)
	}
	return ts
}
