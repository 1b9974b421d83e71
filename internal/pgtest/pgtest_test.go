//go:build linux

package pgtest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"hayalet/internal/pgtest"
)

// query runs a statement that returns one text.
func query(t *testing.T, url, statement string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), statement).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func start(t *testing.T) *pgtest.Cluster {
	t.Helper()
	c, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestKillAndStart: what was committed is there after the server was killed and started again, under the same URL.
func TestKillAndStart(t *testing.T) {
	c := start(t)
	url := c.URL("postgres")
	if fsync := query(t, url, "SHOW fsync"); fsync != "on" {
		t.Errorf("fsync is %s", fsync)
	}
	for _, object := range []string{"1", "2", "3"} {
		query(t, url, "SELECT CAST(lo_from_bytea("+object+", '"+object+"') AS TEXT)") // a large object: a value that stays
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.Connect(t.Context(), url); err == nil {
			t.Fatal("a server that was killed answers")
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if got := query(t, url, "SELECT convert_from(lo_get("+object+"), 'UTF8')"); got != object {
			t.Errorf("after the kill: %q, want %q", got, object)
		}
	}
}

// TestDatabase: each test has one of its own, and finds it empty though another had it before.
func TestDatabase(t *testing.T) {
	c := start(t)
	for range 2 {
		t.Run("", func(t *testing.T) {
			a, b := c.Database(t), c.Database(t)
			if a == b {
				t.Error("two databases are one")
			}
			for _, url := range []string{a, b} {
				if got := query(t, url, "SELECT count(*)::text FROM pg_namespace WHERE nspname = 'mine'"); got != "0" {
					t.Errorf("%s is not empty", url)
				}
				conn, err := pgx.Connect(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Exec(t.Context(), "CREATE SCHEMA mine CREATE TABLE x (y INT)"); err != nil { // and the connection stays
					t.Fatal(err)
				}
			}
		})
	}
}

// TestDiesWithItsProcess runs a process that makes a cluster and is killed: the server ends, and the next cluster removes
// the folder.
func TestDiesWithItsProcess(t *testing.T) {
	if os.Getenv("PGTEST_VICTIM") != "" {
		c, err := pgtest.New()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(c.URL("postgres"))
		select {} // until killed
	}
	temp := t.TempDir()
	for dir := temp; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) { // the server's user must get there
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	victim := exec.Command(os.Args[0], "-test.run=^TestDiesWithItsProcess$")
	victim.Env = append(os.Environ(), "PGTEST_VICTIM=1", "TMPDIR="+temp)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(string(line[:n]))
	query(t, url, "SELECT 'alive'")
	_ = victim.Process.Signal(syscall.SIGKILL)
	_ = victim.Wait()

	for { // until the test's time is over
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			break
		}
		conn.Close(t.Context())
	}
	t.Setenv("TMPDIR", temp)
	c, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
