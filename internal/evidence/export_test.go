package evidence

import (
	"context"

	"hayalet"
)

// What the tests look at besides the package's own interface.
var (
	AppendLine = appendLine
	ReadLine   = readLine
)

// GatherAtMost gathers with these limits: bytes of the lines, leaves, and blocks.
func GatherAtMost(ctx context.Context, blocks hayalet.Blocks, st hayalet.StationID, w Window, lines, leaves int, chain uint64) (*Excerpt, error) {
	return gather(ctx, blocks, st, w, limits{lines, leaves, chain})
}
