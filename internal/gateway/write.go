package gateway

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
)

// takeTurn waits for the right to write. It fails after the goodbye.
func (c *conn) takeTurn(ctx context.Context) error {
	select {
	case <-c.turn:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
	if c.closing.Load() || c.ctx.Err() != nil {
		c.passTurn()
		return ErrClosed
	}
	return nil
}

func (c *conn) passTurn() { c.turn <- struct{}{} }

// Send implements Link. Tap and write happen in one turn, so that frames go out in the order of their Seq.
func (c *conn) Send(ctx context.Context, data []byte) error {
	if err := c.takeTurn(ctx); err != nil {
		return err
	}
	defer c.passTurn()
	if err := c.tap(ctx, hayalet.Message, hayalet.Out, data); err != nil {
		return err
	}
	return c.writeFrame(ws.OpText, data, time.Now().Add(c.srv.cfg.WriteTimeout))
}

// writeFrame is for the holder of the turn. A write that fails cuts the connection: half a frame may be out.
func (c *conn) writeFrame(op ws.OpCode, payload []byte, deadline time.Time) error {
	c.out.Reset()
	h := ws.Header{Fin: true, OpCode: op, Length: int64(len(payload))}
	_ = ws.WriteHeaderBuffer(&c.out, h, c.outHeader[:]) // a Buffer does not fail
	c.out.Write(payload)
	_ = c.nc.SetWriteDeadline(deadline)
	_, err := c.nc.Write(c.out.Bytes())
	if c.out.Cap() > keepBuffer {
		c.out = bytes.Buffer{}
	}
	if err != nil {
		c.cut()
		return fmt.Errorf("write to %s: %w", c.remote, err)
	}
	return nil
}

// Close implements Link.
func (c *conn) Close(code uint16, reason string) {
	reason = strings.ToValidUTF8(reason[:min(len(reason), ws.MaxControlFramePayloadSize-2)], "")
	if err := c.writeClose(ws.NewCloseFrameBody(ws.StatusCode(code), reason)); err != nil {
		c.cut()
	}
}

// writeClose sends the one close frame and bounds what follows. It does nothing when one was sent.
func (c *conn) writeClose(body []byte) error {
	if c.closing.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, closeWait)
	defer cancel()
	select {
	case <-c.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer c.passTurn()
	if c.closing.Swap(true) {
		return nil
	}
	c.closeSoon()
	return c.writeFrame(ws.OpClose, body, time.Now().Add(closeWait))
}
