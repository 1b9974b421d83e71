package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
	"hayalet/internal/lang"
)

// anchoring anchors the block after the one that is asked for.
func anchoring(t testing.TB, s *blocks, seed byte) func(context.Context, uint64, uint64) (hayalet.Anchor, error) {
	return func(_ context.Context, block, _ uint64) (hayalet.Anchor, error) {
		h, err := journal.ParseHeader(s.all[block].Header)
		if err != nil {
			t.Fatal(err)
		}
		return journal.SignAnchor(keyOf(seed), &h, begin.Add(time.Hour)), nil
	}
}

// proof is that of the frame at a position, as it is written.
func proof(t testing.TB, s *blocks, pos uint64, seed byte) []byte {
	t.Helper()
	p, err := evidence.Prove(t.Context(), s, pos, anchoring(t, s, seed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEachFrameIsProvenAlone, whatever stands in it.
func TestEachFrameIsProvenAlone(t *testing.T) {
	s := filled(t)
	h, err := journal.ParseHeader(s.all[1].Header)
	if err != nil {
		t.Fatal(err)
	}
	for pos := uint64(1); pos <= 44; pos++ {
		is, err := evidence.CheckProof(proof(t, s, pos, 1), evidence.Known{Key: public(keyOf(1))})
		if err != nil || is.Flaw != nil {
			t.Fatalf("frame %d: %+v: %v", pos, is.Flaw, err)
		}
		want := exchange((pos - 1) / 4)[(pos-1)%4]
		if want.Pos = pos; !reflect.DeepEqual(is.Frame, want) {
			t.Errorf("frame %d: %+v, want %+v", pos, is.Frame, want)
		}
	}
	is, err := evidence.CheckProof(proof(t, s, 5, 1), evidence.Known{Pins: []journal.Pin{h.Pin()}})
	if err != nil || is.Flaw != nil || is.Pinned != 1 || is.Anchor.Block != 3 {
		t.Errorf("%+v: %v", is, err)
	}
	s.all[2].Body, s.all[2].Stations = nil, nil
	for pos, want := range map[uint64]string{
		0: "does not hold it", 9: "retention has taken the frames of block 3", 49: "does not reach as far", math.MaxUint64: "does not reach as far",
	} {
		if _, err := evidence.Prove(t.Context(), s, pos, anchoring(t, s, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("frame %d: %v, want %q", pos, err, want)
		}
	}
}

// TestChangedProofDoesNotHold, and what is no proof is not taken for one.
func TestChangedProofDoesNotHold(t *testing.T) {
	s := filled(t)
	whole := proof(t, s, 10, 1)
	other, err := journal.ParseHeader(s.all[5].Header)
	if err != nil {
		t.Fatal(err)
	}
	one, two := evidence.Fingerprint(public(keyOf(1))), evidence.Fingerprint(public(keyOf(2)))
	for name, tc := range map[string]struct {
		old, text string
		known     evidence.Known
		want      string
	}{
		"a message":       {`[3,\"2\"`, `[3,\"9\"`, evidence.Known{}, "the frame at position 10 (connection conn-0, number 6) was changed"},
		"its place":       {`"index": 1`, `"index": 2`, evidence.Known{}, "the frame at position 11 (connection conn-0, number 6) was changed"},
		"its position":    {`\"pos\":10`, `\"pos\":11`, evidence.Known{}, "the frame at position 10 (connection conn-0, number 6) bears another position: 11"},
		"the anchor":      {`"block": 4`, `"block": 5`, evidence.Known{}, "the anchor of block 5 was changed: its signature does not fit"},
		"another key":     {"", "", evidence.Known{Key: public(keyOf(2))}, "it was signed with the key " + one + ", not with " + two},
		"another journal": {"", "", evidence.Known{Pins: []journal.Pin{{Block: 3, Hash: other.Hash()}}}, "block 3 is not the one that --anchor names: it or one before it was changed"},
	} {
		text := bytes.Replace(whole, []byte(tc.old), []byte(tc.text), 1)
		is, err := evidence.CheckProof(text, tc.known)
		if err != nil || is.Flaw == nil {
			t.Errorf("%s: %+v: %v", name, is.Flaw, err)
		} else if got := lang.New(lang.EN).T("flaw."+is.Flaw.Code, is.Flaw.Args...); got != tc.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
	}
	if _, err := evidence.CheckProof(whole, evidence.Known{Pins: []journal.Pin{{Block: 9}}}); err == nil || !strings.Contains(err.Error(), "only those of blocks 3 to 4") {
		t.Errorf("a pin that it does not reach: %v", err)
	}
	for _, bad := range []string{"", "{}", "[]", `{"format":"hayalet-proof-1"}`, strings.Replace(string(whole), "proof-1", "proof-2", 1), strings.Replace(string(whole), `"line": "{`, `"line": "[`, 1)} {
		if _, err := evidence.CheckProof([]byte(bad), evidence.Known{}); err == nil {
			t.Errorf("%.40q is taken for a proof", bad)
		}
	}
}

// FuzzProof: whatever is changed in a proof, it holds with the key only for the frame that it was made for.
func FuzzProof(f *testing.F) {
	whole := proof(f, filled(f), 10, 1)
	is, err := evidence.CheckProof(whole, evidence.Known{})
	if err != nil || is.Flaw != nil {
		f.Fatal(is.Flaw, err)
	}
	f.Add(whole)
	f.Add(slices.Concat(whole[:40], whole[41:]))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := evidence.CheckProof(text, evidence.Known{Key: public(keyOf(1))})
		if err == nil && got.Flaw == nil && !reflect.DeepEqual(got.Frame, is.Frame) {
			t.Errorf("another frame is proven: %+v", got.Frame)
		}
	})
}
