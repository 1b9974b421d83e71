package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"hayalet/internal/sqlstore"
)

//go:embed migrations
var migrations embed.FS

const (
	writers = 4
	readers = 4

	// dialPatience is how long a connection may take, unless the URL has a connect_timeout.
	dialPatience = 5 * time.Second
	// commitPatience is how long one commit may take.
	commitPatience = 10 * time.Second
)

// schema is where our tables are, beside those of others.
const schema = "hayalet"

// Open opens the store in the database that the URL names (postgres://user:password@host:5432/database; the parameters are
// those of libpq) and brings its schema up to date. The database must exist. An error is one line that says what is wrong,
// where, and what to do; it never shows the password.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	config, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redacted(rawURL), err)
	}
	d, err := open(ctx, config, commitPatience)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redacted(rawURL), explain(err))
	}
	return d, nil
}

// Redacted is the URL without its password, to be shown.
func Redacted(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "(a URL that cannot be read)"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	q.Del("password")
	q.Del("sslpassword")
	u.RawQuery = q.Encode()
	return u.String()
}

var errURL = errors.New("the URL cannot be read; it is written postgres://user:password@host:5432/database, " +
	"with %-escapes in the password")

func parse(rawURL string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(rawURL, "postgres://") && !strings.HasPrefix(rawURL, "postgresql://") {
		return nil, errURL
	}
	if _, err := url.Parse(rawURL); err != nil {
		return nil, errURL // the error may show the password
	}
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the URL cannot be used: %w", bare(err))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = dialPatience
	}
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "hayalet"
	}
	config.RuntimeParams["synchronous_commit"] = "on"
	config.RuntimeParams["search_path"] = schema
	// A process that the network has cut off must not hold the rows that others wait for.
	config.RuntimeParams["idle_in_transaction_session_timeout"] = milliseconds(commitPatience)
	return config, nil
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// pool is connections whose statements may take so long; zero is for ever.
func pool(config *pgx.ConnConfig, conns int, statement time.Duration) *sql.DB {
	own := config.Copy()
	own.RuntimeParams["statement_timeout"] = milliseconds(statement)
	db := stdlib.OpenDB(*own)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// open prepares the database over the reader, whose statements have all the time that migrations need. A commit has so long.
func open(ctx context.Context, config *pgx.ConnConfig, patience time.Duration) (*DB, error) {
	writer, reader := pool(config, writers, patience), pool(config, readers, 0)
	d := &DB{reader: reader}
	err := prepare(ctx, reader)
	if err == nil {
		d.Store, err = sqlstore.New(ctx, sqlstore.Options{
			Writer: writer, Reader: reader, WithInserts: true, Patience: patience, Explain: explain,
		})
	}
	if err == nil {
		err = d.Ping(ctx)
	}
	if err != nil {
		_ = errors.Join(reader.Close(), writer.Close()) // the first error says more
		return nil, err
	}
	return d, nil
}

func prepare(ctx context.Context, db *sql.DB) error {
	s, err := readSettings(ctx, db)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	return migrate(ctx, db)
}

// turn is the key of the advisory lock that processes take turns with at the schema ("haya" in ASCII).
const turn = 0x68617961

// migrate makes the schema, one process at a time.
func migrate(ctx context.Context, db *sql.DB) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, turn); err != nil {
		return err
	}
	defer func() {
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, turn)
		err = errors.Join(err, unlock)
	}()
	var there bool
	if err := conn.QueryRowContext(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, schema).Scan(&there); err != nil {
		return err
	}
	if !there { // whoever may not make it can have it made
		if _, err := conn.ExecContext(ctx, `CREATE SCHEMA `+schema); err != nil {
			return err
		}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return sqlstore.Migrate(ctx, db, goose.DialectPostgres, files)
}
