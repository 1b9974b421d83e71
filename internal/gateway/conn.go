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

// tapCloseTimeout bounds how long the end of a connection waits for the sink, once the loop has finished its last round.
const tapCloseTimeout = 10 * time.Second

// conn is one socket; it is the Link of its peer. One goroutine runs serve, and then attend, or a loop watches it while it
// rests; all other methods may be called by any.
type conn struct {
	// What is looked at for each message comes first, and lies together: with many stations each line of it comes from far.
	sock     *socket.Conn
	id       hayalet.ConnID
	station  hayalet.StationID // the handshake sets these two
	protocol hayalet.Protocol

	tapMu  sync.Mutex
	opened bool
	ended  bool
	seq    uint64
	rest   rest

	srv    *Server
	nc     net.Conn
	br     *bufio.Reader // during the handshake only
	remote string
	peer   Peer // the handshake sets it
	since  hayalet.Instant

	request     *socket.Request // during the handshake only
	done        chan struct{}   // closed when all is over
	established atomic.Bool     // the handshake is done

	// The message that its peer is receiving, until it is kept. Only the goroutine that reads knows it.
	holding    bool
	unkept     []byte
	receivedAt hayalet.Instant
	waits      atomic.Int64 // receivedAt until it is kept, else zero: for anybody
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
	return c
}

func (c *conn) Station() hayalet.StationID { return c.station }
func (c *conn) Protocol() hayalet.Protocol { return c.protocol }
func (c *conn) Conn() hayalet.ConnID       { return c.id }
func (c *conn) RemoteAddr() string         { return c.remote }
func (c *conn) Request() *socket.Request   { return c.request }

func (c *conn) Close(code uint16, reason string) {
	c.sock.Close(code, reason)
	c.rouse() // to read the answer
}

// log is made where something is to be logged: a connection that is silent holds none.
func (c *conn) log() *slog.Logger {
	if !c.established.Load() {
		return c.srv.log.With("remote", c.remote)
	}
	return c.srv.log.With("remote", c.remote, "station", c.station, "conn", c.id)
}

func (c *conn) info() ConnInfo {
	return ConnInfo{Station: c.station, Conn: c.id, Since: c.since, RemoteAddr: c.remote, Protocol: c.protocol}
}

// serve runs the connection from its handshake on, to its end or until it rests.
func (c *conn) serve() {
	if !c.handshake() {
		c.end()
		return
	}
	c.greet()
	c.attend()
}

// attend reads until the connection ends, or rests. What is done before and after is done elsewhere, so that the stack on
// which a silent connection waits is small.
func (c *conn) attend() {
	var err error
	if !c.protect(func() { err = c.readAll() }) {
		err = trouble("internal error", nil)
	}
	if errors.Is(err, socket.ErrAtRest) {
		c.sleep()
		return
	}
	c.part(err)
	c.end()
}

// end is the last that a connection does.
func (c *conn) end() {
	defer c.srv.forget(c)
	defer close(c.done)
	defer c.srv.registry.release(c)
	c.sock.Cut()
	if c.established.Load() {
		c.sock.AwaitTurn() // for good: what is being kept and sent stands before the end
	}
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
	defer c.noPanic() // no closure: the stack that a silent connection holds is to be small
	f()
	return true
}

// noPanic is to be deferred.
func (c *conn) noPanic() {
	if p := recover(); p != nil {
		c.log().Error("panic on a connection", "panic", p, "stack", string(debug.Stack()))
	}
}

func (c *conn) greet() { c.log().Info("station connected", "protocol", c.protocol) }

// part says why the connection ends, where the other side should know.
func (c *conn) part(err error) {
	if fault, ok := errors.AsType[*socket.Fault](err); ok {
		c.log().Warn("station connection closed by us", "code", fault.Code, "reason", fault.Reason, "error", err)
		c.Close(fault.Code, fault.Reason)
		c.sock.Drain()
		return
	}
	if errors.Is(err, net.ErrClosed) {
		err = errCut
	}
	code, reason := c.sock.Ended()
	c.log().Info("station disconnected", "code", code, "reason", reason, "error", err)
}

// errCut is what reading ends with where we have cut the connection.
var errCut = errors.New("cut by us")

// trouble is a fault of our own.
func trouble(reason string, cause error) error {
	fault := &socket.Fault{Code: uint16(ws.StatusInternalServerError), Reason: reason}
	if cause == nil {
		return fault
	}
	return fmt.Errorf("%w: %v", fault, cause)
}

// readAll keeps messages and hands them on until the connection ends. Messages that arrive after we have said goodbye are
// evidence still, but nobody answers them.
func (c *conn) readAll() error {
	ctx := c.sock.Context()
	for {
		data, err := c.sock.Read()
		if err != nil {
			return err
		}
		c.holding, c.unkept, c.receivedAt = true, data, c.now()
		c.waits.Store(int64(c.receivedAt))
		if c.srv.cfg.Relay || c.sock.Closing() {
			if err := c.keepReceived(ctx); err != nil {
				return err
			}
		}
		if c.sock.Closing() {
			continue
		}
		if err := c.receive(ctx, data); err != nil {
			return err
		}
	}
}

// receive hands a message on, and keeps it in any case: with its answer, or else alone.
func (c *conn) receive(ctx context.Context, data []byte) (err error) {
	defer func() {
		if kept := c.keepReceived(ctx); err == nil {
			err = kept
		}
	}()
	err = c.peer.Receive(ctx, data)
	switch {
	case err == nil:
		return nil
	case c.sock.Closing():
		return nil // it ends already: what is read from here on says how
	case c.sock.Context().Err() != nil:
		return fmt.Errorf("cannot answer: %w", err) // nobody is there to be told
	}
	return trouble("cannot answer", err)
}

// keepReceived keeps the message that was received, unless it is kept already. The end of the connection does not hinder it.
func (c *conn) keepReceived(ctx context.Context) error {
	if !c.holding {
		return nil
	}
	if c.rest.peer != nil { // a loop may keep the message before
		c.sock.AwaitTurn()
		defer c.sock.PassTurn()
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), tapCloseTimeout)
		defer cancel()
	}
	defer c.waits.Store(0)
	if err := c.tap(ctx, c.taken()); err != nil {
		return trouble("cannot keep the message", err)
	}
	return nil
}

// Keep implements Link.
func (c *conn) Keep(ctx context.Context) error { return c.keepReceived(ctx) }

// taken is the message that was received, as a frame. It is not kept a second time.
func (c *conn) taken() hayalet.Frame {
	in := hayalet.Frame{At: c.receivedAt, Dir: hayalet.In, Data: c.unkept}
	c.holding, c.unkept = false, nil
	return in
}

// Send implements Link. Tap and write happen in one turn, so that frames go out in the order of their Seq. The caller's ctx
// ends the wait for the turn alone: what is kept as sent is to be sent.
func (c *conn) Send(ctx context.Context, data []byte) error {
	if err := c.sock.TakeTurn(ctx); err != nil {
		return err
	}
	defer c.sock.PassTurn()
	if err := c.tap(c.sock.Context(), c.sent(data)); err != nil {
		return err
	}
	return c.sock.WriteTurn(data)
}

// Answer implements Link.
func (c *conn) Answer(ctx context.Context, data []byte) error {
	if !c.holding {
		return c.Send(ctx, data)
	}
	if err := c.sock.TakeTurn(ctx); err != nil {
		return err
	}
	defer c.sock.PassTurn()
	err := c.tap(ctx, c.taken(), c.sent(data))
	c.waits.Store(0)
	if err != nil {
		return err
	}
	return c.sock.WriteTurn(data)
}

func (c *conn) sent(data []byte) hayalet.Frame {
	return hayalet.Frame{At: c.now(), Dir: hayalet.Out, Data: data}
}

func (c *conn) now() hayalet.Instant { return hayalet.InstantOf(c.srv.cfg.Clock()) }

// tap gives the next frames, at most two, to the sink: all of them or none. The lock is held over both steps, so the sink
// sees the order of Seq.
func (c *conn) tap(ctx context.Context, next ...hayalet.Frame) error {
	c.tapMu.Lock()
	defer c.tapMu.Unlock()
	if c.ended {
		return ErrClosed
	}
	room := rooms.Get().(*[2]hayalet.Frame)
	defer rooms.Put(room)
	fs := room[:copy(room[:], next)]
	for i := range fs {
		f := &fs[i]
		c.stamp(f)
		switch f.Kind {
		case hayalet.ConnOpen:
			c.opened, c.since = true, f.At
		case hayalet.ConnClose:
			c.ended = true
		}
	}
	err := c.srv.sink.PutFrames(ctx, fs)
	clear(fs)
	if err != nil {
		return fmt.Errorf("keep frame %d: %w", c.seq, err)
	}
	return nil
}

// rooms are where frames lie while the sink has them: too many connections are silent to have one each.
var rooms = sync.Pool{New: func() any { return new([2]hayalet.Frame) }} //nolint:gochecknoglobals // a pool has no state that anybody could see

// stamp says whose frame it is, and which. It is for the holder of tapMu.
func (c *conn) stamp(f *hayalet.Frame) {
	c.seq++
	f.Station, f.Conn, f.Seq, f.Protocol = c.station, c.id, c.seq, c.protocol
}

// tapClose notes the end, if the beginning was noted.
func (c *conn) tapClose() {
	if !c.opened {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.sock.Context()), tapCloseTimeout)
	defer cancel()
	if err := c.tap(ctx, hayalet.Frame{At: c.now(), Kind: hayalet.ConnClose}); err != nil {
		c.log().Error("note the end of a connection", "error", err)
	}
}
