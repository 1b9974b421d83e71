package foreign_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"testing"
)

// stage is a line that a peer writes.
type stage struct {
	Event       string          `json:"event"`
	Transaction json.RawMessage `json:"transaction"` // a number in 1.6, a text in 2.x
	Address     string          `json:"address"`     // where it listens
	line        []byte
}

// read takes what else the line says.
func (s stage) read(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(s.line, into); err != nil {
		t.Fatalf("line of a peer: %v\n%s", err, s.line)
	}
}

// peer is a running process that somebody else wrote, or that stands on what somebody else wrote.
type peer struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	stages chan stage    // closed when the peer says no more
	ended  chan struct{} // closed when the process has ended; then the two below may be read
	err    error
	stderr bytes.Buffer
}

// startPeer starts a process, which is killed when the test ends or its time is up.
func startPeer(t *testing.T, env []string, command ...string) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	p := &peer{cmd: exec.CommandContext(ctx, command[0], command[1:]...), cancel: cancel, stages: make(chan stage, 64), ended: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(stdout)
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("standard error of %s:\n%s", command, &p.stderr)
		}
	})
	return p
}

// follow hands on the stages; answers and whatever else a peer writes are passed over.
func (p *peer) follow(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var s stage
		if json.Unmarshal(lines.Bytes(), &s) == nil && s.Event != "" && s.Event != "answer" {
			s.line = bytes.Clone(lines.Bytes())
			p.stages <- s
		}
	}
	close(p.stages)
	p.err = p.cmd.Wait()
	close(p.ended)
}

// await waits for the next stage, which must be this one.
func (p *peer) await(t *testing.T, event string) stage {
	t.Helper()
	s, open := <-p.stages // the peer's own deadline closes it
	if !open {
		t.Fatalf("the peer ended before it was %s", event)
	}
	if s.Event != event {
		t.Fatalf("the peer is %s, want %s", s.Event, event)
	}
	return s
}

// finish waits for a peer that ends by itself, with exit code 0 if it was content.
func (p *peer) finish(t *testing.T) {
	t.Helper()
	for range p.stages { // what it still says is of no matter
	}
	<-p.ended
	if p.err != nil {
		t.Errorf("the peer ended with %v, want exit code 0", p.err)
	}
}

// poll waits for a peer that does not report its stages.
func (p *peer) poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	ok := look(patience, func() bool {
		select {
		case <-p.ended:
			t.Fatalf("the peer ended before it could %s: %v", what, p.err)
		default:
		}
		return done()
	})
	if !ok {
		t.Fatalf("the peer did not %s within %v", what, patience)
	}
}

// pollSession waits until the station has charged on connector 1 and left it free.
func (p *peer) pollSession(t *testing.T, s *server, station string) {
	t.Helper()
	p.poll(t, "charge", func() bool { return s.station(t, station).state(1) == "active" })
	p.poll(t, "finish its routine", func() bool {
		st := s.station(t, station)
		// The example of 2.0.1 says last of all that the car is still plugged in.
		return st.state(1) == "inactive" && (st.status(1) == "Available" || st.status(1) == "Finishing")
	})
	p.stop()
}

// stop kills the peer if it still runs and waits for its end.
func (p *peer) stop() {
	p.cancel()
	<-p.ended
}
