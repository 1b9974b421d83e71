package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/frames"
	"hayalet/internal/poll"
	"hayalet/internal/socket"
)

const (
	maxLoops   = 8
	readAtOnce = 64 << 10

	// What a round takes. Beyond that a message is received by a goroutine of its own, which waits for the sink by itself.
	maxRoundFrames = 4096
	maxRoundBytes  = 1 << 20
)

// loop watches connections that rest. What one of them receives is answered by the loop itself where its peer is prompt;
// for all else the connection gets a goroutine, until it rests again.
//
// Two goroutines run it: while one keeps a round of messages with their answers, and sends these, the other reads the next.
type loop struct {
	sink   hayalet.FrameSink
	clock  func() time.Time
	limit  int // bytes of a message
	poller *poll.Poller

	in      [readAtOnce]byte // these three are the reading goroutine's
	message []byte
	answer  []byte
	out     []byte // the keeping goroutine's

	work chan struct{} // holds one token: the round has messages; closed behind the last

	mu      sync.Mutex
	filling *round
}

// round is messages and their answers in turns, and whose they are.
type round struct {
	frames frames.Batch
	conns  []*conn
}

func (r *round) full() bool {
	return r.frames.Len() >= maxRoundFrames || r.frames.Bytes() >= maxRoundBytes
}

// newLoops returns a loop for each processor, and none where the connections cannot rest.
func newLoops(ln net.Listener, sink hayalet.FrameSink, cfg *Config) ([]*loop, error) {
	if _, plain := ln.(*net.TCPListener); !plain || cfg.TLS != nil || cfg.Relay {
		return nil, nil
	}
	var all []*loop
	for range min(runtime.GOMAXPROCS(0), maxLoops) {
		p, err := poll.New()
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, nil
		}
		if err != nil {
			for _, l := range all {
				_ = l.poller.Close()
			}
			return nil, fmt.Errorf("gateway: %w", err)
		}
		all = append(all, &loop{
			sink: sink, clock: cfg.Clock, limit: cfg.MaxMessage, poller: p, work: make(chan struct{}, 1), filling: new(round),
		})
	}
	return all, nil
}

// watch runs the loops, and returns what ends them: there must be no connections then.
func (s *Server) watch(ctx context.Context) (end func()) {
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	for _, l := range s.loops {
		running.Go(func() {
			defer close(l.work)
			l.read(s.log)
		})
		running.Go(func() { l.keep(ctx) })
	}
	if len(s.loops) > 0 {
		running.Go(func() { s.lookAfter(ctx) })
	}
	return func() {
		for _, l := range s.loops {
			_ = l.poller.Close()
		}
		cancel()
		running.Wait()
	}
}

// lookAfter asks connections that rest for a sign of life after a silence of PingInterval, and cuts those that give none in
// PongTimeout; both may last an eighth of PingInterval longer.
func (s *Server) lookAfter(ctx context.Context) {
	const looks = 8 // in PingInterval
	pause := max(s.cfg.PingInterval/looks, time.Millisecond)
	last := looks + int32(min((s.cfg.PongTimeout+pause-1)/pause, math.MaxInt32/2)) + 1
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	var dead []*conn
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		for c := range s.conns {
			if c.rest.state.Load() != resting {
				continue
			}
			switch quiet := c.rest.quiet.Add(1); {
			case quiet == looks+1:
				c.ping()
			case quiet > last:
				dead = append(dead, c)
			}
		}
		s.mu.Unlock()
		for _, c := range dead {
			c.log().Info("station does not answer a ping")
			c.sock.Cut()
		}
		clear(dead)
		dead = dead[:0]
	}
}

// ping asks for a sign of life, unless something is being sent that will tell as well.
func (c *conn) ping() {
	if c.sock.TryTurn() {
		c.send(socket.AppendFrame(nil, ws.OpPing, nil))
	}
}

// read reads what comes for connections that rest, until the poller is closed.
func (l *loop) read(log *slog.Logger) {
	for {
		ready, err := l.poller.Wait()
		if err != nil {
			log.Debug("the loop of resting stations ends", "error", err)
			return
		}
		some := false
		for _, pc := range ready {
			some = l.serve(pc.Owner.(*conn)) || some
		}
		if some {
			select {
			case l.work <- struct{}{}:
			default:
			}
		}
	}
}

// serve reads from one connection, and reports whether that brought something for the round.
func (l *loop) serve(c *conn) bool {
	if !c.rest.state.CompareAndSwap(resting, watched) {
		return false // somebody reads
	}
	c.rest.quiet.Store(0)
	n, more, err := c.rest.conn.TryRead(l.in[:])
	more = more || n == len(l.in)
	if errors.Is(err, poll.ErrWait) && !more {
		c.doze()
		return false
	}
	some := err == nil && l.take(c, l.in[:n])
	done := some || err == nil && l.control(c, l.in[:n])
	if done && !more {
		c.doze()
		return some
	}
	if done {
		n = 0
	}
	c.rest.state.Store(attended)
	go c.resume(append([]byte(nil), l.in[:n]...))
	return some
}

// control deals with what was read where it is one ping or one pong. Otherwise it has done nothing.
func (l *loop) control(c *conn, data []byte) bool {
	op, payload, ok := socket.Control(l.message[:0], data)
	switch {
	case !ok:
		return false
	case op == ws.OpPong:
		c.sock.Heard()
		return true
	case op != ws.OpPing || !c.sock.TryTurn():
		return false
	}
	c.send(socket.AppendFrame(nil, ws.OpPong, payload))
	return true
}

// take answers what was read where it is one message that can be answered at once. Otherwise it has done nothing.
func (l *loop) take(c *conn, data []byte) (took bool) {
	at := hayalet.InstantOf(l.clock())
	var ok bool
	if l.message, ok = socket.Whole(l.message[:0], data, l.limit); !ok {
		return false
	}
	if l.answer, ok = c.prompt(l.answer[:0], l.message); !ok || !c.sock.TryTurn() {
		return false
	}
	if !l.join(c, at) {
		c.sock.HandTurn()
		return false
	}
	return true
}

// prompt is the peer's answer. One that panics is not prompt.
func (c *conn) prompt(b, message []byte) (_ []byte, ok bool) {
	defer c.noPanic()
	return c.rest.peer.Prompt(b, message)
}

// join adds the message and its answer to the round. The connection's turn is the round's then.
func (l *loop) join(c *conn, at hayalet.Instant) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.filling.full() {
		return false
	}
	c.tapMu.Lock()
	defer c.tapMu.Unlock()
	if c.ended {
		return false
	}
	c.rest.waits.Store(int64(at))
	f := hayalet.Frame{At: at, Dir: hayalet.In, Data: l.message}
	c.stamp(&f)
	l.filling.frames.Add(&f)
	f.Dir, f.Data = hayalet.Out, l.answer
	c.stamp(&f)
	l.filling.frames.Add(&f)
	l.filling.conns = append(l.filling.conns, c)
	return true
}

// keep gives the rounds to the sink, and then sends the answers, until nothing more is read. Once ctx has ended nothing is
// kept, but each round is finished still, for somebody waits for its turns.
func (l *loop) keep(ctx context.Context) {
	next := new(round)
	for range l.work {
		l.mu.Lock()
		r := l.filling
		l.filling = next
		l.mu.Unlock()
		l.finish(ctx, r)
		next = r
	}
}

// finish keeps and answers a round, and empties it.
func (l *loop) finish(ctx context.Context, r *round) {
	fs := r.frames.Frames()
	var err error
	if len(fs) > 0 {
		err = l.sink.PutFrames(ctx, fs)
	}
	for i, c := range r.conns {
		c.rest.waits.Store(0)
		if err != nil {
			c.sock.HandTurn()
			go c.fail(trouble("cannot keep the message", err))
			continue
		}
		l.out = socket.AppendFrame(l.out[:0], ws.OpText, fs[2*i+1].Data)
		c.send(l.out)
	}
	clear(r.conns)
	r.conns = r.conns[:0]
	r.frames.Reset()
}

// send writes a frame and passes the turn. What does not go out at once is waited for elsewhere.
func (c *conn) send(frame []byte) {
	n, err := c.rest.conn.TryWrite(frame)
	if err == nil && n == len(frame) {
		c.sock.HandTurn()
		return
	}
	rest := append([]byte(nil), frame[n:]...)
	go func() {
		defer c.sock.PassTurn()
		_ = c.sock.WriteBytes(rest) // the reader hears of a connection that was cut
	}()
}

// fail ends a connection that rests, or not, for a fault of ours.
func (c *conn) fail(err error) {
	fault, _ := errors.AsType[*socket.Fault](err)
	c.log().Warn("station connection closed by us", "code", fault.Code, "reason", fault.Reason, "error", err)
	c.Close(fault.Code, fault.Reason)
}

// rest is what a connection has that can rest.
type rest struct {
	waits atomic.Int64 // the receipt of the message that is in a round, until it is kept, else zero
	state atomic.Int32
	quiet atomic.Int32 // how often in a row nothing was heard of it
	peer  Prompter     // nil: it cannot
	conn  poll.Conn
}

// Who reads a connection.
const (
	attended int32 = iota // a goroutine
	resting               // nobody: the loop waits
	watched               // the loop, now
	recalled              // the loop, and then a goroutine
)

// settle moves a connection whose peer is prompt to a loop. It reports false where that lost the connection.
func (c *conn) settle(tcp *net.TCPConn) bool {
	peer, prompt := c.peer.(Prompter)
	if !prompt || len(c.srv.loops) == 0 {
		return true
	}
	l := c.srv.loops[c.srv.settled.Add(1)%uint64(len(c.srv.loops))]
	if err := l.poller.Adopt(tcp, &c.rest.conn, c); err != nil {
		c.log().Error("station lost: its socket cannot be watched", "station", c.station, "error", err)
		return false
	}
	c.rest.peer = peer
	c.nc = &c.rest.conn
	c.sock.Move(c.nc)
	return true
}

// sleep lets the connection rest.
func (c *conn) sleep() {
	c.rest.state.Store(resting)
	if !c.rest.conn.Rest() || c.sock.Closing() {
		c.rouse()
	}
}

// doze lets a connection rest on that was watched, unless it was recalled.
func (c *conn) doze() {
	if !c.rest.state.CompareAndSwap(watched, resting) {
		c.rest.state.Store(attended)
		go c.resume(nil)
	}
}

// rouse has a goroutine read the connection, if none does.
func (c *conn) rouse() {
	for {
		switch state := c.rest.state.Load(); state {
		case resting:
			if c.rest.state.CompareAndSwap(state, attended) {
				go c.resume(nil)
				return
			}
		case watched:
			if c.rest.state.CompareAndSwap(state, recalled) {
				return
			}
		default:
			return
		}
	}
}

// resume reads on, first what was read already.
func (c *conn) resume(ahead []byte) {
	c.sock.Resume(ahead)
	c.attend()
}

// Ended implements [poll.Owner].
func (c *conn) Ended() { c.rouse() }
