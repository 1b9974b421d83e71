//go:build linux

package postgres_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/pressly/goose/v3"

	"hayalet"
	"hayalet/internal/postgres"
	"hayalet/internal/sqlstore"
)

// schema1 fills a database of the first schema: an open incident, one that ended on a whole second, and one whose station's
// clock was in no year that there was.
const schema1 = `INSERT INTO hayalet.incident (key, rev, station, severity, running, opened_at, ended_at, body) VALUES
	('a', 2, 'CP_1', 2, 1, 100, 0, '{"key":"a","rev":2,"severity":"medium","state":"confirmed","ended_at":null,"evidence":["\u0000"]}'),
	('b', 3, 'CP_1', 3, 0, 200, 86405000000, '{"key":"b","rev":3,"severity":"high","state":"closed","ended_at":"1970-01-02T00:00:05Z",
		"updated_at":"1970-01-02T00:00:04.5Z","first_at":"1970-01-01T00:00:00.00015Z","baseline_at":null}'),
	('c', 4, 'CP_1', 3, 0, 300, 1763925659947280, '{"key":"c","rev":4,"severity":"high","state":"cleared","ended_at":"2025-11-23T19:20:59.94728Z",
		"last_at":"2025-11-23T20:00:00.000001Z","baseline_at":"0000-01-01T00:00:00Z"}')`

// TestMigrations opens a database of each earlier schema, with what a program of the time has left in it.
func TestMigrations(t *testing.T) {
	for schema := int64(1); schema < newest(t); schema++ {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			url := cluster.Database(t)
			exec(t, url, `CREATE SCHEMA hayalet`)
			writeSchema(t, url, 1)
			exec(t, url, schema1)
			writeSchema(t, url, schema)
			checkSchema1(t, open(t, url))
		})
	}
}

func checkSchema1(t *testing.T, db *postgres.DB) {
	t.Helper()
	spans, err := db.IncidentSpans(t.Context())
	slices.SortFunc(spans, func(a, b hayalet.Span) int { return cmp.Compare(a.Until, b.Until) })
	want := []hayalet.Span{
		{Station: "CP_1", Since: 150, Until: 86_405_000_000},
		{Station: "CP_1", Since: 300, Until: 1_763_928_000_000_001},
		{Station: "CP_1", Since: 100, Until: hayalet.Endless},
	}
	if err != nil || !slices.Equal(spans, want) {
		t.Errorf("spans %+v, %v; want %+v", spans, err, want)
	}
	found, err := db.Find(t.Context(), hayalet.IncidentFilter{})
	if err != nil || len(found) != 3 {
		t.Errorf("incidents %+v, %v", found, err)
	}
}

// TestHolesOfAnEarlierJournal: what was kept before holes were known can be dropped, and is counted.
func TestHolesOfAnEarlierJournal(t *testing.T) {
	url := cluster.Database(t)
	exec(t, url, `CREATE SCHEMA hayalet`)
	writeSchema(t, url, 1)
	exec(t, url, `INSERT INTO hayalet.block VALUES (1, 1, 1, 1, 1, 1, 0, 1, '\x01', '\x02'), (2, 2, 1, 2, 2, 2, 0, 2, '\x01', NULL), (3, 3, 1, 3, 3, 3, 0, 3, '\x01', NULL)`)
	exec(t, url, `INSERT INTO hayalet.block_body VALUES (1, '\x03')`)
	db := open(t, url)
	if n, err := db.DropBlocks(t.Context(), hayalet.BlockRange{First: 2, Last: 2}, 9); n != 1 || err != nil {
		t.Errorf("%d blocks went: %v", n, err)
	}
	if use, err := db.Use(t.Context(), "chain"); err != nil || use["chain"].Records != 2 {
		t.Errorf("of the chain are left %+v: %v", use["chain"], err)
	}
}

// newest is the schema that this program makes.
func newest(t *testing.T) int64 {
	t.Helper()
	files, err := fs.Sub(postgres.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	version, err := sqlstore.NewestSchema(files)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func writeSchema(t *testing.T, url string, version int64) {
	t.Helper()
	files, err := fs.Sub(postgres.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), `SET search_path = hayalet`); err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}
