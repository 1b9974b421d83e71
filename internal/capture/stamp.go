package capture

import (
	"bytes"
	"strconv"
	"time"

	"hayalet"
)

// appendStamp appends RFC 3339 in UTC with six decimals, in quotes, or null for an unknown time and for one that RFC 3339
// cannot write.
func appendStamp(b []byte, at hayalet.Instant) []byte {
	if t := at.Time(); !at.IsZero() && t.Year() >= 0 && t.Year() <= 9999 {
		return t.AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
	}
	return append(b, "null"...)
}

// stampShape is what a time begins with; 0 stands for a digit, T for the letter or a blank, - for itself or a slash.
const stampShape = "0000-00-00T00:00:00"

// looksLikeStamp reports whether b begins with a date and a time of day, whatever their numbers.
func looksLikeStamp(b []byte) bool {
	if len(b) < len(stampShape) {
		return false
	}
	for i, want := range []byte(stampShape) {
		switch c := b[i]; want {
		case '0':
			if !isDigit(c) {
				return false
			}
		case 'T':
			if c != 'T' && c != ' ' && c != 't' && c != '\t' {
				return false
			}
		case '-':
			if c != '-' && c != '/' {
				return false
			}
		default:
			if c != want {
				return false
			}
		}
	}
	return true
}

// parseStamp reads the time at the beginning of b and returns its length. It takes RFC 3339 and the usual forms of logs:
// a blank for the T, a comma for the point, slashes in the date, a zone without colon or after a blank, no zone at all:
// then loc holds.
// Digits after the microsecond are dropped.
func parseStamp(b []byte, loc *time.Location) (at hayalet.Instant, n int, ok bool) {
	if !looksLikeStamp(b) {
		return 0, 0, false
	}
	n = len(stampShape)
	if n+1 < len(b) && (b[n] == '.' || b[n] == ',') && isDigit(b[n+1]) {
		for n++; n < len(b) && isDigit(b[n]); n++ {
		}
	}
	const kept = 32 // of the time without its zone: more decimals than anybody reads
	var buf [kept + len("+00:00")]byte
	text := append(buf[:0], b[:min(n, kept)]...)
	text[4], text[7] = '-', '-'
	if text[10] == '\t' {
		text[10] = ' '
	}
	zone, end := zoneAt(b, n)
	at, zoned, ok := hayalet.ParseInstant(append(text, zone...))
	if !ok {
		return 0, 0, false
	}
	if !zoned && loc != time.UTC {
		t := at.Time()
		at = hayalet.InstantOf(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc))
	}
	return at, end, true
}

// zoneAt finds Z, +hh, +hhmm or +hh:mm at i, also after one blank. It returns nothing and i where there is none.
func zoneAt(b []byte, i int) (zone []byte, end int) {
	z := bytes.TrimPrefix(b[i:], []byte(" "))
	n := 0
	switch {
	case len(z) > 0 && z[0]|0x20 == 'z':
		n = 1
	case len(z) >= 3 && (z[0] == '+' || z[0] == '-') && isDigit(z[1]) && isDigit(z[2]):
		n = 3
		rest := bytes.TrimPrefix(z[3:], []byte(":"))
		if len(rest) >= 2 && isDigit(rest[0]) && isDigit(rest[1]) {
			n = len(z) - len(rest) + 2
		}
	}
	if n == 0 || !wordEnd(z[n:]) {
		return nil, i
	}
	return z[:n], len(b) - len(z) + n
}

// wordEnd reports whether b begins with something that cannot belong to a number or a word before it.
func wordEnd(b []byte) bool {
	return len(b) == 0 || !isDigit(b[0]) && (b[0]|0x20 < 'a' || b[0]|0x20 > 'z')
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseEpoch reads a count since 1970: of seconds, milliseconds, microseconds or nanoseconds, told by the digits before its
// point. What is finer than a microsecond is dropped.
func parseEpoch(b []byte) (hayalet.Instant, bool) {
	const micros = 16 // digits of a count of microseconds
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	switch len(whole) {
	case 10, 13, 16, 19:
	default:
		return 0, false
	}
	digits := append(append(make([]byte, 0, 2*micros), whole...), fraction[:min(len(fraction), micros)]...)
	for len(digits) < micros {
		digits = append(digits, '0')
	}
	n, err := strconv.ParseInt(string(digits[:micros]), 10, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	return hayalet.Instant(n), true
}
