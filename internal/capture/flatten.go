package capture

import "io"

// flattener makes lines of a JSON array of objects, which some tools write instead of one object a line. Any other stream
// it leaves as it is.
type flattener struct {
	r     io.Reader
	state flatState
	nest  nesting
}

type flatState uint8

const (
	flatStart  flatState = iota // nothing but blanks
	flatOpened                  // a bracket
	flatArray                   // a bracket and a brace: an array of objects
	flatPlain
)

// Read turns every byte of an array into one byte: commas and brackets around the objects into line breaks, line breaks
// within them into blanks. The first bracket stays.
func (f *flattener) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	for i := 0; i < n && f.state != flatPlain; i++ {
		p[i] = f.flat(p[i])
	}
	return n, err
}

func (f *flattener) flat(c byte) byte {
	blank := c == ' ' || c == '\t' || c == '\r' || c == '\n'
	switch f.state {
	case flatStart:
		switch {
		case c == '[':
			f.state = flatOpened
		case !blank && c != 0xef && c != 0xbb && c != 0xbf:
			f.state = flatPlain
		}
		return c
	case flatOpened:
		switch {
		case c == '{':
			f.state = flatArray
			f.nest.depth = 2
		case !blank:
			f.state = flatPlain
		}
		return c
	}
	before := f.nest
	ended := f.nest.feed([]byte{c}) >= 0
	switch {
	case ended:
		f.state = flatPlain
		return '\n'
	case before.depth == 1 && c != '{':
		return '\n'
	case c == '\n' || c == '\r':
		return ' '
	}
	return c
}
