package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"hayalet"
)

// reservedAtOnce is how many transaction ids a process reserves at once. What it has not used when it ends is lost: an id
// is never given twice.
const reservedAtOnce = 100

// lastID is the largest id that is given: OCPP 1.6 stations read transaction ids as 32-bit integers.
const lastID = math.MaxInt32

var errNoIDs = fmt.Errorf("all transaction ids are used up: %w", hayalet.ErrInvalid)

// idRange is a range of reserved ids, next up to but not including end.
type idRange struct{ next, end int64 }

// take returns the next id. It reserves a range within tx when none is left, so the caller forgets the range when tx does
// not commit.
func (r *idRange) take(ctx context.Context, tx *sql.Tx) (int64, error) {
	if r.next == r.end {
		var end int64
		err := tx.QueryRowContext(ctx, `UPDATE counter SET next = next + $1 WHERE name = 'transaction' RETURNING next`, reservedAtOnce).Scan(&end)
		if err != nil {
			return 0, fmt.Errorf("reserve transaction ids: %w", err)
		}
		*r = idRange{next: end - reservedAtOnce, end: end}
	}
	if r.next > lastID {
		return 0, errNoIDs
	}
	id := r.next
	r.next++
	return id, nil
}
