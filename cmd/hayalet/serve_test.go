package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/lang"
	"hayalet/internal/web"
)

// invoke runs the program as a shell would.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), args, nil, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	for _, flag := range []string{"--listen", "--http"} {
		free := map[string]string{"--listen": "--http", "--http": "--listen"}[flag]
		db := filepath.Join(t.TempDir(), "a.db")
		code, _, msg := invoke(t, "serve", flag, taken, free, "127.0.0.1:0", "--db", db)
		want := "hayalet: another program listens on " + taken + " already; stop it, or choose another address with " + flag + "\n"
		if code != exitUsage || !strings.HasSuffix(msg, want) {
			t.Errorf("%s: code %d, %q, want %d, %q", flag, code, msg, exitUsage, want)
		}
	}
}

func TestWrongCommandsAreUsage(t *testing.T) {
	for _, args := range [][]string{{"nope"}, {"incidents", "lst"}, {"version", "x"}, {"serve", "x"}, {"serve", "--nope"}, {"command", "CP_1"}} {
		if code, out, msg := invoke(t, args...); code != exitUsage || out != "" || strings.Count(msg, "\n") != 1 || !strings.Contains(msg, "; ") {
			t.Errorf("%v: code %d, %q, %q, want one line with a hint", args, code, out, msg)
		}
	}
	for _, args := range [][]string{{}, {"incidents"}} {
		if code, out, msg := invoke(t, args...); code != exitOK || !strings.Contains(out, "Usage:") || msg != "" {
			t.Errorf("%v: code %d, %q, %q, want help", args, code, out, msg)
		}
	}
}

// A station's words cannot steer the terminal.
func TestStationsWordsAreHarmless(t *testing.T) {
	var out strings.Builder
	a := &app{stdout: &out, text: lang.New(lang.EN)}
	err := a.printStations([]web.StationView{{Station: hayalet.Station{ID: "C\u202eP", Vendor: "\x1b]0;evil\x07\x1b[31m", Model: "a\tb\nc\u009b5m"}}})
	if err != nil || strings.ContainsAny(out.String(), "\x1b\x07\t\u009b") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("printed %q, %v", out.String(), err)
	}
	answer := json.RawMessage("{\"a\":\"\u009b31m\x7fş\"}")
	var before, after any
	got := escaped(answer)
	if strings.ContainsAny(got, "\u009b\x7f") || json.Unmarshal(answer, &before) != nil || json.Unmarshal([]byte(got), &after) != nil ||
		before.(map[string]any)["a"] != after.(map[string]any)["a"] {
		t.Errorf("escaped %q", got)
	}
}

// gate holds the engine at its first alarm until it is opened.
type gate struct {
	once    sync.Once
	reached chan struct{}
	open    chan struct{}
}

func (g *gate) Judged(v hayalet.Verdict) {
	if v.Kind == hayalet.Alarm {
		g.once.Do(func() { close(g.reached) })
		<-g.open
	}
}

func (g *gate) Changed(hayalet.Incident) {}

// TestWebhookHearsOfWhatIsJudgedAtTheEnd: an incident that the engine finds in frames that were still queued when the
// server was told to stop is not lost.
func TestWebhookHearsOfWhatIsJudgedAtTheEnd(t *testing.T) {
	told := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	defer hook.Close()
	cfg := defaultConfig()
	cfg.Listen, cfg.HTTP, cfg.DB, cfg.Webhook.URL = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "a.db"), hook.URL
	a := &app{text: lang.New(lang.EN)}
	g := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	s, err := a.newServer(t.Context(), cfg, slog.New(slog.DiscardHandler), g)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()

	seed, err := os.Open("../../internal/capture/testdata/seed-csms.log")
	if err != nil {
		t.Fatal(err)
	}
	defer seed.Close()
	if _, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "seed", R: seed}}, s.engine); err != nil {
		t.Fatal(err)
	}
	<-g.reached
	cancel()
	for { // until the doors are closed
		nc, err := net.Dial("tcp", s.httpAddr.String())
		if err != nil {
			break
		}
		_ = nc.Close()
	}
	<-time.After(100 * time.Millisecond) // a queue that does not wait for the engine is through by now
	close(g.open)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(told) == 0 {
		t.Error("the webhook heard of nothing")
	}
}
