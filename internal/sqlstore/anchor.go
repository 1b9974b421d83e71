package sqlstore

import (
	"context"
	"database/sql"
	"math"

	"hayalet"
)

// PutAnchor keeps the anchor; the same again changes nothing.
func (s *Store) PutAnchor(ctx context.Context, a hayalet.Anchor) error {
	err := s.exec(ctx, `INSERT INTO anchor (block, at, hash, key, signature) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		int64(a.Block), int64(a.At), blob(a.Hash), blob(a.Key), blob(a.Signature))
	return s.failed(err, "keep the anchor of block %d", a.Block)
}

// FindAnchors returns at most limit anchors of this block and later ones; a limit of zero is none.
func (s *Store) FindAnchors(ctx context.Context, from uint64, limit int) ([]hayalet.Anchor, error) {
	if limit <= 0 {
		limit = math.MaxInt
	}
	all, err := collect(ctx, s, func(rows *sql.Rows) (a hayalet.Anchor, err error) {
		err = rows.Scan(&a.Block, &a.At, &a.Hash, &a.Key, &a.Signature)
		return a, err
	}, `SELECT block, at, hash, key, signature FROM anchor WHERE block >= $1 ORDER BY block, at, signature LIMIT $2`, int64(from), limit)
	return all, s.failed(err, "find anchors from block %d on", from)
}
