package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"hayalet"
)

// Health is what a look at a file tells.
type Health struct {
	Version string          // of the SQLite that looked
	Schema  int64           // the file's
	Known   int64           // the newest that this program knows
	Bytes   int64           // of the file and its write-ahead log
	Newest  hayalet.Instant // the last that the file was told of; 0: nothing, or its schema is another
}

// maxDamage is how many faults of a file are listed.
const maxDamage = 10

// Look opens the file at path for reading and says what it is. It creates and changes nothing, whether a server is
// running on the file, has ended, or was killed. An error wraps fs.ErrNotExist when there is no file; else it is one line
// that says what is wrong and what to do.
func Look(ctx context.Context, path string) (h Health, err error) {
	err = reading(ctx, path, func(db *sql.DB) error {
		h.Bytes = size(path) + size(path+"-wal")
		return h.read(ctx, db)
	})
	return h, err
}

// Verify reads the whole file and lists what is damaged in it, at most ten faults. Like [Look] it changes nothing. An error
// wraps ctx's when that ended before the file did.
func Verify(ctx context.Context, path string) (damage []string, err error) {
	err = reading(ctx, path, func(db *sql.DB) error {
		damage, err = quickCheck(ctx, db)
		return err
	})
	return damage, err
}

// reading runs do on the file as it is. A file without a write-ahead log is nobody's: SQLite would make a log to read
// it, unless told that nobody else writes. If a server starts on it meanwhile, do is run again.
func reading(ctx context.Context, path string, do func(*sql.DB) error) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := checkFile(abs); err != nil {
		return err
	}
	alone := !exists(abs + "-wal")
	err = readOnce(ctx, abs, alone, do)
	if alone && exists(abs+"-wal") {
		err = readOnce(ctx, abs, false, do)
	}
	return err
}

func readOnce(ctx context.Context, abs string, alone bool, do func(*sql.DB) error) error {
	options := url.Values{"mode": {"ro"}, "readonly_shm": {"1"}}
	if alone {
		options = url.Values{"mode": {"ro"}, "immutable": {"1"}}
	}
	db, err := pool(abs, 1, options)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err = do(db); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func size(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (h *Health) read(ctx context.Context, db *sql.DB) (err error) {
	if h.Known, err = newestSchema(); err != nil {
		return err
	}
	var id int64
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&h.Version); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return err
	}
	if id != applicationID {
		return emptyFile(ctx, db, id)
	}
	if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&h.Schema); err != nil {
		return err
	}
	if h.Schema != h.Known {
		return nil
	}
	return db.QueryRowContext(ctx, `SELECT max(coalesce((SELECT max(last_seen) FROM station), 0), coalesce((SELECT max(at) FROM snapshot), 0))`).Scan(&h.Newest)
}

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

// newestSchema is the version of the last migration.
func newestSchema() (newest int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, v)
	}
	return newest, err
}

func quickCheck(ctx context.Context, db *sql.DB) (damage []string, err error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`PRAGMA quick_check(%d)`, maxDamage))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return damage, err
		}
		if line != "ok" {
			damage = append(damage, line)
		}
	}
	return damage, rows.Err()
}
