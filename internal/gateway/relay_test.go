package gateway_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/gateway"
	"hayalet/internal/socket"
)

// The peer hears how the connection ended, in the words of whoever said goodbye first.
func TestPeerHearsTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(st *station, link gateway.Link)
		want string
	}{
		{"with a reason", func(st *station, _ gateway.Link) { st.send(ws.OpClose, true, "\x0f\xa0why") }, "4000 why"},
		{"registered later", func(st *station, _ gateway.Link) { st.send(ws.OpClose, true, "\x03\xf5") }, "1013 "},
		{"without a status", func(st *station, _ gateway.Link) { st.send(ws.OpClose, true, "") }, "1005 "},
		{"without a word", func(st *station, _ gateway.Link) { st.close() }, "1006 "},
		{"by us", func(_ *station, link gateway.Link) { link.Close(1001, "bye") }, "1001 bye"},
		{"by us, without a status", func(_ *station, link gateway.Link) { link.Close(1005, "") }, "1005 "},
		{"cut by us", func(_ *station, link gateway.Link) { link.Close(1006, "") }, "1006 "},
		{"for a fault", func(st *station, _ gateway.Link) { st.send(ws.OpBinary, true, "x") }, "1003 binary messages are not spoken here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startTCP(t, gateway.Config{})
			st := s.connect(t, "/CP_1")
			eventually(t, "it is connected", func() bool { return len(s.Connections()) == 1 })
			tt.end(st, s.echo.link(0))
			go func() { _, _ = io.Copy(io.Discard, st.nc) }()
			eventually(t, "the peer is closed", func() bool { _, closed := s.echo.counts(); return closed == 1 })
			if got := s.echo.ends[0]; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// chooser is a peer's answer to the handshake.
type chooser struct {
	*echoPeer
	request *socket.Request
}

func (c *chooser) Accept() (hayalet.Protocol, []socket.Field) {
	return hayalet.Protocol(c.request.Protocols[1]), []socket.Field{{Name: "X-From", Value: "upstream"}}
}

type choosers struct {
	echo
	requests []*socket.Request
}

func (c *choosers) Open(ctx context.Context, link gateway.Link) (gateway.Peer, error) {
	p, err := c.echo.Open(ctx, link)
	if err != nil {
		return nil, err
	}
	c.requests = append(c.requests, link.Request())
	return &chooser{p.(*echoPeer), link.Request()}, nil
}

func TestRelayLetsThePeerDecide(t *testing.T) {
	who := new(choosers)
	s := startTCPWith(t, gateway.Config{Relay: true, Auth: gateway.StaticKeys(nil), PathPrefixes: []string{"/x/"}}, who)
	st, resp := s.request(t, "/any/where/C%20P?q=%2F", "Sec-WebSocket-Protocol: one, two", "Sec-WebSocket-Protocol: three",
		"Authorization: Basic x", "x-twice: 1", "X-Twice: 2")
	if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Protocol") != "two" || resp.Header.Get("X-From") != "upstream" {
		t.Fatalf("got %s %v", resp.Status, resp.Header)
	}
	st.text("x")
	st.wantText("x")
	req := who.requests[0]
	if req.Target != "/any/where/C%20P?q=%2F" || fmt.Sprint(req.Protocols) != "[one two three]" ||
		fmt.Sprint(req.Header) != "[{Authorization Basic x} {X-Twice 1} {X-Twice 2}]" {
		t.Errorf("got %+v", req)
	}
	if f := s.sink.all()[0]; f.Station != "C P" || f.Protocol != "two" {
		t.Errorf("got %+v", f)
	}
	if who.link(0).Request() != nil {
		t.Error("the request is kept")
	}
}

type worded struct{ error }

func (worded) HTTPStatus() int { return 418 }
func (worded) HTTPAnswer() ([]socket.Field, []byte) {
	return []socket.Field{{Name: "Content-Type", Value: "text/x"}, {Name: "Retry-After", Value: "7"}}, []byte("two\nlines")
}

func TestRefusalInTheAnswerersWords(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	s.echo.refuse = worded{errCannot}
	_, resp := s.request(t, "/CP_1", offer16)
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 418 || string(body) != "two\nlines" || resp.Header.Get("Retry-After") != "7" || !slices.Equal(resp.Header["Content-Type"], []string{"text/x"}) {
		t.Errorf("got %s %v %q", resp.Status, resp.Header, body)
	}
}

func TestCompression(t *testing.T) {
	s := startTCP(t, gateway.Config{Compress: true})
	st, resp := s.request(t, "/CP_1", offer16, "Sec-WebSocket-Extensions: x-other, permessage-deflate; client_max_window_bits")
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != socket.DeflateAnswer {
		t.Fatalf("got %q", got)
	}
	long := strings.Repeat("[2,", 1000)
	st.text(long) // a message need not be deflated
	h, err := ws.ReadHeader(st.br)
	if err != nil || !h.Rsv1() || h.Length > 100 {
		t.Errorf("got %+v, %v", h, err)
	}
	_, _ = io.CopyN(io.Discard, st.br, h.Length)
	st.text("short")
	st.wantText("short")

	_, resp = s.request(t, "/CP_2", offer16, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9")
	if got := resp.Header["Sec-Websocket-Extensions"]; resp.StatusCode != 101 || got != nil {
		t.Errorf("got %s %q", resp.Status, got)
	}
}
