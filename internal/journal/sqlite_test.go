package journal_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"hayalet/internal/journal"
	"hayalet/internal/sqlite"
)

// BenchmarkJournalOnSQLite commits batches to a file with synchronous=FULL: what the journal and the store cost together.
// The disk is that of the folder for temporary files.
func BenchmarkJournalOnSQLite(b *testing.B) {
	for _, size := range []int{2, 64, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "a.db")
			db, err := sqlite.Open(b.Context(), path)
			if err != nil {
				b.Fatal(err)
			}
			j, err := journal.Open(b.Context(), db, journal.Config{}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- j.Run(b.Context()) }()
			fs := exchanges(size / 2)
			for b.Loop() {
				for i := range fs {
					fs[i].Seq += 100
				}
				if err := j.PutFrames(b.Context(), fs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "frames/s")
			j.Close()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/float64(b.N*size/2), "B/exchange")
		})
	}
}
