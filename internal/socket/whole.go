package socket

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// Whole appends the message that a client has sent to b, where its bytes are exactly that: one text message of at most
// limit bytes in one plain frame. All else is for Read.
func Whole(b, bytes []byte, limit int) ([]byte, bool) {
	const (
		finText = 0x80 | byte(ws.OpText)
		masked  = 0x80
		short   = 2 + 4 // bytes of the header of a message of less than 126 bytes, with its mask
	)
	if len(bytes) < short || bytes[0] != finText || bytes[1]&masked == 0 {
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
	start := len(b)
	b = append(b, bytes[head:]...)
	ws.Cipher(b[start:], [4]byte(bytes[head-4:]), 0)
	return b, true
}

// AppendText appends a server's text message in one plain frame.
func AppendText(b, message []byte) []byte {
	return append(appendLength(append(b, 0x80|byte(ws.OpText)), len(message)), message...)
}
