package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"hayalet"
)

// PutAudit appends the entry.
func (s *Store) PutAudit(ctx context.Context, e hayalet.AuditEntry) error {
	err := s.exec(ctx, `INSERT INTO audit (at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)`,
		int64(e.At), text(e.Actor), text(e.Action), text(e.Subject), text(e.Detail))
	return s.failed(err, "write to the audit log")
}

// AuditTrail returns the newest entries from the first instant on and before the last, in the order in which they came.
func (s *Store) AuditTrail(ctx context.Context, since, until hayalet.Instant, limit int) ([]hayalet.AuditEntry, error) {
	if limit <= 0 {
		limit = math.MaxInt
	}
	all, err := collect(ctx, s, func(rows *sql.Rows) (e hayalet.AuditEntry, err error) {
		err = rows.Scan(&e.At, &e.Actor, &e.Action, &e.Subject, &e.Detail)
		return e, err
	}, `SELECT at, actor, action, subject, detail FROM audit WHERE at >= $1 AND at < $2 ORDER BY at DESC, id DESC LIMIT $3`,
		floor(since), ceiling(until), limit)
	slices.Reverse(all)
	return all, s.failed(err, "read the audit log")
}
