package postgres

import (
	"context"
	"database/sql"
	"errors"

	"hayalet/internal/sqlstore"
)

// Look says what the database at the URL is. It changes nothing. An error is one line that says what is wrong and what to
// do: that the database cannot be reached, or that Open would refuse its server.
func Look(ctx context.Context, rawURL string) (h sqlstore.Health, err error) {
	err = reading(ctx, rawURL, func(db *sql.DB) error {
		return sqlstore.Within(ctx, commitPatience, func(ctx context.Context) error {
			s, err := readSettings(ctx, db)
			if err != nil {
				return err
			}
			h.Version = s.version
			return errors.Join(s.check(), readHealth(ctx, db, &h))
		})
	})
	return h, err
}

// Verify lists what is wrong with our tables: those that are missing, indexes that cannot be used, and pages whose checksums
// were found wrong. Like [Look] it changes nothing. An error wraps ctx's when that ended first.
func Verify(ctx context.Context, rawURL string) (damage []string, err error) {
	err = reading(ctx, rawURL, func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, faults)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			damage = append(damage, line)
		}
		return rows.Err()
	})
	return damage, err
}

// reading runs do on one connection that may not write.
func reading(ctx context.Context, rawURL string, do func(*sql.DB) error) error {
	config, err := parse(rawURL)
	if err != nil {
		return err
	}
	config.RuntimeParams["default_transaction_read_only"] = "on"
	db := pool(config, 1, 0)
	defer func() { _ = db.Close() }()
	if err = do(db); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

func readHealth(ctx context.Context, db *sql.DB, h *sqlstore.Health) error {
	tables, err := readSchema(ctx, db)
	if err != nil {
		return err
	}
	err = db.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = to_regnamespace($1)`, schema).Scan(&h.Bytes)
	if err != nil {
		return err
	}
	return h.Read(ctx, db, tables)
}

// faults asks only the server's own books. Reading all pages is a task of pg_amcheck, which wants a superuser.
const faults = `
SELECT 'table ' || name || ' is missing' FROM unnest(ARRAY['station', 'counter', 'book', 'incident', 'incident_history', 'snapshot', 'mark',
		'block', 'block_body', 'tally', 'series', 'told', 'audit', 'exception', 'anchor']) AS name
	WHERE to_regclass('` + schema + `.' || name) IS NULL
UNION ALL SELECT 'index ' || relname || ' cannot be used' FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
	WHERE relnamespace = to_regnamespace('` + schema + `') AND NOT (indisvalid AND indisready)
UNION ALL SELECT checksum_failures || ' pages with a wrong checksum, the last at ' || checksum_last_failure FROM pg_stat_database
	WHERE datname = current_database() AND checksum_failures > 0`
