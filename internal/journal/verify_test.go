package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"

	"hayalet"
	"hayalet/internal/journal"
	"hayalet/internal/lang"
)

// chained is a journal of six blocks of an exchange each; change sees the frames before they are kept.
func chained(t *testing.T, change func(fs []hayalet.Frame) []hayalet.Frame) *store {
	t.Helper()
	s := new(store)
	j, stop := running(t, s, journal.Config{})
	for n := range uint64(6) {
		put(t, j, change(exchange("c", 2*n+1)))
	}
	stop()
	return s
}

func asTheyAre(fs []hayalet.Frame) []hayalet.Frame { return fs }

func anchored(t *testing.T, s *store, block int, seed byte) hayalet.Anchor {
	t.Helper()
	h, err := journal.ParseHeader(s.blocks[block-1].Header)
	if err != nil {
		t.Fatal(err)
	}
	return journal.SignAnchor(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)), &h, 1_767_571_300_000_000)
}

func pinned(t *testing.T, s *store, block int) journal.Pin {
	t.Helper()
	h, err := journal.ParseHeader(s.blocks[block-1].Header)
	if err != nil {
		t.Fatal(err)
	}
	return h.Pin()
}

func walk(t *testing.T, s *store, anchors []hayalet.Anchor, keys []ed25519.PublicKey, pins ...journal.Pin) (*journal.Checker, *journal.Flaw) {
	t.Helper()
	c, err := journal.NewChecker(anchors, keys, pins...)
	if err != nil {
		t.Fatal(err)
	}
	flaw, err := c.Walk(t.Context(), s, func(uint64) {})
	if err != nil {
		t.Fatal(err)
	}
	return c, flaw
}

func TestWholeChainHolds(t *testing.T) {
	s := chained(t, asTheyAre)
	if err := s.DropBodies(t.Context(), []uint64{1, 2}); err != nil {
		t.Fatal(err)
	}
	anchors := []hayalet.Anchor{anchored(t, s, 5, 1), anchored(t, s, 3, 1), anchored(t, s, 4, 2)}
	c, flaw := walk(t, s, anchors, []ed25519.PublicKey{anchors[0].Key})
	want := journal.Checked{
		Blocks: 6, Bodies: 4, Frames: 12, From: s.blocks[0].FirstAt, To: s.blocks[5].LastAt, Anchors: 2, Anchored: 5, Foreign: 1,
	}
	if flaw != nil || c.Checked != want {
		t.Errorf("flaw %+v, %+v, want %+v", flaw, c.Checked, want)
	}
	if _, flaw := walk(t, new(store), nil, nil); flaw != nil {
		t.Errorf("an empty journal: %+v", flaw)
	}
}

func TestFirstBlockThatDoesNotFit(t *testing.T) {
	louder := chained(t, func(fs []hayalet.Frame) []hayalet.Frame {
		fs[0].Data = bytes.Replace(fs[0].Data, []byte("Heartbeat"), []byte("HEARTBEAT"), 1)
		return fs
	})
	turned := chained(t, func(fs []hayalet.Frame) []hayalet.Frame {
		return slices.Concat(fs[1:], []hayalet.Frame{{Station: fs[0].Station, Conn: "d", Seq: fs[0].Seq, At: fs[0].At - 7}})
	})
	text := lang.New(lang.EN)
	for _, tc := range []struct {
		name   string
		change func(s *store)
		want   string
	}{
		{"a message", func(s *store) { s.blocks[2].Body = louder.blocks[2].Body }, "a frame of block 3 (5 to 6) was changed, removed or moved"},
		{"bodies change places", func(s *store) { s.blocks[2].Body = s.blocks[3].Body }, "the frame at position 5 (station CP c, connection c, number 7) of block 3 was changed or moved"},
		{"a frame of another time", func(s *store) { s.blocks[1].Body = turned.blocks[1].Body }, "the frame at position 4 (station CP c, connection d, number 3) of block 2 was changed or moved"},
		{"a body is cut", func(s *store) { s.blocks[4].Body = s.blocks[4].Body[:10] }, "the frames of block 5 (9 to 10) cannot be read: they were changed"},
		{"a block is taken out", func(s *store) { s.blocks = slices.Delete(s.blocks, 2, 4) }, "blocks 3 to 4 were removed"},
		{"the first block is taken out", func(s *store) { s.blocks = s.blocks[1:] }, "blocks 1 to 1 were removed"},
		{"the end is taken out", func(s *store) { s.blocks = s.blocks[:4] }, "the chain ends with block 4, and block 5 was anchored at 2026-01-05T00:01:40Z: its end was removed"},
		{"headers change places", func(s *store) { s.blocks[1].Header, s.blocks[2].Header = s.blocks[2].Header, s.blocks[1].Header }, "the header of block 2 was moved: that of block 3 stands in its place"},
		{"a header", func(s *store) { s.blocks[1].Header[0] ^= 1 }, "the header of block 2 was changed"},
		{"a time in a header", func(s *store) { s.blocks[1].Header[30] ^= 1 }, "what the database says about block 2 is not what its header says"},
		{"a hash in a header", func(s *store) { s.blocks[2].Header[50] ^= 1 }, "block 3 does not hold the hash of block 2: one of them was changed"},
		{"a column", func(s *store) { s.blocks[5].FirstAt-- }, "what the database says about block 6 is not what its header says"},
		{"the index is taken out", func(s *store) { s.blocks[3].Stations = nil }, "the index of the stations of block 4 is not that of its frames: it was changed"},
		{"the index of another station", func(s *store) { s.blocks[3].Stations[3] ^= 1 }, "the index of the stations of block 4 is not that of its frames: it was changed"},
		{"a chain of other frames", func(s *store) { s.blocks = louder.all() }, "block 5 is not the one that was anchored at 2026-01-05T00:01:40Z: it or one before it was changed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := chained(t, asTheyAre)
			anchors := []hayalet.Anchor{anchored(t, s, 5, 1)}
			tc.change(s)
			_, flaw := walk(t, s, anchors, nil)
			if flaw == nil {
				t.Fatalf("it holds, want %q", tc.want)
			}
			if got := text.T("flaw."+flaw.Code, flaw.Args...); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
	s := chained(t, asTheyAre)
	a := anchored(t, s, 5, 1)
	pins := []journal.Pin{pinned(t, s, 6), pinned(t, s, 2)}
	if c, flaw := walk(t, s, nil, nil, pins...); flaw != nil || c.Pinned != 2 || c.Last() != pins[0] {
		t.Errorf("pins of the chain: %+v, %d, ends with %v", flaw, c.Pinned, c.Last())
	}
	for name, tc := range map[string]struct {
		s    *store
		want string
	}{
		"a chain made anew": {louder, "block 2 is not the one that --anchor names: it or one before it was changed"},
		"a chain cut":       {&store{blocks: s.blocks[:4]}, "the chain ends with block 4, before block 6, which --anchor names: its end was removed"},
		"an empty journal":  {new(store), "the chain ends with block 0, before block 6, which --anchor names: its end was removed"},
	} {
		if _, flaw := walk(t, tc.s, nil, nil, pins...); flaw == nil || text.T("flaw."+flaw.Code, flaw.Args...) != tc.want {
			t.Errorf("%s: %+v, want %q", name, flaw, tc.want)
		}
	}
	a.At++
	if _, flaw := walk(t, s, []hayalet.Anchor{a}, nil); flaw == nil || flaw.Code != "anchor-signature" {
		t.Errorf("an anchor of another time: %+v", flaw)
	}
}
