package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"hayalet"
)

func testBlocks(t *testing.T, db Database) {
	t.Run("append", func(t *testing.T) { testAppend(t, db) })
	t.Run("append again", func(t *testing.T) { testAppendAgain(t, db) })
	t.Run("append conflicts", func(t *testing.T) { testAppendConflicts(t, db) })
	t.Run("append fails", func(t *testing.T) { testAppendFails(t, db) })
	t.Run("read", func(t *testing.T) { testReadBlocks(t, db) })
	t.Run("read many", func(t *testing.T) { testReadMany(t, db) })
	t.Run("read with a clock that jumps", func(t *testing.T) { testReadJumps(t, db) })
	t.Run("read while appending", func(t *testing.T) { testReadWhileAppending(t, db) })
	t.Run("append from the function", func(t *testing.T) { testAppendInside(t, db) })
	t.Run("drop bodies", func(t *testing.T) { testDropBodies(t, db) })
}

// block is number n of a journal whose blocks hold three frames and take ten microseconds each.
func block(n uint64) hayalet.Block {
	return hayalet.Block{
		Number: n, First: 3*n - 2, Frames: 3, FirstAt: hayalet.Instant(10*n + 1), LastAt: hayalet.Instant(10*n + 9),
		Header: fmt.Appendf(nil, "header %d\x00\xff", n), Stations: fmt.Appendf(nil, "stations %d", n), Body: fmt.Appendf(nil, "body %d\x00\xff", n),
	}
}

func testAppend(t *testing.T, db Database) {
	s := db.Open(t, "a")
	if _, err := s.LastBlock(t.Context()); !errors.Is(err, hayalet.ErrNotFound) {
		t.Errorf("the last block of an empty journal: error %v, want ErrNotFound", err)
	}
	if got := read(t, s, hayalet.BlockQuery{Bodies: true}); len(got) != 0 {
		t.Errorf("an empty journal has blocks: %+v", got)
	}
	large := block(2)
	large.Body = bytes.Repeat([]byte{0, 1, 2, 255}, 300_000)
	for _, b := range []hayalet.Block{block(1), large, block(3)} {
		appendBlock(t, s, b)
	}
	s = db.reopen(t, "a", s)
	last, err := s.LastBlock(t.Context())
	must(t, "last block", err)
	want := block(3)
	want.Body = nil
	same(t, []hayalet.Block{last}, want)
	same(t, read(t, s, hayalet.BlockQuery{Bodies: true}), block(1), large, block(3))
}

func testAppendAgain(t *testing.T, db Database) {
	s := db.Open(t, "a")
	appendBlock(t, s, block(1))
	appendBlock(t, s, block(1))
	other := db.Open(t, "a")
	appendBlock(t, other, block(1))
	appendBlock(t, other, block(2))
	appendBlock(t, s, block(2))
	appendBlock(t, s, block(3))
	appendBlock(t, s, block(1))
	same(t, read(t, other, hayalet.BlockQuery{Bodies: true}), block(1), block(2), block(3))
}

func testAppendConflicts(t *testing.T, db Database) {
	s := db.Open(t, "a")
	changed := func(n uint64) hayalet.Block {
		b := block(n)
		b.Header = []byte("another")
		return b
	}
	refuse := func(what string, b hayalet.Block) {
		t.Helper()
		if err := s.AppendBlock(t.Context(), b); !errors.Is(err, hayalet.ErrConflict) {
			t.Errorf("%s: error %v, want ErrConflict", what, err)
		}
	}
	refuse("number 0", hayalet.Block{})
	refuse("a first block of number 2", block(2))
	appendBlock(t, s, block(1))
	appendBlock(t, s, block(2))
	refuse("another last block", changed(2))
	refuse("another first block", changed(1))
	refuse("a number left out", block(4))
	appendBlock(t, db.Open(t, "a"), block(3))
	refuse("what another process has appended", changed(3))
	same(t, read(t, s, hayalet.BlockQuery{Bodies: true}), block(1), block(2), block(3))
}

func testAppendFails(t *testing.T, db Database) {
	s := db.Open(t, "a")
	appendBlock(t, s, block(1))
	for _, table := range []string{"block", "block_body"} {
		mend := db.Refuse(t, "a", table)
		err := s.AppendBlock(t.Context(), block(2))
		mend()
		if err == nil || errors.Is(err, hayalet.ErrConflict) {
			t.Errorf("%s refused: error %v, want one that is no conflict", table, err)
		}
		same(t, read(t, s, hayalet.BlockQuery{Bodies: true}), block(1))
	}
	appendBlock(t, s, block(2))
	same(t, read(t, s, hayalet.BlockQuery{Bodies: true}), block(1), block(2))
}

func testReadBlocks(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for n := range uint64(6) {
		appendBlock(t, s, block(n+1))
	}
	for _, c := range []struct {
		name string
		q    hayalet.BlockQuery
		want []uint64
	}{
		{"all", hayalet.BlockQuery{}, []uint64{1, 2, 3, 4, 5, 6}},
		{"from", hayalet.BlockQuery{From: 5}, []uint64{5, 6}},
		{"from beyond", hayalet.BlockQuery{From: 7}, nil},
		{"to", hayalet.BlockQuery{To: 2}, []uint64{1, 2}},
		{"to beyond", hayalet.BlockQuery{From: 6, To: 99}, []uint64{6}},
		{"one", hayalet.BlockQuery{From: 3, To: 3}, []uint64{3}},
		{"upside down", hayalet.BlockQuery{From: 4, To: 3}, nil},
		{"the first position of a block", hayalet.BlockQuery{Position: 13}, []uint64{5, 6}},
		{"the last position of a block", hayalet.BlockQuery{Position: 12}, []uint64{4, 5, 6}},
		{"the first position", hayalet.BlockQuery{Position: 1, To: 1}, []uint64{1}},
		{"a position beyond", hayalet.BlockQuery{Position: 19}, nil},
		{"since the last receipt of a block", hayalet.BlockQuery{Since: 49}, []uint64{4, 5, 6}},
		{"since after it", hayalet.BlockQuery{Since: 50}, []uint64{5, 6}},
		{"since beyond", hayalet.BlockQuery{Since: 70}, nil},
		{"until the first receipt of a block", hayalet.BlockQuery{Until: 31}, []uint64{1, 2}},
		{"until after it", hayalet.BlockQuery{Until: 32}, []uint64{1, 2, 3}},
		{"until before all", hayalet.BlockQuery{Until: 11}, nil},
		{"until beyond", hayalet.BlockQuery{Until: 1 << 62}, []uint64{1, 2, 3, 4, 5, 6}},
		{"everything", hayalet.BlockQuery{From: 2, To: 5, Position: 8, Since: 35, Until: 45}, []uint64{3, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Bodies = true
			var want []hayalet.Block
			for _, n := range c.want {
				want = append(want, block(n))
			}
			same(t, read(t, s, c.q), want...)
			c.q.Bodies = false
			for i := range want {
				want[i].Body = nil
			}
			same(t, read(t, s, c.q), want...)
		})
	}
	stop, calls := errors.New("stop"), 0
	err := s.ReadBlocks(t.Context(), hayalet.BlockQuery{}, func(hayalet.Block) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("a function that fails: error %v after %d calls, want its error after 1", err, calls)
	}
}

// testReadMany reads more than a store may want to hold at a time.
func testReadMany(t *testing.T, db Database) {
	const blocks = 520
	s := db.Open(t, "a")
	for n := range uint64(blocks) {
		appendBlock(t, s, block(n+1))
	}
	for _, q := range []hayalet.BlockQuery{{}, {Bodies: true}, {From: 1, Position: 3, Since: 1}} {
		next := uint64(1)
		for _, b := range read(t, s, q) {
			if b.Number != next || (b.Body != nil) != q.Bodies {
				t.Fatalf("%+v: block %d, body %q, where %d was to come", q, b.Number, b.Body, next)
			}
			next++
		}
		if next != blocks+1 {
			t.Errorf("%+v: the last block is %d, want %d", q, next-1, blocks)
		}
	}
}

// testReadJumps: a clock that is set back or forward moves receipts; every block that touches a time is still found.
func testReadJumps(t *testing.T, db Database) {
	s := db.Open(t, "a")
	times := [][2]hayalet.Instant{{100, 110}, {105, 120}, {50, 60}, {61, 70}, {1000, 1010}, {71, 80}, {121, 121}, {0, 0}, {122, 130}}
	for i, at := range times {
		b := block(uint64(i + 1))
		b.FirstAt, b.LastAt = at[0], at[1]
		appendBlock(t, s, b)
	}
	for since := hayalet.Instant(1); since < 1100; since += 7 {
		for _, length := range []hayalet.Instant{1, 9, 100, 5000} {
			q := hayalet.BlockQuery{Since: since, Until: since + length}
			var got, want []uint64
			for _, b := range read(t, s, q) {
				got = append(got, b.Number)
			}
			for i, at := range times {
				if at[1] >= q.Since && at[0] < q.Until {
					want = append(want, uint64(i+1))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("from %d until %d: blocks %v, want %v", q.Since, q.Until, got, want)
			}
		}
	}
}

func testReadWhileAppending(t *testing.T, db Database) {
	const blocks, readers = 100, 4
	s := db.Open(t, "a")
	appendBlock(t, s, block(1))
	done := make(chan struct{})
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for running := true; running; {
				select {
				case <-done:
					running = false // and once more
				default:
				}
				next := uint64(1)
				err := s.ReadBlocks(t.Context(), hayalet.BlockQuery{Bodies: true}, func(b hayalet.Block) error {
					if b.Number != next || !bytes.Equal(b.Body, block(next).Body) {
						return fmt.Errorf("block %d, body %q, where %d was to come", b.Number, b.Body, next)
					}
					next++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range uint64(blocks - 1) {
		appendBlock(t, s, block(n+2))
	}
	close(done)
	all.Wait()
}

func testAppendInside(t *testing.T, db Database) {
	s := db.Open(t, "a")
	appendBlock(t, s, block(1))
	next := uint64(2)
	for range 3 {
		err := s.ReadBlocks(t.Context(), hayalet.BlockQuery{Bodies: true}, func(hayalet.Block) error {
			next++
			return s.AppendBlock(t.Context(), block(next-1))
		})
		must(t, "read blocks", err)
	}
	if got := read(t, s, hayalet.BlockQuery{}); len(got) != int(next-1) || next < 9 {
		t.Errorf("%d blocks, want %d, doubled three times", len(got), next-1)
	}
}

func testDropBodies(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for n := range uint64(4) {
		appendBlock(t, s, block(n+1))
	}
	drop := func(numbers ...uint64) {
		t.Helper()
		must(t, "drop bodies", s.DropBodies(t.Context(), numbers))
	}
	drop()
	drop(1, 3, 99)
	drop(3)
	appendBlock(t, s, block(1)) // what is dropped stays so
	s = db.reopen(t, "a", s)
	one, three := block(1), block(3)
	one.Body, one.Stations, three.Body, three.Stations = nil, nil, nil, nil
	same(t, read(t, s, hayalet.BlockQuery{Bodies: true}), one, block(2), three, block(4))
	same(t, read(t, s, hayalet.BlockQuery{Bodies: true, Kept: true}), block(2), block(4))
	same(t, read(t, s, hayalet.BlockQuery{Bodies: true, Kept: true, From: 3, Since: 31}), block(4))
	two, four := block(2), block(4)
	two.Body, four.Body = nil, nil
	same(t, read(t, s, hayalet.BlockQuery{Kept: true}), two, four)
	use, err := s.Use(t.Context())
	must(t, "use", err)
	want := hayalet.Usage{Records: 6, Bytes: int64(2 * (len(block(2).Body) + len(block(2).Stations))), Oldest: 21}
	if use["frames"] != want {
		t.Errorf("frames use %+v, want %+v", use["frames"], want)
	}
	chain := hayalet.Usage{Records: 4, Bytes: int64(4 * (64 + len(block(4).Header))), Oldest: 11} // the headers of those that went, too
	if use["chain"] != chain {
		t.Errorf("the chain uses %+v, want %+v", use["chain"], chain)
	}
	drop(2, 4)
	appendBlock(t, s, block(5))
	last, err := s.LastBlock(t.Context())
	must(t, "last block", err)
	if last.Number != 5 {
		t.Errorf("the last block is %d", last.Number)
	}
}

func appendBlock(t *testing.T, s hayalet.Store, b hayalet.Block) {
	t.Helper()
	must(t, "append block", s.AppendBlock(t.Context(), b))
}

func read(t *testing.T, s hayalet.Store, q hayalet.BlockQuery) (all []hayalet.Block) {
	t.Helper()
	must(t, "read blocks", s.ReadBlocks(t.Context(), q, func(b hayalet.Block) error {
		b.Header, b.Stations, b.Body = bytes.Clone(b.Header), bytes.Clone(b.Stations), bytes.Clone(b.Body)
		all = append(all, b)
		return nil
	}))
	return all
}

func same(t *testing.T, got []hayalet.Block, want ...hayalet.Block) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d blocks, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.Number != w.Number || g.First != w.First || g.Frames != w.Frames || g.FirstAt != w.FirstAt || g.LastAt != w.LastAt ||
			!bytes.Equal(g.Header, w.Header) || !bytes.Equal(g.Stations, w.Stations) || !bytes.Equal(g.Body, w.Body) {
			t.Errorf("block %d: %+v, want %+v", i, g, w)
		}
		if (g.Body == nil) != (w.Body == nil) || (g.Stations == nil) != (w.Stations == nil) {
			t.Errorf("block %d: body %v, stations %v: nil is for what is not there", i, g.Body, g.Stations)
		}
	}
}
