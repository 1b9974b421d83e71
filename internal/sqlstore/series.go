package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"

	"hayalet"
)

// putSeries adds the stretches that are not there yet, and counts them.
func putSeries(ctx context.Context, tx *sql.Tx, all []hayalet.Series) error {
	if len(all) == 0 {
		return nil
	}
	into := insertion{
		head:    `INSERT INTO series (station, from_at, to_at, hash, body)`,
		columns: 5,
		tail:    `ON CONFLICT (to_at, station, from_at, hash) DO NOTHING RETURNING octet_length(body), to_at - from_at`,
	}
	var records, size, longest int64
	err := insert(ctx, tx, into, all, func(to []any, s hayalet.Series) []any {
		return append(to, text(s.Station), int64(s.From), int64(s.To), fingerprint(s.Body), blob(s.Body))
	}, func(rows *sql.Rows) error {
		var bytes, span int64
		err := rows.Scan(&bytes, &span)
		records, size, longest = records+1, size+bytes, max(longest, span)
		return err
	})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE tally SET records = records + $1, bytes = bytes + $2,
		longest = CASE WHEN longest < $3 THEN $3 ELSE longest END WHERE kind = 'series'`, records, size, longest)
	return err
}

// fingerprint tells two stretches of the same times apart: a station's clock may stand still.
func fingerprint(body []byte) int64 {
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// ReadSeries gives the station's readings from the first instant on, and before the last, to the function.
func (s *Store) ReadSeries(ctx context.Context, st hayalet.StationID, since, until hayalet.Instant, to func(hayalet.Series) error) error {
	var longest int64
	err := s.within(ctx, func(ctx context.Context) error {
		return s.reader.QueryRowContext(ctx, `SELECT longest FROM tally WHERE kind = 'series'`).Scan(&longest)
	})
	if err == nil {
		err = s.read(ctx, s.reading, func(rows *sql.Rows) error {
			v := hayalet.Series{Station: st}
			if err := rows.Scan(&v.From, &v.To, &v.Body); err != nil {
				return err
			}
			return to(v)
		}, `SELECT from_at, to_at, body FROM series WHERE station = $1 AND to_at >= $2 AND to_at < $3 AND from_at < $4
			ORDER BY from_at, to_at, id`, text(st), floor(since), later(until, longest), ceiling(until))
	}
	return s.failed(err, "read series of station %q", st)
}
