package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
)

// blockSize is how many transaction ids a process reserves at once. What it has not used when it ends is lost: an id is
// never given twice.
const blockSize = 100

// lastID is the largest id that is given: OCPP 1.6 stations read transaction ids as 32-bit integers.
const lastID = math.MaxInt32

var errNoIDs = errors.New("all transaction ids are used up")

// block is a range of reserved ids, next up to but not including end.
type block struct{ next, end int64 }

// take returns the next id. It reserves a block within tx when none is left, so the caller forgets the block when tx
// does not commit.
func (b *block) take(ctx context.Context, tx *sql.Tx) (int64, error) {
	if b.next == b.end {
		var end int64
		err := tx.QueryRowContext(ctx, `UPDATE counter SET next = next + ? WHERE name = 'transaction' RETURNING next`, blockSize).Scan(&end)
		if err != nil {
			return 0, fmt.Errorf("reserve transaction ids: %w", err)
		}
		*b = block{next: end - blockSize, end: end}
	}
	if b.next > lastID {
		return 0, errNoIDs
	}
	id := b.next
	b.next++
	return id, nil
}
