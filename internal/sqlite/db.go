// Package sqlite keeps the central system's book, the incidents and the engine's snapshots in one SQLite file.
//
// The file is in WAL mode with synchronous=FULL: what a method has returned without error survives a power cut. One
// connection writes and a few read, so readers never wait for a writer. Several processes on one machine may share
// the file; a network file system may not hold it.
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
	"sync"

	"hayalet"
)

// readers is how many connections read at the same time.
const readers = 4

// DB is a store on one file. Any goroutine may call its methods.
type DB struct {
	writer *sql.DB // one connection
	reader *sql.DB

	beginning sync.Mutex // one Begin at a time; guards ids
	ids       block
}

var (
	_ hayalet.Ledger    = (*DB)(nil)
	_ hayalet.Incidents = (*DB)(nil)
	_ hayalet.Snapshots = (*DB)(nil)
)

// Ping reports whether the file can be read.
func (d *DB) Ping(ctx context.Context) error {
	var next int64
	if err := d.reader.QueryRowContext(ctx, `SELECT next FROM counter WHERE name = 'transaction'`).Scan(&next); err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	return nil
}

// Close ends all connections. The writer goes last: it folds the write-ahead log into the file.
func (d *DB) Close() error {
	return errors.Join(d.reader.Close(), d.writer.Close())
}

// write runs do in one transaction, which is on disk when write returns nil.
func (d *DB) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error says more
		return err
	}
	return tx.Commit()
}
