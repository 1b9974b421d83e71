package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/sqlite"
)

// contents are the files of a folder, by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(b)
	}
	return all
}

// TestLookChangesNothing in the file of a running server, of one that ended, and of one that was killed.
func TestLookChangesNothing(t *testing.T) {
	station := hayalet.Station{ID: "s", LastSeen: 1_767_225_600_000_000}
	fill := func(dir string) *sqlite.DB {
		db := open(t, filepath.Join(dir, "a.db"))
		if err := db.PutStation(t.Context(), station); err != nil {
			t.Fatal(err)
		}
		return db
	}
	running, ended, killed := t.TempDir(), t.TempDir(), t.TempDir()
	fill(running)
	if err := fill(ended).Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range contents(t, running) {
		if err := os.WriteFile(filepath.Join(killed, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(contents(t, running)) != 4 || len(contents(t, ended)) != 2 { // with the file that is locked
		t.Fatal("the files are not those of a server that runs, and of one that ended")
	}
	for name, dir := range map[string]string{"running": running, "ended": ended, "killed": killed} {
		t.Run(name, func(t *testing.T) {
			before := contents(t, dir)
			path := filepath.Join(dir, "a.db")
			h, err := sqlite.Look(t.Context(), path)
			if err != nil || h.Newest != station.LastSeen || h.Schema != h.Known || h.Schema < 1 || h.Version == "" || h.Bytes == 0 {
				t.Errorf("got %+v, %v", h, err)
			}
			if damage, err := sqlite.Verify(t.Context(), path); err != nil || len(damage) > 0 {
				t.Errorf("damage %q, %v", damage, err)
			}
			after := contents(t, dir)
			for file := range after {
				if name == "running" && strings.HasSuffix(file, "-shm") {
					continue // the store's own connections of this process write it
				}
				if b, there := before[file]; !there || b != after[file] {
					t.Errorf("%s was changed or made", file)
				}
			}
		})
	}
}

func TestLookErrors(t *testing.T) {
	if _, err := sqlite.Look(t.Context(), filepath.Join(t.TempDir(), "a.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, tc := range map[string]struct {
		path func(t *testing.T, dir string) string
		want string
	}{
		"directory":         {func(_ *testing.T, dir string) string { return dir }, "it is a directory"},
		"text":              {fill("hello, this is no database at all"), "the file is not a SQLite database"},
		"damaged":           {damaged, "the file is damaged"},
		"another program's": {foreign, "it is the database of another program"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := sqlite.Look(t.Context(), tc.path(t, t.TempDir())); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
	h, err := sqlite.Look(t.Context(), newer(t, t.TempDir()))
	if err != nil || h.Schema != 9999 || h.Known >= 9999 {
		t.Errorf("newer schema: %+v, %v", h, err)
	}
	if h, err = sqlite.Look(t.Context(), fill("")(t, t.TempDir())); err != nil || h.Schema != 0 {
		t.Errorf("empty file: %+v, %v", h, err)
	}
}

// TestVerifyFindsDamage that no query would meet: a page of an index is overwritten.
func TestVerifyFindsDamage(t *testing.T) {
	dir := t.TempDir()
	path := made(t, dir)
	page := query(t, path, `SELECT rootpage FROM sqlite_schema WHERE name = 'incident_opened'`)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	if _, err := fmt.Sscan(page, &n); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("\xa5", 4096)), (n-1)*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if damage, err := sqlite.Verify(t.Context(), path); err != nil || len(damage) == 0 || len(damage) > 10 {
		t.Errorf("damage %q, %v", damage, err)
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	path := made(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Verify(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
