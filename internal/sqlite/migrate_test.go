package sqlite_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/pressly/goose/v3"

	"hayalet"
	"hayalet/internal/sqlite"
	"hayalet/internal/sqlstore"
)

// schema1 fills a file of the first schema: a running transaction and one that has ended, an open incident, one that ended
// on a whole second and one that did not, two snapshots.
const schema1 = `
PRAGMA application_id = 1751218529;
PRAGMA journal_mode = WAL;
UPDATE counter SET next = 101;
INSERT INTO station VALUES ('CP_1', 'V', 'M', 'S', '1.0', 'ocpp1.6', 10, 30, 20);
INSERT INTO book VALUES (7, 'CP_1', 1, 'tag', 100, 't1', 1000, 200, 't2', 'Local', 2000), (8, 'CP_1', 1, 'tag', 200, '', 3000, NULL, NULL, NULL, NULL);
INSERT INTO incident VALUES
	('a', 2, 'CP_1', 2, 1, 100, '{"key":"a","rev":2,"severity":"medium","state":"confirmed","ended_at":null}'),
	('b', 3, 'CP_1', 3, 0, 200, '{"key":"b","rev":3,"severity":"high","state":"closed","ended_at":"1970-01-02T00:00:05Z","updated_at":"1970-01-02T00:00:04.5Z","first_at":"1970-01-01T00:00:00.00015Z","baseline_at":null}'),
	('c', 4, 'CP_1', 3, 0, 300, '{"key":"c","rev":4,"severity":"high","state":"cleared","ended_at":"2025-11-23T19:20:59.94728Z","last_at":"2025-11-23T20:00:00Z","baseline_at":"0000-01-01T00:00:00Z"}');
INSERT INTO snapshot VALUES ('CP_1', 5000, x'00ff'), ('CP_2', 6000, x'');`

// TestMigrations opens a file of each earlier schema, with what a program of the time has left in it.
func TestMigrations(t *testing.T) {
	for schema := int64(1); schema < newest(t); schema++ {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			writeSchema(t, path, 1)
			exec(t, path, schema1)
			writeSchema(t, path, schema)
			db := open(t, path)
			checkSchema1(t, db)
			for pragma, want := range map[string]string{"auto_vacuum": "2", "journal_mode": "wal", "integrity_check": "ok"} {
				if got := query(t, path, "PRAGMA "+pragma); got != want {
					t.Errorf("%s is %s, want %s", pragma, got, want)
				}
			}
		})
	}
}

// TestHolesOfAnEarlierJournal: what was kept before holes were known can be dropped, and is counted.
func TestHolesOfAnEarlierJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	writeSchema(t, path, 3)
	exec(t, path, `PRAGMA application_id = 1751218529; PRAGMA journal_mode = WAL;
		INSERT INTO block VALUES (1, 1, 1, 1, 1, 1, 0, 1, x'01', x'02'), (2, 2, 1, 2, 2, 2, 0, 2, x'01', NULL), (3, 3, 1, 3, 3, 3, 0, 3, x'01', NULL);
		INSERT INTO block_body VALUES (1, x'03');`)
	db := open(t, path)
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
	files, err := fs.Sub(sqlite.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	version, err := sqlstore.NewestSchema(files)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func writeSchema(t *testing.T, path string, version int64) {
	t.Helper()
	files, err := fs.Sub(sqlite.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkSchema1(t *testing.T, db *sqlite.DB) {
	t.Helper()
	ctx := t.Context()
	check := func(what string, got, want any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, error %v; want %+v", what, got, err, want)
		}
	}
	stations, err := db.Stations(ctx)
	check("stations", stations, []hayalet.Station{{
		ID: "CP_1", Vendor: "V", Model: "M", Serial: "S", Firmware: "1.0", Protocol: hayalet.OCPP16, FirstSeen: 10, LastSeen: 30, LastBoot: 20,
	}}, err)

	start := hayalet.Start{Station: "CP_1", Connector: 1, Token: "tag", Meter: 200, At: 3000}
	ended := hayalet.Transaction{
		ID:    7,
		Start: hayalet.Start{Station: "CP_1", Connector: 1, Token: "tag", Meter: 100, ClaimedAt: "t1", At: 1000},
		Stop:  &hayalet.Stop{Station: "CP_1", Transaction: 7, Meter: 200, ClaimedAt: "t2", Reason: "Local", At: 2000},
	}
	book, err := db.Transactions(ctx, "CP_1", 10)
	check("transactions", book, []hayalet.Transaction{{ID: 8, Start: start}, ended}, err)
	again, err := db.Begin(ctx, start)
	check("the running start again", again, int64(8), err)
	start.Meter++
	next, err := db.Begin(ctx, start)
	check("the next start", next, int64(101), err)

	var snapshots []hayalet.Snapshot
	mark, err := db.LoadState(ctx, func(s hayalet.Snapshot) error { snapshots = append(snapshots, s); return nil })
	check("mark", mark, uint64(0), err)
	check("snapshots", snapshots, []hayalet.Snapshot{{Station: "CP_1", At: 5000, Body: []byte{0, 255}}, {Station: "CP_2", At: 6000}}, err)

	found, err := db.Find(ctx, hayalet.IncidentFilter{})
	check("incidents", keys(found), []string{"a", "b", "c"}, err)
	spans, err := db.IncidentSpans(ctx)
	slices.SortFunc(spans, func(a, b hayalet.Span) int { return cmp.Compare(a.Until, b.Until) })
	check("spans", spans, []hayalet.Span{
		{Station: "CP_1", Since: 150, Until: 86_405_000_000},
		{Station: "CP_1", Since: -62_167_219_200_000_000, Until: 1_763_928_000_000_000},
		{Station: "CP_1", Since: 100, Until: hayalet.Endless},
	}, err)
	for _, c := range []struct {
		before hayalet.Instant
		want   int
	}{{86_405_000_000, 0}, {86_405_000_001, 1}, {1763925659947280, 0}, {1763925659947281, 1}} {
		n, err := db.DropIncidents(ctx, c.before, 10)
		check(fmt.Sprintf("incidents that ended before %d", c.before), n, c.want, err)
	}
	_, err = db.LastBlock(ctx)
	check("the journal is empty", err != nil, true, nil)
	check("the first block", db.AppendBlock(ctx, hayalet.Block{Number: 1, First: 1}), nil, nil)
}

func keys(all []hayalet.Incident) (keys []string) {
	for _, inc := range all {
		keys = append(keys, inc.Key)
	}
	return keys
}
