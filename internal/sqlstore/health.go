package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"hayalet"
)

// Health is what a look at a database tells.
type Health struct {
	Version string          // of the SQLite that looked, or of the server
	Schema  int64           // the database's; 0: it has none of ours yet
	Known   int64           // the newest that this program knows
	Bytes   int64           // of the file and its write-ahead log, or of our tables with their indexes
	Newest  hayalet.Instant // the last that the database was told of; 0: nothing, or its schema is another
}

// Read fills in the schema of a database, and the newest time in it.
func (h *Health) Read(ctx context.Context, db *sql.DB, s Schema) error {
	if h.Schema, h.Known = s.Have, s.Know; s.Have != s.Know {
		return nil
	}
	return db.QueryRowContext(ctx, `SELECT max(at) FROM (
		SELECT max(last_seen) AS at FROM station
		UNION ALL SELECT newest_at FROM block WHERE number = (SELECT max(number) FROM block)) AS newest`).Scan(&h.Newest)
}

// NewestSchema is the version of the last of the migrations.
func NewestSchema(files fs.FS) (newest int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, v)
	}
	return newest, err
}
