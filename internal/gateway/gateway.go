// Package gateway holds the stations' WebSockets: handshake, identity, TLS, limits and ping. Every text message, in both
// directions, is tapped as a [hayalet.Frame] before it is answered or forwarded.
//
// Words: a link is our end of one socket; a peer is what stands behind it and answers the station; the answerer makes a
// peer for each link.
//
//	s, err := gateway.New(listener, gateway.Config{}, answerer, sink, log)
//	err = s.Run(ctx)
//
// The gateway does not look inside a message. Text that is not UTF-8 or not JSON is tapped and passed on; binary
// messages end the connection. Of the extensions of WebSocket, permessage-deflate is negotiated where Config says so.
package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hayalet"
	"hayalet/internal/socket"
)

// The defaults and limits of Config.
const (
	DefaultMaxMessage       = socket.DefaultMaxMessage
	LimitMaxMessage         = 1 << 20
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultPingInterval     = socket.DefaultPingInterval
	DefaultPongTimeout      = socket.DefaultPongTimeout
	DefaultWriteTimeout     = socket.DefaultWriteTimeout
	DefaultDuplicateTimeout = 5 * time.Second
	DefaultMaxConns         = 20000
	DefaultMaxAuthFailures  = 20
	DefaultAuthWindow       = time.Minute
)

const maxHeader = 8 << 10 // bytes of a handshake request

// Config says how stations may connect. A zero field takes its default.
type Config struct {
	// PathPrefixes are the paths before the station id; "/" and "/ocpp/" by default. The longest that fits counts.
	PathPrefixes []string
	// Protocols are the subprotocols that are spoken; OCPP16 by default. Of those that a station offers, the first that
	// is spoken is taken: its order counts, not this one.
	Protocols []hayalet.Protocol

	// Relay says that another central system stands behind the peers, and decides: the station id is the last element of
	// any path, PathPrefixes, Protocols and Auth do not count, each peer must be an [Accepter], and an id may be connected
	// more than once.
	Relay bool
	// Compress takes permessage-deflate where a station offers it.
	Compress bool

	TLS        *tls.Config // nil is plain text
	Auth       Auth        // nil lets everybody in
	MaxMessage int         // bytes of a message; at most LimitMaxMessage
	MaxConns   int         // sockets, those still in the handshake included; more are closed at once

	HandshakeTimeout time.Duration
	PingInterval     time.Duration // silence after which the station is asked for a sign of life
	PongTimeout      time.Duration // silence after that ping which ends the connection
	WriteTimeout     time.Duration
	DuplicateTimeout time.Duration // in which a connected station must answer a ping when another claims its id

	// MaxAuthFailures is how many failed authentications an address may have in AuthWindow before it is refused unheard
	// (429) for the rest of it. IPv6 addresses count by /64.
	MaxAuthFailures int
	AuthWindow      time.Duration

	Clock func() time.Time // the time of frames; time.Now by default
}

func (c *Config) setDefaults() {
	if len(c.PathPrefixes) == 0 {
		c.PathPrefixes = []string{"/", "/ocpp/"}
	}
	if len(c.Protocols) == 0 {
		c.Protocols = []hayalet.Protocol{hayalet.OCPP16}
	}
	c.MaxMessage = cmp.Or(c.MaxMessage, DefaultMaxMessage)
	c.MaxConns = cmp.Or(c.MaxConns, DefaultMaxConns)
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, DefaultHandshakeTimeout)
	c.PingInterval = cmp.Or(c.PingInterval, DefaultPingInterval)
	c.PongTimeout = cmp.Or(c.PongTimeout, DefaultPongTimeout)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, DefaultWriteTimeout)
	c.DuplicateTimeout = cmp.Or(c.DuplicateTimeout, min(DefaultDuplicateTimeout, c.HandshakeTimeout/2))
	c.MaxAuthFailures = cmp.Or(c.MaxAuthFailures, DefaultMaxAuthFailures)
	c.AuthWindow = cmp.Or(c.AuthWindow, DefaultAuthWindow)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.TLS != nil {
		c.TLS = c.TLS.Clone()
		c.TLS.NextProtos = []string{"http/1.1"}
	}
}

func (c *Config) validate() error {
	durations := []time.Duration{
		c.HandshakeTimeout, c.PingInterval, c.PongTimeout, c.WriteTimeout, c.DuplicateTimeout, c.AuthWindow,
	}
	switch {
	case c.MaxMessage < 0 || c.MaxMessage > LimitMaxMessage:
		return fmt.Errorf("gateway: message limit %d: want 1 to %d: %w", c.MaxMessage, LimitMaxMessage, hayalet.ErrInvalid)
	case c.MaxConns < 0 || c.MaxAuthFailures < 0 || slices.Min(durations) < 0:
		return fmt.Errorf("gateway: a negative limit: %w", hayalet.ErrInvalid)
	case c.DuplicateTimeout >= c.HandshakeTimeout:
		return fmt.Errorf("gateway: the duplicate time-out must be shorter than the handshake's: %w", hayalet.ErrInvalid)
	}
	for i, p := range c.PathPrefixes {
		if p == "" || p[0] != '/' {
			return fmt.Errorf("gateway: path prefix %q: want a leading slash: %w", p, hayalet.ErrInvalid)
		}
		if p[len(p)-1] != '/' {
			c.PathPrefixes[i] = p + "/"
		}
	}
	return nil
}

// Server accepts stations.
type Server struct {
	cfg      Config
	ln       net.Listener
	answerer Answerer
	sink     hayalet.FrameSink
	log      *slog.Logger

	open  context.Context // for handshakes: one for all, because each that comes from a context leaves a map in it
	close context.CancelFunc

	registry registry
	failures failures

	loops   []*loop       // none where connections cannot rest
	settled atomic.Uint64 // connections that were given to one of them

	mu    sync.Mutex
	conns map[*conn]struct{} // every socket, those in the handshake included
	full  bool               // the last socket was over MaxConns
	wg    sync.WaitGroup
}

// New returns a server for the listener's connections, which Run accepts and closes.
func New(ln net.Listener, cfg Config, answerer Answerer, sink hayalet.FrameSink, log *slog.Logger) (*Server, error) {
	cfg.PathPrefixes = slices.Clone(cfg.PathPrefixes)
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	open, shut := context.WithCancel(context.Background())
	return &Server{
		open: open, close: shut,
		cfg: cfg, ln: ln, answerer: answerer, sink: sink, log: log,
		registry: registry{slots: map[hayalet.StationID]*slot{}},
		failures: newFailures(cfg.MaxAuthFailures, cfg.AuthWindow),
		conns:    map[*conn]struct{}{},
	}, nil
}

// Addr is the listener's address.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Run accepts stations until ctx ends; then it closes their sockets (1001) and waits until all that it started has
// ended. A message that is being answered then is answered. It returns an error only when the listener fails. Run may
// be called once.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.ln.Close() })
	var err error
	if s.loops, err = newLoops(s.ln, s.sink, &s.cfg); err != nil {
		_ = s.ln.Close()
		return err
	}
	rounds, cut := context.WithCancel(context.WithoutCancel(ctx))
	end := s.watch(rounds)
	err = s.accept(ctx)
	if stop() {
		_ = s.ln.Close()
	}
	s.shutdown(cut)
	end()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("accept stations: %w", err)
}

func (s *Server) accept(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	var pause time.Duration
	for {
		nc, err := s.ln.Accept()
		if err == nil {
			pause = 0
			s.admitSocket(base, nc)
			continue
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return err
		}
		// Out of file descriptors, or a connection that was gone already: neither ends the server.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Error("accept station", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

func (s *Server) admitSocket(base context.Context, nc net.Conn) {
	c := newConn(base, s, nc)
	s.mu.Lock()
	full := len(s.conns) >= s.cfg.MaxConns
	turned := full != s.full
	s.full = full
	if !full {
		s.conns[c] = struct{}{}
		s.wg.Add(1)
	}
	s.mu.Unlock()
	if full {
		_ = nc.Close()
		if turned {
			s.log.Warn("too many sockets; new ones are closed", "limit", s.cfg.MaxConns)
		}
		return
	}
	go c.serve()
}

// forget is the last that a connection does.
func (s *Server) forget(c *conn) {
	defer s.wg.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// shutdown says goodbye to all sockets at once, and cuts those that do not leave in time, with what is being kept for them.
func (s *Server) shutdown(stop context.CancelFunc) {
	s.close()
	s.mu.Lock()
	var all []*conn
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()

	cut := time.AfterFunc(2*socket.CloseWait, func() {
		stop()
		for _, c := range all {
			c.sock.Cut()
		}
	})
	defer stop()
	defer cut.Stop()
	for _, c := range all {
		s.wg.Go(func() { c.leave() })
	}
	s.wg.Wait()
}
