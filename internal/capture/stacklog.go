package capture

import (
	"bytes"
	"time"

	"hayalet"
)

// parseLog reads one line of a program's log: an optional time, what the logger adds, and one of the phrases of
// phrases.go before the message.
func parseLog(line []byte, loc *time.Location, rec *record) Kind {
	*rec = record{}
	s := findMessage(line)
	if s.data == nil && !s.control {
		return NoFrame
	}
	*rec = record{
		station: s.station, conn: s.conn, data: s.data, dir: s.dir, kind: s.kind, fromLog: s.relative, nameless: s.nameless,
	}
	at, before, ok := cutStamp(s.before, loc)
	rec.at = at
	if s.python {
		rec.station = stationName(before)
	}
	if bad := rec.check(); bad != "" && (bad != NoStation || !rec.nameless) {
		return bad
	}
	if !ok {
		return BadTime
	}
	return ""
}

// trimColour takes white space and the terminal's colour codes from the end.
func trimColour(b []byte) []byte {
	for {
		b = trimBlank(b)
		if len(b) == 0 || b[len(b)-1] != 'm' {
			return b
		}
		esc := bytes.LastIndex(b, []byte("\x1b["))
		if esc < 0 || len(bytes.Trim(b[esc+2:len(b)-1], "0123456789;")) > 0 {
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
		n := bytes.IndexAny(b[i:], "-/")
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
		b = bytes.TrimPrefix(trimBlank(b), []byte("ocpp ")) // the logger of the stack
		break
	}
	return bytes.TrimPrefix(b, []byte("ocpp:"))
}
