package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hayalet"
	"hayalet/internal/postgres"
	"hayalet/internal/sqlite"
)

// openStore opens the database of the configuration and makes a file that is not there.
func (c *config) openStore(ctx context.Context) (hayalet.Store, error) {
	db, err := c.database()
	if err != nil {
		return nil, usage(fmt.Errorf("configuration: db: %w", err))
	}
	s, err := openDatabase(ctx, db)
	if err != nil {
		return nil, usage(err)
	}
	return s, nil
}

// openDatabase opens a file, or a PostgreSQL by its URL.
func openDatabase(ctx context.Context, db string) (hayalet.Store, error) {
	if isPostgres(db) {
		d, err := postgres.Open(ctx, db)
		if err != nil {
			return nil, err
		}
		return d, nil
	}
	d, err := sqlite.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// existingStore opens a database that must be there, for commands that ask it. They leave its schema as it is: a server of
// another version may be running on it.
func (c *config) existingStore(ctx context.Context) (hayalet.Store, error) {
	if !isPostgres(c.DB) {
		if _, err := os.Stat(c.DB); errors.Is(err, fs.ErrNotExist) {
			return nil, hint(fmt.Errorf("there is no database %s", c.DB), "give --db the file or URL that the server was started with")
		}
	}
	if seen := c.look(ctx); seen.Err == nil && seen.Schema < seen.Known { // what is wrong otherwise, opening it says
		return nil, hint(fmt.Errorf("database %s has schema %d, this program works with %d", seen.Name, seen.Schema, seen.Known),
			"the server of this version brings it forward when it starts; until then ask with the version of the server that wrote it")
	}
	return c.openStore(ctx)
}
