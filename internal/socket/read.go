package socket

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// ErrAtRest is returned by Read after Move, where it would wait for a message.
var ErrAtRest = errors.New("nothing to read yet")

// What ends reading without a fault: the other side's goodbye, which has been answered, and its answer to ours.
var (
	errPeerClosed = errors.New("closed by the other side")
	errAnswered   = errors.New("our goodbye was answered")
)

// readState belongs to the reading goroutine.
type readState struct {
	in      reader
	readBy  moment // the deadline of reading that is set; 0: none
	message []byte // the message being put together
	packed  []byte // its bytes as they came, where it is deflated
	unread  int64  // bytes of the present frame's payload still on the wire
	roused  bool   // since the last rest no frame was read
	header  [ws.MaxHeaderSize - 2]byte
}

// Read returns the next text message, put together from its fragments and inflated. It is good until the next call.
// Control frames are handled. A [*Fault] is for the caller to Close with; any other error is the end.
func (c *Conn) Read() ([]byte, error) {
	c.message, c.packed = trim(c.message), trim(c.packed)
	state, packed := c.state, false
	for {
		if c.mayRest() && !state.Fragmented() {
			c.message, c.packed = nil, nil
			c.in.rest()
			return nil, ErrAtRest
		}
		if err := c.awaitFrame(); err != nil {
			return nil, err
		}
		h, err := c.readHeader(state, &packed)
		if err != nil {
			return nil, err
		}
		if h.OpCode.IsControl() {
			if err := c.handleControl(h); err != nil {
				return nil, err
			}
			continue
		}
		c.in.wake()
		if h.OpCode == ws.OpBinary {
			return nil, fault(ws.StatusUnsupportedData, "binary messages are not spoken here")
		}
		into, limit := &c.message, c.cfg.MaxMessage
		if packed {
			into, limit = &c.packed, packedLimit(limit)
		}
		if h.Length > int64(limit-len(*into)) {
			return nil, errTooBig
		}
		if err := c.readPayload(h, into); err != nil {
			return nil, err
		}
		if h.Fin {
			break
		}
		state = state.Set(ws.StateFragmented)
	}
	if !packed {
		return c.message, nil
	}
	var err error
	c.packed, c.message, err = inflate(c.packed, c.message, c.cfg.MaxMessage)
	return c.message, err
}

var errTooBig = fault(ws.StatusMessageTooBig, "message too big")

// trim empties a buffer and gives a large one back.
func trim(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}

// readHeader reads a frame's header; the bit that says that a message is deflated [RFC 7692 §6] moves into packed.
func (c *Conn) readHeader(state ws.State, packed *bool) (ws.Header, error) {
	c.allow(ws.MaxHeaderSize)
	h, err := ws.ReadHeaderBuffer(&c.in, c.header[:])
	c.roused = false
	if errors.Is(err, ws.ErrHeaderLengthMSB) || errors.Is(err, ws.ErrHeaderLengthUnexpected) {
		return h, fault(ws.StatusProtocolError, err.Error())
	}
	if err != nil {
		return h, err
	}
	c.unread = h.Length
	if c.deflate && h.Rsv1() && (h.OpCode == ws.OpText || h.OpCode == ws.OpBinary) {
		*packed = true
		h.Rsv = ws.Rsv(false, h.Rsv2(), h.Rsv3())
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return h, fault(ws.StatusProtocolError, err.Error())
	}
	return h, nil
}

// readPayload appends a frame's payload to a buffer, which grows with what has arrived, not with what was announced.
func (c *Conn) readPayload(h ws.Header, into *[]byte) error {
	start := len(*into)
	for due := c.unread; c.unread > 0; {
		if c.unread <= due {
			c.allow(min(c.unread, piece))
			due = c.unread - piece
		}
		end := len(*into)
		n := int(min(c.unread, int64(max(firstChunk, end)), piece))
		*into = slices.Grow(*into, n)[:end+n]
		if _, err := io.ReadFull(&c.in, (*into)[end:]); err != nil {
			return err
		}
		c.unread -= int64(n)
	}
	if h.Masked {
		ws.Cipher((*into)[start:], h.Mask, 0)
	}
	return nil
}

func (c *Conn) handleControl(h ws.Header) error {
	c.allow(h.Length)
	payload := make([]byte, h.Length) // 125 bytes at most
	if _, err := io.ReadFull(&c.in, payload); err != nil {
		return err
	}
	c.unread = 0
	if h.Masked {
		ws.Cipher(payload, h.Mask, 0)
	}
	switch h.OpCode {
	case ws.OpPing:
		return c.pong(payload)
	case ws.OpPong:
		c.Heard()
	case ws.OpClose:
		return c.answerClose(payload)
	}
	return nil
}

// mayRest reports whether nothing is known to come.
func (c *Conn) mayRest() bool {
	return c.rests && !c.roused && c.in.buffered() == 0 && !c.closing.Load()
}

// Heard says that a pong has arrived, for whoever reads instead of Read.
func (c *Conn) Heard() {
	select {
	case c.heard <- struct{}{}:
	default:
	}
}

// Resume goes on after ErrAtRest, with bytes that were read meanwhile; they are kept. Without any the next Read waits for
// some.
func (c *Conn) Resume(ahead []byte) {
	c.readBy, c.roused = 0, true
	c.in.begin(c.nc, ahead)
}

// awaitFrame waits for the first byte of a frame. After PingInterval of silence it pings, and gives buffers back; after
// another PongTimeout it gives up. While somebody is writing it waits on: WriteTimeout is what ends that.
func (c *Conn) awaitFrame() error {
	if c.in.buffered() > 0 {
		return nil
	}
	err := c.fill(c.cfg.PingInterval)
	if err == nil {
		return nil
	}
	return c.awaitLonger(err)
}

// awaitLonger goes on where reading has ended with err.
func (c *Conn) awaitLonger(err error) error {
	for pinged := false; err != nil; {
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case c.closing.Load():
			return fmt.Errorf("no answer to our goodbye: %w", err)
		case pinged:
			return fmt.Errorf("no answer to a ping: %w", err)
		}
		if len(c.message)+len(c.packed) == 0 {
			c.message, c.packed = nil, nil
		}
		c.in.rest()
		if pinged, err = c.pingIdle(); err != nil {
			return err
		}
		wait := c.cfg.PingInterval
		if pinged {
			wait = c.cfg.PongTimeout
		}
		err = c.fill(wait)
	}
	return nil
}

// fill waits for bytes, so long at most. A deadline that is set already and comes first is left until it has come: setting
// one takes longer than a message does to be read.
func (c *Conn) fill(wait time.Duration) error {
	deadline := c.now() + wait
	if c.readBy == 0 || c.readBy > deadline {
		c.setReadDeadline(deadline)
	}
	if err := c.in.fill(); err == nil || c.readBy >= deadline || c.closing.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	c.setReadDeadline(deadline)
	return c.in.fill()
}

// allow gives the next n bytes frameTimeout to arrive, if they are not here.
func (c *Conn) allow(n int64) {
	if int64(c.in.buffered()) < n {
		c.setReadDeadline(c.now() + frameTimeout)
	}
}

func (c *Conn) setReadDeadline(t moment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closeBy > 0 {
		t = min(t, c.closeBy)
	}
	c.readBy = t
	_ = c.nc.SetReadDeadline(c.made.Add(t))
}

// Drain reads on after our close frame until the other side's, because a socket closed with unread bytes loses what it
// has sent. CloseWait bounds it.
func (c *Conn) Drain() {
	for {
		if _, err := io.CopyN(io.Discard, &c.in, c.unread); err != nil {
			return
		}
		h, err := ws.ReadHeaderBuffer(&c.in, c.header[:])
		if err != nil || h.OpCode == ws.OpClose {
			return
		}
		c.unread = h.Length
	}
}
