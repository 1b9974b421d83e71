package socket

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// The status codes that are never on the wire [RFC 6455 §7.4.1].
const (
	NoStatus uint16 = 1005 // a goodbye without a status
	Lost     uint16 = 1006 // no goodbye at all
)

// Fault is what the other side did wrong, as the close frame that it is to be told with.
type Fault struct {
	Code   uint16
	Reason string
}

func (f *Fault) Error() string { return fmt.Sprintf("close %d: %s", f.Code, f.Reason) }

func fault(code ws.StatusCode, reason string) error { return &Fault{uint16(code), reason} }

// Ended is how the connection ended: the status code and reason of whoever said goodbye first, we or the other side;
// NoStatus for a goodbye without them, Lost for none.
func (c *Conn) Ended() (code uint16, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		return Lost, ""
	}
	return c.code, c.reason
}

func (c *Conn) end(code uint16, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.code, c.reason = true, code, reason
	}
}

// Closing reports whether we have said goodbye.
func (c *Conn) Closing() bool { return c.closing.Load() }

// Close says goodbye with a status code of RFC 6455 §7.4 and a reason of at most 123 bytes. It does not wait for the
// other side's answer. NoStatus sends a goodbye without a status; Lost, and any code that may not be on the wire, cuts
// the connection. Calling it again does nothing.
func (c *Conn) Close(code uint16, reason string) {
	var body []byte
	switch {
	case onWire(code):
		reason = strings.ToValidUTF8(reason[:min(len(reason), ws.MaxControlFramePayloadSize-2)], "")
		body = ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	case code == NoStatus:
		reason = ""
	default:
		c.Cut()
		return
	}
	c.end(code, reason)
	if err := c.writeClose(body); err != nil {
		c.Cut()
	}
}

// onWire tells which codes may be sent: those that are defined, and those left to libraries and applications. 1012 to
// 1014 came after RFC 6455, by registration.
func onWire(code uint16) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code == 1004, code == NoStatus, code == Lost:
		return false
	}
	return code >= 1000 && code <= 1014
}

// answerClose echoes the other side's goodbye, unless it is the answer to ours.
func (c *Conn) answerClose(payload []byte) error {
	over := errPeerClosed
	if c.Closing() {
		over = errAnswered
	}
	if len(payload) == 0 {
		c.end(NoStatus, "")
		_ = c.writeClose(nil)
		return over
	}
	if len(payload) == 1 {
		return fault(ws.StatusProtocolError, "half a close code")
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if !onWire(uint16(code)) {
		return fault(ws.StatusProtocolError, "this close code is not for the wire")
	}
	if !utf8.ValidString(reason) {
		return fault(ws.StatusProtocolError, "the close reason is not UTF-8")
	}
	c.end(uint16(code), reason)
	_ = c.writeClose(ws.NewCloseFrameBody(code, ""))
	return over
}

// writeClose sends the one close frame and bounds what follows. It does nothing when one was sent.
func (c *Conn) writeClose(body []byte) error {
	if c.closing.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, CloseWait)
	defer cancel()
	if !c.turn.await(ctx.Done(), nil) {
		return ctx.Err()
	}
	defer c.PassTurn()
	if c.closing.Swap(true) {
		return nil
	}
	c.closeSoon()
	return c.writeFrame(ws.OpClose, body, c.now()+CloseWait)
}

// closeSoon bounds all reading from now on.
func (c *Conn) closeSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closeBy == 0 {
		c.closeBy = c.now() + CloseWait
		_ = c.nc.SetReadDeadline(c.made.Add(c.closeBy))
	}
}
