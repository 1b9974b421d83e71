package relay_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"hayalet"
	"hayalet/internal/relay"
	"hayalet/internal/socket"
)

// logBook keeps what was logged, at info level and above.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns the lines since the last time.
func (b *logBook) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// failing is an upstream that answers with a status while that is not zero.
func failing(t *testing.T) (*upstream, *atomic.Int64) {
	status := new(atomic.Int64)
	u := startUpstream(t, websocket.AcceptOptions{}, func(w http.ResponseWriter, _ *http.Request) bool {
		code := int(status.Load())
		if code != 0 {
			w.WriteHeader(code)
		}
		return code != 0
	})
	go func() {
		for {
			select {
			case <-u.requests:
			case <-u.conns:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return u, status
}

// A fleet that tries to come back does not fill the log.
func TestOutageIsToldOnce(t *testing.T) {
	u, status := failing(t)
	book := new(logBook)
	s := startLoggedRelay(t, relay.Config{Upstreams: []relay.Upstream{{URL: u.url}}}, nil, slog.New(slog.NewTextHandler(book, nil)))
	status.Store(503)
	for range 30 {
		if _, resp := s.dial(t, "/CP_1", nil); resp.StatusCode != 503 {
			t.Fatal(resp.Status)
		}
	}
	if got := book.take(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "does not serve stations") || !strings.Contains(got, "503") {
		t.Errorf("30 refusals: %s", got)
	}
	status.Store(0)
	if c, resp := s.dial(t, "/CP_1", nil); c == nil {
		t.Fatal(resp.Status)
	}
	eventually(t, "it is connected", func() bool { return len(s.gw.Connections()) == 1 })
	got := book.take()
	if line, _, _ := strings.Cut(got, "\n"); !strings.Contains(line, "serves stations again") || !strings.Contains(line, "refused=30") {
		t.Errorf("back: %s", got)
	}
	// A station that the central system turns away is its own affair, and told.
	status.Store(401)
	_, _ = s.dial(t, "/CP_2", nil)
	eventually(t, "the refusal is told", func() bool { return strings.Contains(book.take(), "401") })
}

// link is a station in the handshake.
type link struct{}

func (link) Station() hayalet.StationID         { return "CP_1" }
func (link) Conn() hayalet.ConnID               { return "c" }
func (link) Request() *socket.Request           { return &socket.Request{Target: "/CP_1"} }
func (link) Send(context.Context, []byte) error { return nil }
func (link) Close(uint16, string)               {}

// An upstream that comes and goes is told of once a minute at most; one that stays away is told of all the same.
func TestOutagesInTurn(t *testing.T) {
	u, status := failing(t)
	synctest.Test(t, func(t *testing.T) {
		book := new(logBook)
		r, err := relay.New(relay.Config{Upstreams: []relay.Upstream{{URL: u.url}}}, slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelWarn})))
		if err != nil {
			t.Fatal(err)
		}
		try := func(code int64) {
			status.Store(code)
			if p, err := r.Open(t.Context(), link{}); err == nil {
				p.Closed(socket.Lost, "")
			}
		}
		for range 20 {
			try(503)
			try(0)
		}
		if got := book.take(); strings.Count(got, "\n") != 2 {
			t.Errorf("20 short outages: %s", got)
		}
		try(502)
		time.Sleep(time.Minute)
		try(502)
		try(502)
		if got := book.take(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "does not serve") {
			t.Errorf("one that lasts: %s", got)
		}
		try(404) // it serves, though not this station
		if got := book.take(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "serves stations again") || !strings.Contains(got, "lasted=1m0s refused=3") {
			t.Errorf("its end: %s", got)
		}
	})
}
