// Package jsonread reads JSON text in place: one pass, no allocation, the caller in the lead.
//
// A [Reader] is a cursor. The caller asks what comes next and takes it; what it does not want it skips, and a skipped
// value is still checked to the letter of RFC 8259. Strings come back as the bytes between the quotes, so a value that
// needs no unescaping is never copied.
//
//	r := jsonread.New(text)
//	for r.Object(); r.More(); {
//		switch key := r.Key(); string(key) {
//		case "value":
//			v, _ = r.String()
//		default:
//			r.Skip()
//		}
//	}
//
// After the first error every method answers with its zero value and [Reader.Err] tells what was wrong and where.
// It does not decode into Go values, does not know numbers, and does not look for duplicate keys in objects that the
// caller skips.
package jsonread

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 32

// The causes of errors.
var (
	ErrSyntax = errors.New("invalid JSON")
	ErrDepth  = errors.New("JSON nested too deep")
	ErrEOF    = errors.New("JSON ends too early")
)

// Kind is the first byte of a value: '{', '[', '"', '0' for any number, 't', 'f', 'n'; 0 when there is none.
type Kind byte

// Reader walks one JSON text.
type Reader struct {
	buf     []byte
	pos     int
	depth   int
	objects uint32 // bit n: the value entered at depth n is an object
	first   bool   // the innermost array or object has given no member yet
	clean   bool   // no backslash and no control character: a string ends at the next quote
	ascii   bool
	err     error
}

// New returns a reader at the beginning of b. It looks at every byte once, which makes reading strings cheap.
func New(b []byte) Reader {
	r := Reader{buf: b}
	r.clean, r.ascii = inspect(b)
	return r
}

// ValidUTF8 reports whether the whole text is UTF-8.
func (r *Reader) ValidUTF8() bool { return r.ascii || utf8.Valid(r.buf) }

// inspect reports whether b is free of backslashes and control characters, and whether it is ASCII.
func inspect(b []byte) (clean, ascii bool) {
	var control, high uint64
	rest := b
	for len(rest) >= 16 {
		v, w := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
		control |= (v-ones*0x20)&^v | (w-ones*0x20)&^w
		high |= v | w
		rest = rest[16:]
	}
	for _, c := range rest {
		if c < 0x20 {
			control |= highs
		}
		high |= uint64(c)
	}
	return control&highs == 0 && bytes.IndexByte(b, '\\') < 0, high&highs == 0
}

// Masks of the lowest and the highest bit of eight bytes.
const ones, highs = 0x0101010101010101, 0x8080808080808080

// Err returns the first error, with the offset in the text.
func (r *Reader) Err() error { return r.err }

// Pos returns the offset of the next byte.
func (r *Reader) Pos() int { return r.pos }

func (r *Reader) fail(cause error) {
	if r.err == nil {
		r.err = fmt.Errorf("%w at byte %d", cause, r.pos)
	}
	r.pos = len(r.buf)
}

func (r *Reader) space() {
	if r.pos < len(r.buf) && r.buf[r.pos] > ' ' {
		return
	}
	r.skipSpace()
}

func (r *Reader) skipSpace() { r.pos = spaceEnd(r.buf, r.pos) }

// spaceEnd returns the offset of the first byte from i on that is no white space.
func spaceEnd(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// Kind tells what the next value is without taking it.
func (r *Reader) Kind() Kind {
	r.space()
	if r.pos >= len(r.buf) { // after an error the position is the end
		return 0
	}
	switch c := r.buf[r.pos]; {
	case c == '"' || c == '{' || c == '[' || c == 't' || c == 'f' || c == 'n':
		return Kind(c)
	case c >= '0' && c <= '9' || c == '-':
		return '0'
	}
	return 0
}

// Object enters an object; false, with nothing taken, when the next value is something else.
func (r *Reader) Object() bool { return r.enter('{') }

// Array enters an array; false, with nothing taken, when the next value is something else.
func (r *Reader) Array() bool { return r.enter('[') }

func (r *Reader) enter(c Kind) bool {
	if r.Kind() != c {
		return false
	}
	if r.depth >= MaxDepth {
		r.fail(ErrDepth)
		return false
	}
	r.pos++
	r.objects &^= 1 << r.depth
	if c == '{' {
		r.objects |= 1 << r.depth
	}
	r.depth++
	r.first = true
	return true
}

// More reports whether another member or element follows; at the closing bracket it takes it and leaves the object or
// array.
func (r *Reader) More() bool {
	if i := r.pos + 1; !r.first && i < len(r.buf) && r.buf[i-1] == ',' { // the common case: a comma, no blank, a member
		if c := r.buf[i]; c > ' ' && c != ']' && c != '}' {
			r.pos = i
			return true
		}
	}
	return r.more()
}

func (r *Reader) more() bool {
	r.space()
	if r.err != nil {
		return false
	}
	if r.pos >= len(r.buf) {
		r.fail(ErrEOF)
		return false
	}
	c := r.buf[r.pos]
	if c == ']' || c == '}' {
		if r.depth == 0 || (c == '}') != (r.objects>>(r.depth-1)&1 == 1) {
			r.fail(ErrSyntax)
			return false
		}
		r.pos++
		r.depth--
		r.first = false
		return false
	}
	if r.first {
		r.first = false
		return true
	}
	if c != ',' {
		r.fail(ErrSyntax)
		return false
	}
	r.pos++
	r.space()
	if r.pos < len(r.buf) && (r.buf[r.pos] == ']' || r.buf[r.pos] == '}') {
		r.fail(ErrSyntax)
		return false
	}
	return true
}

// Key takes a member's name and the colon. Call it after More inside an object.
func (r *Reader) Key() []byte {
	key, ok := r.String()
	if !ok {
		r.fail(ErrSyntax)
		return nil
	}
	if r.pos < len(r.buf) && r.buf[r.pos] == ':' {
		r.pos++
		return key
	}
	r.space()
	if r.pos >= len(r.buf) || r.buf[r.pos] != ':' {
		r.fail(ErrSyntax)
		return nil
	}
	r.pos++
	return key
}

// String takes a string and returns its content; false, with nothing taken, when the next value is no string. The bytes
// belong to the text unless escapes had to be resolved.
func (r *Reader) String() ([]byte, bool) {
	if r.pos < len(r.buf) && r.buf[r.pos] == '"' || r.Kind() == '"' {
		return r.content()
	}
	return nil, false
}

// content takes the string whose opening quote comes next.
func (r *Reader) content() ([]byte, bool) {
	start := r.pos + 1
	if r.clean {
		if end := quoteAt(r.buf, start); end >= 0 {
			r.pos = end + 1
			return r.buf[start:end], true
		}
	}
	end, escaped := r.stringEnd(start)
	if end < 0 {
		r.fail(ErrSyntax)
		return nil, false
	}
	r.pos = end + 1
	if !escaped {
		return r.buf[start:end], true
	}
	return unescape(r.buf[start:end]), true
}

// Number takes a number and returns its text; false, with nothing taken, when the next value is none.
func (r *Reader) Number() ([]byte, bool) {
	if r.Kind() != '0' {
		return nil, false
	}
	end := numberEnd(r.buf, r.pos)
	if end < 0 {
		r.fail(ErrSyntax)
		return nil, false
	}
	raw := r.buf[r.pos:end]
	r.pos = end
	return raw, true
}

// Skip takes any value and returns its text.
func (r *Reader) Skip() []byte {
	r.space()
	start := r.pos
	if r.err != nil {
		return nil
	}
	end, err := r.skip(start)
	if err != nil {
		r.pos = end
		r.fail(err)
		return nil
	}
	r.pos = end
	return r.buf[start:end]
}

// End reports whether nothing but white space follows, and no error came before.
func (r *Reader) End() bool {
	r.space()
	return r.err == nil && r.pos == len(r.buf)
}

// skip returns the offset behind the value at i, which is no white space.
func (r *Reader) skip(i int) (int, error) {
	b := r.buf
	if i >= len(b) {
		return i, ErrEOF
	}
	switch c := b[i]; {
	case c == '"':
		end, _ := r.stringEnd(i + 1)
		if end < 0 {
			return i, ErrSyntax
		}
		return end + 1, nil
	case c == '-' || c >= '0' && c <= '9':
		end := numberEnd(b, i)
		if end < 0 {
			return i, ErrSyntax
		}
		return end, nil
	case c == '{' || c == '[':
		return r.skipNested(i)
	case c == 't':
		return literal(b, i, "true")
	case c == 'f':
		return literal(b, i, "false")
	case c == 'n':
		return literal(b, i, "null")
	}
	return i, ErrSyntax
}

// skipNested returns the offset behind the array or object at i. It is one loop, not one call a level, because most of
// what is read is skipped.
func (r *Reader) skipNested(i int) (_ int, err error) {
	b, depth, objects, first := r.buf, r.depth, r.objects, false
	for {
		switch { // a value comes next
		case i >= len(b):
			return i, ErrEOF
		case b[i] != '{' && b[i] != '[':
			if i, err = r.skip(i); err != nil {
				return i, err
			}
			first = false
		case depth >= MaxDepth:
			return i, ErrDepth
		default:
			objects &^= 1 << depth
			if b[i] == '{' {
				objects |= 1 << depth
			}
			depth++
			i++
			first = true
		}
		for { // its end, and the ends of what it is in
			if i = spaceEnd(b, i); i >= len(b) {
				return i, ErrEOF
			}
			object := objects>>(depth-1)&1 == 1
			if !(object && b[i] == '}' || !object && b[i] == ']') {
				if !first {
					if b[i] != ',' {
						return i, ErrSyntax
					}
					i = spaceEnd(b, i+1)
				}
				if object {
					if i, err = r.skipKey(i); err != nil {
						return i, err
					}
				}
				break
			}
			i++
			depth--
			first = false
			if depth == r.depth {
				return i, nil
			}
		}
	}
}

// skipKey returns the offset of the value whose key is at i.
func (r *Reader) skipKey(i int) (int, error) {
	b := r.buf
	if i >= len(b) || b[i] != '"' {
		return i, ErrSyntax
	}
	end, _ := r.stringEnd(i + 1)
	if end < 0 {
		return i, ErrSyntax
	}
	if i = spaceEnd(b, end+1); i >= len(b) || b[i] != ':' {
		return i, ErrSyntax
	}
	return spaceEnd(b, i+1), nil
}

func literal(b []byte, i int, word string) (int, error) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, ErrSyntax
	}
	return i + len(word), nil
}

// stringEnd returns the offset of the closing quote of the string whose content starts at i, or −1.
func (r *Reader) stringEnd(i int) (end int, escaped bool) {
	b := r.buf
	if r.clean {
		return quoteAt(b, i), false
	}
	for {
		i = plainEnd(b, i)
		if i >= len(b) {
			return -1, escaped
		}
		switch b[i] {
		case '"':
			return i, escaped
		case '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n == 0 {
				return -1, escaped
			}
			i += n
		default: // a control character
			return -1, escaped
		}
	}
}

// quoteAt returns the offset of the first quote from i on, or −1. Names and values are short, so eight bytes at a time
// beat a call into the search for one byte.
func quoteAt(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:]) ^ ones*'"'
		if hit := (x - ones) &^ x & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if b[i] == '"' {
			return i
		}
	}
	return -1
}

// plainEnd returns the offset of the first byte from i on that a string may not hold as it is, eight bytes at a time.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		// A byte's high bit is set where it is below 0x20, a quote or a backslash; bytes above 0x7f are masked out of
		// each test. A borrow can only set bits above the first true hit, which is the one that counts.
		hit := ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// escapeLen is the length of the escape at the beginning of b, or 0 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if hexValue(c) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func hex4(b []byte) rune {
	var v rune
	for _, c := range b[:4] {
		v = v<<4 | rune(hexValue(c))
	}
	return v
}

// unescape resolves the escapes of a checked string. A lone surrogate becomes U+FFFD.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		i++
		switch c := b[i]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			v := hex4(b[i+1:])
			i += 4
			if v >= 0xd800 && v < 0xdc00 && len(b) >= i+7 && b[i+1] == '\\' && b[i+2] == 'u' {
				if low := hex4(b[i+3:]); low >= 0xdc00 && low < 0xe000 {
					v = (v-0xd800)<<10 + (low - 0xdc00) + 0x10000
					i += 6
				}
			}
			out = utf8.AppendRune(out, v)
		default:
			out = append(out, c)
		}
	}
	return out
}

// numberEnd returns the offset behind the number at i, or −1 when the text is no JSON number.
func numberEnd(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && b[i] >= '1' && b[i] <= '9':
		i = digitsEnd(b, i)
	default:
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if j := digitsEnd(b, i+1); j > i+1 {
			i = j
		} else {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if j := digitsEnd(b, i); j > i {
			i = j
		} else {
			return -1
		}
	}
	return i
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}
