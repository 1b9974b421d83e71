package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hayalet"
)

// Save stores the incident with its canonical JSON. ErrConflict when a higher Rev is kept, ErrInvalid without a key.
func (d *DB) Save(ctx context.Context, inc hayalet.Incident) error {
	if err := d.save(ctx, inc); err != nil {
		return fmt.Errorf("save incident %q rev %d: %w", inc.Key, inc.Rev, err)
	}
	return nil
}

func (d *DB) save(ctx context.Context, inc hayalet.Incident) error {
	if inc.Key == "" {
		return fmt.Errorf("%w: the key is empty", hayalet.ErrInvalid)
	}
	body, err := json.Marshal(inc)
	if err != nil {
		return err
	}
	res, err := d.writer.ExecContext(ctx, `INSERT INTO incident (key, rev, station, severity, running, opened_at, body)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET rev = excluded.rev, station = excluded.station, severity = excluded.severity,
			running = excluded.running, opened_at = excluded.opened_at, body = excluded.body
		WHERE excluded.rev >= incident.rev`,
		inc.Key, inc.Rev, inc.Station, inc.Severity, flag(inc.Open()), inc.OpenedAt, string(body))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return hayalet.ErrConflict
}

// flag is how the tables write a bool.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Find returns the incidents that the filter selects, in the order of OpenedAt, then Key. With a limit they are the
// newest ones.
func (d *DB) Find(ctx context.Context, f hayalet.IncidentFilter) ([]hayalet.Incident, error) {
	query, args := findQuery(f)
	found, err := collect(ctx, d.reader, scanIncident, query, args...)
	if err != nil {
		return nil, fmt.Errorf("find incidents: %w", err)
	}
	slices.Reverse(found)
	return found, nil
}

// findQuery asks for the newest first, so that a limit keeps those.
func findQuery(f hayalet.IncidentFilter) (query string, args []any) {
	where := []string{"severity >= ?"}
	args = append(args, f.MinSeverity)
	if f.Key != "" {
		// The range of all keys with this prefix: nothing sorts behind the last code point.
		where = append(where, "key >= ?", "key < ?")
		args = append(args, f.Key, f.Key+"\U0010FFFF")
	}
	if f.Station != "" {
		where = append(where, "station = ?")
		args = append(args, f.Station)
	}
	if f.OpenOnly {
		where = append(where, "running = 1")
	}
	query = `SELECT body FROM incident WHERE ` + strings.Join(where, " AND ") + ` ORDER BY opened_at DESC, key DESC`
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	return query, args
}

func scanIncident(rows *sql.Rows) (hayalet.Incident, error) {
	var (
		body []byte
		inc  hayalet.Incident
	)
	if err := rows.Scan(&body); err != nil {
		return inc, err
	}
	return inc, json.Unmarshal(body, &inc)
}
