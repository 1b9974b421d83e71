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

func testBegin(t *testing.T, open Opener) {
	t.Run("same start", func(t *testing.T) { testBeginSame(t, open) })
	t.Run("other start", func(t *testing.T) { testBeginOther(t, open) })
	t.Run("after its stop", func(t *testing.T) { testBeginAfterStop(t, open) })
	t.Run("without a time", func(t *testing.T) { testBeginUntimed(t, open) })
	t.Run("ids over restarts", func(t *testing.T) { testBeginRestarts(t, open) })
	t.Run("two at once", func(t *testing.T) { testBeginTwoStores(t, open) })
	t.Run("concurrent", func(t *testing.T) { testBeginConcurrent(t, open) })
}

func testBeginSame(t *testing.T, open Opener) {
	s := open(t, "a")
	id := begin(t, s, start())
	again := start()
	again.At += 5_000_000 // received later: no part of the key
	if got := begin(t, s, again); got != id {
		t.Errorf("the same start again: id %d, want %d", got, id)
	}
	s = reopen(t, open, "a", s)
	if got := begin(t, s, again); got != id {
		t.Errorf("the same start after a restart: id %d, want %d", got, id)
	}
	if ts := transactions(t, s, "CP_1"); len(ts) != 1 || ts[0].Start != start() {
		t.Errorf("transactions: %+v, want only %+v", ts, start())
	}
}

func testBeginOther(t *testing.T, open Opener) {
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
			s := open(t, "a")
			other := start()
			c.alter(&other)
			if a, b := begin(t, s, start()), begin(t, s, other); a == b {
				t.Errorf("both starts have id %d", a)
			}
		})
	}
}

func testBeginAfterStop(t *testing.T, open Opener) {
	s := open(t, "a")
	id := begin(t, s, start())
	end(t, s, hayalet.Stop{Station: "CP_1", Transaction: id, Meter: 12, At: start().At + 1})
	if got := begin(t, s, start()); got != id {
		t.Errorf("a start sent again after its stop: id %d, want %d", got, id)
	}
	if ts := transactions(t, s, "CP_1"); len(ts) != 1 || ts[0].Stop == nil {
		t.Errorf("transactions: %+v, want one that has ended", ts)
	}
}

func testBeginUntimed(t *testing.T, open Opener) {
	s := open(t, "a")
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

func testBeginRestarts(t *testing.T, open Opener) {
	seen := map[int64]bool{}
	fresh := func(s Store, n int64) {
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
	s := open(t, "a")
	for n := range int64(250) {
		fresh(s, n)
	}
	s = reopen(t, open, "a", s)
	fresh(s, 1001)
	crashed := open(t, "a") // the store before was never closed
	fresh(crashed, 1002)
}

func testBeginTwoStores(t *testing.T, open Opener) {
	a, b := open(t, "a"), open(t, "a")
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

func testBeginConcurrent(t *testing.T, open Opener) {
	const starts, callers = 20, 8
	s := open(t, "a")
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

func begin(t *testing.T, s Store, st hayalet.Start) int64 {
	t.Helper()
	id, err := s.Begin(t.Context(), st)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return id
}

func end(t *testing.T, s Store, st hayalet.Stop) {
	t.Helper()
	if err := s.End(t.Context(), st); err != nil {
		t.Fatalf("end: %v", err)
	}
}

func transactions(t *testing.T, s Store, st hayalet.StationID) []hayalet.Transaction {
	t.Helper()
	ts, err := s.Transactions(t.Context(), st, 1000)
	if err != nil {
		t.Fatalf("transactions: %v", err)
	}
	return ts
}
