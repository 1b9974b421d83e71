package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"hayalet/internal/sqlstore"
)

// maxDamage is how many faults of a file are listed.
const maxDamage = 10

// Look opens the file at path for reading and says what it is. It creates and changes nothing, whether a server is
// running on the file, has ended, or was killed. An error wraps fs.ErrNotExist when there is no file; else it is one line
// that says what is wrong and what to do.
func Look(ctx context.Context, path string) (h sqlstore.Health, err error) {
	err = reading(ctx, path, func(db *sql.DB) error {
		h.Bytes = size(path) + size(path+"-wal")
		return readHealth(ctx, db, &h)
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

func readHealth(ctx context.Context, db *sql.DB, h *sqlstore.Health) error {
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&h.Version); err != nil {
		return err
	}
	schema, err := readSchema(ctx, db)
	if err != nil {
		return err
	}
	return h.Read(ctx, db, schema)
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
