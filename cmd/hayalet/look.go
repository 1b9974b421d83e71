package main

import (
	"context"

	"hayalet"
	"hayalet/internal/doctor"
	"hayalet/internal/postgres"
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
		s.lookAtServer(ctx, where)
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

func (s *sight) lookAtServer(ctx context.Context, url string) {
	h, err := postgres.Look(ctx, url)
	if s.Err = err; err != nil {
		return
	}
	s.Engine, s.Schema, s.Known, s.Bytes, s.newest = "PostgreSQL "+h.Version, h.Schema, h.Known, h.Bytes, h.Newest
	if h.Schema > 0 { // else there is nothing of ours yet
		s.verify = func(ctx context.Context) ([]string, error) { return postgres.Verify(ctx, url) }
	}
}
