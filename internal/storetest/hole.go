package storetest

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"hayalet"
)

func testHoles(t *testing.T, db Database) {
	t.Run("keep", func(t *testing.T) { testKeepHoles(t, db) })
	t.Run("runs", func(t *testing.T) { testEmptiedRuns(t, db) })
	t.Run("drop", func(t *testing.T) { testDropBlocks(t, db) })
	t.Run("read over", func(t *testing.T) { testReadOverHoles(t, db) })
}

func run(first, last uint64) hayalet.BlockRange { return hayalet.BlockRange{First: first, Last: last} }

func testKeepHoles(t *testing.T, db Database) {
	s := db.Open(t, "a")
	hole := func(first uint64, at hayalet.Instant, signature string) hayalet.Hole {
		return hayalet.Hole{
			BlockRange: run(first, first+3), Before: []byte{0, 255}, After: []byte{1}, At: at, Reason: "age", Key: []byte("key"), Signature: []byte(signature),
		}
	}
	want := []hayalet.Hole{hole(2, 5, "\x00a"), hole(2, 6, "b"), hole(7, 1, "c"), hole(1<<40, 4, "d")}
	for _, i := range []int{3, 1, 0, 2, 0, 3} {
		must(t, "put hole", s.PutHole(t.Context(), want[i]))
	}
	s = db.reopen(t, "a", s)
	for _, c := range []struct {
		from, to uint64
		want     []hayalet.Hole
	}{
		{0, 0, want}, {2, 2, want[:2]}, {3, 0, want[2:]}, {3, 7, want[2:3]}, {7, 1 << 40, want[2:]}, {8, 9, nil}, {1<<40 + 1, 1<<64 - 1, nil}, {1<<64 - 1, 0, nil},
	} {
		got, err := s.FindHoles(t.Context(), c.from, c.to)
		must(t, "find holes", err)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %d to %d: %+v, want %+v", c.from, c.to, got, c.want)
		}
	}
}

// testEmptiedRuns: of twenty blocks 1, 5, 6, 12, 15 and 20 are anchored, and 8 and 17 have their bodies.
func testEmptiedRuns(t *testing.T, db Database) {
	s := db.Open(t, "a")
	key := []byte("key")
	runs := func(key []byte, from uint64, before hayalet.Instant, limit int) []hayalet.BlockRange {
		t.Helper()
		got, err := s.EmptiedRuns(t.Context(), key, from, before, limit)
		must(t, "emptied runs", err)
		return got
	}
	if got := runs(key, 0, 0, 9); len(got) != 0 {
		t.Errorf("of an empty journal: %v", got)
	}
	var gone []uint64
	for n := uint64(1); n <= 20; n++ {
		appendBlock(t, s, block(n))
		if n != 8 && n != 17 {
			gone = append(gone, n)
		}
	}
	for _, n := range []uint64{15, 1, 5, 6, 12, 20, 5} {
		must(t, "put anchor", s.PutAnchor(t.Context(), hayalet.Anchor{Block: n, Key: key, At: hayalet.Instant(n), Signature: []byte("s")}))
	}
	must(t, "put anchor", s.PutAnchor(t.Context(), hayalet.Anchor{Block: 5, Key: key, At: 99}))
	for _, n := range []uint64{3, 14, 16} {
		must(t, "put anchor", s.PutAnchor(t.Context(), hayalet.Anchor{Block: n, Key: []byte("other")}))
	}
	if got := runs(key, 0, 0, 9); len(got) != 0 {
		t.Errorf("with all bodies: %v", got)
	}
	must(t, "drop bodies", s.DropBodies(t.Context(), gone))
	for _, c := range []struct {
		name   string
		key    []byte
		from   uint64
		before hayalet.Instant
		limit  int
		want   []hayalet.BlockRange
	}{
		{"all", key, 0, 0, 9, []hayalet.BlockRange{run(2, 4), run(13, 14)}},
		{"at most one", key, 0, 0, 1, []hayalet.BlockRange{run(2, 4)}},
		{"none", key, 0, 0, 0, nil},
		{"from its first block", key, 2, 0, 9, []hayalet.BlockRange{run(2, 4), run(13, 14)}},
		{"from behind it", key, 3, 0, 9, []hayalet.BlockRange{run(13, 14)}},
		{"whose last anchored block is old", key, 0, 60, 9, []hayalet.BlockRange{run(2, 4)}},
		{"whose last anchored block is not", key, 0, 59, 9, nil},
		{"of another key", []byte("other"), 0, 0, 9, []hayalet.BlockRange{run(15, 15)}},
		{"of no key", []byte("none"), 0, 0, 9, nil},
	} {
		if got := runs(c.key, c.from, c.before, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	dropBlocks(t, s, run(2, 4), 1)
	if got := runs(key, 0, 0, 1); !slices.Equal(got, []hayalet.BlockRange{run(2, 4)}) {
		t.Errorf("a run that is not done: %v", got)
	}
	dropBlocks(t, s, run(2, 4), 3)
	if got := runs(key, 0, 0, 9); !slices.Equal(got, []hayalet.BlockRange{run(13, 14)}) {
		t.Errorf("what is done comes again: %v", got)
	}
}

// dropBlocks returns how many went.
func dropBlocks(t *testing.T, s hayalet.Store, r hayalet.BlockRange, limit int) int {
	t.Helper()
	n, err := s.DropBlocks(t.Context(), r, limit)
	must(t, "drop blocks", err)
	return n
}

func testDropBlocks(t *testing.T, db Database) {
	s := db.Open(t, "a")
	left := func() (numbers []uint64) {
		for _, b := range read(t, s, hayalet.BlockQuery{}) {
			numbers = append(numbers, b.Number)
		}
		return numbers
	}
	refused := func(r hayalet.BlockRange) {
		t.Helper()
		if n, err := s.DropBlocks(t.Context(), r, 9); !errors.Is(err, hayalet.ErrConflict) || n != 0 {
			t.Errorf("dropping %v: %d went, error %v, want ErrConflict", r, n, err)
		}
	}
	refused(run(0, 0)) // where the chain begins
	for n := uint64(1); n <= 9; n++ {
		appendBlock(t, s, block(n))
	}
	must(t, "drop bodies", s.DropBodies(t.Context(), []uint64{2, 3, 4, 5, 6, 8, 9}))
	refused(run(1, 3)) // 1 has its body
	refused(run(6, 8)) // 7 has
	refused(run(8, 9)) // 9 is the newest
	if got := left(); len(got) != 9 {
		t.Fatalf("left are %v, want all", got)
	}
	for i, want := range [][]uint64{{1, 2, 3, 4, 7, 8, 9}, {1, 2, 7, 8, 9}, {1, 7, 8, 9}, {1, 7, 8, 9}} {
		n := dropBlocks(t, s, run(2, 6), 2)
		if got := left(); !slices.Equal(got, want) || n != []int{2, 2, 1, 0}[i] {
			t.Errorf("step %d: %d went, left are %v, want %v", i, n, got, want)
		}
	}
	s = db.reopen(t, "a", s)
	use, err := s.Use(t.Context())
	must(t, "use", err)
	if want := (hayalet.Usage{Records: 4, Bytes: int64(4 * (64 + len(block(9).Header))), Oldest: 11}); use["chain"] != want {
		t.Errorf("the chain uses %+v, want %+v", use["chain"], want)
	}
	if got := use["frames"]; got.Records != 6 || got.Oldest != 11 {
		t.Errorf("frames use %+v, want 6 of them, the oldest of 11", got)
	}
	for n := uint64(2); n <= 6; n++ {
		if err := s.AppendBlock(t.Context(), block(n)); !errors.Is(err, hayalet.ErrConflict) {
			t.Errorf("block %d, which was dropped, comes again: error %v, want ErrConflict", n, err)
		}
	}
	appendBlock(t, s, block(9))
	appendBlock(t, s, block(10))
	if got := left(); !slices.Equal(got, []uint64{1, 7, 8, 9, 10}) {
		t.Errorf("left are %v", got)
	}
}

// testReadOverHoles reads what is left as what was there, without what is gone, whatever is asked for.
func testReadOverHoles(t *testing.T, db Database) {
	const blocks = 40
	s := db.Open(t, "a")
	gone := map[uint64]bool{}
	for n := uint64(1); n <= blocks; n++ {
		appendBlock(t, s, block(n))
		if n > 1 && n < blocks && n%9 != 0 && n%11 != 0 {
			gone[n] = true
			must(t, "drop bodies", s.DropBodies(t.Context(), []uint64{n}))
		}
	}
	whole := read(t, s, hayalet.BlockQuery{Bodies: true})
	for n := range gone {
		dropBlocks(t, s, run(n, n), 1)
	}
	for from := uint64(1); from < blocks+3; from++ {
		b := block(from)
		for _, q := range []hayalet.BlockQuery{
			{From: from},
			{To: max(from, 1)},
			{Position: b.First},
			{Position: b.First + 2},
			{Since: b.LastAt},
			{Until: b.FirstAt},
			{Until: b.FirstAt + 1},
			{From: from, To: from + 12, Since: b.FirstAt, Until: b.LastAt + 55},
			{Since: b.FirstAt, Kept: true, Bodies: true},
		} {
			var want []hayalet.Block
			for _, k := range whole {
				if gone[k.Number] || k.Number < q.From || q.To > 0 && k.Number > q.To || k.First+uint64(k.Frames) <= q.Position ||
					k.LastAt < q.Since || q.Until > 0 && k.FirstAt >= q.Until {
					continue
				}
				if !q.Bodies {
					k.Body = nil
				}
				want = append(want, k)
			}
			got := read(t, s, q)
			if !slices.EqualFunc(got, want, func(a, b hayalet.Block) bool { return a.Number == b.Number && bytes.Equal(a.Body, b.Body) }) {
				t.Fatalf("%+v: blocks %+v, want %+v", q, got, want)
			}
		}
	}
}
