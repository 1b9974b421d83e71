package relay

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/socket"
)

const (
	maxAnswer = 16 << 10 // bytes of an upstream's handshake
	maxBody   = 4 << 10  // bytes of a refusal's body
)

// upstream is a dialled central system.
type upstream struct {
	*socket.Conn
	protocol hayalet.Protocol
	header   []socket.Field // for the station
}

// dial connects to a station's upstream as the station would.
func (r *Relay) dial(ctx context.Context, t target, req *socket.Request, compress bool) (_ *upstream, err error) {
	nc, err := r.connect(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = nc.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	limited := &io.LimitedReader{R: nc, N: maxAnswer}
	br := bufio.NewReaderSize(limited, socket.ReadBuffer)
	up, deflate, err := handshake(nc, br, t, req, compress)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	limited.N = math.MaxInt64
	_ = nc.SetDeadline(time.Time{})
	up.Conn = socket.New(context.WithoutCancel(ctx), nc, br, socket.Config{
		Client: true, MaxMessage: r.cfg.MaxMessage, PingInterval: r.cfg.PingInterval, PongTimeout: r.cfg.PongTimeout, WriteTimeout: r.cfg.WriteTimeout,
	})
	up.Start(deflate)
	return up, nil
}

func (r *Relay) connect(ctx context.Context, t target) (net.Conn, error) {
	port := t.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[t.Scheme]
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(t.Hostname(), port))
	if err != nil || t.Scheme == "ws" {
		return nc, err
	}
	cfg := r.cfg.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = t.Hostname()
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("TLS with %s: %w", t.Host, err)
	}
	return tc, nil
}

// handshake asks for the WebSocket [RFC 6455 §4.1] and judges the answer [§4.1, second list].
func handshake(w io.Writer, br *bufio.Reader, t target, req *socket.Request, compress bool) (*upstream, bool, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	if _, err := io.WriteString(w, request(t, req, key, compress)); err != nil {
		return nil, false, err
	}
	resp, err := response(br)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
		return nil, false, refusedBy(resp, body)
	}
	deflate, err := socket.DeflateAccepted(resp.Header["Sec-Websocket-Extensions"])
	if err != nil || deflate && !compress {
		return nil, false, socket.ErrExtension
	}
	up := &upstream{protocol: hayalet.Protocol(resp.Header.Get("Sec-Websocket-Protocol"))}
	switch {
	case resp.Header.Get("Sec-Websocket-Accept") != accept(key):
		return nil, false, errors.New("the answer to the handshake is not to ours")
	case !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket"):
		return nil, false, errors.New("the answer to the handshake upgrades to something else")
	case up.protocol != "" && !slices.Contains(req.Protocols, string(up.protocol)):
		return nil, false, fmt.Errorf("subprotocol %q was not offered", up.protocol)
	}
	up.header = answerFields(resp.Header)
	return up, deflate, nil
}

// response reads the answer, past those that only say to wait.
func response(br *bufio.Reader) (*http.Response, error) {
	for range 5 {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, errors.New("the connection ended in the handshake")
			}
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errors.New("no answer to the handshake, only interim ones")
}

func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455 §4.2.2 asks for it
	return base64.StdEncoding.EncodeToString(sum[:])
}

// request writes the handshake: what is of this connection anew, all else as the station wrote it.
func request(t target, req *socket.Request, key string, compress bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n", t.request, t.Host, key)
	if len(req.Protocols) > 0 {
		b.WriteString("Sec-WebSocket-Protocol: " + strings.Join(req.Protocols, ", ") + "\r\n")
	}
	if compress {
		b.WriteString("Sec-WebSocket-Extensions: " + socket.DeflateOffer + "\r\n")
	}
	for _, f := range req.Header {
		if endToEnd(f.Name) && isToken(f.Name) {
			b.WriteString(f.Name + ": " + clean(f.Value) + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

// answerFields are the end-to-end header lines of a 101.
func answerFields(h http.Header) []socket.Field {
	var fields []socket.Field
	for name, vals := range h {
		if !endToEnd(name) || strings.HasPrefix(name, "Sec-Websocket-") {
			continue
		}
		for _, val := range vals {
			fields = append(fields, socket.Field{Name: name, Value: clean(val)})
		}
	}
	slices.SortStableFunc(fields, func(a, b socket.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// isToken tells which header names may be written [RFC 9110 §5.6.2]: in any other, an upstream may find a line's end.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// endToEnd tells which headers are not of one connection alone [RFC 9110 §7.6.1]. A handshake has no body.
func endToEnd(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Content-Length", "Http2-Settings":
		return false
	}
	return true
}
