//go:build linux

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hayalet"
	"hayalet/internal/pgtest"
	"hayalet/internal/postgres"
)

// as is the URL with another user, and what follows the user's name.
func as(url, user string) string {
	return strings.Replace(url, pgtest.User+"@", user+"@", 1)
}

func TestOpenErrors(t *testing.T) {
	url := cluster.Database(t)
	exec(t, url, `CREATE ROLE `+pgtest.Guarded+` LOGIN PASSWORD 's3cret'`)
	exec(t, url, `CREATE ROLE poor LOGIN`)
	newer := cluster.Database(t)
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, newer, `INSERT INTO hayalet.goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	free := unused(t)

	for _, c := range []struct{ name, url, want string }{
		{"no URL", "hayalet.db", "with %-escapes in the password"},
		{"another scheme", "mysql://u:s3cret@h/d", "with %-escapes in the password"},
		{"a slash in the password", "postgres://u:s3cret/s3cret@h/d", "with %-escapes in the password"},
		{"an unknown sslmode", "postgres://u:s3cret@h/d?sslmode=s", "sslmode is invalid"},
		{"nobody listens", "postgres://u:s3cret@" + free + "/d", "no PostgreSQL listens at " + free + "; start it or correct the URL"},
		{"no socket", "postgres:///d?host=" + t.TempDir(), "start it or correct the URL"},
		{"no database", cluster.URL("nowhere"), `database "nowhere" does not exist (SQLSTATE 3D000); create it (CREATE DATABASE) or give another`},
		{"no user", as(url, "nobody"), `role "nobody" does not exist (SQLSTATE 28000); correct the user of the URL, or let it in by the server's pg_hba.conf`},
		{"wrong password", as(url, pgtest.Guarded+":wr0ng"), "(SQLSTATE 28P01); correct the user or the password of the URL"},
		{"no rights", as(url, "poor"), "(SQLSTATE 42501); let this user do so (GRANT CREATE ON DATABASE), or make it the database's owner"},
		{"newer schema", newer, fmt.Sprintf("its schema 9999 is newer than %d, the newest that this program knows; use the newer program or give another database", newest(t))},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := postgres.Open(t.Context(), c.url)
			if err == nil {
				_ = db.Close()
				t.Fatal("no error")
			}
			msg := err.Error()
			if !strings.HasPrefix(msg, "open database ") || !strings.HasSuffix(msg, c.want) || strings.Contains(msg, "\n") {
				t.Errorf("error %q, want one line that ends with %q", msg, c.want)
			}
			if strings.Contains(msg, "s3cret") || strings.Contains(msg, "wr0ng") {
				t.Errorf("error %q shows the password", msg)
			}
		})
	}
	exec(t, url, `GRANT CREATE ON DATABASE `+strings.Split(strings.SplitAfter(url, "/")[3], "?")[0]+` TO guarded`)
	open(t, as(url, pgtest.Guarded+":s3cret"))
	exec(t, url, `DROP SCHEMA hayalet CASCADE`)
	exec(t, url, `DROP OWNED BY guarded, poor`)
	exec(t, url, `DROP ROLE guarded, poor`)
}

// unused is an address of this machine where nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestSilentServer: somebody takes the connection and says nothing.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = postgres.Open(t.Context(), "postgres://u@"+l.Addr().String()+"/d?connect_timeout=1")
	if want := "does not answer in time; see that its server runs and that the way to it is open"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRedacted(t *testing.T) {
	for text, want := range map[string]string{
		"hayalet.db":                                       "hayalet.db",
		"/a:b@c/hayalet.db":                                "/a:b@c/hayalet.db",
		"postgres://h/d":                                   "postgres://h/d",
		"postgres://u@h:5432/d":                            "postgres://u@h:5432/d",
		"postgres://u:p@h:5432/d":                          "postgres://u@h:5432/d",
		"postgres://u:p:p@h/d":                             "postgres://u@h/d",
		"postgres://u:p@p@h/d":                             "postgres://u@h/d",
		"postgres://u:p/p@h/d":                             "postgres://u@h/d",
		"postgres://u:p#p@h/d":                             "postgres://u@h/d",
		"postgres://u:p?p@h/d":                             "postgres://u@h/d",
		"postgres://u:%zz@h/d":                             "postgres://u@h/d",
		"postgres://:p@h/d":                                "postgres://@h/d",
		"postgres://h:1/d?x=a@b&password=p&y=1":            "postgres://h:1/d?x=a@b&password=&y=1",
		"postgres://u:p@h/d?sslPassword=p":                 "postgres://u@h/d?sslPassword=",
		"https://h:1/a@b":                                  "https://h:1/a@b",
		"postgres://u:s3cret@h:5432/d?sslmode=require":     "postgres://u@h:5432/d?sslmode=require",
		"postgres://h/d?user=u&pass%77ord=p&sslpassword=p": "postgres://h/d?user=u&pass%77ord=&sslpassword=",
		"postgresql:///d?host=/run/postgresql":             "postgresql:///d?host=/run/postgresql",
	} {
		if got := postgres.Redacted(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, c := range []struct {
		number                 int64
		fsync, pages, encoding string
		standby                bool
		want                   string
	}{
		{15_00_00, "on", "on", "UTF8", false, ""},
		{18_00_01, "on", "on", "UTF8", false, ""},
		{14_00_22, "on", "on", "UTF8", false, "use version 15 or later"},
		{15_00_00, "off", "on", "UTF8", false, "set fsync=on in its postgresql.conf"},
		{15_00_00, "on", "off", "UTF8", false, "set full_page_writes=on in its postgresql.conf"},
		{15_00_00, "on", "on", "SQL_ASCII", false, "create the database with ENCODING 'UTF8'"},
		{15_00_00, "on", "on", "UTF8", true, "give the URL of the primary"},
	} {
		err := postgres.CheckSettings(c.number, c.fsync, c.pages, c.encoding, c.standby)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want)) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

// TestCommitsAreOnDisk: whatever the database's default is.
func TestCommitsAreOnDisk(t *testing.T) {
	url := cluster.Database(t)
	name := strings.Split(strings.SplitAfter(url, "/")[3], "?")[0]
	exec(t, url, `ALTER DATABASE `+name+` SET synchronous_commit = off`)
	exec(t, url, `ALTER DATABASE `+name+` SET search_path = public`)
	db := open(t, url)
	exec(t, url, `CREATE FUNCTION public.setting() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN NEW.detail := current_setting('synchronous_commit') || ' ' || current_setting('application_name'); RETURN NEW; END $$`)
	exec(t, url, `CREATE TRIGGER setting BEFORE INSERT ON hayalet.audit FOR EACH ROW EXECUTE FUNCTION public.setting()`)
	if err := db.PutAudit(t.Context(), hayalet.AuditEntry{At: 1}); err != nil {
		t.Fatal(err)
	}
	got, err := db.AuditTrail(t.Context(), 0, 0, 0)
	if err != nil || len(got) != 1 || got[0].Detail != "on hayalet" {
		t.Errorf("the writer's settings: %+v, %v", got, err)
	}
	exec(t, url, `DROP FUNCTION public.setting CASCADE`)
	exec(t, url, `ALTER DATABASE `+name+` RESET ALL`)
}

// TestOpenTogether: processes that start at the same moment make the schema one after the other.
func TestOpenTogether(t *testing.T) {
	url := cluster.Database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := postgres.Open(t.Context(), url)
			if err == nil {
				err = db.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestATurnThatDoesNotEnd is not waited for without end.
func TestATurnThatDoesNotEnd(t *testing.T) {
	url := cluster.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, postgres.Turn); err != nil {
		t.Fatal(err)
	}
	if err := postgres.AwaitTurn(t.Context(), url, 100*time.Millisecond); !errors.Is(err, hayalet.ErrConflict) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want ErrConflict in one line", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := postgres.AwaitTurn(ended, url, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the caller's", err)
	}
}

// TestAskingMakesNoSchema, nor anything else.
func TestAskingMakesNoSchema(t *testing.T) {
	url := cluster.Database(t)
	_, err := postgres.OpenExisting(t.Context(), url)
	if want := "no server has made its tables yet; start one, or give the database of one"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	exec(t, url, `CREATE SCHEMA hayalet`) // an error, were there one
	exec(t, url, `DROP SCHEMA hayalet`)
}

func TestLook(t *testing.T) {
	url := cluster.Database(t)
	h, err := postgres.Look(t.Context(), url)
	if err != nil || h.Schema != 0 || h.Known < 1 || h.Version == "" {
		t.Errorf("an empty database: %+v, %v", h, err)
	}
	db := open(t, url)
	if err := db.AppendBlock(t.Context(), hayalet.Block{Number: 1, First: 1, Frames: 1, FirstAt: 5, LastAt: 7}); err != nil {
		t.Fatal(err)
	}
	h, err = postgres.Look(t.Context(), url)
	if err != nil || h.Schema != h.Known || h.Newest != 7 || h.Bytes < 1000 {
		t.Errorf("a good database: %+v, %v", h, err)
	}
	if damage, err := postgres.Verify(t.Context(), url); err != nil || len(damage) != 0 {
		t.Errorf("a good database: %q, %v", damage, err)
	}
	exec(t, url, `DROP TABLE hayalet.audit`)
	exec(t, url, `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'hayalet.told_at'::regclass`)
	damage, err := postgres.Verify(t.Context(), url)
	if want := []string{"table audit is missing", "index told_at cannot be used"}; err != nil || fmt.Sprint(damage) != fmt.Sprint(want) {
		t.Errorf("a damaged database: %q, %v; want %q", damage, err, want)
	}
	if _, err := postgres.Look(t.Context(), cluster.URL("nowhere")); err == nil || !strings.HasSuffix(err.Error(), "or give another") {
		t.Errorf("no database: %v", err)
	}
}
