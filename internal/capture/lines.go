package capture

import (
	"bytes"
	"errors"
	"io"
)

const (
	firstBuffer = 128 << 10 // bytes
	leastBuffer = 4 << 10   // where there are many inputs
	emptyReads  = 100       // in a row, before a reader is taken for broken
)

// lineReader cuts a stream into lines in its own buffer, which grows up to MaxLine and no further.
type lineReader struct {
	r          io.Reader
	buf        []byte
	start, end int // what is in buf and not handed out
	taken      int64
	live       bool  // the end of the stream is for now only
	err        error // of r; after it nothing more is read
	head       [maxExample + 1]byte
}

func newLineReader(r io.Reader, size int) lineReader {
	return lineReader{r: r, buf: make([]byte, size)}
}

// next returns the next line without its end, good until the next call. Of a line that is too long only the first bytes
// come back. At the end of the stream the error is io.EOF; the last line needs no line break, but after any other error
// an unfinished line is not handed out, nor at an end for now: the next call reads on.
func (l *lineReader) next() (line []byte, long bool, err error) {
	seen := 0
	for {
		if i := bytes.IndexByte(l.buf[l.start+seen:l.end], '\n'); i >= 0 {
			line = trimReturn(l.cut(seen + i + 1))
			return line, len(line) > MaxLine, nil
		}
		seen = l.end - l.start
		switch {
		case l.live && errors.Is(l.err, io.EOF):
			l.err = nil
			return nil, false, io.EOF
		case l.err != nil && (!errors.Is(l.err, io.EOF) || seen == 0):
			return nil, false, l.err
		case l.err != nil:
			line = trimReturn(l.cut(seen))
			return line, len(line) > MaxLine, nil
		case seen > MaxLine+1:
			return l.skipLong()
		}
		l.fill()
	}
}

// cut takes n bytes and returns them without a line break.
func (l *lineReader) cut(n int) []byte {
	line := l.buf[l.start : l.start+n]
	l.start += n
	if line[n-1] == '\n' {
		line = line[:n-1]
	}
	return line
}

func trimReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// skipLong throws away the line that fills the buffer, up to and including its end.
func (l *lineReader) skipLong() ([]byte, bool, error) {
	n := copy(l.head[:], l.buf[l.start:l.end])
	for l.err == nil {
		l.start, l.end = 0, 0
		l.fill()
		if i := bytes.IndexByte(l.buf[:l.end], '\n'); i >= 0 {
			l.start = i + 1
			return l.head[:n], true, nil
		}
	}
	l.start, l.end = 0, 0
	return l.head[:n], true, nil
}

// fill reads once, after making room.
func (l *lineReader) fill() {
	if l.start > 0 {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	}
	if l.end == len(l.buf) {
		grown := make([]byte, min(2*len(l.buf), MaxLine+2))
		copy(grown, l.buf)
		l.buf = grown
	}
	for range emptyReads {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		l.taken += int64(n)
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
