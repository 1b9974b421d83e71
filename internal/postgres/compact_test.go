//go:build linux

package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestCompactKeepsTheFile: whoever writes blocks does not wait until a file is cut off, and its room is used again.
func TestCompactKeepsTheFile(t *testing.T) {
	url := cluster.Database(t)
	db := open(t, url)
	const blocks = 200
	put := func(from uint64) (numbers []uint64) {
		for n := from; n < from+blocks; n++ {
			b := block(n)
			b.Body = make([]byte, 1500)
			if err := db.AppendBlock(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		return numbers
	}
	if err := db.DropBodies(t.Context(), put(1)); err != nil {
		t.Fatal(err)
	}
	before := tableSize(t, url)
	if _, err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := tableSize(t, url); after != before {
		t.Errorf("%d bytes were %d: the table was locked to cut it off", after, before)
	}
	put(blocks + 1)
	if after := tableSize(t, url); after > before+before/10 {
		t.Errorf("the table grew from %d to %d bytes, although all of it was free", before, after)
	}
}

// tableSize is the size of the blocks' bodies.
func tableSize(t *testing.T, url string) (size int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), `SELECT pg_relation_size('hayalet.block_body')`).Scan(&size); err != nil {
		t.Fatal(err)
	}
	return size
}
