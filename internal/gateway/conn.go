package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/uuid"

	"hayalet"
)

// tapCloseTimeout bounds how long the end of a connection waits for the sink.
const tapCloseTimeout = 10 * time.Second

// conn is one socket; it is the Link of its peer. One goroutine runs serve; all other methods may be called by any.
type conn struct {
	srv *Server
	log *slog.Logger
	nc  net.Conn
	br  *bufio.Reader

	id       hayalet.ConnID
	remote   string
	station  hayalet.StationID // the handshake sets these three
	protocol hayalet.Protocol
	peer     Peer

	ctx         context.Context // ends when the socket is cut
	cancel      context.CancelFunc
	done        chan struct{} // closed when serve has ended
	established atomic.Bool   // the handshake is done

	tapMu  sync.Mutex
	seq    uint64
	opened bool
	ended  bool
	since  hayalet.Instant
	frame  [1]hayalet.Frame

	turn      chan struct{} // holds one token: who takes it may write
	out       bytes.Buffer  // the frame being written; of the token's holder
	outHeader [ws.MaxHeaderSize]byte
	closing   atomic.Bool // our close frame is out, nothing follows; set by the token's holder

	deadlineMu sync.Mutex
	closeBy    time.Time // no read lasts longer than this once we are closing

	pong chan struct{} // a pong arrived
	readState
}

func newConn(base context.Context, s *Server, nc net.Conn) *conn {
	if s.cfg.TLS != nil {
		nc = tlsServer(nc, s.cfg.TLS)
	}
	c := &conn{
		srv: s, nc: nc, br: bufio.NewReaderSize(nc, readBuffer),
		id: hayalet.ConnID(uuid.NewString()), remote: nc.RemoteAddr().String(),
		done: make(chan struct{}), turn: make(chan struct{}, 1), pong: make(chan struct{}, 1),
	}
	c.log = s.log.With("remote", c.remote)
	c.ctx, c.cancel = context.WithCancel(base)
	return c
}

func (c *conn) Station() hayalet.StationID { return c.station }
func (c *conn) Protocol() hayalet.Protocol { return c.protocol }
func (c *conn) Conn() hayalet.ConnID       { return c.id }
func (c *conn) RemoteAddr() string         { return c.remote }

func (c *conn) info() ConnInfo {
	return ConnInfo{Station: c.station, Conn: c.id, Since: c.since, RemoteAddr: c.remote, Protocol: c.protocol}
}

// serve runs the connection from handshake to end.
func (c *conn) serve() {
	defer close(c.done)
	defer c.srv.registry.release(c)
	if c.handshake() {
		c.converse()
	}
	c.cut()
	if c.peer != nil {
		c.protect(c.peer.Closed)
	}
	c.protect(c.tapClose)
}

// cut ends the socket without a word. What still runs for it sees its context end.
func (c *conn) cut() {
	c.cancel()
	_ = c.nc.Close()
}

// leave is what a server that stops does to a connection.
func (c *conn) leave() {
	if !c.established.Load() {
		c.cut()
		return
	}
	c.Close(uint16(ws.StatusGoingAway), "the central system is going away")
}

// protect keeps a panic in somebody else's code from ending the server.
func (c *conn) protect(f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic on a connection", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}

// converse reads until the connection ends, and says why where the other side should know.
func (c *conn) converse() {
	c.log.Info("station connected", "protocol", c.protocol)
	var err error
	if !c.protect(func() { err = c.readAll() }) {
		err = &closeError{code: ws.StatusInternalServerError, reason: "internal error"}
	}
	if fault, ok := errors.AsType[*closeError](err); ok {
		c.log.Warn("station connection closed by us", "code", uint16(fault.code), "reason", fault.reason, "error", fault.cause)
		c.Close(uint16(fault.code), fault.reason)
		c.drain()
		return
	}
	c.log.Info("station disconnected", "error", err)
}

// closeError ends a connection with a close frame.
type closeError struct {
	code   ws.StatusCode
	reason string
	cause  error
}

func (e *closeError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

// tap gives the next frame to the sink. The lock is held over both steps, so the sink sees the order of Seq.
func (c *conn) tap(ctx context.Context, kind hayalet.FrameKind, dir hayalet.Direction, data []byte) error {
	c.tapMu.Lock()
	defer c.tapMu.Unlock()
	if c.ended {
		return ErrClosed
	}
	c.seq++
	at := hayalet.InstantOf(c.srv.cfg.Clock())
	c.frame[0] = hayalet.Frame{
		Station: c.station, Conn: c.id, Seq: c.seq, At: at, Dir: dir, Kind: kind, Protocol: c.protocol, Data: data,
	}
	switch kind {
	case hayalet.ConnOpen:
		c.opened, c.since = true, at
	case hayalet.ConnClose:
		c.ended = true
	}
	err := c.srv.sink.PutFrames(ctx, c.frame[:])
	c.frame[0].Data = nil
	if err != nil {
		return fmt.Errorf("keep frame %d: %w", c.seq, err)
	}
	return nil
}

// tapClose notes the end, if the beginning was noted.
func (c *conn) tapClose() {
	if !c.opened {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), tapCloseTimeout)
	defer cancel()
	if err := c.tap(ctx, hayalet.ConnClose, hayalet.In, nil); err != nil {
		c.log.Error("note the end of a connection", "error", err)
	}
}

// answersPing reports whether the station answers a ping in time.
func (c *conn) answersPing(ctx context.Context, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case <-c.pong: // of an older ping
	default:
	}
	if err := c.writeControl(ctx, ws.OpPing, nil); err != nil {
		return false
	}
	select {
	case <-c.pong:
		return true
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return false
}
