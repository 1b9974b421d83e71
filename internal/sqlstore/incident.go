package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"hayalet"
)

// Find returns the incidents that the filter selects, in the order of OpenedAt, then Key. With a limit they are the
// newest ones.
func (s *Store) Find(ctx context.Context, f hayalet.IncidentFilter) ([]hayalet.Incident, error) {
	query, args := findQuery(f)
	found, err := collect(ctx, s, scanIncident, query, args...)
	slices.Reverse(found)
	return found, s.failed(err, "find incidents")
}

// findQuery asks for the newest first, so that a limit keeps those.
func findQuery(f hayalet.IncidentFilter) (query string, args []any) {
	param := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	where := []string{"severity >= " + param(int64(f.MinSeverity))}
	if f.Key != "" {
		// The range of all keys with this prefix: nothing sorts behind the last code point.
		where = append(where, "key >= "+param(text(f.Key)), "key < "+param(text(f.Key+"\U0010FFFF")))
	}
	if f.Station != "" {
		where = append(where, "station = "+param(text(f.Station)))
	}
	if f.OpenOnly {
		where = append(where, "running = 1")
	}
	query = `SELECT body FROM incident WHERE ` + strings.Join(where, " AND ") + ` ORDER BY opened_at DESC, key DESC`
	if f.Limit > 0 {
		query += " LIMIT " + param(f.Limit)
	}
	return query, args
}

// History returns the incident's revisions that were saved as such, the oldest first.
func (s *Store) History(ctx context.Context, key string) ([]hayalet.Incident, error) {
	all, err := collect(ctx, s, scanIncident, `SELECT body FROM incident_history WHERE key = $1 ORDER BY rev`, text(key))
	return all, s.failed(err, "read the history of incident %q", key)
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
