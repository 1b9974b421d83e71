package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"hayalet"
)

// Begin opens a transaction and returns its id, from 1 to the largest 32-bit integer. The same start again returns the
// same id, its stop being known or not; a start without ClaimedAt is the same only while the transaction runs, since
// nothing else tells a retransmission from the next customer's start.
func (s *Store) Begin(ctx context.Context, st hayalet.Start) (int64, error) {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	var id int64
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		id, err = findStart(ctx, tx, st)
		if errors.Is(err, sql.ErrNoRows) {
			id, err = s.addStart(ctx, tx, st)
		}
		return err
	})
	if err != nil {
		s.ids = idRange{} // its reservation may be rolled back
		return 0, s.failed(err, "begin transaction of station %q", st.Station)
	}
	return id, nil
}

func findStart(ctx context.Context, tx *sql.Tx, st hayalet.Start) (int64, error) {
	const timed = `SELECT id FROM book WHERE station = $1 AND connector = $2 AND token = $3 AND meter = $4
		AND claimed_at = $5 AND claimed_at <> ''`
	const untimed = `SELECT id FROM book WHERE station = $1 AND connector = $2 AND token = $3 AND meter = $4
		AND claimed_at = '' AND stop_at IS NULL`
	query, args := untimed, []any{text(st.Station), int64(st.Connector), text(st.Token), st.Meter}
	if st.ClaimedAt != "" {
		query, args = timed, append(args, text(st.ClaimedAt))
	}
	var id int64
	err := tx.QueryRowContext(ctx, query, args...).Scan(&id)
	return id, err
}

// addStart gives the start an id. Where another process was faster, its id is the one.
func (s *Store) addStart(ctx context.Context, tx *sql.Tx, st hayalet.Start) (int64, error) {
	id, err := s.ids.take(ctx, tx)
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO book (id, station, connector, token, meter, claimed_at, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		id, text(st.Station), int64(st.Connector), text(st.Token), st.Meter, text(st.ClaimedAt), int64(st.At))
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return id, err
	}
	return findStart(ctx, tx, st)
}

// End notes a stop. The first one that is noted stays; another one of the same transaction changes nothing. A
// transaction of another station is ErrNotFound.
func (s *Store) End(ctx context.Context, st hayalet.Stop) error {
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE book SET
			stop_meter      = CASE WHEN stop_at IS NULL THEN $1 ELSE stop_meter END,
			stop_claimed_at = CASE WHEN stop_at IS NULL THEN $2 ELSE stop_claimed_at END,
			stop_reason     = CASE WHEN stop_at IS NULL THEN $3 ELSE stop_reason END,
			stop_at         = coalesce(stop_at, $4)
			WHERE id = $5 AND station = $6`,
			st.Meter, text(st.ClaimedAt), text(st.Reason), int64(st.At), st.Transaction, text(st.Station))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return hayalet.ErrNotFound
	})
	return s.failed(err, "end transaction %d of station %q", st.Transaction, st.Station)
}

// Transactions returns at most limit transactions of the station, those received last first.
func (s *Store) Transactions(ctx context.Context, st hayalet.StationID, limit int) ([]hayalet.Transaction, error) {
	ts, err := collect(ctx, s, scanTransaction,
		`SELECT id, station, connector, token, meter, claimed_at, at, stop_meter, stop_claimed_at, stop_reason, stop_at
		FROM book WHERE station = $1 ORDER BY at DESC, id DESC LIMIT $2`, text(st), max(limit, 0))
	return ts, s.failed(err, "read transactions of station %q", st)
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
