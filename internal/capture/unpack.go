package capture

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory of a decompressor, in bytes. A file that wants more is broken to us.
const maxWindow = 64 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// brokenError is a fault in compressed data, as against one of reading it.
type brokenError struct{ err error }

func (b *brokenError) Error() string { return b.err.Error() }

// unpacker reads a stream that may be compressed, told by its first bytes.
type unpacker struct {
	from   source
	live   bool   // the end of the stream is for now only
	head   []byte // read to tell, not handed out
	told   bool
	packed io.Reader // nil: plain
}

func newUnpacker(r io.Reader, live bool) *unpacker {
	return &unpacker{from: source{r: r}, live: live}
}

// Read reads plain data. It reads its source at most once before it is told what it is.
func (u *unpacker) Read(p []byte) (int, error) {
	if !u.told {
		if again, err := u.tell(); again {
			return 0, err
		}
	}
	switch {
	case u.packed != nil:
		return u.unpack(p)
	case len(u.head) > 0:
		n := copy(p, u.head)
		u.head = u.head[n:]
		return n, nil
	}
	return u.from.r.Read(p)
}

// tell looks at the first bytes; again means that there are too few yet.
func (u *unpacker) tell() (again bool, err error) {
	if u.head == nil {
		u.head = make([]byte, 0, len(zstdMagic))
	}
	n, err := u.from.Read(u.head[len(u.head):cap(u.head)])
	u.head = u.head[:len(u.head)+n]
	ended := err != nil && !(u.live && errors.Is(err, io.EOF))
	if len(u.head) < cap(u.head) && !ended && mayBePacked(u.head) {
		return true, err
	}
	u.told = true
	all := &prefixed{head: u.head, r: &u.from}
	switch {
	case bytes.HasPrefix(u.head, gzipMagic):
		u.packed = &lazyGzip{r: all}
	case bytes.HasPrefix(u.head, zstdMagic):
		u.packed, err = zstd.NewReader(all, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
		return err != nil, err
	}
	return false, nil
}

func mayBePacked(head []byte) bool {
	return bytes.HasPrefix(gzipMagic, head) || bytes.HasPrefix(zstdMagic, head)
}

func (u *unpacker) unpack(p []byte) (int, error) {
	n, err := u.packed.Read(p)
	switch {
	case err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return n, err
	case u.from.err != nil && !errors.Is(u.from.err, io.EOF):
		return n, u.from.err
	}
	return n, &brokenError{err}
}

// source remembers the error of its reader, so that it is not taken for a fault of the data.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.err = err
	return n, err
}

// prefixed reads head before r.
type prefixed struct {
	head []byte
	r    io.Reader
}

func (f *prefixed) Read(p []byte) (int, error) {
	if len(f.head) > 0 {
		n := copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	return f.r.Read(p)
}

// lazyGzip reads the header with the first Read, so that its faults come as any other's.
type lazyGzip struct {
	r io.Reader
	z *gzip.Reader
}

func (g *lazyGzip) Read(p []byte) (n int, err error) {
	if g.z == nil {
		if g.z, err = gzip.NewReader(g.r); err != nil {
			g.z = nil
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
	return g.z.Read(p)
}
