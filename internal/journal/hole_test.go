package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"reflect"
	"slices"
	"testing"

	"hayalet"
	"hayalet/internal/journal"
	"hayalet/internal/lang"
)

const holeAt = hayalet.Instant(1_799_107_200_000_000) // 2027-01-05

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func publicOf(seed byte) ed25519.PublicKey { return keyOf(seed).Public().(ed25519.PublicKey) }

// holed is a journal of twelve blocks, of which retention has dropped the bodies of the first eight, and the blocks 3 to 5
// and 7 to 8 between the anchored ones 2, 6 and 9. The last one is anchored, too.
type holed struct {
	*store
	bodies  *store // before
	whole   *store // with the headers still
	anchors []hayalet.Anchor
}

func withHoles(t *testing.T) *holed {
	t.Helper()
	j := &holed{store: new(store)}
	w, stop := running(t, j.store, journal.Config{})
	for n := range uint64(12) {
		put(t, w, exchange("c", 2*n+1))
	}
	stop()
	j.bodies = &store{blocks: slices.Clone(j.blocks)}
	if err := j.DropBodies(t.Context(), []uint64{1, 2, 3, 4, 5, 6, 7, 8}); err != nil {
		t.Fatal(err)
	}
	j.whole = &store{blocks: slices.Clone(j.blocks)}
	for _, n := range []int{2, 6, 9, 12} {
		j.anchors = append(j.anchors, anchored(t, j.whole, n, 1))
	}
	j.holes = []hayalet.Hole{j.hole(t, 3, 5, 1), j.hole(t, 7, 8, 1)}
	j.drop(3, 5)
	j.drop(7, 8)
	return j
}

// hole is one of these blocks, signed with the key of a seed.
func (j *holed) hole(t *testing.T, first, last int, seed byte) hayalet.Hole {
	t.Helper()
	before, behind := j.header(t, first-1), j.header(t, last+1)
	return journal.SignHole(keyOf(seed), &before, &behind, holeAt, "age")
}

func (j *holed) header(t *testing.T, n int) journal.Header {
	t.Helper()
	h, err := journal.ParseHeader(j.whole.blocks[n-1].Header)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// drop takes rows out, as anybody can who may write to the database.
func (j *holed) drop(first, last uint64) {
	j.blocks = slices.DeleteFunc(j.blocks, func(b hayalet.Block) bool { return first <= b.Number && b.Number <= last })
}

// back puts the block's row in again.
func (j *holed) back(n int) *hayalet.Block {
	i := slices.IndexFunc(j.blocks, func(b hayalet.Block) bool { return b.Number > uint64(n) })
	j.blocks = slices.Insert(j.blocks, i, j.whole.blocks[n-1])
	j.blocks[i].Header = bytes.Clone(j.blocks[i].Header)
	return &j.blocks[i]
}

// forge puts a block with messages in, such as whoever makes one anew has.
func (j *holed) forge(n int) {
	b := j.back(n)
	b.Stations, b.Body = j.bodies.blocks[n-1].Stations, j.bodies.blocks[n-1].Body
}

func TestChainHoldsOverHoles(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(j *holed)
		want   journal.Checked
	}{
		{"two holes", func(*holed) {}, journal.Checked{Blocks: 7, Bodies: 4, Frames: 14, Dropped: 5, Holes: 2, Anchors: 4, Anchored: 12}},
		{"one that is not done", func(j *holed) { j.back(3); j.back(4) }, journal.Checked{Blocks: 9, Bodies: 4, Frames: 18, Dropped: 3, Holes: 2, Anchors: 4, Anchored: 12}},
		{"one that has not begun", func(j *holed) { j.back(7); j.back(8) }, journal.Checked{Blocks: 9, Bodies: 4, Frames: 18, Dropped: 3, Holes: 1, Anchors: 4, Anchored: 12}},
		{"an anchor that was made meanwhile", func(j *holed) { j.anchors = append(j.anchors, anchored(t, j.whole, 4, 1)) }, journal.Checked{Blocks: 7, Bodies: 4, Frames: 14, Dropped: 5, Holes: 2, Anchors: 4, Anchored: 12}},
		{"holes and anchors of somebody else beside them", func(j *holed) {
			j.holes = append(j.holes, j.hole(t, 3, 5, 2), j.hole(t, 10, 11, 2))
			j.anchors = append(j.anchors, anchored(t, j.whole, 4, 2), anchored(t, j.whole, 6, 2))
		}, journal.Checked{Blocks: 7, Bodies: 4, Frames: 14, Dropped: 5, Holes: 2, Anchors: 4, Anchored: 12, Foreign: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := withHoles(t)
			tc.change(j)
			tc.want.From, tc.want.To = j.whole.blocks[0].FirstAt, j.whole.blocks[11].LastAt
			c, flaw := walkOver(t, j, []ed25519.PublicKey{publicOf(1)})
			if flaw != nil || c.Checked != tc.want {
				t.Errorf("flaw %+v, %+v, want %+v", flaw, c.Checked, tc.want)
			}
		})
	}
	j := withHoles(t)
	c, flaw := walkOver(t, j, nil, pinned(t, j.whole, 4), pinned(t, j.whole, 6), pinned(t, j.whole, 8), pinned(t, j.whole, 11))
	if want := []journal.Pin{pinned(t, j.whole, 4), pinned(t, j.whole, 8)}; flaw != nil || c.Pinned != 2 || !reflect.DeepEqual(c.Passed, want) {
		t.Errorf("pins: %+v, %d agree, %v were passed, want %v", flaw, c.Pinned, c.Passed, want)
	}
	two := withHoles(t) // the key was lost between the two holes
	two.holes[1], two.anchors[2], two.anchors[3] = two.hole(t, 7, 8, 2), anchored(t, two.whole, 9, 2), anchored(t, two.whole, 12, 2)
	two.anchors = append(two.anchors, anchored(t, two.whole, 6, 2))
	if _, flaw := walkOver(t, two, []ed25519.PublicKey{publicOf(1), publicOf(2)}); flaw != nil {
		t.Errorf("with both keys: %+v", flaw)
	}
}

func walkOver(t *testing.T, j *holed, keys []ed25519.PublicKey, pins ...journal.Pin) (*journal.Checker, *journal.Flaw) {
	t.Helper()
	return walk(t, j.store, j.anchors, keys, pins...)
}

// TestHostileHoles: whoever can write to the database, and has not the key, cannot take out what retention has not, nor make
// a hole that hides it.
func TestHostileHoles(t *testing.T) {
	text := lang.New(lang.EN)
	for _, tc := range []struct {
		name   string
		change func(j *holed)
		want   string
	}{
		{"the record is taken out", func(j *holed) { j.holes = j.holes[1:] }, "blocks 3 to 5 were removed"},
		{"a run without a record", func(j *holed) { j.drop(10, 11) }, "blocks 10 to 11 were removed"},
		{"one more in front of the hole", func(j *holed) { j.drop(2, 2) }, "blocks 2 to 5 were removed"},
		{"one more behind the hole", func(j *holed) { j.drop(6, 6) }, "blocks 6 to 8 were removed"},
		{"what is between two holes", func(j *holed) { j.drop(9, 9) }, "blocks 9 to 9 were removed"},
		{"a record with another key", func(j *holed) { j.drop(10, 11); j.holes = append(j.holes, j.hole(t, 10, 11, 2)) }, "the record of blocks 10 to 11, which are not there, is signed with another key"},
		{"a record that was made larger", func(j *holed) { j.drop(9, 9); j.holes[1].Last = 9 }, "the record of blocks 7 to 9, which are not there, was changed: its signature does not fit"},
		{"a record that was moved", func(j *holed) {
			j.drop(10, 11)
			j.holes = append(j.holes, j.holes[1])
			j.holes[2].First, j.holes[2].Last = 10, 11
		}, "the record of blocks 10 to 11, which are not there, was changed: its signature does not fit"},
		{"a record with another time", func(j *holed) { j.holes[0].At++ }, "the record of blocks 3 to 5, which are not there, was changed: its signature does not fit"},
		{"a record with another reason", func(j *holed) { j.holes[0].Reason = "size" }, "the record of blocks 3 to 5, which are not there, was changed: its signature does not fit"},
		{"a record without a signature", func(j *holed) { j.holes[0].Signature = nil }, "the record of blocks 3 to 5, which are not there, was changed: its signature does not fit"},
		{"a record without a key", func(j *holed) { j.holes[0].Key = nil }, "the record of blocks 3 to 5, which are not there, is signed with another key"},
		{"a record of another journal", func(j *holed) {
			other := withHoles(t)
			other.whole = chainedWith(t, 12, func(fs []hayalet.Frame) { fs[0].Data = append(fs[0].Data, ' ') })
			j.holes[0] = other.hole(t, 3, 5, 1)
		}, "the record of blocks 3 to 5, which are not there, does not fit block 2"},
		{"the block behind is another one", func(j *holed) {
			other := chainedWith(t, 12, func(fs []hayalet.Frame) { fs[0].Data = append(fs[0].Data, ' ') })
			for i := range j.blocks {
				if n := j.blocks[i].Number; n >= 6 {
					j.blocks[i] = other.blocks[n-1]
				}
			}
			j.anchors = j.anchors[:1]
		}, "the record of blocks 3 to 5, which are not there, does not fit block 6"},
		{"the anchor before is taken out", func(j *holed) { j.anchors = j.anchors[1:] }, "blocks 3 to 5 are not there, and do not lie between two anchored ones"},
		{"the anchor behind is taken out", func(j *holed) { j.anchors = slices.Delete(j.anchors, 1, 2) }, "blocks 3 to 5 are not there, and do not lie between two anchored ones"},
		{"the anchor behind is another key's", func(j *holed) { j.anchors[1] = anchored(t, j.whole, 6, 2) }, "blocks 3 to 5 are not there, and do not lie between two anchored ones"},
		{"the anchor before is moved", func(j *holed) { j.anchors[0].Block = 1 }, "the anchor of block 1 was changed: its signature does not fit"},
		{"an anchor is moved into the hole", func(j *holed) { j.anchors[0].Block = 4 }, "blocks 3 to 5 are not there, and do not lie between two anchored ones"},
		{"an anchor more is moved into the hole", func(j *holed) { j.anchors = append(j.anchors, j.anchors[0]); j.anchors[4].Block = 4 }, "the anchor of block 4 was changed: its signature does not fit"},
		{"all anchors are taken out", func(j *holed) { j.anchors = nil }, "blocks 3 to 5 are not there, and do not lie between two anchored ones"},
		{"one comes back", func(j *holed) { j.back(4) }, "block 4 is there, and retention says that it dropped blocks 3 to 5"},
		{"another one stands in the hole", func(j *holed) { j.back(3).Header[50] ^= 1 }, "block 3 does not hold the hash of block 2: one of them was changed"},
		{"a forged one stands at the end of the hole", func(j *holed) {
			own := journal.Header{Number: 5, First: 9, Frames: 2}
			*j.back(5) = hayalet.Block{Number: 5, First: 9, Frames: 2, Header: own.Bytes()}
		}, "block 5 is there, and retention says that it dropped blocks 3 to 5"},
		{"forged messages stand in the beginning of the hole", func(j *holed) { j.forge(3); j.back(4) }, "block 3 is there, and retention says that it dropped blocks 3 to 5"},
		{"and behind what is left of it", func(j *holed) { j.back(3); j.forge(4) }, "block 4 is there, and retention says that it dropped blocks 3 to 5"},
		{"a record of block 0", func(j *holed) {
			j.drop(1, 1)
			own := journal.SignHole(keyOf(1), new(journal.Header), new(journal.Header), holeAt, "")
			own.First, own.Last = 1, 1
			j.holes = append([]hayalet.Hole{own}, j.holes...)
		}, "the record of blocks 1 to 1, which are not there, was changed: its signature does not fit"},
		{"the end behind a hole", func(j *holed) { j.drop(9, 12); j.anchors = j.anchors[:2] }, "blocks 7 to 9 were removed"},
		{"the end of a hole that is not done", func(j *holed) { j.back(7); j.drop(9, 12); j.anchors = j.anchors[:2] }, "blocks 8 to 9 were removed"},
		{"a message far behind", func(j *holed) { j.blocks[4].Body = j.blocks[5].Body }, "the frame at position 19 (station CP c, connection c, number 21) of block 10 was changed or moved"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := withHoles(t)
			tc.change(j)
			_, flaw := walkOver(t, j, []ed25519.PublicKey{publicOf(1)})
			if flaw == nil {
				t.Fatalf("it holds, want %q", tc.want)
			}
			if got := text.T("flaw."+flaw.Code, flaw.Args...); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// chainedWith is a journal of as many blocks, without bodies, whose frames were changed before they were kept.
func chainedWith(t *testing.T, blocks int, change func(fs []hayalet.Frame)) *store {
	t.Helper()
	s := new(store)
	j, stop := running(t, s, journal.Config{})
	for n := range uint64(blocks) {
		fs := exchange("c", 2*n+1)
		change(fs)
		put(t, j, fs)
	}
	stop()
	return s
}

// TestEndsOfARun are those of a run that is a chain, and of no other.
func TestEndsOfARun(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(s *store)
		want   string
	}{
		{"whole", func(*store) {}, ""},
		{"what is around it does not count", func(s *store) { s.blocks[0].Header[99] ^= 1; s.blocks = s.blocks[:7] }, ""},
		{"a header", func(s *store) { s.blocks[3].Header[99] ^= 1 }, "block-link"},
		{"no header", func(s *store) { s.blocks[3].Header = nil }, "header-changed"},
		{"one is gone", func(s *store) { s.blocks = slices.Delete(s.blocks, 3, 4) }, "block-removed"},
		{"the one before is gone", func(s *store) { s.blocks = s.blocks[2:] }, "block-removed"},
		{"the one behind is gone", func(s *store) { s.blocks = s.blocks[:5] }, "block-removed"},
		{"all are gone", func(s *store) { s.blocks = nil }, "block-removed"},
		{"two changed places", func(s *store) { s.blocks[2].Header, s.blocks[3].Header = s.blocks[3].Header, s.blocks[2].Header }, "header-moved"},
	} {
		s := chainedWith(t, 9, func([]hayalet.Frame) {})
		before, behind := pinned(t, s, 2), pinned(t, s, 6)
		tc.change(s)
		b, e, flaw, err := journal.Ends(t.Context(), s, hayalet.BlockRange{First: 3, Last: 5})
		switch {
		case err != nil || (flaw == nil) != (tc.want == "") || flaw != nil && flaw.Code != tc.want:
			t.Errorf("%s: %+v: %v, want %q", tc.name, flaw, err, tc.want)
		case flaw == nil && (b.Pin() != before || e.Pin() != behind):
			t.Errorf("%s: %v and %v, want %v and %v", tc.name, b.Pin(), e.Pin(), before, behind)
		}
	}
}

// TestReplayOverHoles gives what is left.
func TestReplayOverHoles(t *testing.T) {
	j, kept := withHoles(t), new(sink)
	if err := journal.Replay(t.Context(), j.store, hayalet.FrameQuery{}, kept); err != nil || len(kept.all()) != 8 || kept.all()[0].Pos != 17 {
		t.Errorf("%d frames: %v", len(kept.all()), err)
	}
}
