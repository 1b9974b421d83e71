package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// TailEvent is what happened to a file that is followed.
type TailEvent uint8

// The events.
const (
	TailReplaced  TailEvent = iota // another file has its name now: it is read from its beginning
	TailTruncated                  // it became shorter: it is read from its beginning
)

// Tail reads a growing file by its name. At the end of what is there Read returns io.EOF, and later reads on: through a
// replacement of the file under its name (once something was written to the new one, and all of the old one was read) and through its being cut to nothing. A file
// that is cut and grows past its old length between two reads cannot be told from one that only grew.
//
// It is for one goroutine.
type Tail struct {
	name    string
	file    *os.File
	offset  int64
	broken  bool // the last byte that was handed out is no line break
	noticed func(TailEvent)
}

// OpenTail opens a file to follow. What happens to it is told to noticed, within Read.
func OpenTail(name string, noticed func(TailEvent)) (*Tail, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open tail: %w", err)
	}
	return &Tail{name: name, file: f, noticed: noticed}, nil
}

// Read reads what is there.
func (t *Tail) Read(p []byte) (int, error) {
	for {
		n, err := t.file.Read(p)
		if n > 0 {
			t.took(p[:n])
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) || len(p) == 0 {
			return 0, err
		}
		again, err := t.changed()
		switch {
		case err != nil:
			return 0, err
		case !again:
			return 0, io.EOF
		case t.broken: // a line of the old file that no line break ended
			p[0], t.broken = '\n', false
			return 1, nil
		}
	}
}

func (t *Tail) took(b []byte) {
	t.offset += int64(len(b))
	t.broken = b[len(b)-1] != '\n'
}

// changed looks whether the name stands for another file now, or the file was cut. It reports whether there may be
// something to read.
func (t *Tail) changed() (again bool, err error) {
	named, err := os.Stat(t.name)
	if err != nil {
		return false, nil //nolint:nilerr // the name is gone for a moment, or for good: what is open may still grow
	}
	own, err := t.file.Stat()
	if err != nil {
		return false, err
	}
	switch {
	case !os.SameFile(named, own):
		if own.Size() > t.offset { // written after our last look
			return true, nil
		}
		if named.Size() == 0 { // who writes may not have turned to it yet, and write on to the old one
			return false, nil
		}
		return t.reopen()
	case own.Size() < t.offset:
		t.offset = 0
		t.noticed(TailTruncated)
		_, err := t.file.Seek(0, io.SeekStart)
		return true, err
	}
	return false, nil
}

func (t *Tail) reopen() (again bool, err error) {
	f, err := os.Open(t.name)
	if err != nil {
		return false, nil //nolint:nilerr // gone again: the next look finds what comes
	}
	_ = t.file.Close()
	t.file, t.offset = f, 0
	t.noticed(TailReplaced)
	return true, nil
}

// Written returns when the file was last written.
func (t *Tail) Written() time.Time {
	info, err := t.file.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Close closes the file.
func (t *Tail) Close() error { return t.file.Close() }

// Pipe makes of a reader that waits, such as standard input, one that does not: where nothing is there yet, Read returns
// io.EOF. It takes compressed data too, and hands it out plain. Run must be running.
type Pipe struct {
	r      io.Reader
	chunks chan []byte
	full   chan struct{}
	rest   []byte
	mu     sync.Mutex
	err    error
	done   bool
}

// NewPipe returns a pipe from r.
func NewPipe(r io.Reader) *Pipe {
	return &Pipe{r: newUnpacker(r, false), chunks: make(chan []byte, 4), full: make(chan struct{}, 1)}
}

// Run reads until the reader ends, or ctx does, which cannot interrupt a Read that waits.
func (q *Pipe) Run(ctx context.Context) error {
	defer close(q.chunks)
	for {
		b := make([]byte, 64<<10)
		n, err := q.r.Read(b)
		if n > 0 {
			if err := q.put(ctx, b[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			q.mu.Lock()
			q.err = err
			q.mu.Unlock()
			return nil
		}
	}
}

// put waits for room. It asks to be read when there is none.
func (q *Pipe) put(ctx context.Context, b []byte) error {
	select {
	case q.chunks <- b:
		return nil
	default:
	}
	select {
	case q.full <- struct{}{}:
	default:
	}
	select {
	case q.chunks <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Full gives a value when the pipe holds as much as it can: whoever feeds it waits.
func (q *Pipe) Full() <-chan struct{} { return q.full }

// Read returns what has come.
func (q *Pipe) Read(p []byte) (int, error) {
	if len(q.rest) == 0 && !q.done {
		select {
		case b, ok := <-q.chunks:
			q.rest, q.done = b, !ok
		default:
			return 0, io.EOF
		}
	}
	if q.done {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.err == nil {
			return 0, io.EOF
		}
		return 0, q.err
	}
	n := copy(p, q.rest)
	q.rest = q.rest[n:]
	return n, nil
}

// Ended reports whether the reader has ended and all of it was read.
func (q *Pipe) Ended() bool { return q.done }
