package journal_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"hayalet"
	"hayalet/internal/journal"
)

// exchanges are n calls with 420-byte MeterValues and their answers, each of another station.
func exchanges(n int) []hayalet.Frame {
	var fs []hayalet.Frame
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(137 * time.Microsecond)
		id := uuid.NewString()
		f := hayalet.Frame{
			Station: hayalet.StationID(fmt.Sprintf("CP_%04d", i)), Conn: hayalet.ConnID(uuid.NewString()), Protocol: hayalet.OCPP16,
			Seq: uint64(i%50*2 + 3), At: hayalet.InstantOf(at),
		}
		in, out := f, f
		in.Data = fmt.Appendf(nil, `[2,%q,"MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"%d","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},{"value":"%d.%d","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"},{"value":"%d.%d","measurand":"Current.Import","unit":"A"}]}]}]`,
			id, 1000+i, at.Format("2006-01-02T15:04:05.000Z"), 12_000_000+i*977, 7000+i%300, i%10, 30+i%3, i%10)
		out.Seq, out.Dir, out.At = in.Seq+1, hayalet.Out, in.At+41
		out.Data = fmt.Appendf(nil, `[3,%q,{}]`, id)
		fs = append(fs, in, out)
	}
	return fs
}

// BenchmarkPutFrames commits batches of 512 frames to a store that costs nothing: the journal's own share.
func BenchmarkPutFrames(b *testing.B) {
	for _, size := range []int{2, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := &null{}
			j, err := journal.Open(b.Context(), s, journal.Config{}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			go func() { _ = j.Run(b.Context()) }()
			fs := exchanges(size / 2)
			b.ReportAllocs()
			for b.Loop() {
				for i := range fs {
					fs[i].Seq += 100
				}
				if err := j.PutFrames(b.Context(), fs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/frame")
			b.ReportMetric(float64(s.bytes)/float64(b.N*size/2), "B/exchange")
		})
	}
}

// null counts the bytes of blocks and forgets them.
type null struct {
	store
	bytes int
}

func (n *null) AppendBlock(_ context.Context, b hayalet.Block) error {
	n.bytes += len(b.Header) + len(b.Stations) + len(b.Body)
	return nil
}

// BenchmarkWalk checks a chain of blocks of 512 frames.
func BenchmarkWalk(b *testing.B) {
	const blocks, size = 100, 512
	s := new(store)
	j, err := journal.Open(b.Context(), s, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(b.Context()) }()
	for range blocks {
		if err := j.PutFrames(b.Context(), exchanges(size/2)); err != nil {
			b.Fatal(err)
		}
	}
	j.Close()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c, err := journal.NewChecker(nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		if flaw, err := c.Walk(b.Context(), s, func(uint64) {}); flaw != nil || err != nil {
			b.Fatal(flaw, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*blocks*size), "ns/frame")
}
