package v16

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Text is a string as a station wrote it: "A1", but also 42 or true without quotes. Objects, arrays and null are unset.
type Text string

// UnmarshalJSON never fails.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = Text(scalar(b))
	return nil
}

// Integer is a whole number as a station wrote it: 10, 10.0, "10" or 1e1.
type Integer struct {
	Value int64 // cut to the whole where a fraction was written
	Valid bool  // a whole number was written
}

// UnmarshalJSON never fails.
func (i *Integer) UnmarshalJSON(b []byte) error {
	*i = parseInteger(strings.TrimSpace(scalar(b)))
	return nil
}

func parseInteger(s string) Integer {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Integer{Value: n, Valid: true}
	}
	const exact = 1 << 53 // beyond it a float64 may be another number than the one written
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(math.Abs(f) <= exact) { // not a number compares false
		return Integer{}
	}
	whole := math.Trunc(f)
	return Integer{Value: int64(whole), Valid: whole == f}
}

// scalar is the content of a string, or the text of a number or boolean; "" for anything else.
func scalar(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case b[0] == '"':
		text, _ := jsontext.AppendUnquote(nil, b) // bad UTF-8 is replaced, and only that is its error here
		return string(text)
	case b[0] == '{' || b[0] == '[' || string(b) == "null":
		return ""
	}
	return string(b)
}
