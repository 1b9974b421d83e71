package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"hayalet"
)

// SaveState keeps all of it in one commit or, with an error, nothing.
func (s *Store) SaveState(ctx context.Context, st hayalet.State) error {
	err := s.saveState(ctx, st)
	return s.failed(err, "save %d incidents, %d snapshots and %d series", len(st.Incidents), len(st.Snapshots), len(st.Series))
}

func (s *Store) saveState(ctx context.Context, st hayalet.State) error {
	incidents, err := encode(newest(st.Incidents, incidentKey, supersedes))
	if err != nil {
		return err
	}
	history, err := encode(st.History)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := putIncidents(ctx, tx, incidents); err != nil {
			return err
		}
		if err := putHistory(ctx, tx, history); err != nil {
			return err
		}
		if err := putSnapshots(ctx, tx, newest(st.Snapshots, snapshotKey, overtakes)); err != nil {
			return err
		}
		if err := putSeries(ctx, tx, st.Series); err != nil {
			return err
		}
		return putMark(ctx, tx, st.Mark)
	})
}

// newest keeps of those with the same key the one that no other beats: one statement cannot change a row twice.
func newest[T any](all []T, key func(*T) string, beats func(a, b *T) bool) []T {
	kept := make([]T, 0, len(all))
	places := make(map[string]int, len(all))
	for i := range all {
		at, known := places[key(&all[i])]
		switch {
		case !known:
			places[key(&all[i])] = len(kept)
			kept = append(kept, all[i])
		case beats(&all[i], &kept[at]):
			kept[at] = all[i]
		}
	}
	return kept
}

func incidentKey(i *hayalet.Incident) string { return i.Key }
func supersedes(a, b *hayalet.Incident) bool { return a.Rev >= b.Rev }
func snapshotKey(s *hayalet.Snapshot) string { return string(s.Station) }
func overtakes(a, b *hayalet.Snapshot) (newer bool) {
	return a.Position > b.Position || a.Position == b.Position && a.At >= b.At
}

// written is an incident with its canonical JSON.
type written struct {
	*hayalet.Incident
	body string
}

func encode(incidents []hayalet.Incident) ([]written, error) {
	all := make([]written, len(incidents))
	for n := range incidents {
		i := &incidents[n]
		if i.Key == "" {
			return nil, fmt.Errorf("%w: the key of an incident is empty", hayalet.ErrInvalid)
		}
		body, err := json.Marshal(i)
		if err != nil {
			return nil, fmt.Errorf("encode incident %q: %w", i.Key, err)
		}
		all[n] = written{Incident: i, body: string(body)}
	}
	return all, nil
}

func putIncidents(ctx context.Context, tx *sql.Tx, all []written) error {
	into := insertion{
		head:    `INSERT INTO incident (key, rev, station, severity, running, opened_at, ended_at, from_at, to_at, body)`,
		columns: 10,
		tail: `ON CONFLICT (key) DO UPDATE SET rev = excluded.rev, station = excluded.station, severity = excluded.severity,
			running = excluded.running, opened_at = excluded.opened_at, ended_at = excluded.ended_at,
			from_at = excluded.from_at, to_at = excluded.to_at, body = excluded.body
			WHERE excluded.rev >= incident.rev`,
	}
	return insert(ctx, tx, into, all, func(to []any, w written) []any {
		span := w.Span()
		return append(to, text(w.Key), int64(w.Rev), text(w.Station), int64(w.Severity), flag(w.Open()), int64(w.OpenedAt), int64(w.EndedAt),
			int64(span.Since), int64(span.Until), w.body)
	}, nil)
}

func putHistory(ctx context.Context, tx *sql.Tx, all []written) error {
	into := insertion{
		head:    `INSERT INTO incident_history (key, rev, body)`,
		columns: 3,
		tail:    `ON CONFLICT (key, rev) DO NOTHING`,
	}
	return insert(ctx, tx, into, all, func(to []any, w written) []any {
		return append(to, text(w.Key), int64(w.Rev), w.body)
	}, nil)
}

func putSnapshots(ctx context.Context, tx *sql.Tx, all []hayalet.Snapshot) error {
	into := insertion{
		head:    `INSERT INTO snapshot (station, pos, at, body)`,
		columns: 4,
		tail: `ON CONFLICT (station) DO UPDATE SET pos = excluded.pos, at = excluded.at, body = excluded.body
			WHERE (excluded.pos, excluded.at) >= (snapshot.pos, snapshot.at)`,
	}
	return insert(ctx, tx, into, all, func(to []any, s hayalet.Snapshot) []any {
		return append(to, text(s.Station), int64(s.Position), int64(s.At), blob(s.Body))
	}, nil)
}

func putMark(ctx context.Context, tx *sql.Tx, mark uint64) error {
	if mark == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE mark SET pos = $1 WHERE pos < $1`, int64(mark))
	return err
}

// LoadState gives the newest snapshot of each station to the function, in the order of the stations' ids compared by
// bytes. The mark is read first: what a writer saves meanwhile is in the snapshots before a mark says so.
func (s *Store) LoadState(ctx context.Context, to func(hayalet.Snapshot) error) (mark uint64, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		return s.reader.QueryRowContext(ctx, `SELECT pos FROM mark`).Scan(&mark)
	})
	if err == nil && to != nil {
		err = s.read(ctx, s.reading, func(rows *sql.Rows) error {
			var n hayalet.Snapshot
			if err := rows.Scan(&n.Station, &n.Position, &n.At, &n.Body); err != nil {
				return err
			}
			return to(n)
		}, `SELECT station, pos, at, body FROM snapshot ORDER BY station`)
	}
	if err != nil {
		return 0, s.failed(err, "load the engine's state")
	}
	return mark, nil
}
