package relay_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// wiretap is an upstream that refuses everybody and keeps what it was asked, byte for byte.
func wiretap(t *testing.T) (url string, asked chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	asked = make(chan string, 20)
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			var text strings.Builder
			for br := bufio.NewReader(nc); !strings.HasSuffix(text.String(), "\r\n\r\n"); {
				line, err := br.ReadString('\n')
				if err != nil {
					break
				}
				text.WriteString(line)
			}
			_, _ = io.WriteString(nc, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			_ = nc.Close()
			asked <- text.String()
		}
	}()
	return "ws://" + ln.Addr().String(), asked
}

func (s *relayed) raw(t *testing.T, head string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(s.url, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_, _ = fmt.Fprintf(nc, "%sHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", head)
	return nc
}

// A station cannot write header lines of its own making into what the upstream reads, nor leave its place.
func TestHostileHandshakes(t *testing.T) {
	url, asked := wiretap(t)
	s := relayTo(t, url+"/base", false)
	for _, tt := range []struct {
		name, head string
		status     int    // 403 is the upstream's
		want       string // between the handshake's own lines and the end
	}{
		{"a bare CR in the path", "GET /a\rX-Evil:1\r/CP HTTP/1.1\r\n", 400, ""},
		{"a bare CR in the query", "GET /CP?a\rX-Evil:1\r HTTP/1.1\r\n", 400, ""},
		{"NUL and tab", "GET /a\x00\tb/CP HTTP/1.1\r\n", 400, ""},
		{"upwards", "GET /..%2f..%2fadmin/CP HTTP/1.1\r\n", 404, ""},
		{"a bare CR in a name", "GET /CP HTTP/1.1\r\nX-A\rTransfer-Encoding: chunked\r\n", 403, ""},
		{"names that are none", "GET /CP HTTP/1.1\r\nFoo bar: 1\r\n: 2\r\nX[1]: 3\r\nX-\xc5: 4\r\n", 403, ""},
		{"a body", "GET /CP HTTP/1.1\r\nTRANSFER-ENCODING : chunked\r\n cOntent-lEngth: 8\r\n", 403, ""},
		{"a bare CR in a value", "GET /CP HTTP/1.1\r\nX-1: a\rb\x00c\r\n", 403, "X-1: abc\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := http.ReadResponse(bufio.NewReader(s.raw(t, tt.head)), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Fatalf("got %s", resp.Status)
			}
			if tt.status != http.StatusForbidden {
				return
			}
			got := <-asked
			if _, rest, ok := strings.Cut(got, "Sec-WebSocket-Version: 13\r\n"); !ok || rest != tt.want+"\r\n" || !strings.HasPrefix(got, "GET /base/CP HTTP/1.1\r\nHost: ") {
				t.Errorf("the upstream was asked %q", got)
			}
		})
	}
}

// A station that does not read holds up what comes down to it, and not what it sends, though it pings between.
func TestPingOfAStationThatDoesNotRead(t *testing.T) {
	u := startUpstream(t, acceptAll, nil)
	s := relayTo(t, u.url, false)
	nc := s.raw(t, "GET /CP_1 HTTP/1.1\r\n")
	csms := u.next(t)
	go func() { // far more than the kernel holds
		for data := make([]byte, 1<<20); csms.Write(t.Context(), 1, data) == nil; {
		}
	}()
	for i := range 200 {
		text := fmt.Sprint("call ", i)
		if err := ws.WriteFrame(nc, ws.MaskFrame(ws.NewPingFrame([]byte{byte(i)}))); err != nil {
			t.Fatal(err)
		}
		if err := ws.WriteFrame(nc, ws.MaskFrame(ws.NewTextFrame([]byte(text)))); err != nil {
			t.Fatal(err)
		}
		wantText(t, csms, text)
	}
}
