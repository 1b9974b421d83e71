package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"hayalet"
	"hayalet/internal/postgres"
	"hayalet/internal/sqlite"
)

// openStore opens the database of the configuration for a server: it makes a file that is not there, and brings the schema
// forward.
func (c *config) openStore(ctx context.Context) (hayalet.Store, error) {
	return c.openWith(ctx, sqlite.Open, postgres.Open)
}

const (
	startPatience = 30 * time.Second // for a database that is only just starting
	startRetry    = 500 * time.Millisecond
)

// awaitStore is openStore for a database that may be only just starting: it waits so long for it, and says so once.
func (c *config) awaitStore(ctx context.Context, patience time.Duration, log *slog.Logger) (hayalet.Store, error) {
	late := time.After(patience)
	for said := false; ; said = true {
		s, err := c.openStore(ctx)
		if !errors.Is(err, hayalet.ErrUnavailable) {
			return s, err
		}
		if !said {
			log.Warn("the database is not ready yet; it is waited for", "at_most", patience, "error", err)
		}
		select {
		case <-time.After(startRetry):
		case <-late:
			return nil, err
		case <-ctx.Done():
			return nil, err
		}
	}
}

// existingStore opens a database that must be there, for commands that ask it. They leave its schema as it is: a server of
// another version may be running on it.
func (c *config) existingStore(ctx context.Context) (hayalet.Store, error) {
	if !isPostgres(c.DB) {
		if _, err := os.Stat(c.DB); errors.Is(err, fs.ErrNotExist) {
			return nil, hint(fmt.Errorf("there is no database %s", c.DB), "give --db the file or URL that the server was started with")
		}
	}
	return c.openWith(ctx, sqlite.OpenExisting, postgres.OpenExisting)
}

// openWith opens a file, or a PostgreSQL by its URL.
func (c *config) openWith(ctx context.Context, file func(context.Context, string) (*sqlite.DB, error), url func(context.Context, string) (*postgres.DB, error)) (s hayalet.Store, err error) {
	where, err := c.database()
	if err != nil {
		return nil, usage(fmt.Errorf("configuration: db: %w", err))
	}
	if isPostgres(where) {
		s, err = url(ctx, where)
	} else {
		s, err = file(ctx, where)
	}
	switch {
	case errors.Is(err, hayalet.ErrConflict):
		return nil, hint(err, claimed)
	case err != nil:
		return nil, usage(err)
	}
	return s, nil
}

// claimed says what to do about a database that another server has.
const claimed = "stop it, or give this one another --db"
