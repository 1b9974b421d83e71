package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"hayalet"
	"hayalet/internal/sqlite"
)

// TestCompactGivesRoomBack writes 40 MB, drops them, and looks at the files while the store stays open.
func TestCompactGivesRoomBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	var numbers []uint64
	for n := uint64(1); n <= 40; n++ {
		if err := db.AppendBlock(t.Context(), hayalet.Block{Number: n, First: n, Frames: 1, Body: make([]byte, 1<<20)}); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	compact(t, db)
	full := size(t, path)
	if err := db.DropBodies(t.Context(), numbers); err != nil {
		t.Fatal(err)
	}
	compact(t, db)
	if err := db.AppendBlock(t.Context(), hayalet.Block{Number: 41, First: 41, Frames: 1}); err != nil { // begins the log anew
		t.Fatal(err)
	}
	if full < 40<<20 || size(t, path) > 3<<20 {
		t.Errorf("the file had %d bytes and has %d", full, size(t, path))
	}
	if log := size(t, path+"-wal"); log > 17<<20 {
		t.Errorf("the write-ahead log has %d bytes", log)
	}
}

func compact(t *testing.T, db *sqlite.DB) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = db.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
