package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strconv"
	"time"

	"hayalet"
)

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls do on every row of the query and ends with its first error.
func each(ctx context.Context, q querier, do func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return drain(rows, do)
}

func drain(rows *sql.Rows, do func(*sql.Rows) error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// read calls do on every row of the query and ends with its first error. Between two rows the database may take so long (zero
// is for ever), and all of them together what they need: whatever do does with a row is not its fault.
func (s *Store) read(ctx context.Context, patience time.Duration, do func(*sql.Rows) error, query string, args ...any) error {
	if patience == 0 {
		return each(ctx, s.reader, do, query, args...)
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(patience, cancel)
	defer silence.Stop()
	err := each(limited, s.reader, func(rows *sql.Rows) error {
		silence.Stop()
		defer silence.Reset(patience)
		return do(rows)
	}, query, args...)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return ErrSilent
	}
	return err
}

// collect returns the rows of the query as scan reads them.
func collect[T any](ctx context.Context, s *Store, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := s.read(ctx, s.patience, func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err == nil {
			all = append(all, v)
		}
		return err
	}, query, args...)
	return all, err
}

// list is the right side of IN for numbers.
func list[T ~int64 | ~uint64](numbers []T) string {
	b := []byte{'('}
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, ')'))
}

// floor is the least time from an instant on; unknown, it is before all.
func floor(since hayalet.Instant) int64 {
	if since.IsZero() {
		return math.MinInt64
	}
	return int64(since)
}

// ceiling is the time that all up to an instant lie before; unknown, nothing ends it.
func ceiling(until hayalet.Instant) int64 {
	if until.IsZero() {
		return math.MaxInt64
	}
	return int64(until)
}

// later is the time so many microseconds after ceiling, or the last that there is.
func later(until hayalet.Instant, by int64) int64 {
	return ceiling(until) + min(by, math.MaxInt64-ceiling(until))
}
