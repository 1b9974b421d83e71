package backtest_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/backtest"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/journal"
	"hayalet/internal/lab"
	"hayalet/internal/sqlite"
)

// corpus is one trace of every nth family of the lab, as they came in together.
func corpus(nth int) (fs []hayalet.Frame) {
	for i, f := range slices.Concat(lab.Attacks(), lab.Benign()) {
		if i%nth != 0 {
			continue
		}
		fs = append(fs, lab.Make(&f, uint64(i), hayalet.OCPP16).Frames...)
	}
	slices.SortStableFunc(fs, func(a, b hayalet.Frame) int { return cmp.Compare(a.At, b.At) })
	return fs
}

// serve journals the frames, with the detection of a server behind it, which is stopped and started again on the way.
func serve(t *testing.T, db *sqlite.DB, rules detect.Sets, fs []hayalet.Frame, stops ...int) {
	t.Helper()
	from := 0
	for _, to := range append(stops, len(fs)) {
		e := engine.New(engine.Config{Rules: rules, Store: db})
		known, err := e.Restore(t.Context())
		must(t, err)
		j, err := journal.Open(t.Context(), db, journal.Config{Next: e, From: known}, slog.New(slog.DiscardHandler))
		must(t, err)
		judged, kept := make(chan error, 1), make(chan error, 1)
		go func() { judged <- e.Run(t.Context()) }()
		go func() { kept <- j.Run(t.Context()) }()
		for part := range slices.Chunk(fs[from:to], 1000) {
			must(t, j.PutFrames(t.Context(), part))
		}
		j.Close()
		must(t, <-kept)
		e.Close()
		must(t, <-judged)
		from = to
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t *testing.T, db *sqlite.DB, rules detect.Sets, q hayalet.FrameQuery, warmUp time.Duration) backtest.Result {
	t.Helper()
	r, err := backtest.Run(t.Context(), backtest.Config{Blocks: db, Incidents: db, Rules: rules, Query: q, WarmUp: warmUp})
	must(t, err)
	return r
}

// fit fails where there is a difference.
func fit(t *testing.T, r *backtest.Result) {
	t.Helper()
	for i := range r.Found {
		t.Errorf("found anew: %+v", r.Found[i])
	}
	for i := range r.Spared {
		t.Errorf("spared: %+v", r.Spared[i])
	}
	for i := range r.Changed {
		t.Errorf("changed %v: %+v", r.Changed[i].What, r.Changed[i])
	}
}

// TestTheSameRulesGiveTheSame: over restarts, for all stations, one, and a part of the time.
func TestTheSameRulesGiveTheSame(t *testing.T) {
	db, rules, fs := open(t), detect.Defaults().All, corpus(3)
	serve(t, db, rules, fs, len(fs)/3, len(fs)/2)
	stored, err := db.Find(t.Context(), hayalet.IncidentFilter{})
	must(t, err)
	r := run(t, db, rules, hayalet.FrameQuery{}, time.Hour)
	fit(t, &r)
	if len(stored) < 20 || len(r.Same) != len(stored) || len(r.Left) > 0 || r.Frames != len(fs) {
		t.Errorf("%d stored, %d the same, %d left; %d of %d frames", len(stored), len(r.Same), len(r.Left), r.Frames, len(fs))
	}
	middle := stored[len(stored)/2]
	r = run(t, db, rules, hayalet.FrameQuery{Station: middle.Station}, time.Hour)
	fit(t, &r)
	if len(r.Same) == 0 || r.Frames >= len(fs)/2 {
		t.Errorf("of one station: %d the same, %d frames", len(r.Same), r.Frames)
	}
	for _, q := range []hayalet.FrameQuery{{Since: middle.OpenedAt}, {Until: middle.OpenedAt}, {Since: middle.OpenedAt, Until: middle.OpenedAt.Add(24 * time.Hour)}} {
		r = run(t, db, rules, q, backtest.DefaultWarmUp)
		fit(t, &r)
		asked := 0
		for i := range stored {
			if at := stored[i].OpenedAt; at >= q.Since && (q.Until == 0 || at < q.Until) {
				asked++
			}
		}
		if len(r.Same)+len(r.Left) != asked {
			t.Errorf("%v to %v: %d the same, %d left, want %d", q.Since, q.Until, len(r.Same), len(r.Left), asked)
		}
	}
}

// TestOtherRulesDiffer: a rule that is off spares, one that was off finds.
func TestOtherRulesDiffer(t *testing.T) {
	fs := corpus(4)
	all := detect.Defaults().All
	fewer := func(st hayalet.StationID, vendor, model string) detect.Set {
		return slices.DeleteFunc(slices.Clone(all(st, vendor, model)), func(e detect.Entry) bool { return e.Name() == "PE-01" })
	}
	many, few := open(t), open(t)
	serve(t, many, all, fs)
	serve(t, few, fewer, fs)
	spared, found := run(t, many, fewer, hayalet.FrameQuery{}, 0), run(t, few, all, hayalet.FrameQuery{}, 0)
	if len(spared.Spared) < 5 || len(spared.Spared) != len(found.Found) || len(spared.Same) != len(found.Same) {
		t.Errorf("%d spared, %d found, %d and %d the same", len(spared.Spared), len(found.Found), len(spared.Same), len(found.Same))
	}
}

// TestWhatIsGoneIsNotSpared: frames that retention has dropped leave their incidents out of the comparison.
func TestWhatIsGoneIsNotSpared(t *testing.T) {
	db, rules, fs := open(t), detect.Defaults().All, corpus(4)
	serve(t, db, rules, fs)
	var numbers []uint64
	must(t, db.ReadBlocks(t.Context(), hayalet.BlockQuery{}, func(b hayalet.Block) error {
		numbers = append(numbers, b.Number)
		return nil
	}))
	half := len(numbers) / 2
	must(t, db.DropBodies(t.Context(), slices.Concat(numbers[:5], numbers[6:half]))) // one stays as evidence
	r := run(t, db, rules, hayalet.FrameQuery{}, 24*time.Hour)
	fit(t, &r)
	if len(r.Same) == 0 || len(r.Left) == 0 || !r.Span.Dropped || r.Frames >= len(fs) {
		t.Errorf("%d the same, %d left, %+v", len(r.Same), len(r.Left), r.Span)
	}
	for i := range r.Left {
		if r.Left[i].Why != backtest.Dropped {
			t.Errorf("left: %+v", r.Left[i])
		}
	}
}

// BenchmarkRun replays exchanges of 1000 stations in transactions from a file: frames of 420 bytes and their answers.
func BenchmarkRun(b *testing.B) {
	const frames = 400_000
	db := open(b)
	j, err := journal.Open(b.Context(), db, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(b.Context()) }()
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for n := 0; n < frames; n += 512 {
		var fs []hayalet.Frame
		for i := n; i < n+512; i += 2 {
			st, at := i/2%1000, at.Add(time.Duration(i)*30*time.Millisecond)
			f := hayalet.Frame{
				Station: hayalet.StationID(fmt.Sprintf("CP_%04d", st)), Conn: hayalet.ConnID(fmt.Sprintf("conn-%d", st)), Protocol: hayalet.OCPP16,
				Seq: uint64(i + 1), At: hayalet.InstantOf(at),
				Data: fmt.Appendf(nil, `[2,"5802feb2-1fbd-4a4b-8991-%012d","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"%d","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},{"value":"7412.0","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"},{"value":"32.1","measurand":"Current.Import","unit":"A"}]}]}]`,
					i, 1000+st, at.Format("2006-01-02T15:04:05Z"), 12_000_000+i/2000*123),
			}
			answer := f
			answer.Seq, answer.Dir, answer.At = f.Seq+1, hayalet.Out, f.At+41
			answer.Data = fmt.Appendf(nil, `[3,"5802feb2-1fbd-4a4b-8991-%012d",{}]`, i)
			fs = append(fs, f, answer)
		}
		if err := j.PutFrames(b.Context(), fs); err != nil {
			b.Fatal(err)
		}
	}
	j.Close()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	read := 0
	for b.Loop() {
		r, err := backtest.Run(b.Context(), backtest.Config{Blocks: db, Incidents: db, Rules: detect.Defaults().All})
		if err != nil {
			b.Fatal(err)
		}
		read += r.Frames
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "frames/s")
}
