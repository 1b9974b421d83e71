//go:build linux

// Package pgtest gives tests a PostgreSQL of their own: a private cluster from the programs of Debian's package
// postgresql, in a temporary folder, reached through a socket in it. It is for tests only.
//
//	func TestMain(m *testing.M) {
//		cluster, err := pgtest.New()
//		…
//		code := m.Run()
//		cluster.Close()
//
// One cluster serves all tests of a process, each with a database of its own; [Cluster.Kill] and [Cluster.Start] are for
// those that are about its death. A cluster dies with its process, and what a killed process has left behind is removed
// by the next one. As root the cluster runs as the user postgres or nobody, since PostgreSQL refuses root.
package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// User is the superuser of every cluster; it needs no password, and neither does a user that a test makes.
	User = "hayalet"
	// Guarded is the name of the one that does.
	Guarded = "guarded"
	// patience is how long a cluster may take to start or to end.
	patience = 60 * time.Second
	// ready is what the server writes when it can be used.
	ready = "database system is ready to accept connections"
)

// Cluster is a PostgreSQL server with databases. One goroutine starts, kills and closes it; any may ask for databases.
type Cluster struct {
	bin    string
	folder string
	owner  *syscall.Credential // whom it runs as; nil: as this process
	server *server             // nil while there is none

	mutex sync.Mutex
	made  int      // databases
	free  []string // those that no test has
}

// New makes a cluster and starts it. PostgreSQL 15 or later must be installed.
func New() (*Cluster, error) {
	bin, err := programs("/usr/lib/postgresql")
	if err != nil {
		return nil, err
	}
	owner, err := otherThanRoot()
	if err != nil {
		return nil, err
	}
	sweep(os.TempDir())
	folder, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, folder: folder, owner: owner}
	if err := errors.Join(c.create(), c.Start()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return c, nil
}

// create runs initdb. The order of texts is made to differ from that of their bytes, which a store must not rely on.
func (c *Cluster) create() error {
	if c.owner != nil {
		if err := os.Chown(c.folder, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return err
		}
	}
	cmd := c.command("initdb", "-D", c.data(), "-U", User, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
		"--locale-provider=icu", "--icu-locale=en", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return os.WriteFile(filepath.Join(c.data(), "pg_hba.conf"), []byte("local all "+Guarded+" scram-sha-256\nlocal all all trust\n"), 0o600)
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.folder
	cmd.Env = []string{"LC_ALL=C.UTF-8", "HOME=" + c.folder, "PATH=" + c.bin}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// server is one run of the postmaster.
type server struct {
	pid   int
	ended chan struct{} // closed when it has ended
}

// Start starts the server, after New or Kill, and returns when it answers. It recovers what was on disk.
func (c *Cluster) Start() error {
	cmd := c.command("postgres", "-D", c.data(), "-k", c.folder, "-c", "listen_addresses=", "-c", "max_connections=60",
		"-c", "shared_buffers=32MB", "-c", "logging_collector=off")
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	s := &server{ended: make(chan struct{})}
	up, failed := make(chan struct{}), make(chan error, 1)
	go s.run(cmd, log, up, failed)
	select {
	case <-up:
		c.server = s
		return nil
	case err := <-failed:
		return err
	case <-time.After(patience):
		return fmt.Errorf("PostgreSQL does not start in %v", patience)
	}
}

// run runs the server. It holds its thread: the server is told to end when the thread that started it does.
func (s *server) run(cmd *exec.Cmd, log io.Reader, up chan<- struct{}, failed chan<- error) {
	runtime.LockOSThread()
	defer close(s.ended)
	if err := cmd.Start(); err != nil {
		failed <- err
		return
	}
	s.pid = cmd.Process.Pid
	var last []string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		last = append(last[max(0, len(last)-20):], lines.Text())
		if up != nil && strings.Contains(lines.Text(), ready) {
			close(up)
			up = nil
		}
	}
	err := cmd.Wait()
	failed <- fmt.Errorf("PostgreSQL has ended: %w\n%s", err, strings.Join(last, "\n"))
}

// Kill ends the server and all its processes at once, as a power cut would, but for what the kernel has of the files.
func (c *Cluster) Kill() error {
	if c.server == nil {
		return errors.New("kill PostgreSQL: it does not run")
	}
	if err := syscall.Kill(c.server.pid, syscall.SIGSTOP); err != nil { // else it may fork between the list and its end
		return fmt.Errorf("stop process %d: %w", c.server.pid, err)
	}
	children, err := childrenOf(c.server.pid)
	if err != nil {
		return err
	}
	for _, pid := range append([]int{c.server.pid}, children...) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process %d: %w", pid, err)
		}
	}
	err = c.server.wait()
	c.server = nil
	return errors.Join(err, gone(children))
}

// Stop ends the server in order.
func (c *Cluster) Stop() error {
	if c.server == nil {
		return nil
	}
	if err := syscall.Kill(c.server.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	err := c.server.wait()
	c.server = nil
	return err
}

func (s *server) wait() error {
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("process %d does not end in %v", s.pid, patience)
	}
}

// Close ends the server and removes the cluster.
func (c *Cluster) Close() error {
	return errors.Join(c.Stop(), os.RemoveAll(c.folder))
}

// URL is where the database of this name is, whether it exists or not.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(User), Path: "/" + database, RawQuery: url.Values{"host": {c.folder}}.Encode()}
	return u.String()
}

// Database returns the URL of an empty database, the test's own until it ends. Making and dropping one takes a second of
// the disk's time, so it is emptied then and given to the next test.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name, err := c.take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.giveBack(name); err != nil {
			t.Error(err)
		}
	})
	return c.URL(name)
}

func (c *Cluster) take() (name string, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if n := len(c.free); n > 0 {
		name, c.free = c.free[n-1], c.free[:n-1]
		return name, nil
	}
	c.made++
	name = fmt.Sprintf("test_%d", c.made)
	return name, c.exec("postgres", "CREATE DATABASE "+name)
}

// giveBack ends whoever still uses the database, as after a crash that a test plays, and empties it.
func (c *Cluster) giveBack(name string) error {
	err := c.exec(name, `DO $$
		DECLARE s name;
		BEGIN
			PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
			FOR s IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('public', 'information_schema') LOOP
				EXECUTE format('DROP SCHEMA %I CASCADE', s);
			END LOOP;
		END $$`)
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.free = append(c.free, name)
	return nil
}

func (c *Cluster) exec(database, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience) // the test's ends before its cleanup
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
