package storetest

import (
	"errors"
	"testing"

	"hayalet"
)

// testClaim: one at a time has the blocks to itself.
func testClaim(t *testing.T, db Database) {
	a, b := db.Open(t, "a"), db.Open(t, "a")
	release, err := a.Claim(t.Context())
	must(t, "claim", err)
	for range 2 {
		if _, err := b.Claim(t.Context()); !errors.Is(err, hayalet.ErrConflict) {
			t.Errorf("claimed twice: %v, want ErrConflict", err)
		}
	}
	must(t, "release", release())
	release, err = b.Claim(t.Context())
	must(t, "claim what was released", err)
	must(t, "release", release())
}
