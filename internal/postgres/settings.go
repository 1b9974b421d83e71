package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// oldest is the first server version that will do, as the server counts.
const oldest = 15_00_00

// settings are what a server must have right before anything is trusted to it.
type settings struct {
	number   int64
	version  string
	fsync    string
	pages    string // full_page_writes
	encoding string
	standby  bool
}

func readSettings(ctx context.Context, db *sql.DB) (s settings, err error) {
	err = db.QueryRowContext(ctx, `SELECT CAST(current_setting('server_version_num') AS BIGINT), current_setting('server_version'),
		current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding'), pg_is_in_recovery()`).
		Scan(&s.number, &s.version, &s.fsync, &s.pages, &s.encoding, &s.standby)
	return s, err
}

func (s settings) check() error {
	switch {
	case s.number < oldest:
		return fmt.Errorf("its server is PostgreSQL %s; use version %d or later", s.version, oldest/10_000)
	case s.fsync != "on":
		return errors.New("its server runs with fsync=off and may lose or break everything at a power cut; set fsync=on in its postgresql.conf")
	case s.pages != "on":
		return errors.New("its server runs with full_page_writes=off and may break at a power cut; set full_page_writes=on in its postgresql.conf")
	case s.encoding != "UTF8":
		return fmt.Errorf("its encoding is %s; create the database with ENCODING 'UTF8'", s.encoding)
	case s.standby:
		return errors.New("its server is a standby, which cannot be written to; give the URL of the primary")
	}
	return nil
}
