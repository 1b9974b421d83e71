//go:build linux

package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is one that is started, killed and started again, at the same addresses and on the same database.
type server struct {
	bin      string
	db       string
	stations string // host:port
	http     string
	log      *os.File
	told     *receiver
	starts   int

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

const patience = time.Minute // for anything that the server is to do

func build(t *testing.T) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "hayalet")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", bin, "./cmd/hayalet")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return bin
}

func newServer(t *testing.T, bin, db string) *server {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{bin: bin, db: db, stations: freeAddress(t), http: freeAddress(t), log: log, told: newReceiver(t)}
	t.Cleanup(func() {
		if s.cmd != nil {
			_ = s.cmd.Process.Kill()
			<-s.ended
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", tail(log.Name(), 6000))
		}
		_ = log.Close()
	})
	return s
}

func tail(name string, most int) []byte {
	b, _ := os.ReadFile(name)
	return b[max(0, len(b)-most):]
}

// freeAddress is one that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// start starts the process, and does not wait for anything.
func (s *server) start(t *testing.T) {
	t.Helper()
	args := []string{"serve", "--listen", s.stations, "--http", s.http, "--db", s.db, "--log-format", "json", "--log-level", "error"}
	s.cmd = exec.Command(s.bin, args...)
	s.cmd.Dir = filepath.Dir(s.log.Name()) // on PostgreSQL the evidence key is made where the server runs
	s.cmd.Env = append(s.cmd.Environ(), "HAYALET_WEBHOOK__URL="+s.told.address(s.starts))
	s.starts++
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
}

func (s *server) awaitReady(t *testing.T) {
	t.Helper()
	s.await(t, "ready", func() bool { status, _ := s.readiness(); return status == http.StatusOK })
}

// await looks until done says so. The process must live meanwhile.
func (s *server) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; {
		if done() {
			return
		}
		select {
		case <-s.ended:
			t.Fatalf("the server has ended by itself: %v", s.cmd.ProcessState)
		case <-ticker.C:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not %s within %v", what, patience)
		}
	}
}

// readiness is what /readyz says; status 0 where nobody answers.
func (s *server) readiness() (status int, reason string) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + s.http + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// kill ends the process as a power cut does; it must have lived until then.
func (s *server) kill(t *testing.T) {
	t.Helper()
	select {
	case <-s.ended:
		t.Fatalf("the server has ended by itself: %v", s.cmd.ProcessState)
	default:
	}
	s.signal(t, syscall.SIGKILL)
	<-s.ended
}

// stop ends the process as an operator does.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	select {
	case <-s.ended:
		if !s.cmd.ProcessState.Success() {
			t.Fatalf("the server ended with %v", s.cmd.ProcessState)
		}
	case <-time.After(patience):
		t.Fatal("the server does not end by SIGTERM")
	}
}

func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// memory is the process's resident set in bytes.
func (s *server) memory(t *testing.T) (rss int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		leaveOut(t, "there is no /proc: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &rss); err == nil {
			return rss << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// run runs a subcommand and returns its standard output.
func (s *server) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.bin, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("hayalet %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}
