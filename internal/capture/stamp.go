package capture

import (
	"bytes"
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

// stampShape is what a time begins with; 0 stands for a digit, T for the letter or a blank.
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
			if c != 'T' && c != ' ' && c != 't' {
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
// a blank for the T, a comma for the point, a zone without colon or after a blank, no zone at all: then loc holds.
// Digits after the microsecond are dropped.
func parseStamp(b []byte, loc *time.Location) (at hayalet.Instant, n int, ok bool) {
	if !looksLikeStamp(b) {
		return 0, 0, false
	}
	year, month, day := two(b)*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, 0, false
	}
	micro, n := fraction(b, len(stampShape))
	offset, n, zoned := zone(b, n)
	if zoned {
		loc = time.UTC
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, loc)
	return hayalet.Instant((t.Unix()-int64(offset))*1e6 + int64(micro)), n, true
}

// fraction reads the decimals of a second at i, if there are any.
func fraction(b []byte, i int) (micro, end int) {
	if i+1 >= len(b) || b[i] != '.' && b[i] != ',' || !isDigit(b[i+1]) {
		return 0, i
	}
	i++
	digits := 0
	for ; i < len(b) && isDigit(b[i]); i++ {
		if digits < 6 {
			micro = micro*10 + int(b[i]-'0')
			digits++
		}
	}
	for ; digits < 6; digits++ {
		micro *= 10
	}
	return micro, i
}

// zone reads Z, +hh, +hhmm or +hh:mm at i, also after one blank, and returns the offset in seconds.
func zone(b []byte, i int) (offset, end int, ok bool) {
	z := bytes.TrimPrefix(b[i:], []byte(" "))
	hours, minutes, n := 0, 0, 1
	switch {
	case len(z) > 0 && z[0]|0x20 == 'z':
	case len(z) >= 3 && (z[0] == '+' || z[0] == '-') && isDigit(z[1]) && isDigit(z[2]):
		hours, n = two(z[1:]), 3
		rest := bytes.TrimPrefix(z[3:], []byte(":"))
		if len(rest) >= 2 && isDigit(rest[0]) && isDigit(rest[1]) {
			minutes, n = two(rest), len(z)-len(rest)+2
		}
	default:
		n = 0
	}
	if n == 0 || hours > 23 || minutes > 59 || !wordEnd(z[n:]) {
		return 0, i, false
	}
	offset = (hours*60 + minutes) * 60
	if z[0] == '-' {
		offset = -offset
	}
	return offset, len(b) - len(z) + n, true
}

// wordEnd reports whether b begins with something that cannot belong to a number or a word before it.
func wordEnd(b []byte) bool {
	return len(b) == 0 || !isDigit(b[0]) && (b[0]|0x20 < 'a' || b[0]|0x20 > 'z')
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func two(b []byte) int { return int(b[0]-'0')*10 + int(b[1]-'0') }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
