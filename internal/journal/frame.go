package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"hayalet"
)

// AppendFrame appends the canonical bytes of a frame, those that its leaf is the hash of: station, connection and
// protocol, each behind its length; sequence number; receipt; a byte for kind and direction; the message behind its
// length. Lengths and the number are unsigned varints, the receipt in µs a signed one. The position is not among them: the
// tree says it.
func AppendFrame(b []byte, f *hayalet.Frame) []byte {
	b = appendText(b, string(f.Station))
	b = appendText(b, string(f.Conn))
	b = appendText(b, string(f.Protocol))
	b = binary.AppendUvarint(b, f.Seq)
	b = binary.AppendVarint(b, int64(f.At))
	b = append(b, marks(f))
	b = binary.AppendUvarint(b, uint64(len(f.Data)))
	return append(b, f.Data...)
}

// Leaf is the frame's leaf in its block's tree.
func Leaf(f *hayalet.Frame) Hash {
	return sha256.Sum256(AppendFrame([]byte{leafPrefix}, f))
}

// marks is a frame's kind and direction in one byte.
func marks(f *hayalet.Frame) byte { return byte(f.Kind)<<1 | byte(f.Dir)&1 }

func setMarks(f *hayalet.Frame, b byte) {
	f.Kind, f.Dir = hayalet.FrameKind(b>>1), hayalet.Direction(b&1)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errCut = errors.New("the block's body is cut off or damaged")

// cursor reads what the append functions wrote. After the first fault all its results are empty.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	return uint64(c.took(int64(v), n))
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.rest)
	return c.took(v, n)
}

func (c *cursor) took(v int64, n int) int64 {
	if n <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) bytes(n uint64) []byte {
	if c.bad || n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) text() string { return string(c.bytes(c.uvarint())) }
