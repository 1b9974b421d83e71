// Package sqlite keeps the store in one SQLite file.
//
// The file is in WAL mode with synchronous=FULL: what a method has returned without error survives a power cut. One
// connection writes and a few read, so readers never wait for a writer. Several processes on one machine may share
// the file; a network file system may not hold it. What the store does is package sqlstore's.
//
//	db, err := sqlite.Open(ctx, "hayalet.db")
//	if err != nil {
//		return err
//	}
//	defer db.Close()
//	id, err := db.Begin(ctx, start)
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hayalet"
	"hayalet/internal/sqlstore"
)

// readers is how many connections read at the same time.
const readers = 4

// DB is a store on one file. Any goroutine may call its methods.
type DB struct {
	*sqlstore.Store

	path   string
	writer *sql.DB // one connection
	reader *sql.DB
}

var _ hayalet.Store = (*DB)(nil)

// Claim locks a file beside the database, until release or the end of the process, and makes sure that nobody has brought
// the schema forward since it was opened.
func (d *DB) Claim(ctx context.Context) (release func() error, err error) {
	if release, err = d.lock(); err != nil {
		return nil, err
	}
	schema, err := readSchema(ctx, d.writer)
	if err == nil {
		err = schema.Check()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("claim the database %s: %w", d.path, explain(err)), release())
	}
	return release, nil
}

const (
	pagesAtOnce = 256 // that Compact gives back: a megabyte, some milliseconds of writing
	pagesSpare  = 256 // that stay free for what comes next
)

// Compact gives at most a megabyte of free pages back to the disk, and lets the write-ahead log shrink, too, when there is no
// more: a call would take five times as long with it. It leaves a megabyte free. It waits for nobody: what a reader still
// needs is given back by a later call.
func (d *DB) Compact(ctx context.Context) (more bool, err error) {
	free, err := d.freePages(ctx)
	if err == nil && free > pagesSpare {
		_, err = d.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, min(free-pagesSpare, pagesAtOnce)))
		free -= pagesAtOnce
	}
	if err == nil && free <= pagesSpare {
		_, err = d.writer.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
	}
	if err != nil {
		return false, fmt.Errorf("give room back to the disk: %w", explain(err))
	}
	return free > pagesSpare, nil
}

func (d *DB) freePages(ctx context.Context) (n int64, err error) {
	err = d.reader.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&n)
	return n, err
}
