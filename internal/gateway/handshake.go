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
	"time"

	"github.com/gobwas/ws"

	"hayalet"
)

var errHeaderTooLarge = errors.New("handshake header too large")

func tlsServer(nc net.Conn, cfg *tls.Config) net.Conn { return tls.Server(nc, cfg) }

// handshake upgrades the socket and reports whether it did. On true the peer is there and ConnOpen was tapped.
func (c *conn) handshake() bool {
	cfg := &c.srv.cfg
	ctx, cancel := context.WithTimeout(c.ctx, cfg.HandshakeTimeout)
	defer cancel()
	end, _ := ctx.Deadline()
	_ = c.nc.SetReadDeadline(end)
	_ = c.nc.SetWriteDeadline(end.Add(cfg.WriteTimeout))

	var err error
	if !c.protect(func() { err = c.upgrade(ctx) }) {
		err = refuse(http.StatusInternalServerError, "internal error")
		c.writeRefusal(http.StatusInternalServerError, "internal error")
	}
	if err != nil {
		level := slog.LevelDebug // no station at all: a scanner, a health check
		if _, refused := errors.AsType[*refusal](err); refused {
			level = slog.LevelInfo
		}
		c.log.Log(ctx, level, "station refused", "station", c.station, "error", err)
		c.linger()
		return false
	}
	c.log = c.log.With("station", c.station, "conn", c.id)
	c.established.Store(true)
	c.passTurn()
	return true
}

// request is what the handshake has read so far.
type request struct {
	pathErr       error
	authorization string
	refusal       error // why admit said no
}

func (c *conn) upgrade(ctx context.Context) error {
	var req request
	u := ws.Upgrader{
		ReadBufferSize: readBuffer,
		OnRequest: func(target []byte) error {
			c.station, req.pathErr = StationIDFromPath(string(target), c.srv.cfg.PathPrefixes)
			return nil // refused later, when the request has been read to its end
		},
		Protocol: func(offer []byte) bool {
			known := slices.Contains(c.srv.cfg.Protocols, hayalet.Protocol(offer))
			if known {
				c.protocol = hayalet.Protocol(offer)
			}
			return known
		},
		OnHeader: func(key, value []byte) error {
			if string(key) == "Authorization" {
				req.authorization = string(value)
			}
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			if req.refusal = c.admit(ctx, &req); req.refusal != nil {
				return nil, rejection(req.refusal)
			}
			return nil, nil
		},
	}
	if tc, ok := c.nc.(*tls.Conn); ok {
		if err := tc.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS handshake: %w", err)
		}
	}
	_, err := u.Upgrade(struct {
		io.Reader
		io.Writer
	}{&headerReader{c: c, left: maxHeader}, c.nc})
	if errors.Is(err, errHeaderTooLarge) {
		c.writeRefusal(http.StatusRequestHeaderFieldsTooLarge, err.Error())
	}
	if req.refusal != nil {
		return req.refusal
	}
	return err
}

// admit decides whether the station may come in, and opens its peer.
func (c *conn) admit(ctx context.Context, req *request) error {
	if req.pathErr != nil {
		return refuse(http.StatusNotFound, "%v", req.pathErr)
	}
	if err := c.authenticate(req.authorization); err != nil {
		return err
	}
	if c.protocol == "" {
		return refuse(http.StatusBadRequest, "no WebSocket subprotocol in common; this server speaks %v", c.srv.cfg.Protocols)
	}
	if err := c.srv.claim(ctx, c); err != nil {
		return err
	}
	peer, err := c.srv.answerer.Open(ctx, c)
	if err != nil {
		c.log.Warn("nobody answers the station", "station", c.station, "error", err)
		return err
	}
	c.peer = peer
	if err := c.tap(ctx, hayalet.ConnOpen, hayalet.In, nil); err != nil {
		return err
	}
	return nil
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

// rejection words an error for the other side. An error without a status is our own affair and not told.
func rejection(err error) error {
	status, text := http.StatusServiceUnavailable, "this station cannot be served now"
	if known, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		status, text = known.HTTPStatus(), err.Error()
	}
	header := "Connection: close\r\n"
	if status == http.StatusUnauthorized {
		header += "WWW-Authenticate: Basic realm=\"stations\"\r\n"
	}
	return ws.RejectConnectionError(ws.RejectionStatus(status), ws.RejectionReason(text+"\n"),
		ws.RejectionHeader(ws.HandshakeHeaderString(header)))
}

// writeRefusal answers where the upgrader does not.
func (c *conn) writeRefusal(status int, text string) {
	_, _ = fmt.Fprintf(c.nc, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\n\r\n%s\n", status, http.StatusText(status), len(text)+1, text)
}

// linger lets a refused client read why: a socket closed with unread bytes loses what it has sent.
func (c *conn) linger() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(closeWait))
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
