package main

import (
	"context"

	"hayalet"
	"hayalet/internal/doctor"
	"hayalet/internal/postgres"
	"hayalet/internal/sqlite"
	"hayalet/internal/sqlstore"
)

// sight is what was seen of a database that was not changed.
type sight struct {
	doctor.Database
	newest hayalet.Instant                                  // that it holds; 0: not known
	verify func(context.Context) (damage []string, _ error) // checks all of it; nil where there is nothing to read
}

// look looks at the configured database, of whatever kind. The password of a URL is in none of what it returns.
func (c *config) look(ctx context.Context) sight {
	s := sight{Database: doctor.Database{Name: postgres.Redacted(c.DB)}}
	where, err := c.database()
	switch {
	case err != nil:
		s.Err = err
	case isPostgres(where):
		h, err := postgres.Look(ctx, where)
		s.saw("PostgreSQL", h, err)
		if err == nil && h.Schema == h.Known { // it looks for the tables of today
			s.verify = func(ctx context.Context) ([]string, error) { return postgres.Verify(ctx, where) }
		}
	default:
		h, err := sqlite.Look(ctx, where)
		s.saw("SQLite", h, err)
		if err == nil {
			s.verify = func(ctx context.Context) ([]string, error) { return sqlite.Verify(ctx, where) }
		}
	}
	return s
}

func (s *sight) saw(engine string, h sqlstore.Health, err error) {
	s.Engine, s.Schema, s.Known, s.Bytes, s.newest, s.Err = engine+" "+h.Version, h.Schema, h.Known, h.Bytes, h.Newest, err
}
