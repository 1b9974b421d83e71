package sqlstore

import (
	"context"
	"database/sql"

	"hayalet"
)

const blockColumns = `block.number, first_pos, frames, first_at, last_at, header, stations`

// How many blocks are read at once: no connection is held while the caller works on them.
const (
	headersAtOnce = 500
	bodiesAtOnce  = 32
)

// ReadBlocks gives the blocks that were there when it began to the function.
func (s *Store) ReadBlocks(ctx context.Context, q hayalet.BlockQuery, to func(hayalet.Block) error) error {
	return s.failed(s.readBlocks(ctx, q, to), "read blocks")
}

func (s *Store) readBlocks(ctx context.Context, q hayalet.BlockQuery, to func(hayalet.Block) error) error {
	from, last, err := s.bounds(ctx, q)
	if err != nil {
		return err
	}
	query, limit := pageOfBlocks(q)
	for from <= last {
		page, err := collect(ctx, s, scanBlock, query, from, last, floor(q.Since), ceiling(q.Until), limit)
		if err != nil {
			return err
		}
		for _, b := range page {
			if err := to(b); err != nil {
				return err
			}
		}
		if len(page) < limit {
			return nil
		}
		from = int64(page[limit-1].Number) + 1
	}
	return nil
}

// pageOfBlocks is the query for a page of blocks and its length. The table that is walked stands first: SQLite takes a
// CROSS JOIN by its word, and dropped bodies are passed over without a look at their blocks.
func pageOfBlocks(q hayalet.BlockQuery) (query string, limit int) {
	body, limit := "NULL", headersAtOnce
	if q.Bodies {
		body, limit = "body", bodiesAtOnce
	}
	from, number := "block", "block.number"
	switch {
	case q.Kept:
		from, number = "block_body CROSS JOIN block", "block_body.number"
	case q.Bodies:
		from = "block LEFT JOIN block_body ON block_body.number = block.number"
	}
	query = `SELECT ` + blockColumns + `, ` + body + ` FROM ` + from + ` WHERE ` + number + ` BETWEEN $1 AND $2`
	if q.Kept {
		query += ` AND block.number = block_body.number`
	}
	return query + ` AND last_at >= $3 AND first_at < $4 ORDER BY ` + number + ` LIMIT $5`, limit
}

func scanBlock(rows *sql.Rows) (b hayalet.Block, err error) {
	err = rows.Scan(&b.Number, &b.First, &b.Frames, &b.FirstAt, &b.LastAt, &b.Header, &b.Stations, &b.Body)
	return b, err
}

// bounds returns the numbers between which all blocks of the query lie. What grows with the number (positions, the newest
// receipt so far) is found by bisection.
func (s *Store) bounds(ctx context.Context, q hayalet.BlockQuery) (from, last int64, err error) {
	var back int64
	err = s.within(ctx, func(ctx context.Context) error {
		return s.reader.QueryRowContext(ctx, `SELECT number, back FROM block ORDER BY number DESC LIMIT 1`).Scan(&last, &back)
	})
	if err != nil {
		return 0, 0, err
	}
	from = max(int64(q.From), 1)
	if q.To > 0 {
		last = min(last, int64(q.To))
	}
	if q.Position > 0 {
		from, err = s.bisect(ctx, from, last, `first_pos + frames > $2`, int64(q.Position))
	}
	if err == nil && !q.Since.IsZero() {
		from, err = s.bisect(ctx, from, last, `newest_at >= $2`, int64(q.Since))
	}
	if err == nil && !q.Until.IsZero() {
		// What begins before until stands behind receipts of at most back later: the first that is not is the last that may.
		var first int64
		first, err = s.bisect(ctx, from, last, `newest_at >= $2`, later(q.Until, back))
		last = min(last, first)
	}
	return from, last, err
}

// bisect returns the first number from which on the condition holds, or last + 1. What retention has dropped is passed over.
func (s *Store) bisect(ctx context.Context, from, last int64, condition string, value int64) (int64, error) {
	query := `SELECT number, ` + condition + ` FROM block WHERE number >= $1 ORDER BY number LIMIT 1`
	end, found := last+1, last+1
	for from < end {
		middle := from + (end-from)/2
		var (
			number int64
			holds  bool
		)
		err := s.within(ctx, func(ctx context.Context) error {
			return s.reader.QueryRowContext(ctx, query, middle, value).Scan(&number, &holds)
		})
		switch {
		case err != nil:
			return 0, err
		case number >= end: // nothing is left from the middle to the end
			end = middle
		case holds:
			end, found = middle, number
		default:
			from = number + 1
		}
	}
	return found, nil
}
