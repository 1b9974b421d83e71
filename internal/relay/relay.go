// Package relay stands between stations and somebody else's central system: for each station it dials that system, and
// passes every message on, both ways, byte for byte.
//
// Words: the upstream is the central system behind us; the tap is where detection sees the traffic, without ever
// holding it up.
//
//	r, err := relay.New(relay.Config{Upstreams: []relay.Upstream{{URL: "wss://csms.example/ocpp/{station}"}}}, log)
//	peer, err := r.Open(ctx, link)
//	tap := relay.NewTap(relay.TapConfig{}, sink, log)
//	err = tap.Run(ctx)
//
// It answers no message and makes none up. Only the goodbyes, pings and fragments of WebSocket are its own.
package relay

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hayalet"
	"hayalet/internal/socket"
)

// The defaults of Config. What a side does not take is waited for longer than by a central system that answers itself:
// the other side is slowed down meanwhile.
const (
	DefaultMaxMessage   = 1 << 20
	DefaultWriteTimeout = 60 * time.Second
)

// Config says where stations are relayed to. Upstreams must be set; any other zero field takes its default.
type Config struct {
	Upstreams  []Upstream  // the first that matches counts
	TLS        *tls.Config // of wss upstreams; nil verifies against the system's roots
	Compress   bool        // offers permessage-deflate to the upstream
	MaxMessage int         // bytes of a message of the upstream

	PingInterval time.Duration
	PongTimeout  time.Duration
	WriteTimeout time.Duration
}

// Link is the gateway's end of one station's connection.
type Link interface {
	Station() hayalet.StationID
	Conn() hayalet.ConnID
	Request() *socket.Request
	Send(ctx context.Context, data []byte) error
	Close(code uint16, reason string)
}

// Relay makes peers. Any goroutine may use it.
type Relay struct {
	cfg     Config
	log     *slog.Logger
	outages []outage // of each upstream
}

// New returns a relay that dials nobody until Open. It refuses upstreams that cannot be dialled (hayalet.ErrInvalid).
func New(cfg Config, log *slog.Logger) (*Relay, error) {
	if len(cfg.Upstreams) == 0 {
		return nil, fmt.Errorf("relay without an upstream: %w", hayalet.ErrInvalid)
	}
	for _, u := range cfg.Upstreams {
		if err := u.validate(); err != nil {
			return nil, err
		}
	}
	if cfg.TLS == nil {
		cfg.TLS = new(tls.Config)
	}
	cfg.TLS = cfg.TLS.Clone()
	cfg.TLS.NextProtos = []string{"http/1.1"}
	cfg.TLS.MinVersion = max(cfg.TLS.MinVersion, tls.VersionTLS12)
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, DefaultMaxMessage)
	cfg.WriteTimeout = cmp.Or(cfg.WriteTimeout, DefaultWriteTimeout)
	return &Relay{cfg: cfg, log: log, outages: make([]outage, len(cfg.Upstreams))}, nil
}

// Open dials the station's upstream, in the station's handshake. Where the upstream refuses, the error says so in the
// upstream's words; where it cannot be reached, it is a 502 or a 504.
func (r *Relay) Open(ctx context.Context, link Link) (*Peer, error) {
	req := link.Request()
	number, target, err := r.cfg.route(req.Target, link.Station())
	if err != nil {
		return nil, err
	}
	log := r.log.With("upstream", target.Host)
	up, err := r.open(ctx, target, req, &r.outages[number], log)
	if err != nil {
		return nil, err
	}
	return newPeer(link, up, log.With("station", link.Station(), "conn", link.Conn())), nil
}

// open dials, a second time where the upstream cannot do what was offered.
func (r *Relay) open(ctx context.Context, t target, req *socket.Request, o *outage, log *slog.Logger) (*upstream, error) {
	begin, compress := time.Now(), r.cfg.Compress && o.compress()
	up, err := r.dial(ctx, t, req, compress)
	if compress && errors.Is(err, socket.ErrExtension) {
		o.noDeflate(log)
		up, err = r.dial(ctx, t, req, false)
	}
	if err != nil {
		err = refusalOf(err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) { // we are ending
		o.saw(err, begin, log)
	}
	return up, err
}
