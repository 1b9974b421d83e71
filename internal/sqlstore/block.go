package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hayalet"
)

// addBlock adds nothing unless the block comes right behind the last one.
const addBlock = `INSERT INTO block (number, first_pos, frames, first_at, last_at, newest_at, back, bytes, header, stations)
	SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT),
		CASE WHEN prev.newest_at > $5 THEN prev.newest_at ELSE $5 END,
		CASE WHEN prev.newest_at - $4 > prev.back THEN prev.newest_at - $4 ELSE prev.back END,
		prev.bytes + CAST($6 AS BIGINT), $7, $8
	FROM (SELECT * FROM block ORDER BY number DESC LIMIT 1) AS prev WHERE prev.number = $1 - 1
	ON CONFLICT (number) DO NOTHING`

const (
	addBody = `INSERT INTO block_body (number, body) VALUES ($1, $2)`
	addBoth = `WITH added AS (` + addBlock + ` RETURNING number) INSERT INTO block_body (number, body) SELECT number, $9 FROM added`
)

// appender holds the statements that append a block: both, or block alone where it inserts the body too.
type appender struct{ block, body *sql.Stmt }

func newAppender(ctx context.Context, writer *sql.DB, withInserts bool) (a appender, err error) {
	if withInserts {
		a.block, err = writer.PrepareContext(ctx, addBoth)
		return a, err
	}
	if a.block, err = writer.PrepareContext(ctx, addBlock); err != nil {
		return a, err
	}
	a.body, err = writer.PrepareContext(ctx, addBody)
	return a, err
}

// AppendBlock writes the block in one commit, which SQLite, once it has begun, does not break off. A block that is kept
// already is compared by its header.
func (s *Store) AppendBlock(ctx context.Context, b hayalet.Block) error {
	added, err := s.appendBlock(ctx, b)
	if err == nil && !added {
		err = s.compare(ctx, b)
	}
	return s.failed(err, "append block %d", b.Number)
}

func (s *Store) appendBlock(ctx context.Context, b hayalet.Block) (added bool, err error) {
	args := [...]any{
		int64(b.Number), int64(b.First), int64(b.Frames), int64(b.FirstAt), int64(b.LastAt),
		int64(len(b.Body) + len(b.Stations)), blob(b.Header), blob(b.Stations), blob(b.Body),
	}
	if s.blocks.body == nil {
		err = s.within(ctx, func(ctx context.Context) error {
			added, err = affects(s.blocks.block.ExecContext(ctx, args[:]...))
			return err
		})
		return added, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.write(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		added, err = affects(tx.StmtContext(ctx, s.blocks.block).ExecContext(ctx, args[:8]...))
		if err == nil && added {
			_, err = tx.StmtContext(ctx, s.blocks.body).ExecContext(ctx, args[0], args[8])
		}
		return err
	})
	return added, err
}

// affects reports whether a statement changed a row.
func affects(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// compare is nil when what is kept under the block's number is the same block.
func (s *Store) compare(ctx context.Context, b hayalet.Block) error {
	var header []byte
	err := s.within(ctx, func(ctx context.Context) error {
		return s.writer.QueryRowContext(ctx, `SELECT header FROM block WHERE number = $1`, int64(b.Number)).Scan(&header)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: block %d is not there", hayalet.ErrConflict, b.Number-1)
	case err != nil:
		return err
	case b.Number == 0 || !bytes.Equal(header, b.Header):
		return fmt.Errorf("%w: another block has this number", hayalet.ErrConflict)
	}
	return nil
}

// LastBlock returns the block with the greatest number, without its body; ErrNotFound when there is none.
func (s *Store) LastBlock(ctx context.Context) (hayalet.Block, error) {
	found, err := collect(ctx, s, scanBlock, `SELECT `+blockColumns+`, NULL FROM block ORDER BY number DESC LIMIT 1`)
	if err == nil && (len(found) == 0 || found[0].Number == 0) {
		err = hayalet.ErrNotFound
	}
	if err != nil {
		return hayalet.Block{}, s.failed(err, "read the last block")
	}
	return found[0], nil
}

// DropBodies forgets the bodies and the stations of the blocks with these numbers; their headers stay.
func (s *Store) DropBodies(ctx context.Context, numbers []uint64) error {
	if len(numbers) == 0 {
		return nil
	}
	in := list(numbers)
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range []string{
			`UPDATE tally SET records = tally.records + gone.frames, bytes = tally.bytes + gone.bytes
			FROM (SELECT coalesce(sum(frames), 0) AS frames, coalesce(sum(octet_length(body) + coalesce(octet_length(stations), 0)), 0) AS bytes
				FROM block JOIN block_body ON block_body.number = block.number WHERE block.number IN ` + in + `) AS gone
			WHERE kind = 'frames dropped'`,
			`DELETE FROM block_body WHERE number IN ` + in,
			`UPDATE block SET stations = NULL WHERE number IN ` + in,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return s.failed(err, "drop the bodies of %d blocks", len(numbers))
}
