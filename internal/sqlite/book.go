package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hayalet"
)

// Begin opens a transaction and returns its id, from 1 to the largest 32-bit integer. The same start again returns the
// same id, its stop being known or not; a start without ClaimedAt is the same only while the transaction runs, since
// nothing else tells a retransmission from the next customer's start.
func (d *DB) Begin(ctx context.Context, s hayalet.Start) (int64, error) {
	d.beginning.Lock()
	defer d.beginning.Unlock()
	var id int64
	err := d.write(ctx, func(tx *sql.Tx) (err error) {
		id, err = findStart(ctx, tx, s)
		if errors.Is(err, sql.ErrNoRows) {
			id, err = d.addStart(ctx, tx, s)
		}
		return err
	})
	if err != nil {
		d.ids = block{} // its reservation may be rolled back
		return 0, fmt.Errorf("begin transaction of station %q: %w", s.Station, err)
	}
	return id, nil
}

func findStart(ctx context.Context, tx *sql.Tx, s hayalet.Start) (int64, error) {
	const timed = `SELECT id FROM book WHERE station = ? AND connector = ? AND token = ? AND meter = ?
		AND claimed_at = ? AND claimed_at <> ''`
	const untimed = `SELECT id FROM book WHERE station = ? AND connector = ? AND token = ? AND meter = ?
		AND claimed_at = '' AND stop_at IS NULL`
	query, args := untimed, []any{s.Station, s.Connector, s.Token, s.Meter}
	if s.ClaimedAt != "" {
		query, args = timed, append(args, s.ClaimedAt)
	}
	var id int64
	err := tx.QueryRowContext(ctx, query, args...).Scan(&id)
	return id, err
}

func (d *DB) addStart(ctx context.Context, tx *sql.Tx, s hayalet.Start) (int64, error) {
	id, err := d.ids.take(ctx, tx)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO book (id, station, connector, token, meter, claimed_at, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id, s.Station, s.Connector, s.Token, s.Meter, s.ClaimedAt, s.At)
	return id, err
}

// End notes a stop. The first one that is noted stays; another one of the same transaction changes nothing. A
// transaction of another station is ErrNotFound.
func (d *DB) End(ctx context.Context, s hayalet.Stop) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE book SET
			stop_meter      = CASE WHEN stop_at IS NULL THEN ? ELSE stop_meter END,
			stop_claimed_at = CASE WHEN stop_at IS NULL THEN ? ELSE stop_claimed_at END,
			stop_reason     = CASE WHEN stop_at IS NULL THEN ? ELSE stop_reason END,
			stop_at         = coalesce(stop_at, ?)
			WHERE id = ? AND station = ?`,
			s.Meter, s.ClaimedAt, s.Reason, s.At, s.Transaction, s.Station)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return hayalet.ErrNotFound
	})
	if err != nil {
		return fmt.Errorf("end transaction %d of station %q: %w", s.Transaction, s.Station, err)
	}
	return nil
}

// Transactions returns at most limit transactions of the station, those received last first.
func (d *DB) Transactions(ctx context.Context, st hayalet.StationID, limit int) ([]hayalet.Transaction, error) {
	ts, err := collect(ctx, d.reader, scanTransaction,
		`SELECT id, station, connector, token, meter, claimed_at, at, stop_meter, stop_claimed_at, stop_reason, stop_at
		FROM book WHERE station = ? ORDER BY at DESC, id DESC LIMIT ?`, st, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read transactions of station %q: %w", st, err)
	}
	return ts, nil
}

func scanTransaction(rows *sql.Rows) (hayalet.Transaction, error) {
	var (
		t       hayalet.Transaction
		meter   sql.NullInt64
		at      sql.NullInt64
		claimed sql.NullString
		reason  sql.NullString
	)
	err := rows.Scan(&t.ID, &t.Start.Station, &t.Start.Connector, &t.Start.Token, &t.Start.Meter, &t.Start.ClaimedAt, &t.Start.At,
		&meter, &claimed, &reason, &at)
	if at.Valid {
		t.Stop = &hayalet.Stop{
			Station: t.Start.Station, Transaction: t.ID, Meter: meter.Int64,
			ClaimedAt: claimed.String, Reason: reason.String, At: hayalet.Instant(at.Int64),
		}
	}
	return t, err
}
