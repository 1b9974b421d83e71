package evidence

import (
	"context"

	"hayalet"
	"hayalet/internal/journal"
)

// What the tests look at besides the package's own interface.
var (
	AppendLine = appendLine
	ReadLine   = readLine
)

// GatherAtMost gathers with these limits: bytes of the lines, leaves, and blocks.
func GatherAtMost(ctx context.Context, chain journal.Chain, st hayalet.StationID, w Window, lines, leaves int, links uint64) (*Excerpt, error) {
	return gather(ctx, chain, st, w, limits{lines, leaves, links})
}
