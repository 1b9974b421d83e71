// Package csms is a central system: it answers stations itself, hands out transaction ids, and sends commands.
//
// A [CSMS] makes a [Peer] for each connection ([Link]). The peer speaks the version that was agreed on there: OCPP 1.6 with
// the security extension, 2.0.1 or 2.1. It answers every message that a station of that version may send. It is tolerant:
// only what cannot be processed at all gets a CALLERROR, and nothing that a station sends ends its connection.
//
//	c, err := csms.New(csms.Config{Interval: 10}, ledger, log)
//	peer, err := c.Open(ctx, link)
//	answer, err := c.Command(ctx, "CP_1", "Reset", []byte(`{"type":"Soft"}`))
//
// A version is a dialect: one table from the station's actions to what answers them.
//
// Transactions of 1.6 have their ids from the book ([hayalet.Ledger]) and stand in it. Those of 2.x have ids that the
// station makes; nothing here needs them again, and the book leaves them out. Stations of all versions stand in it.
//
// It keeps no meter values and judges nothing; whoever wants those reads the frames.
package csms

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hayalet"
)

// The defaults of Config.
const (
	DefaultInterval       = 10
	DefaultCommandTimeout = 30 * time.Second
)

// maxInterval keeps BootNotification.conf's interval in what stations hold, in seconds.
const maxInterval = 1<<31 - 1

// Config says how stations are answered. A zero field takes its default.
type Config struct {
	Interval       int           // seconds between heartbeats, told at boot
	CommandTimeout time.Duration // for a station to answer a command
	Tags           *Tags         // the accepted idTags and idTokens; nil accepts all
	Sampling       Sampling      // set after each boot; the zero value sets nothing
	Clock          func() time.Time
}

// Link is the gateway's end of one station's connection.
type Link interface {
	Station() hayalet.StationID
	Protocol() hayalet.Protocol
	Conn() hayalet.ConnID
	RemoteAddr() string
	Send(ctx context.Context, data []byte) error
	Answer(ctx context.Context, data []byte) error // to the message that is being received; both are kept together
	Keep(ctx context.Context) error                // the message that is being received, which gets no answer
	Close(code uint16, reason string)
}

// CSMS answers stations. Any goroutine may use it.
type CSMS struct {
	cfg      Config
	book     book
	log      *slog.Logger
	dialects map[hayalet.Protocol]*dialect

	mu    sync.Mutex
	peers map[hayalet.StationID]*Peer
}

// New returns a central system whose book is the ledger.
func New(cfg Config, ledger hayalet.Ledger, log *slog.Logger) (*CSMS, error) {
	cfg.Interval = cmp.Or(cfg.Interval, DefaultInterval)
	cfg.CommandTimeout = cmp.Or(cfg.CommandTimeout, DefaultCommandTimeout)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Interval < 0 || cfg.Interval > maxInterval {
		return nil, fmt.Errorf("heartbeat interval %d s: want 1 to %d: %w", cfg.Interval, maxInterval, hayalet.ErrInvalid)
	}
	if cfg.CommandTimeout < 0 {
		return nil, fmt.Errorf("command time-out %v: %w", cfg.CommandTimeout, hayalet.ErrInvalid)
	}
	if err := cfg.Sampling.Validate(); err != nil {
		return nil, err
	}
	return &CSMS{
		cfg: cfg, book: book{Ledger: ledger, log: log}, log: log, dialects: dialects(), peers: map[hayalet.StationID]*Peer{},
	}, nil
}

// Open makes the peer of a connection. A peer of the same station that is still open stays open, but commands go to the
// new one. A protocol that is not among [hayalet.Protocols] is refused.
func (c *CSMS) Open(_ context.Context, link Link) (*Peer, error) {
	speaks, known := c.dialects[link.Protocol()]
	if !known {
		return nil, fmt.Errorf("protocol %q: %w", link.Protocol(), hayalet.ErrInvalid)
	}
	p := newPeer(c, link, speaks)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers[link.Station()] = p
	return p, nil
}

func (c *CSMS) peer(station hayalet.StationID) (*Peer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.peers[station]
	return p, ok
}

func (c *CSMS) forget(p *Peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if station := p.link.Station(); c.peers[station] == p {
		delete(c.peers, station)
	}
}
