package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hayalet"
)

// screen is written by one goroutine and read by another.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// shows waits until the screen has a text.
func (s *screen) shows(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.String(), text); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%q did not come; there is:\n%s", text, s)
		}
	}
}

// TestFollowTellsAtOnce: a log is followed while it grows and is replaced; alarms come with their readings, the summary with
// the end.
func TestFollowTellsAtOnce(t *testing.T) {
	seed, err := os.ReadFile("../../internal/capture/testdata/seed-csms.log")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(seed), "\n")
	name := filepath.Join(t.TempDir(), "csms.log")
	write := func(part []string) {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := io.WriteString(f, strings.Join(part, "")); err != nil {
			t.Fatal(err)
		}
	}
	at := 0 // of the first phantom reading
	for i, l := range lines {
		if strings.Contains(l, `"value":"12.01"`) {
			at = i
		}
	}
	write(lines[:at])
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, said screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"analyze", "--follow", "--fail-on", "medium", name}, []string{"LANG=C"}, strings.NewReader(""), &out, &said)
	}()
	write(lines[at : at+1])
	out.shows(t, "MeterValues received: 12.01 kWh")
	if strings.Contains(out.String(), "Frames read") {
		t.Error("the summary came before the end")
	}
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	write(lines[at+1:])
	out.shows(t, "MeterValues received: 12.05 kWh")
	said.shows(t, "csms.log was replaced")
	stop()
	select {
	case code := <-ended:
		if code != exitAlarms {
			t.Errorf("exit code %d\n%s", code, &said)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	out.shows(t, "5 readings, 50 Wh beyond the stop")
	out.shows(t, "Frames read: 22, stations: 1, incidents: 1, alarms: 1.")
	if n := strings.Count(out.String(), "ANOMALY DETECTED"); n != 5 {
		t.Errorf("%d alarms told, want 5, each once", n)
	}
}

// TestLogClock: a log's time is that of its frames, and goes on from the last one once all of it is read.
func TestLogClock(t *testing.T) {
	wall := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	c := &logClock{now: func() time.Time { return wall }}
	frames := func(at time.Time) { c.saw([]hayalet.Frame{{At: hayalet.InstantOf(at)}}) }
	expect := func(want time.Time) {
		t.Helper()
		if got := c.Now(); !got.Equal(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	expect(time.Time{})
	log := wall.Add(-27 * time.Hour) // of yesterday, and in another zone
	frames(log)
	wall = wall.Add(time.Minute)
	expect(log) // catching up
	c.caughtUp(wall.Add(-time.Hour))
	expect(log.Add(time.Hour)) // it was written an hour ago
	frames(log.Add(-time.Minute))
	expect(log.Add(time.Hour)) // a late line does not set it back
	frames(log.Add(3 * time.Hour))
	expect(log.Add(3 * time.Hour))
	wall = wall.Add(10 * time.Second)
	expect(log.Add(3*time.Hour + 10*time.Second))
}

// TestProgressIsForLongWork: nothing is shown where nobody sees it, nor of work that is soon done.
func TestProgressIsForLongWork(t *testing.T) {
	var b bytes.Buffer
	if a := (&app{stderr: &b}); a.progress("reading", 10) != nil {
		t.Error("progress without a terminal")
	}
	p := newProgress(&b, "reading", 100)
	r := p.watch(strings.NewReader(strings.Repeat("x", 40)))
	if _, err := io.CopyN(io.Discard, r, 20); err != nil || b.Len() > 0 {
		t.Errorf("%v, %q", err, &b)
	}
	p.begun = p.begun.Add(-longWork)
	if _, err := io.Copy(io.Discard, r); err != nil || !strings.Contains(b.String(), "reading") || !strings.Contains(b.String(), "40%") {
		t.Errorf("%v, %q", err, &b)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
