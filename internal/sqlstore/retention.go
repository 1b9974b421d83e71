package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"hayalet"
)

// candidatesAtOnce is how many old readings are looked at in one go.
const candidatesAtOnce = 1000

// DropSeries drops what ended before the instant, the oldest first. It looks each time at what it has to keep, too.
func (s *Store) DropSeries(ctx context.Context, before hayalet.Instant, keep []hayalet.Span, limit int) (int, error) {
	ids, err := s.oldSeries(ctx, before, spansByStation(keep), limit)
	if err == nil && len(ids) > 0 {
		err = s.dropSeries(ctx, ids)
	}
	if err != nil {
		return 0, s.failed(err, "drop series")
	}
	return len(ids), nil
}

func spansByStation(spans []hayalet.Span) map[hayalet.StationID][]hayalet.Span {
	by := map[hayalet.StationID][]hayalet.Span{}
	for _, span := range spans {
		by[span.Station] = append(by[span.Station], span)
	}
	return by
}

// stretch is where a row of series stands.
type stretch struct {
	id, from, to int64
	station      hayalet.StationID
}

func (v stretch) touches(span hayalet.Span) bool {
	return v.from <= int64(span.Until) && v.to >= int64(span.Since)
}

// oldSeries returns the ids of at most limit rows that may go.
func (s *Store) oldSeries(ctx context.Context, before hayalet.Instant, keep map[hayalet.StationID][]hayalet.Span, limit int) ([]int64, error) {
	var (
		ids  []int64
		last = stretch{to: floor(0)}
	)
	for len(ids) < limit {
		page, err := collect(ctx, s, func(rows *sql.Rows) (v stretch, err error) {
			err = rows.Scan(&v.id, &v.station, &v.from, &v.to)
			return v, err
		}, `SELECT id, station, from_at, to_at FROM series WHERE to_at >= $1 AND (to_at > $1 OR id > $2) AND to_at < $3
			ORDER BY to_at, id LIMIT $4`, last.to, last.id, int64(before), candidatesAtOnce)
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			if len(ids) < limit && !slices.ContainsFunc(keep[v.station], v.touches) {
				ids = append(ids, v.id)
			}
		}
		if len(page) < candidatesAtOnce {
			break
		}
		last = page[len(page)-1]
	}
	return ids, nil
}

func (s *Store) dropSeries(ctx context.Context, ids []int64) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var records, size int64
		err := each(ctx, tx, func(rows *sql.Rows) error {
			var n int64
			err := rows.Scan(&n)
			records, size = records+1, size+n
			return err
		}, `DELETE FROM series WHERE id IN `+list(ids)+` RETURNING octet_length(body)`)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE tally SET records = records - $1, bytes = bytes - $2 WHERE kind = 'series'`, records, size)
		return err
	})
}

// IncidentSpans returns the span of each incident, which stands beside its body.
func (s *Store) IncidentSpans(ctx context.Context) ([]hayalet.Span, error) {
	all, err := collect(ctx, s, func(rows *sql.Rows) (span hayalet.Span, err error) {
		err = rows.Scan(&span.Station, &span.Since, &span.Until)
		return span, err
	}, `SELECT station, from_at, to_at FROM incident`)
	return all, s.failed(err, "find the times of incidents")
}

// DropIncidents drops what is over and ended before the instant, the oldest first, with all that hangs on it.
func (s *Store) DropIncidents(ctx context.Context, before hayalet.Instant, limit int) (int, error) {
	const old = `(SELECT key FROM incident WHERE running = 0 AND ended_at > 0 AND ended_at < $1 ORDER BY ended_at, key LIMIT $2)`
	n, err := s.drop(ctx, before, limit,
		`DELETE FROM incident_history WHERE key IN `+old, `DELETE FROM told WHERE key IN `+old, `DELETE FROM incident WHERE key IN `+old)
	return n, s.failed(err, "drop incidents")
}

// DropTransactions drops what ended before the instant, the oldest first. A start of one that comes again afterwards is a
// new transaction.
func (s *Store) DropTransactions(ctx context.Context, before hayalet.Instant, limit int) (int, error) {
	n, err := s.drop(ctx, before, limit, `DELETE FROM book WHERE id IN (SELECT id FROM book WHERE stop_at < $1 ORDER BY stop_at, id LIMIT $2)`)
	return n, s.failed(err, "drop transactions")
}

// DropAudit drops the oldest entries of before the instant.
func (s *Store) DropAudit(ctx context.Context, before hayalet.Instant, limit int) (int, error) {
	n, err := s.drop(ctx, before, limit, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at, id LIMIT $2)`)
	return n, s.failed(err, "drop audit entries")
}

// drop runs the statements in one commit and returns how many rows the last one took.
func (s *Store) drop(ctx context.Context, before hayalet.Instant, limit int, statements ...string) (int, error) {
	var gone int64
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range statements {
			res, err := tx.ExecContext(ctx, statement, int64(before), max(limit, 0))
			if err != nil {
				return err
			}
			if gone, err = res.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return int(gone), nil
}
