package socket

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

const (
	final  = 0x80
	masked = 0x80
	short  = 2 + 4 // bytes of the header of a payload of less than 126 bytes, with its mask
)

// Whole appends the message that a client has sent to b, where its bytes are exactly that: one text message of at most
// limit bytes in one plain frame. All else is for Read.
func Whole(b, bytes []byte, limit int) ([]byte, bool) {
	if len(bytes) < short || bytes[0] != final|byte(ws.OpText) || bytes[1]&masked == 0 {
		return b, false
	}
	n, head := int(bytes[1]&^masked), short
	switch {
	case n == 126 && len(bytes) >= short+2:
		n, head = int(binary.BigEndian.Uint16(bytes[2:])), short+2
	case n >= 126: // longer than anything that is quick
		return b, false
	}
	if n > limit || len(bytes) != head+n {
		return b, false
	}
	return unmask(b, bytes, head), true
}

// Control appends the payload of a client's ping or pong to b, where bytes are exactly that. All else is for Read.
func Control(b, bytes []byte) (op ws.OpCode, _ []byte, ok bool) {
	if len(bytes) < short || bytes[1]&masked == 0 || int(bytes[1]&^masked) != len(bytes)-short || len(bytes)-short > ws.MaxControlFramePayloadSize {
		return 0, b, false
	}
	switch bytes[0] {
	case final | byte(ws.OpPing), final | byte(ws.OpPong):
		return ws.OpCode(bytes[0] &^ final), unmask(b, bytes, short), true
	}
	return 0, b, false
}

func unmask(b, bytes []byte, head int) []byte {
	start := len(b)
	b = append(b, bytes[head:]...)
	ws.Cipher(b[start:], [4]byte(bytes[head-4:]), 0)
	return b
}

// AppendFrame appends a server's message, ping or pong in one plain frame.
func AppendFrame(b []byte, op ws.OpCode, payload []byte) []byte {
	return append(appendLength(append(b, final|byte(op)), len(payload)), payload...)
}
