package socket

import "io"

// ReadBuffer is how many bytes are read ahead of what is asked for: a usual message in one go.
const ReadBuffer = 1 << 10

// reader reads ahead. While it rests it holds no buffer, for there are many connections that are silent most of the time;
// what comes first then is taken in two goes.
type reader struct {
	src     io.Reader
	buf     []byte
	r, w    int // what was read and not taken yet is buf[r:w]
	resting bool
	few     [16]byte // the buffer of one that rests: a control frame, or the header of another
}

// begin takes what was read ahead from src, and keeps it.
func (b *reader) begin(src io.Reader, ahead []byte) {
	b.src, b.buf, b.resting = src, ahead, false
	b.r, b.w = 0, len(ahead)
}

func (b *reader) buffered() int { return b.w - b.r }

// rest gives the buffer back, which must be empty.
func (b *reader) rest() { b.resting, b.buf, b.r, b.w = true, nil, 0, 0 }

// wake ends the rest with the next fill.
func (b *reader) wake() { b.resting = false }

// fill waits for bytes. The buffer must be empty.
func (b *reader) fill() error {
	switch {
	case b.resting:
		b.buf = b.few[:]
	case len(b.buf) < ReadBuffer:
		b.buf = make([]byte, ReadBuffer)
	}
	var err error
	for b.r, b.w = 0, 0; b.w == 0 && err == nil; { // a write of nothing is read as nothing
		b.w, err = b.src.Read(b.buf)
	}
	if b.w > 0 {
		return nil // an error comes again
	}
	return err
}

// Read implements [io.Reader].
func (b *reader) Read(p []byte) (int, error) {
	if b.r == b.w {
		if len(p) >= len(b.buf) {
			return b.src.Read(p)
		}
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.buf[b.r:b.w])
	b.r += n
	if b.r == b.w && len(b.buf) > ReadBuffer { // it was read by somebody else, and is done with
		b.buf, b.r, b.w = nil, 0, 0
	}
	return n, nil
}
