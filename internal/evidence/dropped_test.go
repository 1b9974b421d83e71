package evidence_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

// holed is the journal of filled, of whose blocks retention has dropped 1, 5 and 6, and 12; of the run of 5 and 6 it says so
// with the key of a seed.
func holed(t testing.TB, seed byte) *blocks {
	t.Helper()
	s := filled(t)
	s.holes = []hayalet.Hole{hole(t, s, 5, 6, seed)}
	s.drop(1, 5, 6, 12)
	return s
}

func hole(t testing.TB, s *blocks, first, last int, seed byte) hayalet.Hole {
	t.Helper()
	var ends [2]journal.Header
	for i, n := range []int{first - 1, last + 1} {
		h, err := journal.ParseHeader(s.all[n-1].Header)
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = h
	}
	return journal.SignHole(keyOf(seed), &ends[0], &ends[1], begin.Add(24*time.Hour), "age")
}

func (s *blocks) drop(numbers ...uint64) {
	s.all = slices.DeleteFunc(s.all, func(b hayalet.Block) bool { return slices.Contains(numbers, b.Number) })
}

// overHoles is a case of a journal with holes, with anchors of this block.
func overHoles(t testing.TB, s *blocks, key ed25519.PrivateKey, anchored uint64) []byte {
	t.Helper()
	x, err := evidence.Gather(t.Context(), s, station, window(2, 8))
	if err != nil {
		t.Fatal(err)
	}
	headers, holes, err := evidence.Stretch(t.Context(), s, public(key), x.FirstBlock(), anchored)
	if err != nil {
		t.Fatal(err)
	}
	last, err := journal.ParseHeader(headers[len(headers)-journal.HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	inc := hayalet.Incident{Key: "k1", Rule: "PE-01", Station: station, Connector: 1}
	c := evidence.Case{Incident: inc, Excerpt: x, Headers: headers, Holes: holes, Anchor: journal.SignAnchor(key, &last, begin.Add(time.Hour))}
	var out bytes.Buffer
	if err := c.Write(&out, key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCaseOverAHole verifies, and says what is not there.
func TestCaseOverAHole(t *testing.T) {
	for name, change := range map[string]func(s *blocks){
		"done":                      func(*blocks) {},
		"not done":                  func(s *blocks) { s.all = slices.Insert(s.all, 3, filled(t).all[4]); s.all[3].Body = nil },
		"a record of somebody else": func(s *blocks) { s.holes = append(s.holes, hole(t, filled(t), 5, 6, 2), hole(t, filled(t), 9, 10, 2)) },
	} {
		s := holed(t, 1)
		change(s)
		data := overHoles(t, s, keyOf(1), 11)
		res := verify(t, data, public(keyOf(1)))
		if res.Flaw != nil || res.Frames != 8 || res.Headers != 7 || res.Dropped != 2 || res.Missing != 4 {
			t.Errorf("%s: flaw %+v, %d frames, %d headers without %d, %d missing", name, res.Flaw, res.Frames, res.Headers, res.Dropped, res.Missing)
		}
		if want := map[string]int{"done": 2, "not done": 1, "a record of somebody else": 2}[name]; res.Manifest.Dropped != want {
			t.Errorf("%s: the manifest says that %d blocks were emptied, want %d", name, res.Manifest.Dropped, want)
		}
		pins := []journal.Pin{pinOf(t, filled(t), 4), pinOf(t, filled(t), 7)} // the ends of the hole are those that were anchored
		if held, err := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{Pins: pins}); err != nil || held.Flaw != nil || held.Pinned != 2 {
			t.Errorf("%s: pins: %+v, %d: %v", name, held.Flaw, held.Pinned, err)
		}
		_, err := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{Pins: []journal.Pin{pinOf(t, filled(t), 5)}})
		if err == nil || !strings.HasSuffix(err.Error(), "only those of blocks 3 to 11, but for what retention has dropped") {
			t.Errorf("%s: a pin in the hole: %v", name, err)
		}
	}
	if _, ok := unpack(t, exported(t, filled(t), keyOf(1)))["dropped.json"]; ok {
		t.Error("a case without holes speaks of them")
	}
}

// sweeping is a journal of which retention drops a run while it is read.
type sweeping struct {
	*blocks
	run   hayalet.Hole
	begun bool
}

func (s *sweeping) sweep() {
	if !s.begun {
		s.begun = true
		s.holes = append(s.holes, s.run)
		s.drop(5, 6)
	}
}

func (s *sweeping) ReadBlocks(ctx context.Context, q hayalet.BlockQuery, to func(hayalet.Block) error) error {
	s.sweep()
	return s.blocks.ReadBlocks(ctx, q, to)
}

// TestStretchWhileRetentionDrops: what goes while it is read is a hole of it.
func TestStretchWhileRetentionDrops(t *testing.T) {
	done := filled(t)
	done.holes = []hayalet.Hole{hole(t, done, 5, 6, 1)}
	done.drop(5, 6)
	want, _, err := evidence.Stretch(t.Context(), done, public(keyOf(1)), 3, 11)
	if err != nil {
		t.Fatal(err)
	}
	s := &sweeping{blocks: filled(t), run: done.holes[0]}
	headers, holes, err := evidence.Stretch(t.Context(), s, public(keyOf(1)), 3, 11)
	if err != nil || !bytes.Equal(headers, want) || len(holes) != 1 || len(headers) != 7*journal.HeaderSize {
		t.Errorf("%d headers, want %d, holes %+v: %v", len(headers)/journal.HeaderSize, len(want)/journal.HeaderSize, holes, err)
	}
}

func pinOf(t testing.TB, s *blocks, block int) journal.Pin {
	t.Helper()
	h, err := journal.ParseHeader(s.all[block-1].Header)
	if err != nil {
		t.Fatal(err)
	}
	return h.Pin()
}

// TestHolesOfACaseAreNotForged: whatever is changed of them, and whether or not the manifest was made to match.
func TestHolesOfACaseAreNotForged(t *testing.T) {
	whole := overHoles(t, holed(t, 1), keyOf(1), 11)
	whose := `"key": "` // the manifest has one, too
	for _, tc := range []struct {
		name   string
		change func(files map[string]string)
		want   string
	}{
		{"the record is taken out", func(files map[string]string) { delete(files, "dropped.json") }, "the header of block 6 was removed"},
		{"the record is emptied", func(files map[string]string) { files["dropped.json"] = "[]" }, "the header of block 6 was removed"},
		{"no JSON", func(files map[string]string) { files["dropped.json"] = "{" }, "dropped.json was changed"},
		{"it is made larger", replaced("dropped.json", `"last": 6`, `"last": 7`), "the record of blocks 5 to 7, which are not there, was changed: its signature does not fit"},
		{"another time", replaced("dropped.json", "2026-01-06", "2026-01-07"), "the record of blocks 5 to 6, which are not there, was changed: its signature does not fit"},
		{"another reason", replaced("dropped.json", `"age"`, `"size"`), "the record of blocks 5 to 6, which are not there, was changed: its signature does not fit"},
		{"no key", replaced("dropped.json", whose, `"kay": "`), "the record of blocks 5 to 6, which are not there, is signed with another key"},
		{"another key", func(files map[string]string) {
			theirs := unpack(t, overHoles(t, holed(t, 2), keyOf(2), 11))
			files["dropped.json"] = theirs["dropped.json"]
		}, "the record of blocks 5 to 6, which are not there, is signed with another key"},
		{"a header more is taken out", headers(without(2)), "the header of block 7 was removed"},
		{"the one before is taken out", headers(without(1)), "the header of block 4 was removed"},
		{"a header in the hole", headers(again(1, 2)), "the header of block 4 was added"},
		{"the one before is changed", headers(flipped(1)), "the header of block 4 was changed"},
		{"a record of no hole", func(files map[string]string) {
			other := unpack(t, overHoles(t, twoHoles(t), keyOf(1), 11))
			files["dropped.json"] = other["dropped.json"]
		}, "the header of block 9 was added"},
	} {
		files := unpack(t, whole)
		tc.change(files)
		forge(t, files, nil)
		found(t, tc.name, tc.want, files, nil)
	}
}

func twoHoles(t testing.TB) *blocks {
	t.Helper()
	s := holed(t, 1)
	s.holes = append(s.holes, hole(t, filled(t), 9, 9, 1))
	s.drop(9)
	return s
}

// TestNoProofOfWhatIsGone, and it says so; of what is kept before a hole and behind it there is one.
func TestNoProofOfWhatIsGone(t *testing.T) {
	s, all := holed(t, 1), filled(t)
	anchor := func(_ context.Context, block, _ uint64) (hayalet.Anchor, error) {
		h, err := journal.ParseHeader(all.all[block-1].Header)
		return journal.SignAnchor(keyOf(1), &h, begin), err
	}
	for _, pos := range []uint64{17, 24} {
		if _, err := evidence.Prove(t.Context(), s, pos, anchor); err == nil || !strings.Contains(err.Error(), "retention has taken its block, which was before block 7") {
			t.Errorf("frame %d: %v", pos, err)
		}
	}
	for _, pos := range []uint64{16, 25} {
		if p, err := evidence.Prove(t.Context(), s, pos, anchor); err != nil || len(p.Headers) != journal.HeaderSize {
			t.Errorf("frame %d: %+v: %v", pos, p, err)
		}
	}
}
