//go:build linux

package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"hayalet"
	"hayalet/internal/pgtest"
	"hayalet/internal/postgres"
	"hayalet/internal/storetest"
)

// cluster serves all tests of this package.
var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if cluster, err = pgtest.New(); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, cluster.Close()
}

func TestContract(t *testing.T) {
	urls := map[string]string{} // of each test, so that a name finds its data again
	url := func(t *testing.T, name string) string {
		key := t.Name() + "/" + name
		if urls[key] == "" {
			urls[key] = cluster.Database(t)
		}
		return urls[key]
	}
	storetest.Run(t, storetest.Database{
		Open:   func(t *testing.T, name string) hayalet.Store { return open(t, url(t, name)) },
		Refuse: func(t *testing.T, name, table string) func() { return refuse(t, url(t, name), table) },
		Reopen: func(t *testing.T, name string, server bool) (hayalet.Store, error) {
			how := postgres.OpenExisting
			if server {
				how = postgres.Open
			}
			return how(t.Context(), url(t, name))
		},
		Schema: func(t *testing.T, name string) int64 {
			h, err := postgres.Look(t.Context(), url(t, name))
			if err != nil {
				t.Fatal(err)
			}
			return h.Schema
		},
		SetSchema: func(t *testing.T, name string, version int64) {
			exec(t, url(t, name), fmt.Sprintf(`DELETE FROM hayalet.goose_db_version WHERE version_id >= %d`, version))
			exec(t, url(t, name), fmt.Sprintf(`INSERT INTO hayalet.goose_db_version (version_id, is_applied) VALUES (%d, true)`, version))
		},
	})
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// refuse makes every row that comes into the table, and every change of one, an error.
func refuse(t *testing.T, url, table string) (mend func()) {
	t.Helper()
	exec(t, url, `ALTER TABLE hayalet.`+table+` ADD CONSTRAINT refuse CHECK (false) NOT VALID`)
	return func() { exec(t, url, `ALTER TABLE hayalet.`+table+` DROP CONSTRAINT refuse`) }
}

// exec runs a statement behind the store's back.
func exec(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), statement)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkAppendBlock(b *testing.B) {
	storetest.BenchmarkAppendBlock(b, func(b *testing.B) hayalet.Store { return open(b, cluster.Database(b)) })
}

func BenchmarkSaveState(b *testing.B) { storetest.BenchmarkSaveState(b, open(b, cluster.Database(b))) }

func BenchmarkReadBlocks(b *testing.B) {
	storetest.BenchmarkReadBlocks(b, open(b, cluster.Database(b)))
}
