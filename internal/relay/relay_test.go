package relay_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hayalet"
	"hayalet/internal/relay"
)

// digest takes messages with their lengths, so that what was split or joined shows.
type digest struct{ h hash.Hash }

func (d digest) add(data []byte) {
	_ = binary.Write(d.h, binary.BigEndian, uint32(len(data)))
	d.h.Write(data)
}

// talk sends n messages of random sizes, in one piece or in many.
func talk(t testing.TB, c *websocket.Conn, seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	d := digest{sha256.New()}
	for range n {
		data := text(r, int(r.ExpFloat64()*2000))
		d.add(data)
		if r.IntN(2) == 0 {
			if err := c.Write(t.Context(), websocket.MessageText, data); err != nil {
				t.Error(err)
			}
			continue
		}
		w, err := c.Writer(t.Context(), websocket.MessageText)
		for len(data) > 0 && err == nil {
			piece := data[:min(len(data), 1+r.IntN(len(data)))]
			_, err = w.Write(piece)
			data = data[len(piece):]
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Error(err)
			return nil
		}
	}
	return d.h.Sum(nil)
}

// text is in part worth compressing, in part not.
func text(r *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+64)
	for len(b) < n {
		if r.IntN(3) == 0 {
			b = fmt.Appendf(b, "%x", r.Uint64())
			continue
		}
		b = append(b, `{"measurand":"Energy.Active.Import.Register","unit":"Wh"},ş`...)
	}
	return b[:n]
}

func listen(t testing.TB, c *websocket.Conn, n int) []byte {
	d := digest{sha256.New()}
	for range n {
		_, data, err := c.Read(t.Context())
		if err != nil {
			t.Error(err)
			return nil
		}
		d.add(data)
	}
	return d.h.Sum(nil)
}

func TestMessagesAreByteExact(t *testing.T) {
	const n = 1000
	modes := []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover}
	for _, station := range modes {
		for _, csms := range modes[:2] {
			t.Run(fmt.Sprintf("station %d, central system %d", station, csms), func(t *testing.T) {
				t.Parallel()
				u := startUpstream(t, websocket.AcceptOptions{CompressionMode: csms, CompressionThreshold: 1, Subprotocols: []string{"ocpp1.6"}}, nil)
				s := relayTo(t, u.url, true)
				a, b := s.pair(t, u, &websocket.DialOptions{CompressionMode: station, CompressionThreshold: 1, Subprotocols: []string{"ocpp1.6"}})
				results := make(chan [2][]byte, 2)
				sums := make([]chan []byte, 4)
				for i, f := range []func() []byte{
					func() []byte { return talk(t, a, 1, n) }, func() []byte { return listen(t, b, n) },
					func() []byte { return talk(t, b, 2, n) }, func() []byte { return listen(t, a, n) },
				} {
					sums[i] = make(chan []byte, 1)
					go func() { sums[i] <- f() }()
				}
				results <- [2][]byte{<-sums[0], <-sums[1]}
				results <- [2][]byte{<-sums[2], <-sums[3]}
				for range 2 {
					if r := <-results; r[0] == nil || string(r[0]) != string(r[1]) {
						t.Errorf("sent %x, arrived %x", r[0], r[1])
					}
				}
				if got := len(s.sink.list()); got != 2*n+1 {
					t.Errorf("%d frames were tapped, want %d", got, 2*n+1)
				}
			})
		}
	}
}

func TestRefusals(t *testing.T) {
	answers := func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/401":
			w.Header().Set("WWW-Authenticate", `Basic realm="ocpp"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case "/503":
			w.Header().Set("Retry-After", "60")
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case "/200":
			_, _ = io.WriteString(w, "<html>")
		case "/307":
			http.Redirect(w, r, "http://elsewhere/", http.StatusTemporaryRedirect)
		default:
			http.NotFound(w, r)
		}
		return true
	}
	u := startUpstream(t, websocket.AcceptOptions{}, answers)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	s := startRelay(t, relay.Config{Upstreams: []relay.Upstream{
		{Pattern: "[0-9]*", URL: u.url}, {Pattern: "gone", URL: "ws://" + gone.Addr().String()},
	}}, nil)
	for _, tt := range []struct {
		path         string
		status       int
		header, body string
	}{
		{"/401", 401, `Basic realm="ocpp"`, "who are you?\n"},
		{"/404", 404, "", "404 page not found\n"},
		{"/503", 503, "60", "busy\n"},
		{"/200", 502, "", "the central system does not speak WebSocket at this address (200 OK)\n"},
		{"/307", 307, "", "Temporary Redirect"},
		{"/gone", 502, "", "the central system cannot be reached\n"},
		{"/other", 404, "", "no central system is known for this station\n"},
		{"/", 404, "", "the path ends without a station id\n"},
		{"/a/../b", 404, "", "the path leads upwards\n"},
		{"/..%2f../b", 404, "", "the path leads upwards\n"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			_, resp := s.dial(t, tt.path, nil)
			if got := body(t, resp); resp.StatusCode != tt.status || !strings.Contains(got, tt.body) {
				t.Errorf("got %s %q, want %d %q", resp.Status, got, tt.status, tt.body)
			}
			if got := resp.Header.Get("WWW-Authenticate") + resp.Header.Get("Retry-After") + resp.Header.Get("Location"); got != tt.header {
				t.Errorf("got header %q", got)
			}
		})
	}
	if got := s.sink.list(); len(got) > 0 {
		t.Errorf("refused stations were tapped: %v", got)
	}
}

func TestHandshakeIsPassedOn(t *testing.T) {
	cookie := func(w http.ResponseWriter, _ *http.Request) bool { w.Header().Set("Set-Cookie", "a=b"); return false }
	u := startUpstream(t, websocket.AcceptOptions{Subprotocols: []string{"ocpp2.0.1", "ocpp1.6"}}, cookie)
	s := relayTo(t, u.url+"/base?tenant=7", true)
	c, resp := s.dial(t, "/ocpp/a%20b%2Bc?x=%20y", &websocket.DialOptions{
		Subprotocols: []string{"ocpp9", "ocpp1.6", "ocpp2.0.1"},
		HTTPHeader: http.Header{
			"Authorization": {"Basic YTpi"}, "X-Serial": {"1", "2"}, "User-Agent": {"station/1"}, "Proxy-Authorization": {"secret"}, "Te": {"trailers"},
		},
	})
	r := <-u.requests
	if r.RequestURI != "/base/ocpp/a%20b%2Bc?tenant=7&x=%20y" || "ws://"+r.Host != u.url {
		t.Errorf("asked %s for %s", r.Host, r.RequestURI)
	}
	for name, want := range map[string][]string{
		"Authorization": {"Basic YTpi"}, "X-Serial": {"1", "2"}, "User-Agent": {"station/1"}, "Proxy-Authorization": nil, "Te": nil,
		"Sec-Websocket-Protocol": {"ocpp9, ocpp1.6, ocpp2.0.1"}, "X-Forwarded-For": nil,
	} {
		if got := r.Header[name]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if c.Subprotocol() != "ocpp2.0.1" || resp.Header.Get("Set-Cookie") != "a=b" {
		t.Errorf("the station got %q, %v", c.Subprotocol(), resp.Header)
	}
	eventually(t, "the station is listed", func() bool { return len(s.gw.Connections()) == 1 })
	conns := s.gw.Connections()
	if conns[0].Station != "a b+c" || conns[0].Protocol != hayalet.OCPP201 {
		t.Errorf("got %+v", conns)
	}
}

func TestUpstreamsByPattern(t *testing.T) {
	u := startUpstream(t, websocket.AcceptOptions{}, nil)
	s := startRelay(t, relay.Config{Upstreams: []relay.Upstream{
		{Pattern: "/south/*", URL: u.url + "/s/{station}/ws?id={station}"}, {Pattern: "DC-*", URL: u.url + "/dc"}, {URL: u.url + "/"},
	}}, nil)
	for path, want := range map[string]string{
		"/south/CP%201": "/s/CP%201/ws?id=CP+1", "/DC-1": "/dc/DC-1", "/south/x/CP_1?a": "/south/x/CP_1?a", "/CP_1/": "/CP_1/",
	} {
		c, _ := s.dial(t, path, nil)
		if r := <-u.requests; r.RequestURI != want {
			t.Errorf("%s: asked for %s, want %s", path, r.RequestURI, want)
		}
		if c.Subprotocol() != "" {
			t.Errorf("%s: the upstream chose no subprotocol, the station got %q", path, c.Subprotocol())
		}
		_ = u.next(t)
	}
}

func TestBadUpstreams(t *testing.T) {
	for _, text := range []string{
		"", "http://x/", "x", "ws://", "wss:///x", "a=b", "[=ws://x", "ws://user:secret@x/", "ws://{station}.x/", "ws://x/#y",
		"https://user:secret@x/?token=secret", "*=ws:/user:secret@x", "ws://x y/?token=secret",
		"ws://{station}.x/?id=station.x", "ws://x/a b", "ws://x/{id}", "ws://x/{station",
	} {
		if u, err := relay.ParseUpstream(text); !errors.Is(err, hayalet.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %+v, %v", text, u, err)
		}
	}
	u, err := relay.ParseUpstream("/a=b/*=wss://x/y?z=ws://")
	if err != nil || u.Pattern != "/a=b/*" || u.URL != "wss://x/y?z=ws://" {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestRedacted(t *testing.T) {
	for text, want := range map[string]string{
		"wss://x/y/{station}":                  "wss://x/y/{station}",
		"CP_?=wss://x:1/a@b?token=secret":      "CP_?=wss://x:1/a@b",
		"wss://x?token=secret#secret":          "wss://x",
		"wss://x/#secret":                      "wss://x/",
		"https://me:secret@x/y?token=secret":   "https://x/y",
		"*=wsss://me:sec@secret@x/y":           "*=wsss://x/y",
		"ws://me:secret/secret@x/{station}":    "ws://x/{station}",
		"me:secret@x/y?token=secret":           "x/y",
		"ws:/me:secret@x":                      "x",
		"":                                     "",
		"ws://me:secret@{station}.x/{station}": "ws://{station}.x/{station}",
	} {
		if got := relay.Redacted(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// An upstream that takes a subprotocol that was not offered, or answers somebody else's key, is no central system.
func TestUpstreamBreaksTheHandshake(t *testing.T) {
	for _, header := range []string{"Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: %s", "Sec-WebSocket-Accept: x%.0s"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			nc, _, _ := http.NewResponseController(w).Hijack()
			_, _ = fmt.Fprintf(nc, "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+header+"\r\n\r\n", "x")
			_ = nc.Close()
		}))
		defer srv.Close()
		s := relayTo(t, "ws"+strings.TrimPrefix(srv.URL, "http"), true)
		if _, resp := s.dial(t, "/CP_1", nil); resp.StatusCode != http.StatusBadGateway {
			t.Errorf("got %s", resp.Status)
		}
	}
}

func TestGoodbyesArePassedOn(t *testing.T) {
	for _, tt := range []struct {
		name   string
		code   websocket.StatusCode
		reason string
		status websocket.StatusCode // at the other side; -1: lost
	}{
		{"normal", 1000, "done", 1000},
		{"going away", 1001, "", 1001},
		{"restart", 1012, "back soon", 1012},
		{"private", 4999, "ğ", 4999},
		{"no status", websocket.StatusNoStatusRcvd, "", websocket.StatusNoStatusRcvd},
		{"lost", -1, "", -1},
	} {
		for _, who := range []string{"station", "central system"} {
			t.Run(tt.name+" from the "+who, func(t *testing.T) {
				u := startUpstream(t, websocket.AcceptOptions{}, nil)
				from, to := relayTo(t, u.url, false).pair(t, u, nil)
				if who != "station" {
					from, to = to, from
				}
				write(t, from, "last words")
				got := make(chan error, 1)
				go func() {
					_, last, err := to.Read(t.Context())
					if err == nil && string(last) == "last words" {
						_, _, err = to.Read(t.Context())
					}
					got <- err
				}()
				if tt.code < 0 {
					_ = from.CloseNow()
				} else if err := from.Close(tt.code, tt.reason); err != nil {
					t.Errorf("the goodbye was not answered: %v", err)
				}
				err := <-got
				closed, _ := errors.AsType[websocket.CloseError](err)
				if websocket.CloseStatus(err) != tt.status || closed.Reason != tt.reason {
					t.Errorf("got %v, want %d %q", err, tt.status, tt.reason)
				}
			})
		}
	}
}

func TestTooBigEndsBothSides(t *testing.T) {
	for _, who := range []string{"station", "central system"} {
		t.Run(who, func(t *testing.T) {
			u := startUpstream(t, websocket.AcceptOptions{}, nil)
			from, to := relayTo(t, u.url, true).pair(t, u, nil)
			if who != "station" {
				from, to = to, from
			}
			go func() { _ = from.Write(t.Context(), websocket.MessageText, make([]byte, relay.DefaultMaxMessage+1)) }()
			for _, c := range []*websocket.Conn{from, to} {
				if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestUpstreamKilledAndRestarted(t *testing.T) {
	u := startUpstream(t, websocket.AcceptOptions{}, nil)
	addr := u.Listener.Addr().String()
	s := relayTo(t, u.url, true)
	station, csms := s.pair(t, u, nil)
	write(t, station, "one")
	wantText(t, csms, "one")
	_ = u.Listener.Close()
	_ = csms.CloseNow()
	if _, _, err := station.Read(t.Context()); err == nil || websocket.CloseStatus(err) != -1 {
		t.Errorf("got %v, want a lost connection", err)
	}
	eventually(t, "the end is tapped", func() bool { return len(s.sink.list()) == 3 })
	if _, resp := s.dial(t, "/CP_1", nil); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("got %s", resp.Status)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = http.Serve(ln, u.Config.Handler) }()
	defer ln.Close()
	station, csms = s.pair(t, u, nil)
	write(t, csms, "two")
	wantText(t, station, "two")
	// Only what was said is in the frames.
	var said []string
	for _, f := range s.sink.list() {
		said = append(said, fmt.Sprint(f.Kind, " ", f.Dir, " ", string(f.Data)))
	}
	if got := strings.Join(said, "|"); got != "open in |message in one|close in |open in |message out two" {
		t.Errorf("got %s", got)
	}
}

// A side that does not read stops the one that writes; nothing is lost, and nothing is piled up in between.
func TestBackPressure(t *testing.T) {
	const n, size = 200, 256 << 10
	for _, who := range []string{"station", "central system"} {
		t.Run(who, func(t *testing.T) {
			u := startUpstream(t, websocket.AcceptOptions{}, nil)
			from, to := relayTo(t, u.url, false).pair(t, u, nil)
			if who != "station" {
				from, to = to, from
			}
			var sent atomic.Int64
			go func() {
				data := make([]byte, size)
				for range n {
					if from.Write(t.Context(), websocket.MessageText, data) != nil {
						return
					}
					sent.Add(1)
				}
			}()
			var last int64
			still := 0
			eventually(t, "the writer stands still", func() bool {
				<-time.After(20 * time.Millisecond)
				if now := sent.Load(); now != last || now == 0 {
					last, still = now, 0
				} else {
					still++
				}
				return still == 20
			})
			if last > n/2 { // 25 MiB; the kernel's buffers hold a part of it
				t.Fatalf("%d of %d messages were taken though nobody reads", last, n)
			}
			for range n {
				if _, data, err := to.Read(t.Context()); err != nil || len(data) != size {
					t.Fatalf("got %d bytes, %v", len(data), err)
				}
			}
		})
	}
}

// The station's id may be connected twice, or stand under two tenants: that is for the central system to judge.
func TestSameIDTwice(t *testing.T) {
	u := startUpstream(t, websocket.AcceptOptions{}, nil)
	s := relayTo(t, u.url, false)
	for _, path := range []string{"/a/CP_1", "/b/CP_1", "/a/CP_1"} {
		c, resp := s.dial(t, path, nil)
		if c == nil {
			t.Fatalf("%s: %s", path, resp.Status)
		}
		csms := u.next(t)
		write(t, c, path)
		wantText(t, csms, path)
	}
	eventually(t, "all are listed", func() bool { return len(s.gw.Connections()) == 3 })
}
