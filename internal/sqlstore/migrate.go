package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

// Schema is the version of the tables.
type Schema struct {
	Have int64 // the database's; 0: it has none of ours yet
	Know int64 // the newest that this program knows
}

// ReadSchema reads the version that the database has. there is a query that says whether it has one.
func ReadSchema(ctx context.Context, db *sql.DB, files fs.FS, there string) (s Schema, err error) {
	if s.Know, err = NewestSchema(files); err != nil {
		return s, err
	}
	var any bool
	if err := db.QueryRowContext(ctx, there).Scan(&any); err != nil || !any {
		return s, err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&s.Have)
	return s, err
}

// Older reports whether the schema is one that this program can bring forward.
func (s Schema) Older() bool { return s.Have < s.Know }

// Check is nil where this program can work with the schema as it is; else it says in one line what to do.
func (s Schema) Check() error {
	switch {
	case s.Have > s.Know:
		return fmt.Errorf("its schema %d is newer than %d, the newest that this program knows; use the newer program or give another database", s.Have, s.Know)
	case s.Have == 0 && s.Know > 0:
		return errors.New("no server has made its tables yet; start one, or give the database of one")
	case s.Older():
		return fmt.Errorf("its schema %d is older than %d, which this program works with; the server of this version brings it forward when it starts; "+
			"until then ask with the version of the server that wrote it", s.Have, s.Know)
	}
	return nil
}

// Migrate brings the schema forward to the newest of the files. There is no way back. The caller has claimed the database:
// a server that works on it would not know what it writes into.
func Migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, files fs.FS) error {
	p, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema forward: %w", err)
	}
	return nil
}
