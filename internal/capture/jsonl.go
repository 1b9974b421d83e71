package capture

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"time"

	"hayalet"
	"hayalet/internal/jsonread"
)

// readLog is no problem: the line was read by parseLog, which checks for itself.
const readLog Kind = "-"

// parseJSON reads one line of our JSONL, or of what others write in JSON.
func parseJSON(line []byte, loc *time.Location, rec *record) Kind {
	*rec = record{}
	p := jsonParser{Reader: jsonread.New(line), line: line, loc: loc}
	if !p.Object() {
		return NotJSON
	}
	for !p.complete && p.More() {
		p.member(string(p.Key()), rec)
	}
	if !p.complete && !p.End() {
		return NotJSON
	}
	if p.other.seen || len(p.other.word) > 0 {
		if bad := p.other.finish(&p, rec); bad == readLog {
			return ""
		} else if bad != "" {
			return bad
		}
	}
	if rec.kind != hayalet.Message {
		rec.data = nil
	}
	switch bad := rec.check(); {
	case p.badKind:
		return BadKind
	case bad != "" && (bad != NoStation || !rec.nameless):
		return bad
	case rec.nameless && rec.data == nil:
		return NoFrame
	case rec.kind == hayalet.Message && !p.directed && !rec.undirect:
		return NoDirection
	case p.badTime:
		return BadTime
	}
	return ""
}

type jsonParser struct {
	jsonread.Reader
	line     []byte
	loc      *time.Location
	complete bool // the last member was taken together with the end of the line
	directed bool
	badTime  bool
	badKind  bool
	other    foreign
}

func (p *jsonParser) member(key string, rec *record) {
	switch key {
	case "ts":
		p.stamp(rec)
	case "station":
		rec.station = p.text()
	case "conn":
		rec.conn = p.text()
	case "seq":
		rec.seq = p.seq()
	case "protocol":
		rec.protocol = p.text()
	case "direction":
		p.direction(rec)
	case "kind":
		p.kind(rec)
	case "frame":
		p.frame(rec)
	case "text":
		rec.data = p.content()
	case "base64":
		if code := p.content(); code != nil {
			rec.data, _ = base64.StdEncoding.AppendDecode([]byte{}, code)
		}
	default:
		p.foreign(key, rec)
	}
}

// content takes a string; nil for a value of another type.
func (p *jsonParser) content() []byte {
	s, ok := p.String()
	if !ok {
		p.Skip()
		return nil
	}
	return s
}

// text takes a string; nil for an empty one too.
func (p *jsonParser) text() []byte {
	if s := p.content(); len(s) > 0 {
		return s
	}
	return nil
}

func (p *jsonParser) stamp(rec *record) {
	if p.Kind() == 'n' {
		p.Skip()
		return
	}
	if count, ok := p.Number(); ok {
		rec.at, ok = parseEpoch(count)
		p.badTime = p.badTime || !ok
		return
	}
	s, ok := p.String()
	if !ok {
		p.Skip()
	} else if len(s) == 0 {
		return
	}
	at, n, ok := parseStamp(s, p.loc)
	if ok && n == len(s) {
		rec.at = at
		return
	}
	p.badTime = true
}

// seq returns 0 for what is no number that a counter can have.
func (p *jsonParser) seq() uint64 {
	digits, ok := p.Number()
	if !ok {
		p.Skip()
		return 0
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (p *jsonParser) direction(rec *record) {
	word := p.text()
	switch string(word) {
	case "in":
		rec.dir, p.directed = hayalet.In, true
	case "out":
		rec.dir, p.directed = hayalet.Out, true
	default:
		p.other.word = word
	}
}

func (p *jsonParser) kind(rec *record) {
	word := p.text()
	if len(word) == 0 {
		return
	}
	kind, err := hayalet.ParseFrameKind(word)
	if err != nil {
		p.badKind = true
		return
	}
	rec.kind = kind
}

// frame takes the message: an array as it stands, a string for what it holds, as some recorders write it.
func (p *jsonParser) frame(rec *record) {
	switch p.Kind() {
	case '[':
		if data := lastArray(p.line[p.Pos():]); data != nil {
			rec.data, p.complete = data, true
			return
		}
		rec.data = p.Skip()
	case 'n':
		p.Skip()
	case '"':
		rec.data, _ = p.String()
	default:
		rec.data = p.Skip()
	}
}

// lastArray returns the array at the beginning of rest, which is the end of a line, when it is certainly the line's last
// member, and nil when a closer look is needed. It saves the walk through the array: whoever decodes it walks again.
//
// A member after the array needs a comma behind the array's bracket, so where only brackets follow brackets there is none.
// A line that was cut short, or two records in one line, has brackets that do not match up to the last one.
func lastArray(rest []byte) []byte {
	array, ok := bytes.CutSuffix(rest, []byte("}"))
	if !ok || len(array) < 2 || array[len(array)-1] != ']' {
		return nil
	}
	depth := 0
	for at := 0; ; {
		n := bytes.IndexByte(array[at:], ']')
		depth += bytes.Count(array[at:at+n], []byte("[")) - 1
		at += n + 1
		if at == len(array) {
			break
		}
		if next := array[at]; depth <= 0 || next != '}' && next != ']' {
			return nil
		}
	}
	if depth != 0 {
		return nil
	}
	return array
}

func trimBlank(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}
