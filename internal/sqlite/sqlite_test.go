package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/sqlite"
	"hayalet/internal/storetest"
)

func TestContract(t *testing.T) {
	folders := map[string]string{} // of each test, so that a name finds its data again
	path := func(t *testing.T, name string) string {
		if folders[t.Name()] == "" {
			folders[t.Name()] = t.TempDir()
		}
		return filepath.Join(folders[t.Name()], name+".db")
	}
	storetest.Run(t, storetest.Database{
		Open:   func(t *testing.T, name string) hayalet.Store { return open(t, path(t, name)) },
		Refuse: func(t *testing.T, name, table string) func() { return refuse(t, path(t, name), table) },
		Reopen: func(t *testing.T, name string, server bool) (hayalet.Store, error) {
			how := sqlite.OpenExisting
			if server {
				how = sqlite.Open
			}
			return how(t.Context(), path(t, name))
		},
		Schema: func(t *testing.T, name string) (version int64) {
			if err := raw(t, path(t, name)).QueryRowContext(t.Context(), `SELECT max(version_id) FROM goose_db_version`).Scan(&version); err != nil {
				t.Fatal(err)
			}
			return version
		},
		SetSchema: func(t *testing.T, name string, version int64) {
			exec(t, path(t, name), fmt.Sprintf(`DELETE FROM goose_db_version WHERE version_id >= %d`, version))
			exec(t, path(t, name), fmt.Sprintf(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1)`, version))
		},
	})
}

// TestOpenExistingMakesNothing: no file, no mark in an empty one.
func TestOpenExistingMakesNothing(t *testing.T) {
	none, empty := filepath.Join(t.TempDir(), "none.db"), fill("")(t, t.TempDir())
	for path, want := range map[string]string{none: "give another path", empty: "no server has made its tables yet; start one, or give the database of one"} {
		_, err := sqlite.OpenExisting(t.Context(), path)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a file was made")
	}
	if b, err := os.ReadFile(empty); err != nil || len(b) != 0 {
		t.Errorf("an empty file holds %d bytes, %v", len(b), err)
	}
}

// refuse makes every row that comes into the table, and every change of one, an error.
func refuse(t *testing.T, path, table string) (mend func()) {
	t.Helper()
	for _, change := range []string{"INSERT", "UPDATE"} {
		exec(t, path, `CREATE TRIGGER refuse_`+change+` BEFORE `+change+` ON `+table+` BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	}
	return func() {
		exec(t, path, `DROP TRIGGER refuse_INSERT`)
		exec(t, path, `DROP TRIGGER refuse_UPDATE`)
	}
}

func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	if _, err := db.Begin(t.Context(), hayalet.Start{Station: "s"}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s: mode %o, want 600", filepath.Base(path+suffix), mode)
		}
	}
}

func TestOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20e;ş.db")
	db := open(t, path)
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestPing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "a.db"))
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db.Ping(t.Context()) == nil {
		t.Error("a closed database answers a ping")
	}
}

func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	open(t, path)
	for _, c := range []struct{ pragma, want string }{
		{"journal_mode", "wal"},
		{"application_id", "1751218529"},
		{"auto_vacuum", "2"},
	} {
		if got := query(t, path, "PRAGMA "+c.pragma); got != c.want {
			t.Errorf("%s is %s, want %s", c.pragma, got, c.want)
		}
	}
}

// TestIDsRunOut: an id that a 1.6 station cannot read is never given.
func TestIDsRunOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	exec(t, path, `UPDATE counter SET next = 2147483647`)
	if id, err := db.Begin(t.Context(), hayalet.Start{Station: "s", Meter: 1}); err != nil || id != 2147483647 {
		t.Errorf("the last id: %d, %v", id, err)
	}
	for range 3 {
		if id, err := db.Begin(t.Context(), hayalet.Start{Station: "s", Meter: 2}); err == nil {
			t.Errorf("id %d given beyond the last", id)
		}
	}
}

// TestFailedReservation: a block whose transaction was rolled back was never reserved, so it may be another's now.
func TestFailedReservation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a, b := open(t, path), open(t, path)
	exec(t, path, `CREATE TRIGGER full BEFORE INSERT ON book WHEN NEW.token = 'bad' BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
	if _, err := a.Begin(t.Context(), hayalet.Start{Station: "s", Token: "bad"}); err == nil {
		t.Fatal("no error")
	}
	seen := map[int64]bool{}
	for n := range int64(4) {
		for connector, db := range []*sqlite.DB{b, a} {
			id, err := db.Begin(t.Context(), hayalet.Start{Station: "s", Connector: hayalet.ConnectorID(connector), Meter: n})
			if err != nil || seen[id] {
				t.Errorf("id %d, given before: %t, error %v", id, seen[id], err)
			}
			seen[id] = true
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		path func(t *testing.T, dir string) string
		want string // the end of the message
	}{
		{"empty path", func(*testing.T, string) string { return "" }, "the path is empty; give the path of a file"},
		{"directory", func(_ *testing.T, dir string) string { return dir }, "it is a directory; give the path of a file"},
		{"device", func(*testing.T, string) string { return os.DevNull }, "it is not a regular file; give another path"},
		{"no folder", func(_ *testing.T, dir string) string { return filepath.Join(dir, "x", "a.db") }, "create it or give another path"},
		{"text", fill("hello, this is no database at all"), "the file is not a SQLite database; give another path or move the file away"},
		{"long text", fill(strings.Repeat("line\n", 5000)), "the file is not a SQLite database; give another path or move the file away"},
		{"damaged", damaged, "the file is damaged; restore it from a backup or move it away"},
		{"newer schema", newer, fmt.Sprintf("its schema 9999 is newer than %d, the newest that this program knows; use the newer program or give another database", newest(t))},
		{"another program's", foreign, "it is the database of another program; give another path"},
		{"held", held, "another process holds the file; stop that process or give another path"},
		{"read-only file", withMode(0o400), "read-only; let this user write to both or give another path"},
		{"unreadable file", withMode(0), "change their permissions or give another path"},
		{"read-only folder", readOnlyFolder, "give a path in a folder that this user may write to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := c.path(t, t.TempDir())
			db, err := sqlite.Open(t.Context(), path)
			if err == nil {
				_ = db.Close()
				t.Fatal("no error")
			}
			msg := err.Error()
			if !strings.HasPrefix(msg, "open database "+path+": ") || !strings.HasSuffix(msg, c.want) || strings.Contains(msg, "\n") {
				t.Errorf("error %q, want one line that ends with %q", msg, c.want)
			}
		})
	}
}

// TestForeignFileUntouched: a file that is refused stays as it was, byte for byte.
func TestForeignFileUntouched(t *testing.T) {
	path := foreign(t, t.TempDir())
	before, _ := os.ReadFile(path)
	if _, err := sqlite.Open(t.Context(), path); err == nil {
		t.Fatal("no error")
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file of another program was changed")
	}
}

func TestFullDiskIsExplained(t *testing.T) {
	path := made(t, t.TempDir())
	db := raw(t, path+"?_pragma=max_page_count(1)")
	_, err := db.ExecContext(t.Context(), `INSERT INTO snapshot (station, at, pos, body) VALUES ('s', 1, 0, zeroblob(1000000))`)
	if err == nil {
		t.Fatal("a million bytes fit into a full file")
	}
	if msg := sqlite.Explain(err).Error(); !strings.HasPrefix(msg, "the disk is full or broken (") || !strings.HasSuffix(msg, "make room or give another path") {
		t.Errorf("error %q", msg)
	}
}

func TestCheckVersion(t *testing.T) {
	for version, ok := range map[string]bool{
		"3.51.3": true, "3.51.10": true, "3.54.0": true, "4.0.0": true,
		"3.51.2": false, "3.50.9": false, "3.9.4": false, "2.99.99": false, "": false, "new": false,
	} {
		if err := sqlite.CheckVersion(version); (err == nil) != ok {
			t.Errorf("version %q: error %v", version, err)
		}
	}
}

func fill(text string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		path := filepath.Join(dir, "a.db")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// made is the path of a good database that nobody holds.
func made(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "a.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func damaged(t *testing.T, dir string) string {
	path := made(t, dir)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(b); i++ { // the header stays good
		b[i] = 0xa5
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newer(t *testing.T, dir string) string {
	path := made(t, dir)
	exec(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	return path
}

func foreign(t *testing.T, dir string) string {
	path := filepath.Join(dir, "a.db")
	exec(t, path, `CREATE TABLE recipe (name TEXT)`)
	return path
}

func held(t *testing.T, dir string) string {
	path := made(t, dir)
	db := raw(t, path+"?_pragma=locking_mode(EXCLUSIVE)")
	if _, err := db.ExecContext(t.Context(), `UPDATE counter SET next = next`); err != nil {
		t.Fatal(err)
	}
	return path
}

func withMode(mode os.FileMode) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		asUser(t)
		path := made(t, dir)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func readOnlyFolder(t *testing.T, dir string) string {
	asUser(t)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "a.db")
}

func asUser(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind root")
	}
}

// raw opens the file behind the store's back.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec(t *testing.T, path, statement string) {
	t.Helper()
	db := raw(t, path)
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, path, statement string) (value string) {
	t.Helper()
	if err := raw(t, path).QueryRowContext(t.Context(), statement).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
