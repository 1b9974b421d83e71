package capture

import (
	"errors"
	"io"
)

// nesting follows the brackets of a JSON text that comes in pieces.
type nesting struct {
	depth   int
	text    bool // within a string
	escaped bool
}

// feed takes the next piece. It returns the offset behind the bracket that closes the text, or −1.
func (n *nesting) feed(b []byte) int {
	for i, c := range b {
		switch {
		case n.escaped:
			n.escaped = false
		case n.text:
			n.escaped = c == '\\'
			n.text = c != '"'
		case c == '"':
			n.text = true
		case c == '[' || c == '{':
			n.depth++
		case c == ']' || c == '}':
			if n.depth--; n.depth <= 0 {
				return i + 1
			}
		}
	}
	return -1
}

// gathering is a message that a program printed over several lines, or a row of a table with a line break in a cell.
type gathering struct {
	active bool
	row    bool // of a table: from is its beginning
	bad    Kind // what is wrong with the first line's record
	nest   nesting
	quoted bool // within a quoted cell
	buf    []byte
	from   int   // of the text in buf
	first  int   // length of the first line's part
	line   int64 // number of the first line
	lines  int64 // that were taken beyond it
	sample string
}

// feed takes the next piece; it returns the offset behind the end of the whole, or −1.
func (g *gathering) feed(b []byte) int {
	if !g.row {
		return g.nest.feed(b)
	}
	for _, c := range b {
		if c == '"' {
			g.quoted = !g.quoted
		}
	}
	if g.quoted {
		return -1
	}
	return len(b)
}

// gather begins with the head, whose message may not end on its line. It reports whether there is more to gather.
func (in *input) gather(bad Kind) bool {
	data := in.head.data
	if len(data) == 0 || data[0] != '[' || data[len(data)-1] == ']' {
		return false
	}
	g := &in.part
	*g = gathering{buf: g.buf[:0], line: in.stats.Lines, bad: bad}
	if g.nest.feed(data) >= 0 {
		return false
	}
	g.active = true
	g.buf = in.head.copyTo(g.buf)
	g.first = len(data)
	g.from = len(g.buf) - g.first
	return true
}

// gatherRow begins with a row whose last cell goes on.
func (in *input) gatherRow(line []byte) {
	g := &in.part
	*g = gathering{active: true, row: true, quoted: true, buf: append(g.buf[:0], line...), first: len(line), line: in.stats.Lines}
}

// goOn gathers lines until the message or row is whole, or a line shows that it never will be: then the message stands as
// it began, and the lines taken for its own are counted as what they are.
func (in *input) goOn() (ok bool, err error) {
	g := &in.part
	for {
		line, long, err := in.takeLine()
		switch {
		case err != nil && in.lines.live && errors.Is(err, io.EOF):
			return false, err // more may come
		case err != nil: // it comes again at the next call
			return in.giveUp(), nil
		case long || len(g.buf)+len(line) >= MaxLine || in.begins(line):
			in.takeAgain(line, long)
			return in.giveUp(), nil
		}
		if g.lines++; g.lines == 1 {
			g.sample = example(line)
		}
		g.buf = append(g.buf, '\n')
		start := len(g.buf)
		g.buf = append(g.buf, line...)
		if end := g.feed(g.buf[start-1:]); end >= 0 {
			g.active = false
			return in.whole(g.buf[g.from : start-1+end]), nil
		}
	}
}

func (in *input) whole(text []byte) (ok bool) {
	if in.part.row {
		return in.judged(in.table.parseRow(text, in.loc, &in.head), text)
	}
	in.head.data = text
	return in.judged(in.part.bad, text)
}

func (in *input) giveUp() (ok bool) {
	g := &in.part
	g.active = false
	for range g.lines {
		in.stats.countAt(NoFrame, g.line+1, g.sample)
	}
	first := g.buf[g.from : g.from+g.first]
	if g.row {
		in.stats.countAt(BadRow, g.line, example(first))
		return false
	}
	in.head.data = first
	return in.judged(g.bad, first)
}

// begins reports whether a line is the beginning of something else than the rest of a message or row.
func (in *input) begins(line []byte) bool {
	line = trimBlank(line)
	var rec record
	switch {
	case len(line) == 0:
		return false
	case in.part.row:
		return in.table.parseRow(line, in.loc, &rec) == ""
	case line[0] == '{':
		return parseJSON(line, in.loc, &rec) == ""
	}
	if s := findMessage(line); s.data != nil || s.control {
		return true
	}
	const reach = 100 // bytes within which a logger writes the time
	head := line[:min(len(line), reach)]
	for i, c := range head {
		if c == '"' {
			head = head[:i]
			break
		}
	}
	at, _, _ := cutStamp(head, in.loc)
	return !at.IsZero()
}
