//go:build linux

package crash_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // somebody else with the database
)

// fault keeps a server from writing, for a while.
type fault struct {
	name   string
	dir    func(t *testing.T) string // where the database is
	begin  func(t *testing.T, s *server) (end func())
	reason string // in what /readyz says
}

func faults() []fault {
	return []fault{
		{"full disk", smallDisk, fill, "disk is full"},
		{"file that may not grow", (*testing.T).TempDir, limitFiles, "disk is full or broken"},
		{"read-only file", (*testing.T).TempDir, makeReadOnly, "disk is full or broken"},
		{"held by somebody else", (*testing.T).TempDir, holdDatabase, "another process holds the file"},
	}
}

// refuse keeps a server from writing for a while. It says so and answers nobody meanwhile, and stays small; afterwards it
// goes on by itself, and nothing that it answered is lost.
func refuse(t *testing.T, s *server, f fault) {
	t.Helper()
	s.start(t)
	l := startLoad(t, s, stations, 1)
	l.progress(t, s, 10*stations)
	s.refused(t, l, f)
	s.awaitReady(t)
	l.progress(t, s, 10*stations)
	l.finish(t)
	s.check(t, l)
}

// endRefused ends a server that cannot write: it does end, and what it could not keep was not answered.
func endRefused(t *testing.T, s *server) {
	t.Helper()
	s.start(t)
	l := startLoad(t, s, stations, 1)
	l.progress(t, s, 10*stations)
	limitFiles(t, s) // it goes with the process
	s.awaitUnready(t)
	s.signal(t, syscall.SIGTERM)
	select {
	case <-s.ended: // whatever it says of that
	case <-time.After(patience):
		t.Fatal("the server does not end while it cannot write")
	}
	s.start(t)
	s.awaitReady(t)
	l.progress(t, s, 10*stations)
	l.finish(t)
	s.check(t, l)
}

func (s *server) awaitUnready(t *testing.T) (reason string) {
	t.Helper()
	s.await(t, "unready", func() bool {
		var status int
		status, reason = s.readiness()
		return status == http.StatusServiceUnavailable
	})
	return reason
}

// refusedFor is how long nothing can be written: longer than some stations wait for an answer, who come back with the same
// message. CRASH_HOLD makes it longer, in seconds.
func refusedFor(t *testing.T) time.Duration {
	t.Helper()
	least := impatient + 3*time.Second
	return max(least, time.Duration(number(t, "CRASH_HOLD", 0))*time.Second)
}

// grows is how much more memory a server may take while it cannot write.
const grows = 64 << 20

func (s *server) refused(t *testing.T, l *load, f fault) {
	t.Helper()
	before := s.memory(t)
	end := f.begin(t, s)
	defer end()
	reason := s.awaitUnready(t)
	if !strings.Contains(reason, f.reason) {
		t.Errorf("unready because of %s, want %q in it", reason, f.reason)
	}
	pause(t, time.Second) // for answers that are on their way
	answered := l.calls.Load()
	pause(t, refusedFor(t))
	if status, reason := s.readiness(); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d %s", status, reason)
	}
	if n := l.calls.Load() - answered; n > 0 {
		t.Errorf("%d calls were answered while nothing could be written", n)
	}
	after := s.memory(t)
	if after > before+grows {
		t.Errorf("the server grew from %d to %d MB", before>>20, after>>20)
	}
	t.Logf("unready: %s; memory before %d MB, after %d MB", strings.TrimSpace(reason), before>>20, after>>20)
}

// leaveOut ends a test that this user cannot run. Where CI is set nothing may be left out.
func leaveOut(t *testing.T, why string, args ...any) {
	t.Helper()
	why = "LEFT OUT: " + fmt.Sprintf(why, args...)
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// smallDisk is a file system of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", dir).CombinedOutput(); err != nil {
		leaveOut(t, "this user cannot mount a small disk: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	return dir
}

// fill takes all room, with a file that grows until there is none.
func fill(t *testing.T, s *server) (end func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(filepath.Dir(s.db), "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 20, 4096} {
		for b := make([]byte, size); err == nil; {
			_, err = f.Write(b)
		}
		err = nil
	}
	return func() {
		_ = f.Close()
		if err := os.Remove(f.Name()); err != nil {
			t.Error(err)
		}
	}
}

// limitFiles keeps all files of the server from growing beyond 4 KiB.
func limitFiles(t *testing.T, s *server) (end func()) {
	t.Helper()
	set := func(limit string) error {
		out, err := exec.Command("prlimit", fmt.Sprintf("--pid=%d", s.cmd.Process.Pid), "--fsize="+limit).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := set("4096:unlimited"); err != nil {
		leaveOut(t, "the server's files cannot be limited: %v", err)
	}
	return func() {
		if err := set("unlimited:unlimited"); err != nil {
			t.Error(err)
		}
	}
}

// makeReadOnly lets nobody write to the files, root neither.
func makeReadOnly(t *testing.T, s *server) (end func()) {
	t.Helper()
	files, err := filepath.Glob(s.db + "*")
	if err != nil {
		t.Fatal(err)
	}
	set := func(flag string) error {
		out, err := exec.Command("chattr", append([]string{flag}, files...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := set("+i"); err != nil {
		_ = set("-i")
		leaveOut(t, "the files cannot be made read-only for everybody: %v", err)
	}
	return func() {
		if err := set("-i"); err != nil {
			t.Error(err)
		}
	}
}

// holdDatabase is another process that writes, and takes its time.
func holdDatabase(t *testing.T, s *server) (end func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.db+"?_txlock=immediate&_pragma=busy_timeout(20000)")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		_ = db.Close()
	}
}
