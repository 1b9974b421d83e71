package foreign_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// usage is what a server holds of the machine. It is zero where there is no /proc.
type usage struct {
	memory  int64 // bytes resident
	sockets int
}

func (s *server) usage(t *testing.T) (u usage) {
	t.Helper()
	proc := filepath.Join("/proc", fmt.Sprint(s.cmd.Process.Pid))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return usage{}
	}
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscanf(rss, "%d kB", &u.memory); err != nil {
		t.Fatalf("memory in %s: %v", status, err)
	}
	u.memory <<= 10
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(proc, "fd", fd.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			u.sockets++
		}
	}
	return u
}

// goroutines ends the server by SIGQUIT, upon which Go's runtime writes the stack of each, and counts those that are not
// the runtime's own.
func (s *server) goroutines(t *testing.T) int {
	t.Helper()
	s.incidents(t) // who answers has started all that it starts
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("the server does not end by SIGQUIT")
	}
	n := strings.Count(s.log, "\ncreated by ") - strings.Count(s.log, "\ncreated by runtime.")
	if n <= 0 {
		t.Fatal("no goroutine in what SIGQUIT made it write")
	}
	return n
}
