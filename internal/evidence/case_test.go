package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

const station = hayalet.StationID("CP 1")

var begin = hayalet.InstantOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))

// blocks keeps a journal's blocks in memory.
type blocks struct {
	hayalet.Blocks
	all   []hayalet.Block
	holes []hayalet.Hole
}

func (s *blocks) FindHoles(_ context.Context, from, to uint64) (found []hayalet.Hole, err error) {
	for _, h := range s.holes {
		if h.First >= from && (to == 0 || h.First <= to) {
			found = append(found, h)
		}
	}
	return found, nil
}

func (s *blocks) AppendBlock(_ context.Context, b hayalet.Block) error {
	b.Header, b.Stations, b.Body = slices.Clone(b.Header), slices.Clone(b.Stations), slices.Clone(b.Body)
	s.all = append(s.all, b)
	return nil
}

func (s *blocks) LastBlock(context.Context) (hayalet.Block, error) {
	if len(s.all) == 0 {
		return hayalet.Block{}, hayalet.ErrNotFound
	}
	return s.all[len(s.all)-1], nil
}

func (s *blocks) ReadBlocks(_ context.Context, q hayalet.BlockQuery, to func(hayalet.Block) error) error {
	for _, b := range s.all {
		if b.Number < q.From || q.To > 0 && b.Number > q.To || b.First+uint64(b.Frames) <= q.Position || b.LastAt < q.Since || q.Until > 0 && b.FirstAt >= q.Until {
			continue
		}
		if err := to(b); err != nil {
			return err
		}
	}
	return nil
}

// keys are the same in every run.
func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// filled is a journal of two stations that speak in turn, in blocks of some frames.
func filled(t testing.TB) *blocks {
	t.Helper()
	all := make([][]hayalet.Frame, 12)
	for n := range all {
		all[n] = exchange(uint64(n))
	}
	return kept(t, all)
}

// kept is a journal of these blocks.
func kept(t testing.TB, all [][]hayalet.Frame) *blocks {
	t.Helper()
	s := new(blocks)
	j, err := journal.Open(t.Context(), s, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	for _, fs := range all {
		if err := j.PutFrames(t.Context(), fs); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return s
}

// exchange is what two stations say at minute n: messages of all kinds that a line must carry.
func exchange(n uint64) (fs []hayalet.Frame) {
	at := begin.Add(time.Duration(n) * time.Minute)
	texts := []string{
		`[2,"%d","MeterValues",{"v":"12.01"}]`, " [2, \"%d\",\n\"Heartbeat\",{}]", "not json %d \x00\u2028", "\xff\xfe%d", `{"a": "<&>", "n": %d}`,
	}
	for i, st := range []hayalet.StationID{station, "other"} {
		f := hayalet.Frame{Station: st, Conn: hayalet.ConnID(fmt.Sprintf("conn-%d", i)), Seq: 2*n + 1, At: at, Protocol: hayalet.OCPP16}
		f.Data = fmt.Appendf(nil, texts[int(n)%len(texts)], n)
		if n == 0 {
			f.Kind, f.Data = hayalet.ConnOpen, nil
		}
		out := f
		out.Seq, out.At, out.Dir, out.Kind, out.Data = f.Seq+1, at+5, hayalet.Out, hayalet.Message, fmt.Appendf(nil, `[3,"%d",{}]`, n)
		fs = append(fs, f, out)
	}
	return fs
}

// window is from one minute to another, of an incident that the journal's sixth minute opened.
func window(since, until int) evidence.Window {
	at := func(n int) hayalet.Instant { return begin.Add(time.Duration(n) * time.Minute) }
	return evidence.Window{Since: at(since), Until: at(until), Baseline: at(4), Opened: at(6)}
}

// exported is a case of the journal's middle, anchored some blocks behind it.
func exported(t testing.TB, s *blocks, key ed25519.PrivateKey) []byte {
	t.Helper()
	x, err := evidence.Gather(t.Context(), s, station, window(2, 8))
	if err != nil {
		t.Fatal(err)
	}
	last, err := journal.ParseHeader(s.all[len(s.all)-2].Header)
	if err != nil {
		t.Fatal(err)
	}
	headers, err := evidence.Headers(t.Context(), s, x.FirstBlock(), last.Number)
	if err != nil {
		t.Fatal(err)
	}
	inc := hayalet.Incident{Key: "k1", Rev: 2, Rule: "PE-01", Station: station, Connector: 1, Energy: 50 * hayalet.WattHour, UpdatedAt: begin.Add(7 * time.Minute)}
	c := evidence.Case{
		Program: "test", ExportedAt: begin.Add(time.Hour), Incident: inc, History: []hayalet.Incident{inc}, Excerpt: x, Headers: headers,
		Anchor: journal.SignAnchor(key, &last, begin.Add(time.Hour)), Further: map[string][]byte{"README.txt": []byte("read me\n"), "report.en.html": []byte("<p>")},
	}
	var out bytes.Buffer
	if err := c.Write(&out, key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func verify(t testing.TB, data []byte, key ed25519.PublicKey) evidence.Result {
	t.Helper()
	res, err := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestCaseVerifies(t *testing.T) {
	s, key := filled(t), keyOf(1)
	data := exported(t, s, key)
	for _, want := range []ed25519.PublicKey{nil, public(key)} {
		res := verify(t, data, want)
		if res.Flaw != nil || res.Missing != 0 || res.Frames != 12 || res.Headers != 9 || res.Anchored != begin.Add(time.Hour) {
			t.Errorf("flaw %+v, %d frames, %d headers", res.Flaw, res.Frames, res.Headers)
		}
	}
	if !bytes.Equal(data, exported(t, s, key)) {
		t.Error("the same case gave other bytes")
	}
}

// TestCaseIsHeldToWhatIsKnown: an anchor that was kept elsewhere shows a journal that was made anew and signed with the same key.
func TestCaseIsHeldToWhatIsKnown(t *testing.T) {
	s, key := filled(t), keyOf(1)
	data := exported(t, s, key)
	pin := func(block int) journal.Pin {
		h, err := journal.ParseHeader(s.all[block-1].Header)
		if err != nil {
			t.Fatal(err)
		}
		return h.Pin()
	}
	look := func(pins ...journal.Pin) (evidence.Result, error) {
		return evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{Pins: pins})
	}
	if res, err := look(pin(3), pin(5), pin(11)); err != nil || res.Flaw != nil || res.Pinned != 3 || res.Anchor != pin(11) {
		t.Errorf("pins of the journal: %+v, %d, anchor %v: %v", res.Flaw, res.Pinned, res.Anchor, err)
	}
	if res, err := look(pin(5), journal.Pin{Block: 6, Hash: pin(5).Hash}); err != nil || res.Flaw == nil || res.Flaw.Code != "pin-hash" {
		t.Errorf("a pin of another journal: %+v: %v", res.Flaw, err)
	}
	for _, block := range []int{2, 12} {
		if res, err := look(pin(block)); err == nil || !strings.Contains(err.Error(), "only those of blocks 3 to 11") {
			t.Errorf("a pin of a block that the case does not reach: %+v: %v", res.Flaw, err)
		}
	}
}

// TestLinesAreOurJSONL: the lines of a case say what hayalet's own say, verbatim where that can be.
func TestLinesAreOurJSONL(t *testing.T) {
	files := unpack(t, exported(t, filled(t), keyOf(1)))
	lines := strings.Split(files["frames.jsonl"], "\n")
	for n, want := range []string{
		`{"ts":"2026-01-05T12:02:00Z","station":"CP 1","conn":"conn-0","seq":5,"pos":9,"protocol":"ocpp1.6","direction":"in","text":"not json 2 \u0000\u2028"}`,
		`{"ts":"2026-01-05T12:02:00.000005Z","station":"CP 1","conn":"conn-0","seq":6,"pos":10,"protocol":"ocpp1.6","direction":"out","frame":[3,"2",{}]}`,
		`{"ts":"2026-01-05T12:03:00Z","station":"CP 1","conn":"conn-0","seq":7,"pos":13,"protocol":"ocpp1.6","direction":"in","base64":"//4z"}`,
		`{"ts":"2026-01-05T12:03:00.000005Z","station":"CP 1","conn":"conn-0","seq":8,"pos":14,"protocol":"ocpp1.6","direction":"out","frame":[3,"3",{}]}`,
		`{"ts":"2026-01-05T12:04:00Z","station":"CP 1","conn":"conn-0","seq":9,"pos":17,"protocol":"ocpp1.6","direction":"in","frame":{"a": "<&>", "n": 4}}`,
	} {
		if lines[n] != want {
			t.Errorf("line %d:\n%s, want\n%s", n+1, lines[n], want)
		}
	}
}

// TestExcerptSaysWhatItLacks: blocks whose frames retention took are counted, and a time without frames is said.
func TestExcerptSaysWhatItLacks(t *testing.T) {
	s := filled(t)
	s.all[4].Body, s.all[4].Stations = nil, nil
	x, err := evidence.Gather(t.Context(), s, station, window(2, 8))
	if err != nil || x.Dropped != 1 || len(x.Frames) != 10 || x.Cut {
		t.Errorf("%+v: %v", x, err)
	}
	if res := verify(t, exported(t, s, keyOf(1)), nil); res.Flaw != nil || res.Missing != 2 || res.Hole != (evidence.Hole{Conn: "conn-0", From: 9, To: 10}) {
		t.Errorf("flaw %+v, missing %d: %+v", res.Flaw, res.Missing, res.Hole)
	}
	if _, err := evidence.Gather(t.Context(), s, station, window(-60, 0)); err != evidence.ErrNoFrames { //nolint:errorlint // it is returned as it is
		t.Errorf("error %v", err)
	}
}

// TestTornConnectionsAreTold: the numbers tell of nothing before the first frame of a connection and behind the last one.
func TestTornConnectionsAreTold(t *testing.T) {
	var all [][]hayalet.Frame
	for n, f := range []hayalet.Frame{
		{Conn: "before"},
		{Conn: "before"},
		{Conn: "a", Seq: 5}, // it was there before the case begins
		{Conn: "a", Seq: 6}, // and does not end
		{Conn: "b", Seq: 3}, // it does not begin
		{Conn: "b", Seq: 4, Kind: hayalet.ConnClose},
		{Conn: "c", Seq: 1, Kind: hayalet.ConnOpen},
		{Conn: "c", Seq: 2}, // it goes on behind the case
		{Conn: "after"},
		{Conn: "after"},
	} {
		f.Station, f.At, f.Protocol = station, begin.Add(time.Duration(n)*time.Minute), hayalet.OCPP16
		all = append(all, []hayalet.Frame{f})
	}
	res := verify(t, exported(t, kept(t, all), keyOf(1)), nil)
	if res.Flaw != nil || res.Missing != 0 || res.Beginless != (evidence.Torn{Conns: 1, First: "b"}) || res.Endless != (evidence.Torn{Conns: 1, First: "a"}) {
		t.Errorf("%+v", res)
	}
	if res := verify(t, exported(t, filled(t), keyOf(1)), nil); res.Beginless.Conns+res.Endless.Conns != 0 {
		t.Errorf("one connection: %+v", res)
	}
}

// TestWhatDoesNotFitIsCut, whatever of it is too much: first the time before the baseline, then what led to the opening,
// then the end; and never the opening. What was emptied by retention outside of what is left does not count.
func TestWhatDoesNotFitIsCut(t *testing.T) {
	const all, many = 12, 1 << 20 // blocks of a minute
	for _, tc := range []struct {
		name                 string
		lines, leaves, chain int
		since, until         int // minutes that are left
		dropped              int
	}{
		{"all fits", many, many, all, 0, 12, 1},
		{"the chain is cut at the begin", many, many, 9, 3, 12, 0},
		{"and at the end", many, many, 6, 4, 10, 0},
		{"and behind the opening", many, many, 3, 4, 7, 0},
		{"what led to the opening goes first", many, many, 2, 5, 7, 0},
		{"one block", many, many, 1, 6, 7, 0},
		{"leaves", many, 6 * 4, all, 4, 10, 0},
		{"bytes", 7 * 335, many, all, 4, 11, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := filled(t)
			s.all[1].Body, s.all[1].Stations = nil, nil
			x, err := evidence.GatherAtMost(t.Context(), s, station, window(0, 12), tc.lines, tc.leaves, uint64(tc.chain))
			if err != nil {
				t.Fatal(err)
			}
			w := window(tc.since, tc.until)
			if x.Since != w.Since || x.Until != w.Until || x.Cut != (tc.until-tc.since < all) || x.Dropped != tc.dropped {
				t.Errorf("%v to %v, cut %v, dropped %d; want %v to %v", x.Since, x.Until, x.Cut, x.Dropped, w.Since, w.Until)
			}
			if n := 2 * (tc.until - tc.since - tc.dropped); len(x.Frames) != n || x.Frames[0].At != w.Since || x.FirstBlock() != uint64(tc.since+1) || x.LastBlock() != uint64(tc.until) {
				t.Errorf("%d frames of blocks %d to %d, want %d", len(x.Frames), x.FirstBlock(), x.LastBlock(), n)
			}
		})
	}
}

func unpack(t testing.TB, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, f := range z.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
	}
	return files
}

// TestKeysAreReadBack, and nothing else is taken for one.
func TestKeysAreReadBack(t *testing.T) {
	key := keyOf(1)
	text, err := evidence.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := evidence.ParseKey(text); err != nil || !got.Equal(key) {
		t.Errorf("private key: %v", err)
	}
	open, err := evidence.EncodePublic(public(key))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := evidence.ParsePublic(open); err != nil || !got.Equal(public(key)) {
		t.Errorf("public key: %v", err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "public": open, "cut": text[:len(text)/2], "text": []byte("secret")} {
		if _, err := evidence.ParseKey(bad); err == nil {
			t.Errorf("%s is taken for a private key", name)
		}
	}
	if _, err := evidence.ParsePublic(text); err == nil {
		t.Error("a private key is taken for a public one")
	}
}
