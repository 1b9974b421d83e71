package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/journal"
	"hayalet/internal/retention"
	"hayalet/internal/sqlite"
)

const hour = hayalet.Instant(time.Hour / time.Microsecond)

// begin is when the journals of these tests begin.
var begin = hayalet.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB) (db *sqlite.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	db, err := sqlite.Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db, path
}

// keep writes a block for each hour, in which the stations of that hour say something.
func keep(t testing.TB, db *sqlite.DB, hours int, stations func(hour int) []hayalet.StationID, size int) {
	t.Helper()
	j, err := journal.Open(t.Context(), db, journal.Config{}, slog.New(slog.DiscardHandler))
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	random := rand.NewChaCha8([32]byte{})
	for h := range hours {
		var fs []hayalet.Frame
		for _, st := range stations(h) {
			data := make([]byte, size)
			_, _ = random.Read(data)
			fs = append(fs, hayalet.Frame{Station: st, Conn: hayalet.ConnID(st), Seq: uint64(h + 1), At: begin + hayalet.Instant(h)*hour, Protocol: hayalet.OCPP16, Data: data})
		}
		must(t, j.PutFrames(t.Context(), fs))
	}
	j.Close()
	must(t, <-done)
}

func both(int) []hayalet.StationID { return []hayalet.StationID{"A", "B"} }

// inTurns lets A speak in even hours and B in odd ones.
func inTurns(h int) []hayalet.StationID {
	return []hayalet.StationID{[]hayalet.StationID{"A", "B"}[h%2]}
}

// kept returns the hours whose blocks have their bodies, and checks that all headers are there.
func kept(t *testing.T, db *sqlite.DB, hours int) (all []int) {
	t.Helper()
	headers := 0
	must(t, db.ReadBlocks(t.Context(), hayalet.BlockQuery{Bodies: true}, func(b hayalet.Block) error {
		if headers++; len(b.Header) != journal.HeaderSize {
			t.Errorf("block %d has no header", b.Number)
		}
		if b.Body != nil {
			all = append(all, int(b.Number)-1)
		}
		return nil
	}))
	if headers != hours {
		t.Errorf("%d headers, want %d", headers, hours)
	}
	return all
}

// sweep runs one with this clock and these limits.
func sweep(t testing.TB, db retention.Store, hours int, limits retention.Limits) retention.Dropped {
	t.Helper()
	now := func() time.Time { return (begin + hayalet.Instant(hours)*hour).Time() }
	gone, err := retention.New(db, retention.Config{Limits: limits, Pause: -1}, now, slog.New(slog.DiscardHandler)).Sweep(t.Context())
	must(t, err)
	return gone
}

func save(t testing.TB, db *sqlite.DB, st hayalet.State) {
	t.Helper()
	must(t, db.SaveState(t.Context(), st))
}

// incident is one of station A whose baseline, opening and end are at these hours; an end of zero is none.
func incident(key string, baseline, opened, ended int) hayalet.Incident {
	at := func(h int) hayalet.Instant { return begin + hayalet.Instant(h)*hour }
	inc := hayalet.Incident{
		Key: key, Station: "A", State: hayalet.Confirmed, BaselineAt: at(baseline), FirstAt: at(opened), OpenedAt: at(opened), UpdatedAt: at(opened),
	}
	if ended != 0 {
		inc.State, inc.EndedAt, inc.UpdatedAt, inc.LastAt = hayalet.Closed, at(ended), at(ended), at(ended-1)
	}
	return inc
}

// hours lists every second one.
func hours(from, to int) (all []int) {
	for h := from; h <= to; h += 2 {
		all = append(all, h)
	}
	return all
}

// TestEvidenceStays: of an incident's station from a day before its baseline to an hour after its end, of an open one on and
// on, and of nobody else.
func TestEvidenceStays(t *testing.T) {
	const all = 300
	for _, tc := range []struct {
		name      string
		incidents []hayalet.Incident
		limits    retention.Limits
		want      []int // that are kept, of those older than a day
	}{
		{"none", nil, retention.Limits{Frames: retention.Limit{Age: 24 * time.Hour}}, nil},
		{"closed", []hayalet.Incident{incident("k", 100, 110, 130)}, retention.Limits{Frames: retention.Limit{Age: 24 * time.Hour}}, hours(76, 130)},
		{"by size", []hayalet.Incident{incident("k", 100, 110, 130)}, retention.Limits{Frames: retention.Limit{Size: 1}}, hours(76, 130)},
		{"open", []hayalet.Incident{incident("k", 100, 110, 0)}, retention.Limits{Frames: retention.Limit{Age: 24 * time.Hour}}, hours(76, 274)},
		{
			"the incident goes, too",
			[]hayalet.Incident{incident("k", 100, 110, 130), incident("l", 200, 200, 210)},
			retention.Limits{Frames: retention.Limit{Age: 24 * time.Hour}, Incidents: retention.Limit{Age: 100 * time.Hour}},
			hours(176, 210),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db, _ := open(t)
			keep(t, db, all, inTurns, 10)
			save(t, db, hayalet.State{Mark: all, Incidents: tc.incidents})
			gone := sweep(t, db, all, tc.limits)
			left := kept(t, db, all)
			if old := slices.DeleteFunc(slices.Clone(left), func(h int) bool { return h > all-25 }); !slices.Equal(old, tc.want) {
				t.Errorf("kept %v, want %v", old, tc.want)
			}
			if gone.Frames != all-len(left) {
				t.Errorf("%d went and %d are left of %d", gone.Frames, len(left), all)
			}
			if again := sweep(t, db, all, tc.limits); again != (retention.Dropped{}) {
				t.Errorf("a second sweep drops %v", again)
			}
		})
	}
}

// TestFramesOfNoStateStay: what the engine would have to read after a restart.
func TestFramesOfNoStateStay(t *testing.T) {
	for _, limit := range []retention.Limit{{Age: time.Hour}, {Size: 1}} {
		db, _ := open(t)
		keep(t, db, 50, both, 10)
		save(t, db, hayalet.State{Mark: 41}) // block 21 holds 41 and 42
		sweep(t, db, 1000, retention.Limits{Frames: limit})
		if left := kept(t, db, 50); len(left) != 30 || left[0] != 20 {
			t.Errorf("kept %v, want 20 to 49", left)
		}
	}
}

func TestFramesBySize(t *testing.T) {
	db, _ := open(t)
	keep(t, db, 400, both, 1000)
	save(t, db, hayalet.State{Mark: 800})
	sweep(t, db, 400, retention.Limits{Frames: retention.Limit{Size: 300_000, Age: 400 * time.Hour}})
	use, err := db.Use(t.Context())
	must(t, err)
	if got := use["frames"].Bytes; got > 300_000 || got < 280_000 {
		t.Errorf("%d bytes are left, want a little less than 300000", got)
	}
	if left := kept(t, db, 400); left[len(left)-1] != 399 || left[len(left)-1]-left[0] != len(left)-1 {
		t.Errorf("kept %v, want the newest", left)
	}
}

// TestRows: the other kinds by age and by size, with a line in the log and an entry in the audit log.
func TestRows(t *testing.T) {
	fill := func() *sqlite.DB {
		db, _ := open(t)
		st := hayalet.State{Incidents: []hayalet.Incident{incident("k", 50, 55, 60), incident("open", 10, 20, 0)}}
		for h := range hayalet.Instant(100) {
			at := begin + h*hour
			st.Series = append(st.Series, hayalet.Series{Station: "B", From: at, To: at + 1, Body: bytes.Repeat([]byte{1}, 100)})
			must(t, db.PutAudit(t.Context(), hayalet.AuditEntry{At: at, Detail: strings.Repeat("x", 92)}))
			id, err := db.Begin(t.Context(), hayalet.Start{Station: "B", Meter: int64(h), At: at})
			must(t, err)
			must(t, db.End(t.Context(), hayalet.Stop{Station: "B", Transaction: id, At: at + 1}))
		}
		st.Series = append(st.Series, hayalet.Series{Station: "A", From: begin + 30*hour, To: begin + 30*hour, Body: []byte{1}})
		save(t, db, st)
		return db
	}
	left := func(db *sqlite.DB, kind string) int64 {
		use, err := db.Use(t.Context())
		must(t, err)
		return use[kind].Records
	}
	for _, tc := range []struct {
		limit retention.Limit
		least int64 // that are left of each hundred
		most  int64
	}{{retention.Limit{Age: 10 * time.Hour}, 10, 10}, {retention.Limit{Size: 5000}, 25, 76}, {retention.Limit{}, 100, 100}} {
		db := fill()
		var log strings.Builder
		now := func() time.Time { return (begin + 100*hour).Time() }
		k := retention.New(db, retention.Config{
			Limits: retention.Limits{Readings: tc.limit, Transactions: tc.limit, Audit: tc.limit, Incidents: retention.Limit{Age: tc.limit.Age}}, Pause: -1,
		}, now, slog.New(slog.NewTextHandler(&log, nil)))
		gone, err := k.Sweep(t.Context())
		must(t, err)
		some := int64(0)
		if gone.String() != "" {
			some = 1
		}
		for kind, extra := range map[string]int64{"series": 1, "transactions": 0, "audit": some} {
			if n := left(db, kind) - extra; n < tc.least || n > tc.most {
				t.Errorf("%+v: %d %s are left, want %d to %d", tc.limit, n, kind, tc.least, tc.most)
			}
		}
		want := int64(2)
		if tc.limit.Age > 0 {
			want = 1 // the open one
		}
		if n := left(db, "incidents"); n != want {
			t.Errorf("%+v: %d incidents are left, want %d", tc.limit, n, want)
		}
		trail, err := db.AuditTrail(t.Context(), 0, 0, 1)
		must(t, err)
		if said := strings.Count(log.String(), "what="); said != int(some) || some > 0 && (trail[0].Actor != "retention" || trail[0].Detail != gone.String()) {
			t.Errorf("%+v: log %q, audit %+v", tc.limit, log.String(), trail)
		}
	}
}

// TestTheFileShrinks while a writer goes on appending.
func TestTheFileShrinks(t *testing.T) {
	db, path := open(t)
	keep(t, db, 1000, both, 20_000) // 40 MB
	save(t, db, hayalet.State{Mark: 2000})
	before := size(t, path)
	j, err := journal.Open(t.Context(), db, journal.Config{}, slog.New(slog.DiscardHandler))
	must(t, err)
	kept := make(chan error, 1)
	go func() { kept <- j.Run(t.Context()) }()
	stop, wrote := make(chan struct{}), make(chan error, 1)
	appended := 0
	go func() {
		for seq := uint64(1); ; seq++ {
			select {
			case <-stop:
				wrote <- nil
				return
			default:
			}
			f := hayalet.Frame{Station: "C", Conn: "c", Seq: seq, At: begin + 2000*hour, Data: []byte("x")}
			if err := j.PutFrames(t.Context(), []hayalet.Frame{f}); err != nil {
				wrote <- err
				return
			}
			appended++
		}
	}()
	gone := sweep(t, db, 1000, retention.Limits{Frames: retention.Limit{Age: 100 * time.Hour}})
	close(stop)
	must(t, <-wrote)
	j.Close()
	must(t, <-kept)
	after := size(t, path)
	t.Logf("%d frames went, %d came; the file had %d KB, it has %d KB", gone.Frames, appended, before>>10, after>>10)
	if gone.Frames < 1790 || appended == 0 || after > before/5 {
		t.Errorf("%d went, %d came, from %d to %d bytes", gone.Frames, appended, before, after)
	}
}

// size is that of the file without its write-ahead log, which has a bound of its own.
func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// TestRunGoesOnAfterAnError: a store that fails is tried again.
func TestRunGoesOnAfterAnError(t *testing.T) {
	db, _ := open(t)
	must(t, db.PutAudit(t.Context(), hayalet.AuditEntry{At: 1}))
	failing := &failing{Store: db, tried: make(chan struct{}, 100)}
	var log strings.Builder
	k := retention.New(failing, retention.Config{Limits: retention.Limits{Audit: retention.Limit{Age: time.Hour}}, Every: time.Millisecond}, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	<-failing.tried
	<-failing.tried
	<-failing.tried
	cancel()
	must(t, <-done)
	if !strings.Contains(log.String(), "what is old stays for now") || !strings.Contains(log.String(), "1 audit entries") {
		t.Errorf("log: %s", log.String())
	}
}

// TestRoomIsGivenBackOnce: by the first sweep, and by those that dropped something or failed before.
func TestRoomIsGivenBackOnce(t *testing.T) {
	db, _ := open(t)
	store := &compacting{DB: db}
	now := begin.Time()
	k := retention.New(store, retention.Config{Limits: retention.Limits{Audit: retention.Limit{Age: time.Hour}}, Pause: -1}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	for _, step := range []struct {
		name string
		old  bool  // there is something to drop
		err  error // of giving room back
		want int
	}{
		{"the first", false, nil, 1},
		{"nothing went", false, nil, 0},
		{"something went", true, errors.New("busy"), 1},
		{"it failed before", false, nil, 1},
		{"nothing again", false, nil, 0},
	} {
		if step.old {
			must(t, db.PutAudit(t.Context(), hayalet.AuditEntry{At: begin - 2*hour}))
		}
		store.calls, store.err = 0, step.err
		if _, err := k.Sweep(t.Context()); !errors.Is(err, step.err) || store.calls != step.want {
			t.Errorf("%s: room was given back %d times, want %d: %v", step.name, store.calls, step.want, err)
		}
	}
}

// compacting counts how often room was given back.
type compacting struct {
	*sqlite.DB
	calls int
	err   error
}

func (c *compacting) Compact(context.Context) (more bool, err error) {
	c.calls++
	return false, c.err
}

// failing is a store whose first DropAudit fails.
type failing struct {
	retention.Store
	tried chan struct{}
	calls int
}

func (f *failing) DropAudit(ctx context.Context, before hayalet.Instant, limit int) (int, error) {
	f.calls++
	f.tried <- struct{}{}
	if f.calls == 1 {
		return 0, errors.New("disk on fire")
	}
	return f.Store.DropAudit(ctx, before, limit)
}
