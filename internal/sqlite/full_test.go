package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/sqlite"
)

// TestFullDisk: what does not fit is refused in plain words, what was acknowledged stays, and when there is room again the
// same block is taken.
func TestFullDisk(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "a.db"))
	if err := sqlite.LimitPages(t.Context(), db, 200); err != nil {
		t.Fatal(err)
	}
	b := hayalet.Block{Header: []byte("header"), Body: make([]byte, 60_000), Frames: 1}
	var err error
	for err == nil {
		b.Number, b.First = b.Number+1, b.First+1
		err = db.AppendBlock(t.Context(), b)
	}
	for range 3 {
		if errors.Is(err, hayalet.ErrConflict) || !strings.HasSuffix(err.Error(), "make room or give another path") {
			t.Errorf("error %v", err)
		}
		err = db.AppendBlock(t.Context(), b)
	}
	if last, err := db.LastBlock(t.Context()); err != nil || last.Number != b.Number-1 || b.Number < 5 {
		t.Errorf("the last block is %d, %v; block %d was refused", last.Number, err, b.Number)
	}
	if err := sqlite.LimitPages(t.Context(), db, 10_000); err != nil {
		t.Fatal(err)
	}
	if err := db.AppendBlock(t.Context(), b); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}
