package main

import (
	"context"
	"errors"

	"hayalet"
	"hayalet/internal/doctor"
	"hayalet/internal/sqlite"
)

// sight is what was seen of a database that was not changed.
type sight struct {
	doctor.Database
	newest hayalet.Instant                                  // that it holds; 0: not known
	verify func(context.Context) (damage []string, _ error) // reads all of it; nil where there is nothing to read
}

// look looks at the configured database, of whatever kind.
func (c *config) look(ctx context.Context) sight {
	s := sight{Database: doctor.Database{Name: withoutPassword(c.DB)}}
	where, err := c.database()
	switch {
	case err != nil:
		s.Err = err
	case isPostgres(where):
		s.Err = errors.New("this program cannot look at PostgreSQL; ask psql")
	default:
		s.lookAtFile(ctx, where)
	}
	return s
}

func (s *sight) lookAtFile(ctx context.Context, path string) {
	h, err := sqlite.Look(ctx, path)
	if s.Err = err; err != nil {
		return
	}
	s.Engine, s.Schema, s.Known, s.Bytes, s.newest = "SQLite "+h.Version, h.Schema, h.Known, h.Bytes, h.Newest
	s.verify = func(ctx context.Context) ([]string, error) { return sqlite.Verify(ctx, path) }
}
