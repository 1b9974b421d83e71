package sqlite

import (
	"context"
	"fmt"
)

// CheckVersion opens checkVersion to the tests: a binary has only one SQLite to test with.
var CheckVersion = checkVersion

// Explain opens explain to the tests: a full disk is hard to come by.
var Explain = explain

// LimitPages plays a disk that is full when the file has so many pages.
func LimitPages(ctx context.Context, d *DB, pages int) error {
	_, err := d.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
	return err
}

// Migrations opens migrations to the tests: they make files of earlier schemas.
var Migrations = migrations
