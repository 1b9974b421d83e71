package retention_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/retention"
	"hayalet/internal/sqlite"
)

// BenchmarkCommitWhileDropping is how long the commits of a server that is always writing take, alone and while retention
// drops 100 000 blocks and gives their room back.
func BenchmarkCommitWhileDropping(b *testing.B) {
	const blocks = 100_000
	db, _ := open(b)
	w := &writer{db: db, body: make([]byte, 4000)}
	_, _ = rand.NewChaCha8([32]byte{}).Read(w.body)
	for w.number < blocks {
		w.append(b)
	}
	save(b, db, hayalet.State{Mark: blocks})
	for b.Loop() {
		w.took = nil
		for range 5000 {
			w.append(b)
		}
		w.report(b, "alone")
		w.took = nil
		done := make(chan error, 1)
		begun := time.Now()
		k := retention.New(db, retention.Config{Limits: retention.Limits{Frames: retention.Limit{Age: time.Hour}}}, time.Now, slog.New(slog.DiscardHandler))
		go func() {
			_, err := k.Sweep(context.WithoutCancel(b.Context()))
			done <- err
		}()
		for swept := false; !swept; {
			w.append(b)
			select {
			case err := <-done:
				must(b, err)
				swept = true
			default:
			}
		}
		w.report(b, "dropping")
		b.ReportMetric(time.Since(begun).Seconds(), "s/sweep")
	}
}

// BenchmarkCommitWhileDroppingHeaders is the same while 200 000 headers go, in runs of 6000.
func BenchmarkCommitWhileDroppingHeaders(b *testing.B) {
	const blocks, each = 200_000, 6000
	db, path := open(b)
	write(b, path, chained(b, blocks, 600*time.Millisecond))
	anchor(b, db, keyOf(1), each)
	save(b, db, hayalet.State{Mark: blocks})
	w := &writer{db: db, body: make([]byte, 4000), number: blocks}
	_, _ = rand.NewChaCha8([32]byte{}).Read(w.body)
	for b.Loop() {
		w.took = nil
		for range 5000 {
			w.append(b)
		}
		w.report(b, "alone")
		w.took = nil
		gone := make(chan retention.Dropped, 1)
		begun := time.Now()
		k := retention.New(db, retention.Config{Limits: retention.Limits{Headers: retention.Limit{Age: time.Hour}}, Key: keyOf(1)}, time.Now, slog.New(slog.DiscardHandler))
		go func() {
			all, err := k.Sweep(context.WithoutCancel(b.Context()))
			if err != nil {
				b.Error(err)
			}
			gone <- all
		}()
		for swept := false; !swept; {
			w.append(b)
			select {
			case all := <-gone:
				b.ReportMetric(float64(all.Headers), "headers")
				swept = true
			default:
			}
		}
		w.report(b, "dropping")
		b.ReportMetric(time.Since(begun).Seconds(), "s/sweep")
	}
}

// writer appends blocks, one after the other, and notes how long each took.
type writer struct {
	db     *sqlite.DB
	body   []byte
	number uint64
	took   []time.Duration
}

func (w *writer) append(b *testing.B) {
	w.number++
	blk := hayalet.Block{
		Number: w.number, First: w.number, Frames: 1, FirstAt: hayalet.Instant(w.number), LastAt: hayalet.Instant(w.number),
		Header: make([]byte, 128), Stations: []byte("1234"), Body: w.body,
	}
	if w.number > 100_000 { // what comes now is not old
		blk.FirstAt = hayalet.InstantOf(time.Now())
		blk.LastAt = blk.FirstAt
	}
	begun := time.Now()
	must(b, w.db.AppendBlock(b.Context(), blk))
	w.took = append(w.took, time.Since(begun))
}

func (w *writer) report(b *testing.B, name string) {
	slices.Sort(w.took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(w.took[len(w.took)*p/100].Microseconds()), fmt.Sprintf("µs-p%d-%s", p, name))
	}
	b.ReportMetric(float64(w.took[len(w.took)-1].Microseconds()), "µs-max-"+name)
	b.ReportMetric(float64(len(w.took)), "commits-"+name)
}
