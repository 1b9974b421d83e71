package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"maps"
	"slices"

	"hayalet"
)

// SyncExceptions compares the bodies with what is in force, byte by byte, and notes what began and what ended.
func (s *Store) SyncExceptions(ctx context.Context, at hayalet.Instant, bodies map[string][]byte) (began, ended []string, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		kept, err := inForce(ctx, tx)
		if err != nil {
			return err
		}
		began, ended = missing(bodies, kept), missing(kept, bodies)
		for _, name := range ended {
			if _, err := tx.ExecContext(ctx, `UPDATE exception SET until_at = $1 WHERE name = $2 AND until_at = 0`, int64(at), name); err != nil {
				return err
			}
		}
		for _, name := range began {
			if _, err := tx.ExecContext(ctx, `INSERT INTO exception (name, body, since_at, until_at) VALUES ($1, $2, $3, 0)`,
				name, blob(bodies[name]), int64(at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, s.failed(err, "note the exceptions")
	}
	return began, ended, nil
}

func inForce(ctx context.Context, tx *sql.Tx) (map[string][]byte, error) {
	kept := map[string][]byte{}
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var (
			name string
			body []byte
		)
		err := rows.Scan(&name, &body)
		kept[name] = body
		return err
	}, `SELECT name, body FROM exception WHERE until_at = 0`)
	return kept, err
}

// missing returns the sorted names of those that the others do not have, or have with another body.
func missing(these, others map[string][]byte) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(these)) {
		if body, ok := others[name]; !ok || !bytes.Equal(body, these[name]) {
			names = append(names, name)
		}
	}
	return names
}

// KeptExceptions returns all that ever were, in the order of Since, then Name.
func (s *Store) KeptExceptions(ctx context.Context) ([]hayalet.KeptException, error) {
	all, err := collect(ctx, s, func(rows *sql.Rows) (e hayalet.KeptException, err error) {
		err = rows.Scan(&e.Name, &e.Body, &e.Since, &e.Until)
		return e, err
	}, `SELECT name, body, since_at, until_at FROM exception ORDER BY since_at, name, id`)
	return all, s.failed(err, "read the exceptions")
}
