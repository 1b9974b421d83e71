package socket

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

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
	select {
	case <-c.turn:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
	if c.closing.Load() || c.ctx.Err() != nil {
		c.PassTurn()
		return ErrClosed
	}
	return nil
}

// PassTurn gives the right to write back.
func (c *Conn) PassTurn() { c.turn <- struct{}{} }

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
	return c.writeFrame(ws.OpText, data, time.Now().Add(c.cfg.WriteTimeout))
}

// writeControl sends a ping or a pong.
func (c *Conn) writeControl(ctx context.Context, op ws.OpCode, payload []byte) error {
	if err := c.TakeTurn(ctx); err != nil {
		return err
	}
	defer c.PassTurn()
	deadline := time.Now().Add(c.cfg.WriteTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return c.writeFrame(op, payload, deadline)
}

// writeFrame is for the holder of the turn. A write that fails cuts the connection: half a frame may be out.
func (c *Conn) writeFrame(op ws.OpCode, payload []byte, deadline time.Time) error {
	frame := c.compose(op, payload)
	_ = c.nc.SetWriteDeadline(deadline)
	_, err := c.nc.Write(frame)
	if cap(c.out) > keepBuffer || op == ws.OpPing { // a ping of ours is sent after a silence
		c.out = nil
	}
	if err != nil {
		c.Cut()
		return fmt.Errorf("write to %s: %w", c.nc.RemoteAddr(), err)
	}
	return nil
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
