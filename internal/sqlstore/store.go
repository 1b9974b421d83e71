// Package sqlstore is the SQL that SQLite and PostgreSQL share: all that the contracts of package hayalet ask of a store,
// on two pools of connections that package sqlite or postgres has opened and migrated.
//
// Both databases read the same statements. Parameters are numbered, times are microseconds in integers, texts compare by
// their bytes, and what the databases do differently stands in Options.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"hayalet"
)

// Options are the pools of a store, and what its database does in a way of its own.
type Options struct {
	Writer, Reader *sql.DB

	// WithInserts says that an INSERT may stand in a WITH clause.
	WithInserts bool
	// Patience is how long one commit may take, or the database be silent while it reads; zero is as long as the caller's.
	Patience time.Duration
	// Reading is how long it may be silent where it reads through much; zero is as long as the caller's.
	Reading time.Duration
	// Explain says of an error what is wrong and what to do; it returns what it does not know, and nil, as they are.
	Explain func(error) error
}

// Store keeps everything in one database. Any goroutine may call its methods.
type Store struct {
	writer, reader *sql.DB
	patience       time.Duration
	reading        time.Duration
	explain        func(error) error
	blocks         appender

	beginning sync.Mutex // one Begin at a time; guards ids
	ids       idRange
}

var (
	_ hayalet.Ledger     = (*Store)(nil)
	_ hayalet.Blocks     = (*Store)(nil)
	_ hayalet.Incidents  = (*Store)(nil)
	_ hayalet.States     = (*Store)(nil)
	_ hayalet.Tellings   = (*Store)(nil)
	_ hayalet.Audit      = (*Store)(nil)
	_ hayalet.Exceptions = (*Store)(nil)
	_ hayalet.Anchors    = (*Store)(nil)
	_ hayalet.Holes      = (*Store)(nil)
)

// New returns the store on a database whose schema is up to date. The store closes the pools.
func New(ctx context.Context, o Options) (*Store, error) {
	blocks, err := newAppender(ctx, o.Writer, o.WithInserts)
	if err != nil {
		return nil, err
	}
	return &Store{writer: o.Writer, reader: o.Reader, patience: o.Patience, reading: o.Reading, explain: o.Explain, blocks: blocks}, nil
}

// Ping reports whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	err := s.within(ctx, func(ctx context.Context) error {
		var next int64
		return s.reader.QueryRowContext(ctx, `SELECT next FROM counter WHERE name = 'transaction'`).Scan(&next)
	})
	return s.failed(err, "read the database")
}

// Close ends all connections. The writer goes last: SQLite folds its write-ahead log into the file then.
func (s *Store) Close() error {
	return errors.Join(s.reader.Close(), s.writer.Close())
}

// write runs do in one transaction, which is on disk when write returns nil.
func (s *Store) write(ctx context.Context, do func(ctx context.Context, tx *sql.Tx) error) error {
	return s.within(ctx, func(ctx context.Context) error {
		tx, err := s.writer.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := do(ctx, tx); err != nil {
			_ = tx.Rollback() // the first error says more
			return err
		}
		return tx.Commit()
	})
}

// exec runs one statement that writes.
func (s *Store) exec(ctx context.Context, statement string, args ...any) error {
	return s.within(ctx, func(ctx context.Context) error {
		_, err := s.writer.ExecContext(ctx, statement, args...)
		return err
	})
}

// ErrSilent is the error of a database that does not answer.
var ErrSilent = errors.New("the database does not answer in time; see that its server runs and its disk works")

// within gives do no more time than the store is patient.
func (s *Store) within(ctx context.Context, do func(context.Context) error) error {
	return Within(ctx, s.patience, do)
}

// Within gives do no more time than the patience; zero is as much as it needs. That it was too little is [ErrSilent]: an error
// of the database, not of the caller's context.
func Within(ctx context.Context, patience time.Duration, do func(context.Context) error) error {
	if patience == 0 {
		return do(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := do(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return ErrSilent
	}
	return err
}

// failed says what was being done when there was an error.
func (s *Store) failed(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), s.explain(err))
}

// text is how a string that a station wrote stands in a text column: PostgreSQL takes no zero byte and nothing but UTF-8.
func text[T ~string](v T) string {
	return strings.ToValidUTF8(strings.ReplaceAll(string(v), "\x00", "\uFFFD"), "\uFFFD")
}

// blob is how bytes stand in a column that may not be NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// flag is how the tables write a bool.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
