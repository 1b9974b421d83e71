package capture

import (
	"bytes"
	"context"
	"io"
	"time"
)

// How much of a log is held back until it shows whose log it is. After that it is taken for the central system's.
const (
	maxHeld     = 1024    // lines
	maxHeldData = 1 << 20 // bytes
)

// Input is one stream to read.
type Input struct {
	Name string // for messages and for the names of connections; a path, or "-"
	R    io.Reader
}

// input reads the frames of one Input in its order.
type input struct {
	lines lineReader
	loc   *time.Location
	base  string // begins the names of its connections
	stats InputStats
	index int

	head record // the next one; its slices are good until next is called again
	side side
	held []record // read but not handed out, oldest first
	data []byte   // of held
	err  error
}

// next moves to the next record. The error is io.EOF at the end.
func (in *input) next() error {
	for len(in.held) == 0 {
		if in.err != nil {
			return in.err
		}
		ok, err := in.readLine()
		switch {
		case err != nil:
			in.err = err
		case !ok:
		case in.certain():
			in.side.orient(&in.head)
			return nil
		default:
			in.holdOn()
		}
	}
	in.head = in.held[0]
	if in.held = in.held[1:]; len(in.held) == 0 {
		in.held, in.data = nil, nil // it happens once
	}
	in.side.orient(&in.head)
	return nil
}

// certain reports whether the direction of head is known.
func (in *input) certain() bool {
	if in.side == unknownSide && in.head.fromLog {
		in.side = sideOf(&in.head)
	}
	return in.side != unknownSide || !in.head.fromLog
}

// holdOn keeps head and what follows until the side is known, the input ends, or too much is held.
func (in *input) holdOn() {
	in.hold()
	for in.side == unknownSide && in.err == nil {
		if len(in.held) >= maxHeld || len(in.data) >= maxHeldData {
			break
		}
		ok, err := in.readLine()
		if in.err = err; ok {
			in.certain()
			in.hold()
		}
	}
	if in.side == unknownSide {
		in.side = centralSide
	}
}

func (in *input) hold() {
	in.data = in.head.copyTo(in.data)
	in.held = append(in.held, in.head)
}

// readLine reads one line into head; not ok when it gives no record.
func (in *input) readLine() (ok bool, err error) {
	line, long, err := in.lines.next()
	if err != nil {
		return false, err
	}
	in.stats.Lines++
	if in.stats.Lines == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	line = trimBlank(line)
	var bad Kind
	switch {
	case long:
		bad = TooLong
	case len(line) == 0:
		return false, nil
	case line[0] == '{':
		bad = parseJSON(line, in.loc, &in.head)
	default:
		bad = parseLog(line, in.loc, &in.head)
	}
	if bad != "" {
		in.stats.count(bad, line)
	}
	return bad == "" || !bad.Skipped(), nil
}

// cancelReader ends a stream when ctx does. It cannot interrupt a Read that waits.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
