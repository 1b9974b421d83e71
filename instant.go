package hayalet

import (
	"strconv"
	"time"
)

// Instant is a point in time: microseconds since the Unix epoch, UTC. Zero means unknown.
//
// A frame's receipt time is truncated to microseconds once, at the tap, so that a recorded frame and a live one carry
// the same time to the last digit.
type Instant int64

// InstantOf truncates t to microseconds. The zero time is the unknown instant.
func InstantOf(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMicro())
}

// Time returns the instant in UTC; the unknown instant is the zero time.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(i)).UTC()
}

// IsZero reports whether the instant is unknown.
func (i Instant) IsZero() bool { return i == 0 }

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d/time.Microsecond) }

// Sub returns i − j.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Microsecond }

// String is RFC 3339 in UTC with microseconds, or "" when unknown.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return i.Time().Format("2006-01-02T15:04:05.999999Z07:00")
}

// MarshalJSON writes RFC 3339 in UTC, or null when unknown.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i == 0 {
		return []byte("null"), nil
	}
	return []byte(strconv.Quote(i.String())), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Instant) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*i = 0
		return nil
	}
	var t time.Time
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*i = InstantOf(t)
	return nil
}

// lastSecond is the end of the year 9999: RFC 3339 has no way to write a later one.
const lastSecond = 253_402_300_799

// ParseInstant reads a date and time in the forms that stations and logs write: RFC 3339 with any number of decimals, with
// a blank for the T, with a comma for the point, with or without a zone (zoned tells which; without one the time is
// taken for UTC). It refuses impossible dates (0000-00-00).
func ParseInstant[T ~string | ~[]byte](s T) (at Instant, zoned, ok bool) {
	if len(s) < 16 || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[10] != 'T' && s[10] != ' ' && s[10] != 't' {
		return 0, false, false
	}
	year, ok1 := digits(s, 0, 4)
	month, ok2 := digits(s, 5, 2)
	day, ok3 := digits(s, 8, 2)
	hour, ok4 := digits(s, 11, 2)
	minute, ok5 := digits(s, 14, 2)
	if !(ok1 && ok2 && ok3 && ok4 && ok5) || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 {
		return 0, false, false
	}
	i, second, micros := 16, 0, 0
	if i < len(s) && s[i] == ':' {
		if second, ok = digits(s, 17, 2); !ok || second > 60 {
			return 0, false, false
		}
		i = 19
		if i < len(s) && (s[i] == '.' || s[i] == ',') {
			i++
			scale := 100_000
			for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
				micros += int(s[i]-'0') * scale
				scale /= 10
			}
		}
	}
	offset, zoned, ok := parseZone(s[i:])
	if !ok {
		return 0, false, false
	}
	seconds := daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second-offset)
	if seconds > lastSecond {
		return 0, false, false
	}
	return Instant(seconds*1_000_000 + int64(micros)), zoned, true
}

// parseZone reads the rest of a time: nothing, Z, ±hh:mm, ±hhmm or ±hh; the offset is in seconds east of UTC.
func parseZone[T ~string | ~[]byte](s T) (offset int, zoned, ok bool) {
	if len(s) == 0 {
		return 0, false, true
	}
	if len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false, false
	}
	hours, ok := digits(s, 1, 2)
	minutes := 0
	switch {
	case !ok || hours > 23:
		return 0, false, false
	case len(s) == 6 && s[3] == ':':
		minutes, ok = digits(s, 4, 2)
	case len(s) == 5:
		minutes, ok = digits(s, 3, 2)
	case len(s) != 3:
		return 0, false, false
	}
	if !ok || minutes > 59 {
		return 0, false, false
	}
	offset = hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

func digits[T ~string | ~[]byte](s T, i, n int) (int, bool) {
	if i+n > len(s) {
		return 0, false
	}
	v := 0
	for _, c := range []byte(s[i : i+n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days of the proleptic Gregorian calendar: years are taken to begin in March, so that the leap day
// is the last of its year.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	dayOfYear := (153*(month-3) + 2) / 5
	return int64(365*year+year/4-year/100+year/400+dayOfYear+day-1) - 719468
}
