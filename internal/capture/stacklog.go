package capture

import (
	"bytes"
	"time"

	"hayalet"
)

// parseLog reads one line of a log of the Python stack: an optional time, what the logger adds, the station, and
// "receive message" or "send" before the message. The direction is that of the central system's log.
func parseLog(line []byte, loc *time.Location, rec *record) Kind {
	*rec = record{fromLog: true}
	before, dir, data := splitLog(line)
	if data == nil {
		return NoFrame
	}
	rec.dir, rec.data = dir, data
	at, before, ok := cutStamp(before, loc)
	rec.at = at
	rec.station = stationName(before)
	if bad := rec.check(); bad != "" {
		return bad
	}
	if !ok {
		return BadTime
	}
	return ""
}

// splitLog finds the first bracket that a verb of the stack stands before.
func splitLog(line []byte) (before []byte, dir hayalet.Direction, data []byte) {
	for at := 0; ; at++ {
		n := bytes.IndexByte(line[at:], '[')
		if n < 0 {
			return nil, 0, nil
		}
		at += n
		if before, dir, ok := cutVerb(trimBlank(line[:at]), line[at+1:]); ok {
			return before, dir, trimColour(line[at:])
		}
	}
}

// cutVerb takes the verb and the colon before it from the end of b. Without the colon, "send" may be part of a sentence:
// then what follows the bracket must begin as a message does.
func cutVerb(b, inside []byte) (before []byte, dir hayalet.Direction, ok bool) {
	if before, ok = bytes.CutSuffix(b, []byte("receive message")); ok {
		dir = hayalet.In
	} else if before, ok = bytes.CutSuffix(b, []byte("send")); ok {
		dir = hayalet.Out
	} else {
		return nil, 0, false
	}
	if len(before) > 0 && before[len(before)-1] != ' ' && before[len(before)-1] != ':' {
		return nil, 0, false
	}
	before, colon := bytes.CutSuffix(trimBlank(before), []byte(":"))
	if !colon {
		inside = trimBlank(inside)
		ok = len(inside) > 1 && inside[0] >= '2' && inside[0] <= '6' && (inside[1] == ',' || inside[1] == ' ')
	}
	return before, dir, ok
}

// trimColour takes white space and the terminal's colour codes from the end.
func trimColour(b []byte) []byte {
	for {
		b = trimBlank(b)
		esc := bytes.LastIndex(b, []byte("\x1b["))
		if esc < 0 || b[len(b)-1] != 'm' || len(bytes.Trim(b[esc+2:len(b)-1], "0123456789;")) > 0 {
			return b
		}
		b = b[:esc]
	}
}

// cutStamp returns the first time in b and what stands behind it; all of b where there is none. It is not ok when
// something has the shape of a time and is none.
func cutStamp(b []byte, loc *time.Location) (at hayalet.Instant, rest []byte, ok bool) {
	const year = 4
	for i := year; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '-')
		if n < 0 {
			break
		}
		i += n
		from := b[i-year:]
		if at, n, ok := parseStamp(from, loc); ok {
			return at, from[n:], true
		}
		if looksLikeStamp(from) {
			return 0, from[len(stampShape):], false
		}
	}
	return 0, b, true
}

// stationName finds the name at the end of what a logger wrote before a message. Names may hold blanks and colons.
func stationName(b []byte) []byte {
	b = trimColour(b)
	if esc := bytes.LastIndex(b, []byte("\x1b[")); esc >= 0 {
		_, b, _ = bytes.Cut(b[esc:], []byte("m"))
	}
	for _, separator := range []string{" - ", "] ", "| ", ": ", "\t"} {
		if i := bytes.LastIndex(b, []byte(separator)); i >= 0 {
			b = b[i+len(separator):]
		}
	}
	b = cutLevel(cutClock(b))
	return trimBlank(bytes.TrimLeft(b, " -|:,.)]"))
}

// cutClock takes a time of day without a date, which is no time but must not become part of a name.
func cutClock(b []byte) []byte {
	word, rest, ok := bytes.Cut(b, []byte(" "))
	if ok && bytes.Count(word, []byte(":")) == 2 && len(bytes.Trim(word, "0123456789:.,")) == 0 {
		return rest
	}
	return b
}

// inName reports whether c ties a word to a name: "INFO-1" and "CP_ERROR" are stations.
func inName(c byte) bool { return !wordEnd([]byte{c}) || c == '-' || c == '_' || c == '.' }

// cutLevel takes a level's name and what stands before it, and in "INFO:logger:name" the logger too.
func cutLevel(b []byte) []byte {
	for _, level := range []string{"DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL"} {
		i := bytes.Index(b, []byte(level))
		if i < 0 || i > 0 && inName(b[i-1]) || i+len(level) < len(b) && inName(b[i+len(level)]) {
			continue
		}
		b = b[i+len(level):]
		if len(b) > 0 && b[0] == ':' {
			if _, name, ok := bytes.Cut(b[1:], []byte(":")); ok {
				b = name
			}
		}
		break
	}
	return bytes.TrimPrefix(b, []byte("ocpp:"))
}
