package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"hayalet"
)

// SaveSnapshots keeps all of them or, with an error, none. One that is older than what is kept of its station is left out.
func (d *DB) SaveSnapshots(ctx context.Context, ss []hayalet.Snapshot) error {
	if len(ss) == 0 {
		return nil
	}
	err := d.write(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `INSERT INTO snapshot (station, at, body) VALUES (?, ?, ?)
			ON CONFLICT (station) DO UPDATE SET at = excluded.at, body = excluded.body WHERE excluded.at >= snapshot.at`)
		if err != nil {
			return err
		}
		for _, s := range ss {
			if _, err := put.ExecContext(ctx, s.Station, s.At, append([]byte{}, s.Body...)); err != nil { // never nil: that is NULL
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save %d snapshots: %w", len(ss), err)
	}
	return nil
}

// LoadSnapshots gives the newest snapshot of each station to the function, in the order of the stations' ids. It ends
// with the function's first error and returns it.
func (d *DB) LoadSnapshots(ctx context.Context, to func(hayalet.Snapshot) error) error {
	err := each(ctx, d.reader, func(rows *sql.Rows) error {
		var s hayalet.Snapshot
		if err := rows.Scan(&s.Station, &s.At, &s.Body); err != nil {
			return err
		}
		return to(s)
	}, `SELECT station, at, body FROM snapshot ORDER BY station`)
	if err != nil {
		return fmt.Errorf("load snapshots: %w", err)
	}
	return nil
}
