package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/gateway"
)

// recorder is a sink that keeps copies.
type recorder struct {
	mu     sync.Mutex
	frames []hayalet.Frame
	calls  []int // how many frames each brought
	fail   error
	pause  func() // after frames were taken
	stuck  bool   // no message is kept; each waits for the end of its context
}

func (r *recorder) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	r.mu.Lock()
	if r.stuck && fs[0].Kind == hayalet.Message {
		r.calls = append(r.calls, len(fs))
		r.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	}
	if r.pause != nil {
		defer r.pause()
	}
	defer r.mu.Unlock()
	r.calls = append(r.calls, len(fs))
	for _, f := range fs {
		if r.fail != nil && f.Kind == hayalet.Message {
			return r.fail
		}
		f.Data = slices.Clone(f.Data)
		r.frames = append(r.frames, f)
	}
	return nil
}

func (r *recorder) all() []hayalet.Frame {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.frames)
}

func (r *recorder) sizes() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func (r *recorder) failWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// echo answers every message with itself; some messages make it do other things.
type echo struct {
	mu     sync.Mutex
	links  []gateway.Link
	live   map[hayalet.StationID]int
	closed int
	ends   []string
	refuse error
}

var errCannot = errors.New("cannot")

func (e *echo) Open(_ context.Context, link gateway.Link) (gateway.Peer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		return nil, e.refuse
	}
	if link.Station() == "panic-open" {
		panic("open")
	}
	if e.live == nil {
		e.live = map[hayalet.StationID]int{}
	}
	e.live[link.Station()]++
	if n := e.live[link.Station()]; n > 1 {
		panic(fmt.Sprintf("%d live peers of %s", n, link.Station()))
	}
	e.links = append(e.links, link)
	return &echoPeer{echo: e, link: link}, nil
}

func (e *echo) link(i int) gateway.Link {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.links[i]
}

func (e *echo) counts() (opened, closed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.links), e.closed
}

type echoPeer struct {
	echo *echo
	link gateway.Link
}

func (p *echoPeer) Receive(ctx context.Context, data []byte) error {
	switch string(data) {
	case "panic":
		panic("receive")
	case "error":
		return errCannot
	case "stuck":
		<-ctx.Done()
		return ctx.Err()
	case "quiet":
		return nil
	case "leave", "cut":
		code := uint16(1000)
		if string(data) == "cut" {
			code = 1006
		}
		p.link.Close(code, "enough")
		return errCannot
	case "keep":
		if err := p.link.Keep(ctx); err != nil {
			return err
		}
		return p.link.Send(ctx, []byte("after keep"))
	}
	return p.link.Answer(ctx, data)
}

// Prompt answers what Receive would answer with itself.
func (p *echoPeer) Prompt(b, data []byte) ([]byte, bool) {
	switch string(data) {
	case "panic", "error", "stuck", "quiet", "leave", "cut", "keep", "slow":
		return b, false
	case "panic-prompt":
		panic("prompt")
	}
	return append(b, data...), true
}

func (p *echoPeer) Closed(code uint16, reason string) {
	p.echo.mu.Lock()
	defer p.echo.mu.Unlock()
	p.echo.closed++
	p.echo.ends = append(p.echo.ends, fmt.Sprintf("%d %s", code, reason))
	p.echo.live[p.link.Station()]--
}

// pipeListener hands out in-memory connections, so that a test can run on a clock of its own.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *pipeListener) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// server is a running gateway.
type server struct {
	*gateway.Server
	echo *echo
	sink *recorder
	dial func() (net.Conn, error)
	stop context.CancelFunc
	done chan error
	logs *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t testing.TB, ln net.Listener, dial func() (net.Conn, error), cfg gateway.Config) *server {
	t.Helper()
	return startWith(t, ln, dial, cfg, nil)
}

// startWith runs a gateway whose stations are answered by who, or by the server's echo.
func startWith(t testing.TB, ln net.Listener, dial func() (net.Conn, error), cfg gateway.Config, who gateway.Answerer) *server {
	t.Helper()
	s := &server{echo: &echo{}, sink: &recorder{}, dial: dial, done: make(chan error, 1), logs: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.logs, nil))
	if who == nil {
		who = s.echo
	}
	g, err := gateway.New(ln, cfg, who, s.sink, log)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = g
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.done <- g.Run(ctx) }()
	return s
}

// startTCP runs a gateway on loopback until the test ends.
func startTCP(t testing.TB, cfg gateway.Config) *server {
	t.Helper()
	return startTCPWith(t, cfg, nil)
}

func startTCPWith(t testing.TB, cfg gateway.Config, who gateway.Answerer) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	s := startWith(t, ln, func() (net.Conn, error) { return net.Dial("tcp", addr) }, cfg, who)
	t.Cleanup(func() { s.end(t) })
	return s
}

// startPipe runs a gateway in memory; the test ends it.
func startPipe(t testing.TB, cfg gateway.Config) *server {
	t.Helper()
	ln := newPipeListener()
	return start(t, ln, ln.dial, cfg)
}

func (s *server) end(t testing.TB) {
	t.Helper()
	s.stop()
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Run does not end")
	}
}

// wantLog looks for a line of the log.
func (s *server) wantLog(t testing.TB, pattern string) {
	t.Helper()
	if log := s.logs.String(); !regexp.MustCompile(pattern).MatchString(log) {
		t.Errorf("want %s in the log: %s", pattern, log)
	}
}

// station is a client that knows frames only.
type station struct {
	t  testing.TB
	nc net.Conn
	br *bufio.Reader
}

const handshakeKey = "dGhlIHNhbXBsZSBub25jZQ=="

func handshakeText(path string, headers ...string) string {
	text := "GET " + path + " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + handshakeKey + "\r\n"
	for _, h := range headers {
		text += h + "\r\n"
	}
	return text + "\r\n"
}

// request writes a handshake and returns the response.
func (s *server) request(t testing.TB, path string, headers ...string) (*station, *http.Response) {
	t.Helper()
	return s.exchange(t, handshakeText(path, headers...))
}

func (s *server) exchange(t testing.TB, text string) (*station, *http.Response) {
	t.Helper()
	nc, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	st := &station{t: t, nc: nc, br: bufio.NewReader(nc)}
	go func() { _, _ = io.WriteString(nc, text) }()
	resp, err := http.ReadResponse(st.br, nil)
	if err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
	return st, resp
}

const offer16 = "Sec-WebSocket-Protocol: ocpp1.6"

func (s *server) connect(t testing.TB, path string, headers ...string) *station {
	t.Helper()
	st, resp := s.request(t, path, append(headers, offer16)...)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s %s", path, resp.Status, body)
	}
	return st
}

func (st *station) close() { _ = st.nc.Close() }

func (st *station) write(f ws.Frame) {
	st.t.Helper()
	if _, err := st.nc.Write(ws.MustCompileFrame(f)); err != nil { // in one piece, so that a loop can take it
		st.t.Fatalf("write: %v", err)
	}
}

func (st *station) send(op ws.OpCode, fin bool, text string) {
	st.t.Helper()
	st.write(ws.MaskFrame(ws.NewFrame(op, fin, []byte(text))))
}

func (st *station) text(text string) {
	st.t.Helper()
	st.send(ws.OpText, true, text)
}

func (st *station) read() ws.Frame {
	st.t.Helper()
	_ = st.nc.SetReadDeadline(time.Now().Add(time.Minute))
	h, err := ws.ReadHeader(st.br)
	if err != nil {
		st.t.Fatalf("read: %v", err)
	}
	if h.Masked || h.Rsv != 0 {
		st.t.Fatalf("bad header %+v", h)
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	if _, err := io.ReadFull(st.br, f.Payload); err != nil {
		st.t.Fatalf("read: %v", err)
	}
	return f
}

func (st *station) wantText(want string) {
	st.t.Helper()
	if f := st.read(); f.Header.OpCode != ws.OpText || string(f.Payload) != want {
		st.t.Fatalf("got %+v %.80q, want %.80q", f.Header, f.Payload, want)
	}
}

func (st *station) wantClose(code ws.StatusCode) {
	st.t.Helper()
	f := st.read()
	got, reason := ws.ParseCloseFrameData(f.Payload)
	if f.Header.OpCode != ws.OpClose || got != code {
		st.t.Fatalf("got %+v %d %q, want close %d", f.Header, got, reason, code)
	}
	_ = ws.WriteFrame(st.nc, ws.MaskFrame(ws.NewCloseFrame(f.Payload)))
	st.wantEOF()
}

func (st *station) wantEOF() {
	st.t.Helper()
	_ = st.nc.SetReadDeadline(time.Now().Add(2 * time.Minute))
	if _, err := st.br.ReadByte(); err == nil {
		st.t.Fatal("want the end of the connection, got more")
	} else if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		st.t.Fatal("the connection does not end")
	}
	st.close()
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func inBackground(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}
