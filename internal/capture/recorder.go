package capture

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/jsonread"
)

// recordBuffer is how much is gathered before it is written, in bytes.
const recordBuffer = 64 << 10

// ErrClosed is the answer of a Recorder that was closed.
var ErrClosed = errors.New("recorder is closed")

// Recorder writes frames as our JSONL. It is safe for use by several goroutines; the lines of one call stay together.
//
// It gathers lines and writes them when 64 KiB are full; call Flush where a reader must see them sooner. After a failed
// write the end of the file is unknown, so every later call answers with that error.
type Recorder struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
	err error

	losses losses
}

// NewRecorder returns a recorder that appends to w. Closing w stays with the caller.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{w: w} }

// PutFrames appends one line for each frame.
//
// A frame whose line would be longer than [MaxLine] is written as a gap, since no reader would take it.
func (r *Recorder) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range fs {
		if r.err != nil {
			return r.err
		}
		start := len(r.buf)
		r.buf = appendFrame(r.buf, &fs[i])
		if len(r.buf)-start > MaxLine {
			lost := fs[i]
			lost.Kind, lost.Data = hayalet.Gap, nil
			r.losses.add(LostSize, &fs[i])
			r.buf = appendFrame(r.buf[:start], &lost)
		}
		r.buf = append(r.buf, '\n')
		if len(r.buf) >= recordBuffer {
			r.flush()
		}
	}
	return r.err
}

// Lost counts the frames that were written as gaps.
func (r *Recorder) Lost() []LossCount {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.losses)
}

// Flush writes what was gathered.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
	return r.err
}

// Close flushes; every later call answers [ErrClosed]. It does not close the writer.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
	err := r.err
	r.err, r.buf = ErrClosed, nil
	return err
}

func (r *Recorder) flush() {
	if r.err != nil || len(r.buf) == 0 {
		return
	}
	if _, err := r.w.Write(r.buf); err != nil {
		r.err = fmt.Errorf("write record: %w", err)
	}
	r.buf = r.buf[:0]
}

// appendFrame appends a frame's line without its end. The frame member comes last: readers are fastest then.
func appendFrame(b []byte, f *hayalet.Frame) []byte {
	b = append(b, `{"ts":`...)
	b = appendStamp(b, f.At)
	b = append(b, `,"station":`...)
	b = appendString(b, string(f.Station))
	b = append(b, `,"conn":`...)
	b = appendString(b, string(f.Conn))
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, f.Seq, 10)
	if f.Pos != 0 {
		b = append(b, `,"pos":`...)
		b = strconv.AppendUint(b, f.Pos, 10)
	}
	if f.Protocol != "" {
		b = append(b, `,"protocol":`...)
		b = appendString(b, string(f.Protocol))
	}
	if f.Kind != hayalet.Message {
		b = append(b, `,"kind":`...)
		b = appendString(b, f.Kind.String())
	}
	if f.Kind == hayalet.Message || f.Dir != hayalet.In {
		b = append(b, `,"direction":`...)
		b = appendString(b, f.Dir.String())
	}
	if f.Kind == hayalet.Message {
		b = appendData(b, f.Data)
	}
	return append(b, '}')
}

func appendData(b, data []byte) []byte {
	switch {
	case !utf8.Valid(data):
		b = append(b, `,"base64":"`...)
		b = base64.StdEncoding.AppendEncode(b, data)
		return append(b, '"')
	case standsAsIs(data):
		b = append(b, `,"frame":`...)
		return append(b, data...)
	default:
		b = append(b, `,"text":`...)
		return appendString(b, data)
	}
}

// standsAsIs reports whether data can be a member of a line, byte for byte: one array or object with nothing around it
// and no line break. White space around a value would be lost.
func standsAsIs(data []byte) bool {
	if len(data) == 0 || data[0] != '[' && data[0] != '{' || bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0 {
		return false
	}
	r := jsonread.New(data)
	if len(r.Skip()) != len(data) {
		return false
	}
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) < jsonread.MaxDepth {
		return true
	}
	r = jsonread.New(slices.Concat([]byte("["), data, []byte("]"))) // it stands one deeper in its line
	return r.Skip() != nil
}

// appendString appends a JSON string. Bytes that are no UTF-8 stay as they are, so that a name is never changed.
func appendString[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
