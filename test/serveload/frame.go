//go:build linux

package main

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
)

// The opcodes of RFC 6455 §5.2.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

const fin = 0x80

// frame is one frame that was read.
type frame struct {
	op      byte
	mask    [4]byte
	payload []byte // still masked
	size    int    // bytes on the wire; 0: it is not whole
}

// cutFrame reads the frame that b begins with.
func cutFrame(b []byte) (f frame) {
	if len(b) < 2 {
		return f
	}
	n, at := int(b[1]&0x7f), 2
	switch {
	case n == 126 && len(b) < 4, n == 127 && len(b) < 10:
		return f
	case n == 126:
		n, at = int(binary.BigEndian.Uint16(b[2:])), 4
	case n == 127:
		n, at = int(binary.BigEndian.Uint64(b[2:])), 10
	}
	if b[1]&0x80 != 0 {
		if len(b) < at+4 {
			return f
		}
		at += copy(f.mask[:], b[at:])
	}
	if len(b) < at+n {
		return f
	}
	f.op, f.payload, f.size = b[0]&0x0f, b[at:at+n], at+n
	return f
}

// appendMasked appends a client's frame. Its mask is zero, so that the payload can be changed in place.
func appendMasked(b []byte, op byte, payload []byte) []byte {
	if len(payload) < 126 {
		b = append(b, fin|op, 0x80|byte(len(payload)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, fin|op, 0x80|126), uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// acceptKey answers the key of a handshake [RFC 6455 §4.2.2].
func acceptKey(key []byte) string {
	sum := sha1.Sum(append(key[:len(key):len(key)], "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.EncodeToString(sum[:])
}
