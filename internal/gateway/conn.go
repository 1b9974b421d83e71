package gateway

import (
	"bufio"
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
	"hayalet/internal/socket"
)

// tapCloseTimeout bounds how long the end of a connection waits for the sink.
const tapCloseTimeout = 10 * time.Second

// conn is one socket; it is the Link of its peer. One goroutine runs serve; all other methods may be called by any.
type conn struct {
	srv  *Server
	log  *slog.Logger
	nc   net.Conn
	br   *bufio.Reader
	sock *socket.Conn

	id       hayalet.ConnID
	remote   string
	station  hayalet.StationID // the handshake sets these three
	protocol hayalet.Protocol
	peer     Peer

	request     *socket.Request // during the handshake only
	done        chan struct{}   // closed when serve has ended
	established atomic.Bool     // the handshake is done

	tapMu  sync.Mutex
	seq    uint64
	opened bool
	ended  bool
	since  hayalet.Instant
	frame  [1]hayalet.Frame
}

func newConn(base context.Context, s *Server, nc net.Conn) *conn {
	if s.cfg.TLS != nil {
		nc = tlsServer(nc, s.cfg.TLS)
	}
	c := &conn{
		srv: s, nc: nc, br: bufio.NewReaderSize(nc, socket.ReadBuffer),
		id: hayalet.ConnID(uuid.NewString()), remote: nc.RemoteAddr().String(), done: make(chan struct{}),
	}
	c.sock = socket.New(base, nc, c.br, socket.Config{
		MaxMessage: s.cfg.MaxMessage, PingInterval: s.cfg.PingInterval, PongTimeout: s.cfg.PongTimeout, WriteTimeout: s.cfg.WriteTimeout,
	})
	c.log = s.log.With("remote", c.remote)
	return c
}

func (c *conn) Station() hayalet.StationID { return c.station }
func (c *conn) Protocol() hayalet.Protocol { return c.protocol }
func (c *conn) Conn() hayalet.ConnID       { return c.id }
func (c *conn) RemoteAddr() string         { return c.remote }
func (c *conn) Request() *socket.Request   { return c.request }

func (c *conn) Close(code uint16, reason string) { c.sock.Close(code, reason) }

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
	c.sock.Cut()
	if c.peer != nil {
		code, reason := c.sock.Ended()
		c.protect(func() { c.peer.Closed(code, reason) })
	}
	c.protect(c.tapClose)
}

// leave is what a server that stops does to a connection.
func (c *conn) leave() {
	if !c.established.Load() {
		c.sock.Cut()
		return
	}
	c.Close(uint16(ws.StatusGoingAway), "going away")
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
		err = trouble("internal error", nil)
	}
	if fault, ok := errors.AsType[*socket.Fault](err); ok {
		c.log.Warn("station connection closed by us", "code", fault.Code, "reason", fault.Reason, "error", err)
		c.Close(fault.Code, fault.Reason)
		c.sock.Drain()
		return
	}
	c.log.Info("station disconnected", "error", err)
}

// trouble is a fault of our own.
func trouble(reason string, cause error) error {
	fault := &socket.Fault{Code: uint16(ws.StatusInternalServerError), Reason: reason}
	if cause == nil {
		return fault
	}
	return fmt.Errorf("%w: %v", fault, cause)
}

// readAll taps and hands on messages until the connection ends. Messages that arrive after we have said goodbye are
// evidence still, but nobody answers them.
func (c *conn) readAll() error {
	ctx := c.sock.Context()
	for {
		data, err := c.sock.Read()
		if err != nil {
			return err
		}
		if err := c.tap(ctx, hayalet.Message, hayalet.In, data); err != nil {
			return trouble("cannot keep the message", err)
		}
		if c.sock.Closing() {
			continue
		}
		if err := c.peer.Receive(ctx, data); err != nil {
			return trouble("cannot answer", err)
		}
	}
}

// Send implements Link. Tap and write happen in one turn, so that frames go out in the order of their Seq.
func (c *conn) Send(ctx context.Context, data []byte) error {
	if err := c.sock.TakeTurn(ctx); err != nil {
		return err
	}
	defer c.sock.PassTurn()
	if err := c.tap(ctx, hayalet.Message, hayalet.Out, data); err != nil {
		return err
	}
	return c.sock.WriteTurn(data)
}

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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.sock.Context()), tapCloseTimeout)
	defer cancel()
	if err := c.tap(ctx, hayalet.ConnClose, hayalet.In, nil); err != nil {
		c.log.Error("note the end of a connection", "error", err)
	}
}
