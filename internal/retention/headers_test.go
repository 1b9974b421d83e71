package retention_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/journal"
	"hayalet/internal/retention"
	"hayalet/internal/sqlite"
)

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// anchor signs every so many blocks one.
func anchor(t testing.TB, db hayalet.Store, key ed25519.PrivateKey, every uint64) {
	t.Helper()
	must(t, db.ReadBlocks(t.Context(), hayalet.BlockQuery{}, func(b hayalet.Block) error {
		if b.Number%every != 0 {
			return nil
		}
		h, err := journal.ParseHeader(b.Header)
		must(t, err)
		return db.PutAnchor(t.Context(), journal.SignAnchor(key, &h, b.LastAt))
	}))
}

// sweepHeaders sweeps at an hour with the key of a seed, and returns what the log says.
func sweepHeaders(t testing.TB, db retention.Store, hours int, limits retention.Limits, key ed25519.PrivateKey) (gone retention.Dropped, said string) {
	t.Helper()
	var log strings.Builder
	now := func() time.Time { return (begin + hayalet.Instant(hours)*hour).Time() }
	k := retention.New(db, retention.Config{Limits: limits, Pause: -1, Key: key}, now, slog.New(slog.NewTextHandler(&log, nil)))
	gone, err := k.Sweep(t.Context())
	must(t, err)
	return gone, log.String()
}

// left returns the numbers of the blocks whose headers are there.
func left(t testing.TB, db hayalet.Store) (all []int) {
	t.Helper()
	must(t, db.ReadBlocks(t.Context(), hayalet.BlockQuery{}, func(b hayalet.Block) error {
		all = append(all, int(b.Number))
		return nil
	}))
	return all
}

// stay lists the blocks but for those strictly between multiples of ten, where the run that follows ten times n goes.
func stay(blocks int, goes func(n int) bool) (all []int) {
	for b := 1; b <= blocks; b++ {
		if b%10 == 0 || !goes(b/10) {
			all = append(all, b)
		}
	}
	return all
}

// holds checks the whole chain with the key's anchors and holes.
func holds(t testing.TB, db hayalet.Store, key ed25519.PrivateKey, dropped int) {
	t.Helper()
	anchors, err := db.FindAnchors(t.Context(), 0, 0)
	must(t, err)
	c, err := journal.NewChecker(anchors, []ed25519.PublicKey{key.Public().(ed25519.PublicKey)})
	must(t, err)
	flaw, err := c.Walk(t.Context(), db, func(uint64) {})
	must(t, err)
	if flaw != nil || c.Dropped != uint64(dropped) {
		t.Errorf("the chain: flaw %+v, %d blocks dropped, want %d", flaw, c.Dropped, dropped)
	}
}

// TestHeadersGo by age and by size, between anchors, where no body is left: so of the evidence of an incident, and of what
// stands before the first anchor and behind the last, they stay. What is left holds.
func TestHeadersGo(t *testing.T) {
	const all = 305
	inc := incident("k", 100, 110, 130) // its evidence is in the blocks 77 to 131
	frames := retention.Limit{Age: 24 * time.Hour}
	evidence := func(n int) bool { return n >= 7 && n <= 13 }
	for _, tc := range []struct {
		name   string
		limits retention.Limits
		goes   func(n int) bool
	}{
		{"no limit", retention.Limits{Frames: frames}, func(int) bool { return false }},
		{"by age", retention.Limits{Frames: frames, Headers: retention.Limit{Age: 105 * time.Hour}}, func(n int) bool { return n >= 1 && n <= 19 && !evidence(n) }},
		{"as young as the bodies", retention.Limits{Frames: frames, Headers: retention.Limit{Age: time.Hour}}, func(n int) bool { return n >= 1 && n <= 27 && !evidence(n) }},
		{"bodies are not in their way", retention.Limits{Headers: retention.Limit{Age: time.Hour}}, func(int) bool { return false }},
		{"by size", retention.Limits{Frames: frames, Headers: retention.Limit{Size: (all - 27) * 168}}, func(n int) bool { return n >= 1 && n <= 3 }},
		{"by size, not exactly", retention.Limits{Frames: frames, Headers: retention.Limit{Size: (all-27)*168 - 1}}, func(n int) bool { return n >= 1 && n <= 4 }},
		{"by both", retention.Limits{Frames: frames, Headers: retention.Limit{Age: 265 * time.Hour, Size: (all - 45) * 168}}, func(n int) bool { return n >= 1 && n <= 5 }},
		{"by a size that cannot be", retention.Limits{Frames: frames, Headers: retention.Limit{Size: 1}}, func(n int) bool { return n >= 1 && n <= 27 && !evidence(n) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db, _ := open(t)
			keep(t, db, all, inTurns, 10)
			anchor(t, db, keyOf(1), 10)
			save(t, db, hayalet.State{Mark: all, Incidents: []hayalet.Incident{inc}})
			gone, said := sweepHeaders(t, db, all, tc.limits, keyOf(1))
			want := stay(all, tc.goes)
			if got := left(t, db); !slices.Equal(got, want) {
				t.Fatalf("left are %v, want %v", got, want)
			}
			if gone.Headers != all-len(want) {
				t.Errorf("%d headers went, and %d of %d are left", gone.Headers, len(want), all)
			}
			holds(t, db, keyOf(1), all-len(want))
			if warned := strings.Contains(said, "headers take more than their limit"); warned != (tc.limits.Headers.Size == 1) {
				t.Errorf("log: %s", said)
			}
			use, err := db.Use(t.Context())
			must(t, err)
			if u := use["chain"]; u.Records != int64(len(want)) || u.Bytes != int64(168*len(want)) {
				t.Errorf("the chain uses %+v, want %d headers of 168 bytes", u, len(want))
			}
			if again, _ := sweepHeaders(t, db, all, tc.limits, keyOf(1)); again.Headers != 0 {
				t.Errorf("a second sweep drops %d headers", again.Headers)
			}
		})
	}
}

// TestHeadersOfEvidenceGoWithIt: once the incident has gone, and its frames.
func TestHeadersOfEvidenceGoWithIt(t *testing.T) {
	const all = 200
	db, _ := open(t)
	keep(t, db, all, inTurns, 10)
	anchor(t, db, keyOf(1), 10)
	save(t, db, hayalet.State{Mark: all, Incidents: []hayalet.Incident{incident("k", 100, 110, 130)}})
	limits := retention.Limits{Frames: retention.Limit{Age: 24 * time.Hour}, Headers: retention.Limit{Age: 30 * time.Hour}}
	sweepHeaders(t, db, all, limits, keyOf(1))
	holds(t, db, keyOf(1), 9*(6+3)) // the runs behind 10 to 60 and 140 to 160
	limits.Incidents.Age = time.Hour
	sweepHeaders(t, db, all, limits, keyOf(1))
	if got, want := left(t, db), stay(all, func(n int) bool { return n >= 1 && n <= 16 }); !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	holds(t, db, keyOf(1), 9*16)
}

// TestHeadersStayWithoutTheKey that anchored them.
func TestHeadersStayWithoutTheKey(t *testing.T) {
	limits := retention.Limits{Frames: retention.Limit{Age: time.Hour}, Headers: retention.Limit{Age: time.Hour, Size: 1}}
	db, _ := open(t)
	keep(t, db, 50, both, 10)
	anchor(t, db, keyOf(1), 10)
	save(t, db, hayalet.State{Mark: 100})
	for name, key := range map[string]ed25519.PrivateKey{"none": nil, "another": keyOf(2)} {
		if gone, _ := sweepHeaders(t, db, 50, limits, key); gone.Headers != 0 {
			t.Errorf("%s: %d headers went", name, gone.Headers)
		}
	}
}

// TestWhatDoesNotHoldStays: a hole never covers up what somebody has changed or taken out, and it is said.
func TestWhatDoesNotHoldStays(t *testing.T) {
	limits := retention.Limits{Frames: retention.Limit{Age: time.Hour}, Headers: retention.Limit{Age: time.Hour}}
	for name, change := range map[string]string{
		"a header":              `UPDATE block SET header = (SELECT header FROM block WHERE number = 24) WHERE number = 23`,
		"one is gone":           `DELETE FROM block WHERE number = 25; DELETE FROM block_body WHERE number = 25`,
		"the last is gone":      `DELETE FROM block WHERE number = 29; DELETE FROM block_body WHERE number = 29`,
		"the first is gone":     `DELETE FROM block WHERE number = 21; DELETE FROM block_body WHERE number = 21`,
		"the anchor before":     `UPDATE anchor SET signature = x'00' WHERE block = 20`,
		"the anchor behind":     `UPDATE anchor SET hash = (SELECT hash FROM anchor WHERE block = 20) WHERE block = 30`,
		"an anchor is invented": `INSERT INTO anchor SELECT 25, at, hash, key, signature FROM anchor WHERE block = 30`,
		"a hole is invented":    `INSERT INTO hole SELECT 21, 29, hash, hash, 1, 'age', key, signature FROM anchor WHERE block = 30; DELETE FROM block WHERE number IN (22, 23); DELETE FROM block_body WHERE number IN (22, 23)`,
	} {
		db, path := open(t)
		keep(t, db, 60, both, 10)
		anchor(t, db, keyOf(1), 10)
		save(t, db, hayalet.State{Mark: 120})
		raw, err := sql.Open("sqlite", path)
		must(t, err)
		_, err = raw.Exec(change)
		must(t, errors.Join(err, raw.Close()))
		before := len(left(t, db))
		gone, said := sweepHeaders(t, db, 60, limits, keyOf(1))
		if !strings.Contains(said, "headers stay, since they are not a chain from one anchor to the next") {
			t.Errorf("%s: it is not said: %s", name, said)
		}
		holes, err := db.FindHoles(t.Context(), 20, 30)
		must(t, err)
		if name == "a hole is invented" {
			holes = holes[1:]
		}
		touched := slices.ContainsFunc(holes, func(h hayalet.Hole) bool { return h.First == 21 })
		if after := left(t, db); gone.Headers == 0 || touched || len(after)+gone.Headers != before || !slices.Contains(after, 28) {
			t.Errorf("%s: %d went, left are %v, holes %v", name, gone.Headers, after, holes)
		}
	}
}

// TestHeadersAfterACrash: a run that was not dropped whole holds, and goes on going, under the same statement.
func TestHeadersAfterACrash(t *testing.T) {
	const all = 3200
	db, _ := open(t)
	keep(t, db, all, both, 10)
	anchor(t, db, keyOf(1), 3000)
	must(t, db.PutAnchor(t.Context(), anchorOf(t, db, 2)))
	save(t, db, hayalet.State{Mark: 2 * all})
	limits := retention.Limits{Frames: retention.Limit{Age: time.Hour}, Headers: retention.Limit{Age: time.Hour}}
	now := func() time.Time { return (begin + all*hour).Time() }
	for _, step := range []struct{ can, dropped int }{{0, 0}, {1, 1000}, {0, 1000}, {1, 2000}, {9, 2997}} {
		k := retention.New(&tired{DB: db, can: step.can}, retention.Config{Limits: limits, Pause: -1, Key: keyOf(1)}, now, slog.New(slog.DiscardHandler))
		if _, err := k.Sweep(t.Context()); (err == nil) != (step.can == 9) {
			t.Errorf("%d steps: error %v", step.can, err)
		}
		holds(t, db, keyOf(1), step.dropped)
	}
	holes, err := db.FindHoles(t.Context(), 0, 0)
	must(t, err)
	if len(holes) != 1 || holes[0].Reason != "age" || holes[0].At != hayalet.InstantOf(now()) {
		t.Errorf("holes %+v, want one", holes)
	}
}

func anchorOf(t testing.TB, db hayalet.Store, block uint64) (a hayalet.Anchor) {
	t.Helper()
	must(t, db.ReadBlocks(t.Context(), hayalet.BlockQuery{From: block, To: block}, func(b hayalet.Block) error {
		h, err := journal.ParseHeader(b.Header)
		must(t, err)
		a = journal.SignAnchor(keyOf(1), &h, b.LastAt)
		return nil
	}))
	return a
}

// tired is a store that breaks down after some steps.
type tired struct {
	*sqlite.DB
	can int
}

func (d *tired) DropBlocks(ctx context.Context, r hayalet.BlockRange, limit int) (int, error) {
	if d.can--; d.can < 0 {
		return 0, errors.New("no more")
	}
	return d.DB.DropBlocks(ctx, r, limit)
}

// TestTheJournalGoesOnOverHoles: after a restart it appends behind its last block, and what is kept is found by position
// and time.
func TestTheJournalGoesOnOverHoles(t *testing.T) {
	const all = 200
	db, path := open(t)
	keep(t, db, all, both, 10)
	anchor(t, db, keyOf(1), 10)
	save(t, db, hayalet.State{Mark: 2 * all, Incidents: []hayalet.Incident{incident("k", 100, 110, 130)}})
	sweepHeaders(t, db, all, retention.Limits{Frames: retention.Limit{Age: 24 * time.Hour}, Headers: retention.Limit{Age: time.Hour}}, keyOf(1))
	must(t, db.Close())
	db, err := sqlite.Open(t.Context(), path)
	must(t, err)
	defer db.Close()
	keep(t, db, 3, both, 10)
	last, err := db.LastBlock(t.Context())
	must(t, err)
	if last.Number != all+3 || last.First != 2*all+5 {
		t.Errorf("the last block is %d from position %d", last.Number, last.First)
	}
	for _, q := range []struct {
		hayalet.FrameQuery
		first uint64
		count int
	}{
		{hayalet.FrameQuery{}, 153, 2*(132-76) + 2*24 + 6}, // evidence, what is young, what came now
		{hayalet.FrameQuery{From: 50}, 153, 166},
		{hayalet.FrameQuery{From: 265}, 353, 54},
		{hayalet.FrameQuery{Since: begin + 40*hour, Until: begin + 78*hour}, 153, 4},
		{hayalet.FrameQuery{Since: begin + 140*hour, Until: begin + 150*hour}, 0, 0},
		{hayalet.FrameQuery{Station: "B", From: 399}, 400, 4},
	} {
		got := new(counting)
		must(t, journal.Replay(t.Context(), db, q.FrameQuery, got))
		if got.frames != q.count || got.first != q.first {
			t.Errorf("%+v: %d frames from %d on, want %d from %d", q.FrameQuery, got.frames, got.first, q.count, q.first)
		}
	}
	holds(t, db, keyOf(1), 9*(6+3))
}

type counting struct {
	first  uint64
	frames int
}

func (c *counting) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	if c.frames == 0 {
		c.first = fs[0].Pos
	}
	c.frames += len(fs)
	return nil
}

// TestBytesOfADroppedBlock: what its headers take in the file of a network of a hundred stations that speak once a minute,
// and what is left of them: of each hour an anchored block, its anchor and a hole.
func TestBytesOfADroppedBlock(t *testing.T) {
	const hours, each = 20, 6000
	db, path := open(t)
	sweepHeaders(t, db, 1, retention.Limits{}, nil)
	empty := size(t, path)
	write(t, path, chained(t, hours*each, 600*time.Millisecond))
	anchor(t, db, keyOf(1), each)
	save(t, db, hayalet.State{Mark: hours * each})
	sweepHeaders(t, db, 1, retention.Limits{}, nil)
	was := float64(size(t, path)-empty) / (hours * each)
	gone, _ := sweepHeaders(t, db, hours+100, retention.Limits{Headers: retention.Limit{Age: time.Hour}}, keyOf(1))
	const spare = 1 << 20                                                         // stays free
	is := (float64(size(t, path)-empty-spare) - was*each) / float64(gone.Headers) // an hour is before the first anchor
	t.Logf("%d of %d headers went: from %.0f bytes a block to %.2f", gone.Headers, hours*each, was, is)
	if gone.Headers != (hours-1)*(each-1) || was < 140 || was > 240 || is > 0.5 {
		t.Errorf("%d headers went, from %.0f bytes a block to %.2f", gone.Headers, was, is)
	}
	holds(t, db, keyOf(1), gone.Headers)
}

// chained is blocks of a frame each, without bodies.
func chained(t testing.TB, n int, apart time.Duration) []hayalet.Block {
	t.Helper()
	var all memory
	j, err := journal.Open(t.Context(), &all, journal.Config{}, slog.New(slog.DiscardHandler))
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	for i := range n {
		f := hayalet.Frame{Station: "A", Conn: "a", Seq: uint64(i + 1), At: begin.Add(time.Duration(i) * apart), Protocol: hayalet.OCPP16}
		must(t, j.PutFrames(t.Context(), []hayalet.Frame{f}))
	}
	j.Close()
	must(t, <-done)
	return all.blocks
}

// memory collects blocks.
type memory struct {
	hayalet.Blocks
	blocks []hayalet.Block
}

func (m *memory) LastBlock(context.Context) (hayalet.Block, error) {
	return hayalet.Block{}, hayalet.ErrNotFound
}

func (m *memory) AppendBlock(_ context.Context, b hayalet.Block) error {
	b.Header, b.Stations, b.Body = bytes.Clone(b.Header), nil, nil
	m.blocks = append(m.blocks, b)
	return nil
}

// write puts the headers of blocks into a file at once.
func write(t testing.TB, path string, blocks []hayalet.Block) {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	must(t, err)
	tx, err := raw.Begin()
	must(t, err)
	row, err := tx.Prepare(`INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, NULL)`)
	must(t, err)
	for _, b := range blocks {
		_, err := row.Exec(int64(b.Number), int64(b.First), b.Frames, int64(b.FirstAt), int64(b.LastAt), int64(b.LastAt), b.Header)
		must(t, err)
	}
	must(t, errors.Join(tx.Commit(), raw.Close()))
}
