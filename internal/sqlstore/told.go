package sqlstore

import (
	"context"
	"database/sql"

	"hayalet"
)

// PutTold keeps the telling, unless a newer one of the incident is kept.
func (s *Store) PutTold(ctx context.Context, t hayalet.Told) error {
	err := s.exec(ctx, `INSERT INTO told (key, severity, state, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET severity = excluded.severity, state = excluded.state, at = excluded.at
		WHERE excluded.at >= told.at`, text(t.Key), int64(t.Severity), int64(t.State), int64(t.At))
	return s.failed(err, "keep what was told of incident %q", t.Key)
}

// ToldSince returns the tellings from the instant on, in the order of At, then Key.
func (s *Store) ToldSince(ctx context.Context, since hayalet.Instant) ([]hayalet.Told, error) {
	all, err := collect(ctx, s, func(rows *sql.Rows) (t hayalet.Told, err error) {
		err = rows.Scan(&t.Key, &t.Severity, &t.State, &t.At)
		return t, err
	}, `SELECT key, severity, state, at FROM told WHERE at >= $1 ORDER BY at, key`, floor(since))
	return all, s.failed(err, "read what was told")
}
