package postgres

import (
	"context"
	"time"
)

// OpenWithin opens a store that is less patient: a test has not as much time.
func OpenWithin(ctx context.Context, rawURL string, patience time.Duration) (*DB, error) {
	config, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	return open(ctx, config, patience, patience, forward)
}

// CheckSettings opens settings.check to the tests: a cluster has only one set of them.
func CheckSettings(number int64, fsync, pages, encoding string, standby bool) error {
	return settings{number: number, version: "its version", fsync: fsync, pages: pages, encoding: encoding, standby: standby}.check()
}

// AwaitTurn waits for the turn at the schema on a connection of its own.
func AwaitTurn(ctx context.Context, rawURL string, patience time.Duration) error {
	config, err := parse(rawURL)
	if err != nil {
		return err
	}
	db := pool(config, 1, 0)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return await(ctx, conn, patience)
}

// Turn is the key of the lock that is waited for.
const Turn = turn

// Migrations opens migrations to the tests: they make databases of earlier schemas.
var Migrations = migrations
