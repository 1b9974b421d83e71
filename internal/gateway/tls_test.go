package gateway_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hayalet/internal/gateway"
)

func TestTLS(t *testing.T) {
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	s := startTCP(t, gateway.Config{TLS: certs.TLS})
	pool := certs.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	plain := s.dial
	s.dial = func() (net.Conn, error) {
		nc, err := plain()
		if err != nil {
			return nil, err
		}
		// A client that would rather speak HTTP/2 gets HTTP/1.1.
		return tls.Client(nc, &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}}), nil
	}
	st := s.connect(t, "/CP_1")
	if got := st.nc.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q", got)
	}
	st.text("secret")
	st.wantText("secret")
	if _, resp := s.request(t, "/CP_2"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %s", resp.Status)
	}

	s.dial = plain
	nc, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_, _ = nc.Write([]byte(handshakeText("/CP_3", offer16)))
	if text, _ := io.ReadAll(nc); strings.HasPrefix(string(text), "HTTP/1.1 101") || len(s.Connections()) != 1 {
		t.Errorf("plain text was let in: %q", text)
	}
}
