package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"hayalet"
)

// line is a frame as frames.jsonl has it: hayalet's JSONL with the frame's position. A message stands verbatim where it can
// be a part of the line, else as a text, and as Base64 where it is no text.
type line struct {
	At        hayalet.Instant  `json:"ts"`
	Station   string           `json:"station"`
	Conn      string           `json:"conn"`
	Seq       uint64           `json:"seq"`
	Pos       uint64           `json:"pos"`
	Protocol  hayalet.Protocol `json:"protocol,omitempty"`
	Kind      string           `json:"kind,omitempty"` // none: a message
	Direction string           `json:"direction"`
	Frame     json.RawMessage  `json:"frame,omitempty"`
	Text      *string          `json:"text,omitempty"`
	Base64    []byte           `json:"base64,omitempty"`
}

var errLine = errors.New("it cannot be written so that it reads back")

// appendLine appends the frame's line, which ends with a line feed. What would not read back as it was is an error.
func appendLine(b []byte, f *hayalet.Frame) ([]byte, error) {
	l := line{
		At: f.At, Station: string(f.Station), Conn: string(f.Conn), Seq: f.Seq, Pos: f.Pos, Protocol: f.Protocol, Direction: f.Dir.String(),
	}
	switch {
	case !utf8.ValidString(l.Station + l.Conn + string(l.Protocol)):
		return b, errLine
	case f.Kind != hayalet.Message:
		l.Kind = f.Kind.String()
	case verbatim(f.Data):
		return l.around(b, f.Data)
	case utf8.Valid(f.Data):
		l.Text = new(string(f.Data))
	default:
		l.Base64 = f.Data
	}
	return l.around(b, nil)
}

// around appends the line with the message as its last member. The encoder would rewrite it.
func (l *line) around(b, message []byte) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(l); err != nil {
		return b, fmt.Errorf("%w: %v", errLine, err)
	}
	text := bytes.TrimSuffix(out.Bytes(), []byte("}\n"))
	b = append(b, text...)
	if message != nil {
		b = append(append(b, `,"frame":`...), message...)
	}
	return append(b, "}\n"...), nil
}

// verbatim reports whether a message can stand in a line as it is: JSON with nothing around it, and no line feed in it.
func verbatim(data []byte) bool {
	return len(data) > 0 && (data[0] == '[' || data[0] == '{') && data[len(data)-1] > ' ' &&
		bytes.IndexByte(data, '\n') < 0 && utf8.Valid(data) && json.Valid(data)
}

// readLine reads what appendLine appended.
func readLine(text []byte) (f hayalet.Frame, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return f, err
	}
	f = hayalet.Frame{Station: hayalet.StationID(l.Station), Conn: hayalet.ConnID(l.Conn), Seq: l.Seq, Pos: l.Pos, At: l.At, Protocol: l.Protocol}
	if f.Dir, err = hayalet.ParseDirection(l.Direction); err != nil {
		return f, err
	}
	if l.Kind != "" {
		if f.Kind, err = hayalet.ParseFrameKind(l.Kind); err != nil {
			return f, err
		}
	}
	switch {
	case f.Kind != hayalet.Message:
	case l.Frame != nil:
		f.Data = l.Frame
	case l.Text != nil:
		f.Data = []byte(*l.Text)
	default:
		f.Data = l.Base64
	}
	return f, nil
}
