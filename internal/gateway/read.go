package gateway

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
)

// errPeerClosed is the other side's goodbye, which has been answered.
var errPeerClosed = errors.New("closed by the station")

// readState belongs to the connection's goroutine.
type readState struct {
	message []byte // the message being put together
	unread  int64  // bytes of the present frame's payload still on the wire
	header  [ws.MaxHeaderSize - 2]byte
	small   [ws.MaxControlFramePayloadSize]byte
}

// readAll taps and hands on messages until the connection ends. Messages that arrive after we have said goodbye are
// evidence still, but nobody answers them.
func (c *conn) readAll() error {
	for {
		data, err := c.readMessage()
		if err != nil {
			return err
		}
		if err := c.tap(c.ctx, hayalet.Message, hayalet.In, data); err != nil {
			return &closeError{ws.StatusInternalServerError, "cannot keep the message", err}
		}
		if c.closing.Load() {
			continue
		}
		if err := c.peer.Receive(c.ctx, data); err != nil {
			return &closeError{ws.StatusInternalServerError, "cannot answer", err}
		}
		if cap(c.message) > keepBuffer {
			c.message = nil
		}
	}
}

// readMessage returns the next text message, put together from its fragments. Control frames between them are handled.
func (c *conn) readMessage() ([]byte, error) {
	c.message = c.message[:0]
	state := ws.StateServerSide
	for {
		h, err := c.readHeader(state)
		if err != nil {
			return nil, err
		}
		switch {
		case h.OpCode.IsControl():
			if err := c.handleControl(h); err != nil {
				return nil, err
			}
			continue
		case h.OpCode == ws.OpBinary:
			return nil, &closeError{code: ws.StatusUnsupportedData, reason: "binary messages are not spoken here"}
		case h.Length > int64(c.srv.cfg.MaxMessage-len(c.message)):
			return nil, &closeError{code: ws.StatusMessageTooBig, reason: "message too big"}
		}
		if err := c.readPayload(h); err != nil {
			return nil, err
		}
		if h.Fin {
			return c.message, nil
		}
		state = state.Set(ws.StateFragmented)
	}
}

func (c *conn) readHeader(state ws.State) (ws.Header, error) {
	if err := c.awaitFrame(); err != nil {
		return ws.Header{}, err
	}
	c.allow(ws.MaxHeaderSize)
	h, err := ws.ReadHeaderBuffer(c.br, c.header[:])
	if errors.Is(err, ws.ErrHeaderLengthMSB) || errors.Is(err, ws.ErrHeaderLengthUnexpected) {
		return h, &closeError{code: ws.StatusProtocolError, reason: err.Error()}
	}
	if err != nil {
		return h, err
	}
	c.unread = h.Length
	if err := ws.CheckHeader(h, state); err != nil {
		return h, &closeError{code: ws.StatusProtocolError, reason: err.Error()}
	}
	return h, nil
}

// readPayload appends a frame's payload to the message. The buffer grows with what has arrived, not with what was
// announced.
func (c *conn) readPayload(h ws.Header) error {
	c.allow(h.Length)
	start := len(c.message)
	for c.unread > 0 {
		n := int(min(c.unread, keepBuffer))
		end := len(c.message)
		c.message = slices.Grow(c.message, n)[:end+n]
		if _, err := io.ReadFull(c.br, c.message[end:]); err != nil {
			return err
		}
		c.unread -= int64(n)
	}
	ws.Cipher(c.message[start:], h.Mask, 0)
	return nil
}

func (c *conn) handleControl(h ws.Header) error {
	c.allow(h.Length)
	payload := c.small[:h.Length]
	if _, err := io.ReadFull(c.br, payload); err != nil {
		return err
	}
	c.unread = 0
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		if err := c.writeControl(c.ctx, ws.OpPong, payload); err != nil && !errors.Is(err, ErrClosed) {
			return err
		}
	case ws.OpPong:
		select {
		case c.pong <- struct{}{}:
		default:
		}
	case ws.OpClose:
		return c.answerClose(payload)
	}
	return nil
}

// answerClose echoes the station's goodbye, unless it is the answer to ours.
func (c *conn) answerClose(payload []byte) error {
	if len(payload) == 0 {
		_ = c.writeClose(nil)
		return errPeerClosed
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(code, reason); err != nil {
		return &closeError{code: ws.StatusProtocolError, reason: err.Error()}
	}
	_ = c.writeClose(ws.NewCloseFrameBody(code, ""))
	return errPeerClosed
}

// awaitFrame waits for the first byte of a frame. After PingInterval of silence it pings; after another PongTimeout it
// gives up.
func (c *conn) awaitFrame() error {
	if c.br.Buffered() > 0 {
		return nil
	}
	wait := c.srv.cfg.PingInterval
	for pinged := false; ; pinged = true {
		c.setReadDeadline(time.Now().Add(wait))
		_, err := c.br.Peek(1)
		if err == nil || pinged || c.closing.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if err := c.writeControl(c.ctx, ws.OpPing, nil); err != nil {
			return err
		}
		wait = c.srv.cfg.PongTimeout
	}
}

// allow gives the next n bytes frameTimeout to arrive, if they are not here.
func (c *conn) allow(n int64) {
	if int64(c.br.Buffered()) < n {
		c.setReadDeadline(time.Now().Add(frameTimeout))
	}
}

func (c *conn) setReadDeadline(t time.Time) {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if !c.closeBy.IsZero() && t.After(c.closeBy) {
		t = c.closeBy
	}
	_ = c.nc.SetReadDeadline(t)
}

// closeSoon bounds all reading from now on.
func (c *conn) closeSoon() {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if c.closeBy.IsZero() {
		c.closeBy = time.Now().Add(closeWait)
		_ = c.nc.SetReadDeadline(c.closeBy)
	}
}

// drain reads on after our close frame until the other side's, because a socket closed with unread bytes loses what it
// has sent. closeSoon bounds it.
func (c *conn) drain() {
	for {
		if _, err := io.CopyN(io.Discard, c.br, c.unread); err != nil {
			return
		}
		h, err := ws.ReadHeaderBuffer(c.br, c.header[:])
		if err != nil || h.OpCode == ws.OpClose {
			return
		}
		c.unread = h.Length
	}
}

// writeControl sends a ping or a pong.
func (c *conn) writeControl(ctx context.Context, op ws.OpCode, payload []byte) error {
	if err := c.takeTurn(ctx); err != nil {
		return err
	}
	defer c.passTurn()
	deadline := time.Now().Add(c.srv.cfg.WriteTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return c.writeFrame(op, payload, deadline)
}
