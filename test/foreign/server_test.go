package foreign_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is a running hayalet serve or relay.
type server struct {
	bins   bins
	url    string // of the stations
	http   string
	record string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended; then the two below may be read
	err    error
	log    string
}

func startServer(t *testing.T, b bins, subcommand string, flags ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{bins: b, record: filepath.Join(dir, "record.jsonl"), ended: make(chan struct{})}
	s.cmd = exec.Command(b.path("hayalet"), append([]string{
		subcommand, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--db", filepath.Join(dir, "hayalet.db"), "--record", s.record, "--log-format", "json",
	}, flags...)...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan listeningLine, 1)
	go func() {
		defer close(s.ended)
		s.log = follow(stderr, listening)
		s.err = s.cmd.Wait()
	}()
	t.Cleanup(func() { s.kill(t) })
	select {
	case l := <-listening:
		s.url, s.http = "ws://"+l.Stations, "http://"+l.HTTP
	case <-s.ended:
		t.Fatalf("%s ended before it listened: %v\n%s", subcommand, s.err, s.log)
	case <-time.After(patience):
		t.Fatalf("%s does not listen", subcommand)
	}
	return s
}

// listeningLine is the line of the log that tells the addresses.
type listeningLine struct {
	Msg      string `json:"msg"`
	Stations string `json:"stations"`
	HTTP     string `json:"http"`
}

// follow reads a log to its end and reports the line that tells where the server listens.
func follow(r io.Reader, listening chan<- listeningLine) string {
	var all strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		var l listeningLine
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Msg == "listening" {
			select {
			case listening <- l:
			default: // once is enough
			}
		}
	}
	return all.String()
}

// stop asks the server to end, as an operator does.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
		if s.err != nil {
			t.Errorf("the server ended by SIGTERM: %v, want exit code 0", s.err)
		}
	case <-time.After(patience):
		t.Error("the server does not end by SIGTERM")
	}
}

func (s *server) kill(t *testing.T) {
	_ = s.cmd.Process.Kill()
	<-s.ended
	if t.Failed() {
		t.Logf("log of the server:\n%s", s.log)
	}
}

// run runs a subcommand and returns its standard output.
func (s *server) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.bins.path("hayalet"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("hayalet %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

func (s *server) runJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	out := s.run(t, append(args, "--output", "json")...)
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("hayalet %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// command sends a command to a station, whose answer must have the given part.
func (s *server) command(t *testing.T, station string, c call) {
	t.Helper()
	out := s.run(t, "command", "--url", s.http, station, c.action, c.payload)
	if !bytes.Contains(bytes.ReplaceAll(out, []byte(" "), nil), []byte(c.want)) {
		t.Errorf("%s of %s answered %s, want %s in it", c.action, station, out, c.want)
	}
}

// stationView is what hayalet stations tells of one.
type stationView struct {
	Station    string `json:"station"`
	Connected  bool   `json:"connected"`
	Connectors []struct {
		Connector int    `json:"connector"`
		Status    string `json:"status"`
		State     string `json:"transaction_state"`
	} `json:"connectors"`
}

func (v stationView) state(connector int) string {
	for _, c := range v.Connectors {
		if c.Connector == connector {
			return c.State
		}
	}
	return ""
}

func (v stationView) status(connector int) string {
	for _, c := range v.Connectors {
		if c.Connector == connector {
			return c.Status
		}
	}
	return ""
}

// station is the zero view for a station that the server does not know.
func (s *server) station(t *testing.T, id string) stationView {
	t.Helper()
	var all []stationView
	s.runJSON(t, &all, "stations", "--url", s.http)
	if i := slices.IndexFunc(all, func(v stationView) bool { return v.Station == id }); i >= 0 {
		return all[i]
	}
	return stationView{}
}
