package sqlite_test

import (
	"path/filepath"
	"testing"

	"hayalet"
	"hayalet/internal/sqlite"
	"hayalet/internal/storetest"
)

func opened(b *testing.B) *sqlite.DB {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "a.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

func BenchmarkBegin(b *testing.B) {
	db := opened(b)
	var n int64
	for b.Loop() {
		n++
		if _, err := db.Begin(b.Context(), hayalet.Start{Station: "s", Meter: n, ClaimedAt: "t"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendBlock(b *testing.B) {
	storetest.BenchmarkAppendBlock(b, func(b *testing.B) hayalet.Store { return opened(b) })
}

func BenchmarkSaveState(b *testing.B) { storetest.BenchmarkSaveState(b, opened(b)) }

func BenchmarkReadBlocks(b *testing.B) { storetest.BenchmarkReadBlocks(b, opened(b)) }
