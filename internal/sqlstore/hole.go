package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"hayalet"
)

// EmptiedRuns looks at each pair of anchored blocks that follow one another. The conditions are single look-ups in indexes,
// the one that most pairs fail first.
func (s *Store) EmptiedRuns(ctx context.Context, key []byte, from uint64, before hayalet.Instant, limit int) ([]hayalet.BlockRange, error) {
	all, err := collect(ctx, s, func(rows *sql.Rows) (r hayalet.BlockRange, err error) {
		err = rows.Scan(&r.First, &r.Last)
		return r, err
	}, `SELECT begins + 1, ends - 1
		FROM (SELECT anchored AS begins, lead(anchored) OVER (ORDER BY anchored) AS ends
			FROM (SELECT DISTINCT block AS anchored FROM anchor WHERE key = $1 AND block >= CAST($2 AS BIGINT) - 1) AS blocks) AS pairs
		WHERE ends > begins + 1
			AND (SELECT min(number) FROM block WHERE number > begins) < ends
			AND (SELECT newest_at FROM block WHERE number = ends) < $3
			AND coalesce((SELECT min(number) FROM block_body WHERE number > begins), ends) >= ends
		ORDER BY begins LIMIT $4`, blob(key), int64(max(from, 1)), ceiling(before), max(limit, 0))
	return all, s.failed(err, "find blocks without frames between anchors")
}

// PutHole keeps the hole; the same again changes nothing.
func (s *Store) PutHole(ctx context.Context, h hayalet.Hole) error {
	err := s.exec(ctx, `INSERT INTO hole (first_block, last_block, hash_before, hash_after, at, reason, key, signature)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		int64(h.First), int64(h.Last), blob(h.Before), blob(h.After), int64(h.At), text(h.Reason), blob(h.Key), blob(h.Signature))
	return s.failed(err, "keep the hole of blocks %d to %d", h.First, h.Last)
}

// FindHoles returns the holes whose first blocks are from one number to another; zero is no last one.
func (s *Store) FindHoles(ctx context.Context, from, to uint64) ([]hayalet.Hole, error) {
	last := int64(math.MaxInt64)
	if to > 0 {
		last = int64(min(to, math.MaxInt64))
	}
	all, err := collect(ctx, s, func(rows *sql.Rows) (h hayalet.Hole, err error) {
		err = rows.Scan(&h.First, &h.Last, &h.Before, &h.After, &h.At, &h.Reason, &h.Key, &h.Signature)
		return h, err
	}, `SELECT first_block, last_block, hash_before, hash_after, at, reason, key, signature FROM hole
		WHERE first_block BETWEEN $1 AND $2 ORDER BY first_block, at, signature`, int64(min(from, math.MaxInt64)), last)
	return all, s.failed(err, "find holes from block %d on", from)
}

// DropBlocks drops the last of the blocks first: what is left of a run then always hangs on the block before it.
func (s *Store) DropBlocks(ctx context.Context, r hayalet.BlockRange, limit int) (int, error) {
	var gone int64
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		needed := false
		err := each(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&needed) },
			`SELECT coalesce((SELECT min(number) FROM block_body WHERE number >= $1), CAST($2 AS BIGINT) + 1) <= $2
				OR (SELECT max(number) FROM block) <= CAST($2 AS BIGINT)`, int64(r.First), int64(r.Last))
		if err == nil && needed {
			err = fmt.Errorf("%w: one of them has its frames, or is the newest", hayalet.ErrConflict)
		}
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM block WHERE number IN
			(SELECT number FROM block WHERE number BETWEEN $1 AND $2 ORDER BY number DESC LIMIT $3)`,
			int64(max(r.First, 1)), int64(r.Last), max(limit, 0))
		if err != nil {
			return err
		}
		if gone, err = res.RowsAffected(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE tally SET records = records + $1 WHERE kind = 'blocks dropped'`, gone)
		return err
	})
	if err != nil {
		return 0, s.failed(err, "drop blocks %d to %d", r.First, r.Last)
	}
	return int(gone), nil
}
