// Package tolerant reads members of a JSON object that may be of another type than the standard says.
//
// Its types never fail to unmarshal: a member of the wrong type is an unset field and hides no other. [Unmarshal] forgives
// what other parsers forgive too.
//
// It is for payloads alone; it knows no message of OCPP.
package tolerant

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Unmarshal reads a payload into a struct of this package's types. Of members written twice the last counts, and what is
// not UTF-8 becomes U+FFFD. It fails only for what is no JSON object.
func Unmarshal(payload []byte, to any) error {
	return json.Unmarshal(payload, to, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

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

// Object is a member that should be an object. Anything else is unset. The members of T are of this package's types.
type Object[T any] struct {
	Value T
	IsSet bool // an object was written
}

// UnmarshalJSONFrom never fails on valid JSON.
func (o *Object[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*o = Object[T]{IsSet: d.PeekKind() == '{'}
	if !o.IsSet {
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &o.Value)
}

// List is a member that should be an array of objects. What is no object in it is left out, and one object that stands for
// an array of one is read as such.
type List[T any] []T

// UnmarshalJSONFrom never fails on valid JSON.
func (l *List[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*l = nil
	if d.PeekKind() != '[' {
		return l.add(d)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := l.add(d); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (l *List[T]) add(d *jsontext.Decoder) error {
	var o Object[T]
	err := o.UnmarshalJSONFrom(d)
	if err == nil && o.IsSet {
		*l = append(*l, o.Value)
	}
	return err
}
