package socket

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/gobwas/ws"
)

// buffer is a frame being written.
type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// TakeTurn waits for the right to write. It fails with ErrClosed after the end and after our goodbye.
func (c *Conn) TakeTurn(ctx context.Context) error {
	if !c.turn.await(ctx.Done(), c.ctx.Done()) {
		if c.ctx.Err() != nil {
			return ErrClosed
		}
		return ctx.Err()
	}
	if c.closing.Load() || c.ctx.Err() != nil {
		c.PassTurn()
		return ErrClosed
	}
	return nil
}

// TryTurn takes the right to write where nobody has it and the connection goes on.
func (c *Conn) TryTurn() bool {
	if !c.turn.try() {
		return false
	}
	if c.closing.Load() || c.cutOff.Load() {
		c.HandTurn()
		return false
	}
	return true
}

// AwaitTurn takes the right to write however long that takes, after the end and our goodbye as well, when nothing may be
// written: what was being sent before is over then.
func (c *Conn) AwaitTurn() { c.turn.await(nil, nil) }

// PassTurn gives the right to write back. A pong that is owed goes out first.
func (c *Conn) PassTurn() {
	for c.passed() {
		_ = c.payPong() // the reader hears of a connection that was cut
	}
}

// HandTurn is PassTurn for who must not wait for a side that does not read: somebody else sends a pong that is owed.
func (c *Conn) HandTurn() {
	if c.passed() {
		go func() {
			defer c.PassTurn()
			_ = c.payPong()
		}()
	}
}

// passed gives the right to write back, and reports whether it was taken again, for a pong that is owed. If somebody else has
// it now, that one pays.
func (c *Conn) passed() bool {
	c.turn.pass()
	return c.owed.Load() != nil && c.turn.try()
}

// Write sends one text message. Once it was begun, ctx does not end it; WriteTimeout does, by cutting the connection.
func (c *Conn) Write(ctx context.Context, data []byte) error {
	if err := c.TakeTurn(ctx); err != nil {
		return err
	}
	defer c.PassTurn()
	return c.WriteTurn(data)
}

// WriteTurn is Write for who has the turn.
func (c *Conn) WriteTurn(data []byte) error {
	return c.writeFrame(ws.OpText, data, c.now()+c.cfg.WriteTimeout)
}

// pong answers a ping, for the reader, which must not wait for a side that does not read: where somebody else is writing,
// that one sends the pong behind it. The last of several answers them all [RFC 6455 §5.5.3].
func (c *Conn) pong(payload []byte) error {
	c.owed.Store(&payload)
	if !c.turn.try() {
		return nil
	}
	defer c.PassTurn()
	return c.payPong()
}

// payPong sends the pong that is owed, if it is still. It is for the holder of the turn.
func (c *Conn) payPong() error {
	payload := c.owed.Swap(nil)
	if payload == nil || c.closing.Load() || c.ctx.Err() != nil {
		return nil
	}
	return c.writeFrame(ws.OpPong, *payload, c.now()+c.cfg.WriteTimeout)
}

// ping sends a ping before ctx ends.
func (c *Conn) ping(ctx context.Context) error {
	if err := c.TakeTurn(ctx); err != nil {
		return err
	}
	defer c.PassTurn()
	deadline := c.now() + c.cfg.WriteTimeout
	if d, ok := ctx.Deadline(); ok {
		deadline = min(deadline, d.Sub(c.made))
	}
	return c.writeFrame(ws.OpPing, nil, deadline)
}

// pingIdle sends a ping and reports whether it did: not while somebody else is writing, who learns by that whether the
// other side is there.
func (c *Conn) pingIdle() (bool, error) {
	if !c.turn.try() {
		return false, nil
	}
	defer c.PassTurn()
	if c.closing.Load() || c.ctx.Err() != nil {
		return false, ErrClosed
	}
	return true, c.writeFrame(ws.OpPing, nil, c.now()+c.cfg.WriteTimeout)
}

// writeFrame is for the holder of the turn. deadline is that of the first piece; each further one has WriteTimeout. A
// write that fails cuts the connection: half a frame may be out.
func (c *Conn) writeFrame(op ws.OpCode, payload []byte, deadline moment) error {
	err := c.writeAll(c.compose(op, payload), deadline)
	if cap(c.out) > keepBuffer || op == ws.OpPing { // a ping of ours is sent after a silence
		c.out = nil
	}
	return err
}

// WriteBytes writes what is left of a frame, for who has the turn.
func (c *Conn) WriteBytes(rest []byte) error { return c.writeAll(rest, c.now()+c.cfg.WriteTimeout) }

func (c *Conn) writeAll(rest []byte, deadline moment) error {
	var err error
	for ; len(rest) > 0 && err == nil; deadline = c.now() + c.cfg.WriteTimeout {
		n := min(len(rest), piece)
		c.setWriteDeadline(deadline)
		_, err = c.nc.Write(rest[:n])
		rest = rest[n:]
	}
	if err != nil {
		c.Cut()
		return fmt.Errorf("write to %s: %w", c.nc.RemoteAddr(), err)
	}
	return nil
}

// setWriteDeadline leaves one that was set a moment ago, because setting it takes longer than composing a message.
func (c *Conn) setWriteDeadline(t moment) {
	if later := t - c.writeBy; later < 0 || later > c.cfg.WriteTimeout/8 {
		c.writeBy = t
		_ = c.nc.SetWriteDeadline(c.made.Add(t))
	}
}

// compose writes a frame into out: the payload behind room for the longest header, then the header right before it.
func (c *Conn) compose(op ws.OpCode, payload []byte) []byte {
	var room [ws.MaxHeaderSize]byte
	c.out = append(c.out[:0], room[:]...)
	packed := c.deflate && op == ws.OpText && len(payload) >= deflateFrom && c.out.deflate(payload)
	if !packed {
		c.out = append(c.out, payload...)
	}
	body := c.out[len(room):]
	head := append(room[:0], 0x80|byte(op))
	if packed {
		head[0] |= 0x40
	}
	head = appendLength(head, len(body))
	if c.cfg.Client {
		mask := rand.Uint32()
		head[1] |= 0x80
		head = binary.LittleEndian.AppendUint32(head, mask)
		ws.Cipher(body, [4]byte(head[len(head)-4:]), 0)
	}
	start := len(room) - len(head)
	copy(c.out[start:], head)
	return c.out[start:]
}

func appendLength(head []byte, n int) []byte {
	switch {
	case n < 126:
		return append(head, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(head, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(head, 127), uint64(n))
}
