package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// each calls do on every row of the query and ends with its first error.
func each(ctx context.Context, db *sql.DB, do func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// collect returns the rows of the query as scan reads them.
func collect[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := each(ctx, db, func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err == nil {
			all = append(all, v)
		}
		return err
	}, query, args...)
	return all, err
}
