// Package postgres keeps the store in a PostgreSQL database, version 15 or later, in a schema of its own called hayalet.
//
// Every session commits with synchronous_commit=on, and a server with fsync=off is refused: what a method has returned
// without error survives a power cut of the server. Several processes may share the database. A server that does not
// answer is an error within seconds; the next call finds it again when it is back. What the store does is package
// sqlstore's.
//
//	db, err := postgres.Open(ctx, "postgres://hayalet@db.example/hayalet")
//	if err != nil {
//		return err
//	}
//	defer db.Close()
//	id, err := db.Begin(ctx, start)
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/sqlstore"
)

// DB is a store in one database. Any goroutine may call its methods.
type DB struct {
	*sqlstore.Store

	reader *sql.DB

	vacuuming sync.Mutex // one Compact at a time; guards vacuumed
	vacuumed  time.Time
}

var _ hayalet.Store = (*DB)(nil)

// vacuumPause is the least time between two rounds of VACUUM.
const vacuumPause = 10 * time.Minute

// Compact makes the room of what was dropped free for what comes next, by VACUUM, once in ten minutes at most. The files
// keep their size, and grow no more: to cut them off, PostgreSQL would lock out whoever writes.
func (d *DB) Compact(ctx context.Context) (more bool, err error) {
	d.vacuuming.Lock()
	defer d.vacuuming.Unlock()
	if time.Since(d.vacuumed) < vacuumPause {
		return false, ctx.Err()
	}
	for _, table := range []string{"block_body", "block", "series", "snapshot", "book", "incident", "incident_history", "told", "audit"} {
		if _, err := d.reader.ExecContext(ctx, "VACUUM (TRUNCATE false) "+table); err != nil {
			return false, fmt.Errorf("give the room of %s back: %w", table, explain(err))
		}
	}
	d.vacuumed = time.Now()
	return false, nil
}

// claim is the key of the advisory lock of the server that writes the journal.
const claim = turn + 1

// Claim takes an advisory lock, for which one connection is held, and makes sure that nobody has brought the schema forward
// since it was opened. When that connection is lost so is the lock, and another server that begins then is told by the first
// block that both write.
func (d *DB) Claim(ctx context.Context) (release func() error, err error) {
	conn, err := d.reader.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("claim the database: %w", explain(err))
	}
	if err := lock(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("claim the database: %w", explain(err)), conn.Close())
	}
	release = func() error { return errors.Join(unlock(ctx, conn, claim), conn.Close()) }
	schema, err := readSchema(ctx, d.reader)
	if err == nil {
		err = schema.Check()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("claim the database: %w", explain(err)), release())
	}
	return release, nil
}

// lock takes the claim for a connection.
func lock(ctx context.Context, conn *sql.Conn) error {
	var free bool
	err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, claim).Scan(&free)
	if err == nil && !free {
		err = fmt.Errorf("another server works on it: %w", hayalet.ErrConflict)
	}
	return err
}

// unlockPatience is how long a server may take to give a lock back; it does so too when the connection ends.
const unlockPatience = time.Second

func unlock(ctx context.Context, conn *sql.Conn, key int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockPatience)
	defer cancel()
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, key)
	return err
}
