package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/socket"
)

var errHeaderTooLarge = errors.New("handshake header too large")

func tlsServer(nc net.Conn, cfg *tls.Config) net.Conn { return tls.Server(nc, cfg) }

// handshake upgrades the socket and reports whether it did. On true the peer is there and ConnOpen was tapped.
func (c *conn) handshake() bool {
	cfg := &c.srv.cfg
	ctx, cancel := context.WithTimeout(c.srv.open, cfg.HandshakeTimeout)
	defer cancel()
	end, _ := ctx.Deadline()
	_ = c.nc.SetReadDeadline(end)
	_ = c.nc.SetWriteDeadline(end.Add(cfg.WriteTimeout))

	var deflate bool
	var err error
	if !c.protect(func() { deflate, err = c.upgrade(ctx) }) {
		err = refuse(http.StatusInternalServerError, "internal error")
		c.writeRefusal(http.StatusInternalServerError, nil, []byte("internal error\n"))
	}
	if err != nil {
		// At debug level: no station at all, a scanner or a health check; and what whoever refused tells the log itself, because
		// it concerns more stations than this one.
		level := slog.LevelDebug
		if known, ok := errors.AsType[worded](err); ok && known.HTTPStatus() < http.StatusInternalServerError {
			level = slog.LevelInfo
		}
		c.log().Log(ctx, level, "station refused", "station", c.station, "error", err)
		c.linger()
		return false
	}
	if tcp, ok := c.nc.(*net.TCPConn); ok && !deflate && !c.settle(tcp) {
		return false
	}
	c.established.Store(true)
	c.sock.Start(deflate)
	c.br = nil
	return true
}

func (c *conn) upgrade(ctx context.Context) (deflate bool, err error) {
	if tc, ok := c.nc.(*tls.Conn); ok {
		if err := tc.HandshakeContext(ctx); err != nil {
			return false, fmt.Errorf("TLS handshake: %w", err)
		}
	}
	c.request = new(socket.Request)
	defer func() { c.request = nil }()
	answer := &answerWriter{w: c.nc}
	u := c.upgrader()
	u.OnBeforeUpgrade = func() (ws.HandshakeHeader, error) {
		var header []socket.Field
		if header, err = c.admit(ctx); err != nil {
			answer.mute = true // the refusal is ours to write
			return nil, err
		}
		if deflate = c.srv.cfg.Compress && socket.AcceptsDeflate(c.request.Extensions); deflate {
			header = append(header, socket.Field{Name: "Sec-WebSocket-Extensions", Value: socket.DeflateAnswer})
		}
		return ws.HandshakeHeaderString(lines(header)), nil
	}
	_, upgradeErr := u.Upgrade(struct {
		io.Reader
		io.Writer
	}{&headerReader{c: c, left: maxHeader}, answer})
	switch {
	case err != nil:
		c.reject(err)
		return false, err
	case errors.Is(upgradeErr, errHeaderTooLarge):
		c.writeRefusal(http.StatusRequestHeaderFieldsTooLarge, nil, []byte(errHeaderTooLarge.Error()+"\n"))
	}
	return deflate, upgradeErr
}

// upgrader reads the request into c.request, and the subprotocol where it is ours to choose.
func (c *conn) upgrader() ws.Upgrader {
	return ws.Upgrader{
		ReadBufferSize: socket.ReadBuffer,
		OnRequest: func(target []byte) error {
			c.request.Target = string(target)
			return nil // refused later, when the request has been read to its end
		},
		Protocol: func(offer []byte) bool {
			c.request.Protocols = append(c.request.Protocols, string(offer))
			if c.srv.cfg.Relay || !slices.Contains(c.srv.cfg.Protocols, hayalet.Protocol(offer)) {
				return false
			}
			c.protocol = hayalet.Protocol(offer)
			return true
		},
		ExtensionCustom: func(offer []byte, none []httphead.Option) ([]httphead.Option, bool) {
			c.request.Extensions = append(c.request.Extensions, string(offer))
			return none, true
		},
		OnHeader: func(key, value []byte) error {
			if !bytes.HasPrefix(key, []byte("Sec-Websocket-")) {
				c.request.Header = append(c.request.Header, socket.Field{Name: string(key), Value: string(value)})
			}
			return nil
		},
	}
}

// admit decides whether the station may come in, opens its peer, and returns header lines for the answer.
func (c *conn) admit(ctx context.Context) ([]socket.Field, error) {
	if err := c.identify(ctx); err != nil {
		return nil, err
	}
	peer, err := c.srv.answerer.Open(ctx, c)
	if err != nil {
		if _, told := errors.AsType[Refusal](err); !told {
			c.log().Warn("nobody answers the station", "station", c.station, "error", err)
		}
		return nil, err
	}
	c.peer = peer
	var header []socket.Field
	if accepter, ok := peer.(Accepter); ok && c.srv.cfg.Relay {
		c.protocol, header = accepter.Accept()
		if c.protocol != "" {
			header = append(header, socket.Field{Name: "Sec-WebSocket-Protocol", Value: string(c.protocol)})
		}
	}
	return header, c.tap(ctx, hayalet.Frame{At: c.now(), Kind: hayalet.ConnOpen})
}

// identify finds out who the station is, and whether it is.
func (c *conn) identify(ctx context.Context) (err error) {
	cfg := &c.srv.cfg
	if cfg.Relay {
		c.station, err = lastElement(c.request.Target)
	} else {
		c.station, err = StationIDFromPath(c.request.Target, cfg.PathPrefixes)
	}
	if err != nil {
		return refuse(http.StatusNotFound, "%v", err)
	}
	if cfg.Relay {
		return nil
	}
	if err := c.authenticate(c.authorization()); err != nil {
		return err
	}
	if c.protocol == "" {
		return refuse(http.StatusBadRequest, "no WebSocket subprotocol in common; this server speaks %v", cfg.Protocols)
	}
	return c.srv.claim(ctx, c)
}

func (c *conn) authorization() (last string) {
	for _, f := range c.request.Header {
		if f.Name == "Authorization" {
			last = f.Value
		}
	}
	return last
}

func (c *conn) authenticate(authorization string) error {
	s := c.srv
	if s.cfg.Auth == nil {
		return nil
	}
	network, now := networkOf(c.remote), s.cfg.Clock()
	if s.failures.blocked(network, now) {
		return refuse(http.StatusTooManyRequests, "too many failed authentications from this address; try again later")
	}
	password, ok := basicPassword(authorization, c.station)
	if ok && s.cfg.Auth(c.station, password) {
		return nil
	}
	s.failures.add(network, now)
	return refuse(http.StatusUnauthorized, "authentication failed: the user must be the station id, the password its key")
}

// worded is an error that may be told to the other side.
type worded interface {
	error
	HTTPStatus() int
}

// reject words an error for the other side. An error without a status is our own affair and not told.
func (c *conn) reject(err error) {
	status, text := http.StatusServiceUnavailable, "this station cannot be served now"
	if known, ok := errors.AsType[Refusal](err); ok {
		header, body := known.HTTPAnswer()
		c.writeRefusal(known.HTTPStatus(), header, body)
		return
	}
	if known, ok := errors.AsType[worded](err); ok {
		status, text = known.HTTPStatus(), err.Error()
	}
	var header []socket.Field
	if status == http.StatusUnauthorized {
		header = append(header, socket.Field{Name: "WWW-Authenticate", Value: `Basic realm="stations"`})
	}
	c.writeRefusal(status, header, []byte(text+"\n"))
}

func (c *conn) writeRefusal(status int, header []socket.Field, body []byte) {
	if !slices.ContainsFunc(header, func(f socket.Field) bool { return f.Name == "Content-Type" }) {
		header = append(header, socket.Field{Name: "Content-Type", Value: "text/plain; charset=utf-8"})
	}
	text := fmt.Sprintf("HTTP/1.1 %d %s\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), lines(header), len(body), body)
	_, _ = io.WriteString(c.nc, text)
}

func lines(header []socket.Field) string {
	var b strings.Builder
	for _, f := range header {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	return b.String()
}

// answerWriter keeps the upgrader from answering where we do.
type answerWriter struct {
	w    io.Writer
	mute bool
}

func (a *answerWriter) Write(p []byte) (int, error) {
	if a.mute {
		return len(p), nil
	}
	return a.w.Write(p)
}

// linger lets a refused client read why: a socket closed with unread bytes loses what it has sent.
func (c *conn) linger() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(socket.CloseWait))
	_, _ = io.CopyN(io.Discard, c.nc, LimitMaxMessage)
}

// headerReader feeds the upgrader line by line, so that it takes nothing that lies behind the request, and no more than
// left bytes.
type headerReader struct {
	c    *conn
	left int
}

func (r *headerReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errHeaderTooLarge
	}
	if _, err := r.c.br.Peek(1); err != nil {
		return 0, err
	}
	line, _ := r.c.br.Peek(r.c.br.Buffered())
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i+1]
	}
	n := copy(p, line[:min(len(line), r.left)])
	r.left -= n
	return r.c.br.Discard(n)
}
