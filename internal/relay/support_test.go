package relay_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hayalet"
	"hayalet/internal/gateway"
	"hayalet/internal/relay"
)

// upstream is a central system of another make.
type upstream struct {
	*httptest.Server
	url      string
	requests chan *http.Request
	conns    chan *websocket.Conn
}

func (u *upstream) next(t testing.TB) *websocket.Conn {
	t.Helper()
	select {
	case c := <-u.conns:
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("nobody connects to the upstream")
		return nil
	}
}

// startUpstream accepts whoever comes. handle, where it is given, is asked first and may answer instead.
func startUpstream(t testing.TB, opts websocket.AcceptOptions, handle func(w http.ResponseWriter, r *http.Request) bool) *upstream {
	t.Helper()
	u := &upstream{requests: make(chan *http.Request, 10), conns: make(chan *websocket.Conn, 10)}
	ended := make(chan struct{})
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.requests <- r
		if handle != nil && handle(w, r) {
			return
		}
		c, err := websocket.Accept(w, r, &opts)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		c.SetReadLimit(-1)
		u.conns <- c
		<-ended
	}))
	u.url = "ws" + strings.TrimPrefix(u.URL, "http")
	t.Cleanup(func() { close(ended); u.Close() })
	return u
}

// frames is a sink that keeps copies.
type frames struct {
	mu  sync.Mutex
	all []hayalet.Frame
}

func (f *frames) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, frame := range fs {
		frame.Data = slices.Clone(frame.Data)
		f.all = append(f.all, frame)
	}
	return nil
}

func (f *frames) list() []hayalet.Frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}

type answerer struct{ *relay.Relay }

func (a answerer) Open(ctx context.Context, link gateway.Link) (gateway.Peer, error) {
	p, err := a.Relay.Open(ctx, link)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// relayed is a running relay.
type relayed struct {
	url  string
	sink *frames
	gw   *gateway.Server
}

func startRelay(t testing.TB, cfg relay.Config, sink hayalet.FrameSink) *relayed {
	t.Helper()
	return startLoggedRelay(t, cfg, sink, slog.New(slog.DiscardHandler))
}

func startLoggedRelay(t testing.TB, cfg relay.Config, sink hayalet.FrameSink, log *slog.Logger) *relayed {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	s := &relayed{url: "ws://" + ln.Addr().String(), sink: new(frames)}
	if sink == nil {
		sink = s.sink
	}
	s.gw, err = gateway.New(ln, gateway.Config{
		Relay: true, Compress: cfg.Compress, MaxMessage: gateway.LimitMaxMessage, WriteTimeout: relay.DefaultWriteTimeout,
	}, answerer{r}, sink, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.gw.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// relayTo is a relay with one upstream.
func relayTo(t testing.TB, url string, compress bool) *relayed {
	t.Helper()
	return startRelay(t, relay.Config{Upstreams: []relay.Upstream{{URL: url}}, Compress: compress}, nil)
}

func (s *relayed) dial(t testing.TB, path string, opts *websocket.DialOptions) (*websocket.Conn, *http.Response) {
	t.Helper()
	if opts == nil {
		opts = &websocket.DialOptions{Subprotocols: []string{"ocpp1.6"}}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, s.url+path, opts)
	if err != nil {
		if resp == nil {
			t.Fatalf("%s: %v", path, err)
		}
		return nil, resp
	}
	c.SetReadLimit(-1)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, resp
}

// pair is a station and its end at the upstream.
func (s *relayed) pair(t testing.TB, u *upstream, opts *websocket.DialOptions) (station, csms *websocket.Conn) {
	t.Helper()
	station, resp := s.dial(t, "/CP_1", opts)
	if station == nil {
		t.Fatal(resp.Status)
	}
	return station, u.next(t)
}

func write(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func wantText(t testing.TB, c *websocket.Conn, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, got, err := c.Read(ctx)
	if err != nil || string(got) != want {
		t.Fatalf("got %.80q, %v, want %.80q", got, err, want)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var acceptAll = websocket.AcceptOptions{Subprotocols: []string{"ocpp1.6"}}
