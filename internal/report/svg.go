package report

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

// svg writes elements of a picture. Coordinates have one decimal; every text is escaped.
type svg struct{ b bytes.Buffer }

// raw writes markup of ours.
func (s *svg) raw(parts ...string) {
	for _, part := range parts {
		s.b.WriteString(part)
	}
}

// escaped writes text that may come from anywhere; what XML cannot hold becomes U+FFFD.
func (s *svg) escaped(text string) {
	_ = xml.EscapeText(&s.b, []byte(text)) // a bytes.Buffer takes everything
}

// element writes <name class="…" k="v" …/> with numbers as attributes.
func (s *svg) element(name, class string, attrs ...attr) {
	s.open(name, class, attrs...)
	s.raw("/>\n")
}

func (s *svg) open(name, class string, attrs ...attr) {
	s.raw("<", name, ` class="`, class, `"`)
	for _, a := range attrs {
		s.raw(" ", a.name, `="`, number(a.value), `"`)
	}
}

type attr struct {
	name  string
	value float64
}

func (s *svg) rect(class string, x, y, w, h float64) {
	s.element("rect", class, attr{"x", x}, attr{"y", y}, attr{"width", max(w, 0)}, attr{"height", max(h, 0)})
}

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	s.element("line", class, attr{"x1", x1}, attr{"y1", y1}, attr{"x2", x2}, attr{"y2", y2})
}

// text writes a text; class begin, middle or end among the classes is its anchor.
func (s *svg) text(class string, x, y float64, text string) {
	s.open("text", class, attr{"x", x}, attr{"y", y})
	s.raw(">")
	s.escaped(text)
	s.raw("</text>\n")
}

// dot writes a circle that tells its reading to a pointer.
func (s *svg) dot(class string, x, y, r float64, title string) {
	s.open("circle", class, attr{"cx", x}, attr{"cy", y}, attr{"r", r})
	s.raw("><title>")
	s.escaped(title)
	s.raw("</title></circle>\n")
}

// path writes a path of ours.
func (s *svg) path(class, d string) {
	s.raw(`<path class="`, class, `" d="`, d, "\"/>\n")
}

// number writes a coordinate.
func number(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// textWidth is about how wide a text is in the sans-serif of a reader's machine; rather too wide than too narrow.
func textWidth(text string, size float64) float64 {
	return float64(utf8.RuneCountInString(text)) * size * 0.57
}

// boldWidth is about how wide a bold text is.
func boldWidth(text string, size float64) float64 { return 1.12 * textWidth(text, size) }
