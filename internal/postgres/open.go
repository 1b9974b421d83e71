package postgres

import (
	"cmp"
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

	"hayalet"
	"hayalet/internal/sqlstore"
)

//go:embed migrations
var migrations embed.FS

const (
	writers = 4
	readers = 4

	// dialPatience is how long a connection may take, unless the URL has a connect_timeout.
	dialPatience = 5 * time.Second
	// turnPatience is how long another program's work at the schema is waited for.
	turnPatience = 30 * time.Second
	// commitPatience is how long one commit may take, and a server be silent while it reads.
	commitPatience = 10 * time.Second
	// readingPatience is how long it may be silent where it reads through much, before the first row and between two.
	readingPatience = time.Minute
)

// schema is where our tables are, beside those of others.
const schema = "hayalet"

// Open opens the store in the database that the URL names (postgres://user:password@host:5432/database; the parameters are
// those of libpq) for a server, and brings its schema up to date, for which it claims it; where another server has done so,
// that is [hayalet.ErrConflict]. The database must exist; where its server is only just starting, that is
// [hayalet.ErrUnavailable]. An error is one line that says what is wrong, where, and what to do; it never shows the password.
func Open(ctx context.Context, rawURL string) (*DB, error) { return openURL(ctx, rawURL, forward) }

// OpenExisting opens the store for somebody who asks it, while a server may work on it. It leaves the schema as it is:
// another one than this program's is an error, like those of [Open].
func OpenExisting(ctx context.Context, rawURL string) (*DB, error) {
	return openURL(ctx, rawURL, func(ctx context.Context, db *sql.DB) error {
		schema, err := readSchema(ctx, db)
		if err != nil {
			return err
		}
		return schema.Check()
	})
}

func openURL(ctx context.Context, rawURL string, schema func(context.Context, *sql.DB) error) (*DB, error) {
	config, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redacted(rawURL), err)
	}
	d, err := open(ctx, config, commitPatience, readingPatience, schema)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redacted(rawURL), explain(err))
	}
	return d, nil
}

// Redacted is a URL, well written or not, without its password, to be shown. A text that is none is left as it is.
func Redacted(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	end := len(rest) // of user, password and host, which may hold a slash or more where it is written wrongly
	if _, err := url.Parse("x://" + rest); err == nil {
		end = strings.IndexAny(rest+"/", "/?#")
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + rest[at:]
	}
	if path, query, ok := strings.Cut(rest, "?"); ok {
		rest = path + "?" + withoutPasswords(query)
	}
	return scheme + "://" + rest
}

// withoutPasswords takes the values that libpq keeps secret off a query.
func withoutPasswords(query string) string {
	list := strings.Split(query, "&")
	for i, pair := range list {
		key, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(key); err != nil || strings.HasSuffix(strings.ToLower(name), "password") {
			list[i] = key + "="
		}
	}
	return strings.Join(list, "&")
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

// open prepares the database over the reader, whose statements have all the time that migrations need. A commit has so long,
// and reading may be silent so long.
func open(ctx context.Context, config *pgx.ConnConfig, patience, reading time.Duration, schema func(context.Context, *sql.DB) error) (*DB, error) {
	writer, reader := pool(config, writers, patience), pool(config, readers, 0)
	d := &DB{reader: reader}
	err := sqlstore.Within(ctx, patience, func(ctx context.Context) error { return checkServer(ctx, reader) })
	if err == nil {
		err = schema(ctx, reader)
	}
	if err == nil {
		d.Store, err = sqlstore.New(ctx, sqlstore.Options{
			Writer: writer, Reader: reader, WithInserts: true, Patience: patience, Reading: reading, Explain: explain,
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

func checkServer(ctx context.Context, db *sql.DB) error {
	s, err := readSettings(ctx, db)
	if err != nil {
		return err
	}
	return s.check()
}

// readSchema says what schema the database has.
func readSchema(ctx context.Context, db *sql.DB) (s sqlstore.Schema, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return s, err
	}
	err = sqlstore.Within(ctx, commitPatience, func(ctx context.Context) (err error) {
		s, err = sqlstore.ReadSchema(ctx, db, files, `SELECT to_regclass('goose_db_version') IS NOT NULL`)
		return err
	})
	return s, err
}

// turn is the key of the advisory lock that processes take turns with at the schema ("haya" in ASCII).
const turn = 0x68617961

// forward brings the schema up to date, one process at a time, and while no server works on the database.
func forward(ctx context.Context, db *sql.DB) (err error) {
	if s, err := readSchema(ctx, db); err != nil || !s.Older() {
		return cmp.Or(err, s.Check())
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := await(ctx, conn, turnPatience); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock(ctx, conn, turn)) }()
	s, err := readSchema(ctx, db) // whoever had the turn before may have done it
	if err != nil || !s.Older() {
		return cmp.Or(err, s.Check())
	}
	if err := lock(ctx, conn); err != nil {
		return fmt.Errorf("its schema %d cannot be brought forward to %d: %w", s.Have, s.Know, err)
	}
	defer func() { err = errors.Join(err, unlock(ctx, conn, claim)) }()
	return migrate(ctx, db)
}

// await waits for the turn at the schema.
func await(ctx context.Context, conn *sql.Conn, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := conn.ExecContext(limited, `SELECT pg_advisory_lock($1)`, turn)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("another program is at its schema, for more than %v; wait until that has ended and start again: %w", patience, hayalet.ErrConflict)
	}
	return err
}

func migrate(ctx context.Context, db *sql.DB) error {
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, schema).Scan(&there); err != nil {
		return err
	}
	if !there { // whoever may not make it can have it made
		if _, err := db.ExecContext(ctx, `CREATE SCHEMA `+schema); err != nil {
			return err
		}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return sqlstore.Migrate(ctx, db, goose.DialectPostgres, files)
}
