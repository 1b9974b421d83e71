package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"hayalet"
)

// magic begins each header: the version of the format.
const magic = "hjb1"

// HeaderSize is the length of a header in bytes.
const HeaderSize = len(magic) + 8 + 8 + 4 + 8 + 8 + 2*sha256.Size

// Header is the link of the chain that a block is. Its bytes are its fields in this order, integers big-endian.
type Header struct {
	Number  uint64 // from 1
	First   uint64 // the position of its first frame
	Frames  uint32
	FirstAt hayalet.Instant // the earliest receipt
	LastAt  hayalet.Instant // the latest receipt
	Prev    Hash            // of the header before; zeroes for the first
	Root    Hash            // of the Merkle tree over its frames
}

// Bytes are what is hashed and kept.
func (h *Header) Bytes() []byte {
	b := append(make([]byte, 0, HeaderSize), magic...)
	b = binary.BigEndian.AppendUint64(b, h.Number)
	b = binary.BigEndian.AppendUint64(b, h.First)
	b = binary.BigEndian.AppendUint32(b, h.Frames)
	b = binary.BigEndian.AppendUint64(b, uint64(h.FirstAt))
	b = binary.BigEndian.AppendUint64(b, uint64(h.LastAt))
	b = append(b, h.Prev[:]...)
	return append(b, h.Root[:]...)
}

// Hash is what the next header holds of this one.
func (h *Header) Hash() Hash { return sha256.Sum256(h.Bytes()) }

var errHeader = errors.New("no header of a block")

// ParseHeader reads what Bytes writes.
func ParseHeader(b []byte) (Header, error) {
	if len(b) != HeaderSize || string(b[:len(magic)]) != magic {
		return Header{}, errHeader
	}
	b = b[len(magic):]
	h := Header{
		Number: binary.BigEndian.Uint64(b), First: binary.BigEndian.Uint64(b[8:]), Frames: binary.BigEndian.Uint32(b[16:]),
		FirstAt: hayalet.Instant(binary.BigEndian.Uint64(b[20:])), LastAt: hayalet.Instant(binary.BigEndian.Uint64(b[28:])),
	}
	copy(h.Prev[:], b[36:])
	copy(h.Root[:], b[36+sha256.Size:])
	return h, nil
}
