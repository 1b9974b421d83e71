// Package socket is one end of a WebSocket once its handshake is done [RFC 6455, RFC 7692]: messages put together from
// fragments, control frames answered, signs of life asked for, sizes and times bounded, permessage-deflate, and how it
// ended.
//
// Words: a turn is the right to write; the end is the status code and reason of whoever said goodbye first.
//
//	c := socket.New(ctx, nc, br, socket.Config{MaxMessage: 64 << 10})
//	c.Start(false)
//	data, err := c.Read()
//	err = c.Write(ctx, data)
//
// It makes no connection and does not look inside a message. Text that is not UTF-8 passes; binary messages are a fault.
package socket

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
)

// The defaults of Config.
const (
	DefaultMaxMessage   = 64 << 10
	DefaultPingInterval = 30 * time.Second
	DefaultPongTimeout  = 20 * time.Second
	DefaultWriteTimeout = 10 * time.Second
)

const (
	// CloseWait is how long the other side has to answer our close.
	CloseWait = 2 * time.Second

	firstChunk   = 4 << 10          // bytes of a payload that are believed before they arrive
	keepBuffer   = 64 << 10         // larger message buffers are given back at once, the others after a silence
	frameTimeout = 60 * time.Second // for each piece of a frame to arrive
	piece        = 64 << 10         // bytes of a frame that have a time-out of their own, so that a slow line may carry a long one
)

// ErrClosed is returned by the writing methods after the connection has ended, or after our goodbye.
var ErrClosed = fmt.Errorf("connection closed: %w", hayalet.ErrUnavailable)

// Config says how an end behaves. A zero field takes its default.
type Config struct {
	Client       bool          // ours is the client's end: what we write is masked, what we read must not be
	MaxMessage   int           // bytes of a message, inflated
	PingInterval time.Duration // silence after which the other side is asked for a sign of life
	PongTimeout  time.Duration // silence after that ping which ends the connection
	WriteTimeout time.Duration // in which, or in 7/8 of it, the other side must take a message, or each 64 KiB of it; else the connection is cut
}

// moment is a time of a connection, told from when it was made.
type moment = time.Duration

// Conn is one end. One goroutine reads; everything else may be called by any.
type Conn struct {
	cfg   Config
	made  time.Time
	state ws.State
	nc    net.Conn      // until Start it may be changed by Move, who holds mu
	br    *bufio.Reader // of the handshake, until Start

	ctx     context.Context // ends when the socket is cut
	cancel  context.CancelFunc
	deflate bool // negotiated; set by Start
	rests   bool // set by Move

	turn    turn        // these three are looked at for each message, and lie together
	closing atomic.Bool // our close frame is out, nothing follows; set by who has the turn
	cutOff  atomic.Bool // ctx has ended, or is about to

	owed atomic.Pointer[[]byte] // the payload of a pong that goes out before the turn is passed for good

	out     buffer // the frame being written; of who has the turn
	writeBy moment // the deadline of writing that is set; of who has the turn
	mu      sync.Mutex
	closeBy moment // no read lasts longer than this once we are closing; 0: we are not
	ended   bool
	code    uint16
	reason  string

	heard chan struct{} // a pong arrived
	readState
}

// New returns an end that reads on from br, whose source is nc. It does not write before Start.
func New(ctx context.Context, nc net.Conn, br *bufio.Reader, cfg Config) *Conn {
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, DefaultMaxMessage)
	cfg.PingInterval = cmp.Or(cfg.PingInterval, DefaultPingInterval)
	cfg.PongTimeout = cmp.Or(cfg.PongTimeout, DefaultPongTimeout)
	cfg.WriteTimeout = cmp.Or(cfg.WriteTimeout, DefaultWriteTimeout)
	c := &Conn{
		cfg: cfg, made: time.Now(), nc: nc, br: br, state: ws.StateServerSide, heard: make(chan struct{}, 1),
	}
	if cfg.Client {
		c.state = ws.StateClientSide
	}
	c.turn.passed = make(chan struct{}, 1)
	c.turn.taken.Store(true) // until Start
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// Start lets writers write: the handshake is done, with permessage-deflate or without. It is called once, before Read.
// The reader that New was given is done with.
func (c *Conn) Start(deflate bool) {
	c.deflate = deflate
	ahead, _ := c.br.Peek(c.br.Buffered())
	c.in.begin(c.nc, bytes.Clone(ahead))
	c.br = nil
	c.PassTurn()
}

// Move goes over to another connection of the same socket, before Start. From now on Read does not wait for the first byte
// of a message: it returns ErrAtRest, and holds nothing. Resume goes before the next Read.
func (c *Conn) Move(nc net.Conn) {
	c.mu.Lock()
	c.nc, c.rests = nc, true
	c.mu.Unlock()
	if c.ctx.Err() != nil { // it was cut meanwhile, the other one maybe
		_ = nc.Close()
	}
}

func (c *Conn) now() moment { return time.Since(c.made) }

// Context ends when the connection is cut.
func (c *Conn) Context() context.Context { return c.ctx }

// Cut ends the connection without a word.
func (c *Conn) Cut() {
	c.cutOff.Store(true)
	c.cancel()
	c.mu.Lock()
	nc := c.nc
	c.mu.Unlock()
	_ = nc.Close()
}

// AnswersPing reports whether the other side answers a ping in time. Somebody must be reading.
func (c *Conn) AnswersPing(ctx context.Context, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case <-c.heard: // of an older ping
	default:
	}
	if err := c.ping(ctx); err != nil {
		return false
	}
	select {
	case <-c.heard:
		return true
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return false
}
