package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hayalet/internal/sqlstore"
)

//go:embed migrations
var migrations embed.FS

// applicationID marks our files among all SQLite files ("haya" in ASCII).
const applicationID = 0x68617961

// Open opens the store in the file at path for a server: it creates it readable by its owner alone when there is none, and
// brings its schema up to date, for which it claims it; where another server has done so, that is [hayalet.ErrConflict]. An
// error is one line that says what is wrong, where, and what to do. When two processes open a file of an old schema, or a
// new file, at the same moment, one may fail; nothing is harmed, and its next try works.
func Open(ctx context.Context, path string) (*DB, error) {
	abs, err := place(path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return open(ctx, path, abs, true)
}

// OpenExisting opens the store in a file that is there for somebody who asks it, while a server may work on it. It leaves
// the schema as it is: another one than this program's is an error, like those of [Open].
func OpenExisting(ctx context.Context, path string) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		err = checkFile(abs)
	}
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return open(ctx, path, abs, false)
}

func open(ctx context.Context, path, abs string, forward bool) (*DB, error) {
	d, err := connect(abs)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if err := d.prepare(ctx, forward); err != nil {
		_ = errors.Join(d.reader.Close(), d.writer.Close()) // the first error says more
		return nil, fmt.Errorf("open database %s: %w", path, explain(err))
	}
	return d, nil
}

// place makes sure that a file is at path and returns its absolute path. It creates the file itself, since SQLite would
// let others read it. An existing file is never opened here: closing it would drop the locks that this process may
// hold on it.
func place(path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is empty; give the path of a file")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return abs, f.Close()
	case errors.Is(err, fs.ErrExist):
		return abs, checkFile(abs)
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the folder %s does not exist; create it or give another path", filepath.Dir(abs))
	}
	return "", fmt.Errorf("cannot create the file: %w; give a path in a folder that this user may write to", bare(err))
}

func checkFile(abs string) error {
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		return fmt.Errorf("cannot look at the file: %w; give another path", bare(err))
	case info.IsDir():
		return errors.New("it is a directory; give the path of a file")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file; give another path")
	}
	return nil
}

// bare takes the operation and the path off a file error: the message names them already.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// connect describes the two pools; it opens no connection yet.
func connect(abs string) (*DB, error) {
	writer, err := pool(abs, 1, url.Values{
		"mode": {"rw"}, "_txlock": {"immediate"},
		"_pragma": {"journal_size_limit(16777216)", "wal_autocheckpoint(4000)", "cache_size(-16384)"}, // bytes, pages, KiB
	})
	if err != nil {
		return nil, err
	}
	reader, err := pool(abs, readers, url.Values{"mode": {"ro"}})
	if err != nil {
		return nil, err
	}
	return &DB{path: abs, writer: writer, reader: reader}, nil
}

func pool(abs string, conns int, options url.Values) (*sql.DB, error) {
	options.Set("_busy_timeout", "2000") // ms; whoever waits for another process's commit cannot be called away
	options.Set("_synchronous", "FULL")
	options.Set("_foreign_keys", "on")
	options.Set("_dqs", "0")
	options.Set("_defensive", "1")
	options.Set("_error_rc", "1")
	path := filepath.ToSlash(abs)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	file := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	c, err := sqlite.NewConnector(file.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// prepare checks whose file this is before it changes anything in it.
func (d *DB) prepare(ctx context.Context, forward bool) error {
	var version string
	if err := d.writer.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return err
	}
	if err := checkVersion(version); err != nil {
		return err
	}
	schema, err := readSchema(ctx, d.writer)
	if err != nil {
		return err
	}
	if forward && schema.Older() {
		err = d.forward(ctx, schema)
	} else if err = schema.Check(); err == nil {
		err = d.logAhead(ctx)
	}
	if err != nil {
		return err
	}
	// SQLite opens a read-only file without a word: only a statement that writes, here nothing, tells.
	if _, err := d.writer.ExecContext(ctx, `DELETE FROM counter WHERE name = ''`); err != nil {
		return err
	}
	if d.Store, err = sqlstore.New(ctx, sqlstore.Options{Writer: d.writer, Reader: d.reader, Explain: explain}); err != nil {
		return err
	}
	return d.Ping(ctx)
}

// forward makes an empty file ours and brings the schema up to date, while no server works on the file.
func (d *DB) forward(ctx context.Context, schema sqlstore.Schema) (err error) {
	release, err := d.lock()
	if err != nil {
		return fmt.Errorf("its schema %d cannot be brought forward to %d: %w", schema.Have, schema.Know, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := d.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)); err != nil {
		return err
	}
	if err := d.logAhead(ctx); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return sqlstore.Migrate(ctx, d.writer, goose.DialectSQLite3, files)
}

// logAhead makes SQLite write ahead of the file.
func (d *DB) logAhead(ctx context.Context) error {
	var mode string
	if err := d.writer.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its file system cannot hold a write-ahead log (journal mode %s); put the file on a local disk", mode)
	}
	return nil
}

// readSchema says what schema a file has, and refuses the file of another program.
func readSchema(ctx context.Context, db *sql.DB) (s sqlstore.Schema, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return s, err
	}
	var id int64
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return s, err
	}
	if id != applicationID {
		if err := emptyFile(ctx, db, id); err != nil {
			return s, err
		}
	}
	return sqlstore.ReadSchema(ctx, db, files, `SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'goose_db_version'`)
}

var errForeign = errors.New("it is the database of another program; give another path")

// emptyFile refuses a file that is neither ours nor empty; an empty one is taken at the first start.
func emptyFile(ctx context.Context, db *sql.DB, id int64) error {
	var objects int64
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&objects); err != nil {
		return err
	}
	if id != 0 || objects != 0 {
		return errForeign
	}
	return nil
}

// checkVersion refuses a SQLite that may damage a file when its write-ahead log is reset.
func checkVersion(version string) error {
	oldest := [3]int{3, 51, 3}
	var v [3]int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &v[0], &v[1], &v[2]); err != nil {
		return fmt.Errorf("SQLite's version %q cannot be read", version)
	}
	for i, want := range oldest {
		if v[i] > want {
			return nil
		}
		if v[i] < want {
			return fmt.Errorf("SQLite %s may damage the file; build with SQLite %d.%d.%d or later", version, oldest[0], oldest[1], oldest[2])
		}
	}
	return nil
}

// explain turns SQLite's codes for an unusable file into what is wrong and what to do.
func explain(err error) error {
	se, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch se.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_NOTADB:
		return errors.New("the file is not a SQLite database; give another path or move the file away")
	case sqlite3.SQLITE_CORRUPT:
		return errors.New("the file is damaged; restore it from a backup or move it away")
	case sqlite3.SQLITE_READONLY:
		return errors.New("the file or its folder is read-only; let this user write to both or give another path")
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return errors.New("this user may not read the file and write to its folder; change their permissions or give another path")
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errors.New("another process holds the file; stop that process or give another path")
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the disk is full or broken (%w); make room or give another path", err)
	}
	return err
}
