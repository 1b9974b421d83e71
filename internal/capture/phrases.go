package capture

import (
	"bytes"

	"hayalet"
	"hayalet/internal/jsonread"
)

// sighting is a message, or a fact about a connection, found in a line of a log.
type sighting struct {
	before   []byte // the line up to the phrase: the time, the level, the logger
	station  []byte
	conn     []byte
	data     []byte
	dir      hayalet.Direction
	kind     hayalet.FrameKind
	control  bool // kind tells all
	python   bool // the station stands at the end of before
	relative bool // dir is that of a central system; whose log it is must be found out
	nameless bool // the phrase names no station
}

// maxTries is at how many brackets of a line that begin a message a phrase with a name is looked for. Each look may go back
// over the whole line.
const maxTries = 8

// findMessage finds the first bracket of the line that the phrase of a known program stands before.
func findMessage(line []byte) sighting {
	tries := 0
	for at := 0; ; at++ {
		n := bytes.IndexByte(line[at:], '[')
		if n < 0 {
			return controlOf(line)
		}
		at += n
		before := trimBlank(line[:at])
		if len(before) == 0 {
			continue
		}
		var s sighting
		var ok bool
		switch before[len(before)-1] {
		case 'e', 'd': // receive message, send
			s, ok = pythonPhrase(before, line[at+1:])
		case ':', '=':
			if !beginsMessage(line[at+1:]) {
				continue
			}
			if tries++; tries > maxTries {
				return controlOf(line)
			}
			s, ok = colonPhrase(before)
		}
		if ok {
			s.data = messageOf(line[at:])
			return s
		}
	}
}

// pythonPhrase reads the words of mobilityhouse/ocpp: "CP_1: receive message" and "CP_1: send". Without the colon, "send" may be
// part of a sentence: then what follows the bracket must begin as a message does.
func pythonPhrase(b, inside []byte) (s sighting, ok bool) {
	s = sighting{python: true, relative: true}
	switch {
	case bytes.HasSuffix(b, []byte("receive message")):
		s.before = b[:len(b)-len("receive message")]
	case bytes.HasSuffix(b, []byte("send")):
		s.before, s.dir = b[:len(b)-len("send")], hayalet.Out
	default:
		return s, false
	}
	if n := len(s.before); n > 0 && s.before[n-1] != ' ' && s.before[n-1] != ':' {
		return s, false
	}
	before, colon := bytes.CutSuffix(trimBlank(s.before), []byte(":"))
	s.before = before
	return s, colon || beginsMessage(inside)
}

// lastWords are the words that stand directly before a message and a colon or an equals sign.
var lastWords = []struct {
	word string
	dir  hayalet.Direction
	core bool // of OCPP.Core: its own end is known
}{
	{"Received message", hayalet.In, false},
	{"Received", hayalet.In, false},
	{"Sending", hayalet.Out, false},
	{"SendOcppMessage", hayalet.Out, true},
	{"ReceiveOcppMessage", hayalet.In, true},
	{"Msg", hayalet.In, true},
	{"Rx", hayalet.In, false},
	{"Tx", hayalet.Out, false},
}

// verbs are the words that a station's name and a colon follow before a message: evcc's and those of ocpp-go.
var verbs = []struct {
	words string
	dir   hayalet.Direction
}{
	{"received JSON message from ", hayalet.In},
	{"sent JSON message to ", hayalet.Out},
	{"recv ", hayalet.In},
	{"send ", hayalet.Out},
	{"sent ", hayalet.Out},
}

// colonPhrase reads "[chargeBoxId=CP_1, sessionId=x] Received:" (SteVe), "recv CP_1:" (evcc), "sent JSON message to CP_1:"
// (ocpp-go), "SendOcppMessage:" (OCPP.Core), and the last words alone, as some programs write them.
func colonPhrase(b []byte) (s sighting, ok bool) {
	colon := b[len(b)-1] == ':'
	b = trimBlank(b[:len(b)-1])
	for i := range lastWords {
		w := &lastWords[i]
		before, found := bytes.CutSuffix(b, []byte(w.word))
		if !found || len(before) > 0 && inName(before[len(before)-1]) {
			continue
		}
		if s, ok = chargeBox(trimBlank(before)); !ok {
			s = sighting{before: before, nameless: true, relative: !w.core}
		}
		s.dir = w.dir
		return s, true
	}
	if colon {
		return verbPhrase(b)
	}
	return s, false
}

// verbPhrase finds the verb before a station's name at the end of b.
func verbPhrase(b []byte) (s sighting, ok bool) {
	for i := range verbs {
		v := &verbs[i]
		at := bytes.LastIndex(b, []byte(v.words))
		if at < 0 || at > 0 && inName(b[at-1]) {
			continue
		}
		s = sighting{before: b[:at], station: trimBlank(b[at+len(v.words):]), dir: v.dir}
		if string(s.station) == "server" && len(v.words) > len("recv ") { // ocpp-go at the station's end
			s.station, s.nameless = nil, true
			s.dir = hayalet.Out - s.dir
		}
		return s, s.nameless || len(s.station) > 0
	}
	return s, false
}

// chargeBox reads what SteVe writes before each of its sentences.
func chargeBox(b []byte) (s sighting, ok bool) {
	const first, second = "[chargeBoxId=", "sessionId="
	at := bytes.LastIndex(b, []byte(first))
	if at < 0 || b[len(b)-1] != ']' {
		return s, false
	}
	names := b[at+len(first) : len(b)-1]
	mid := bytes.LastIndex(names, []byte(second))
	if mid < 0 {
		return s, false
	}
	station, ok := bytes.CutSuffix(trimBlank(names[:mid]), []byte(","))
	s = sighting{before: b[:at], station: station}
	if conn := names[mid+len(second):]; len(conn) > 0 {
		s.conn = conn
	}
	return s, ok
}

// controlOf reads SteVe's sentences on a connection.
func controlOf(line []byte) (s sighting) {
	const verb = "] Connection is "
	at := bytes.LastIndex(line, []byte(verb))
	if at < 0 {
		return s
	}
	s, ok := chargeBox(line[:at+1])
	if !ok {
		return sighting{}
	}
	switch word := line[at+len(verb):]; {
	case bytes.HasPrefix(word, []byte("established")):
		s.kind, s.control = hayalet.ConnOpen, true
	case bytes.HasPrefix(word, []byte("closed")):
		s.kind, s.control = hayalet.ConnClose, true
	}
	return s
}

// beginsMessage reports whether b, which follows a bracket, begins as a message does: with its type and a comma.
func beginsMessage(b []byte) bool {
	b = trimBlank(b)
	return len(b) > 1 && b[0] >= '2' && b[0] <= '6' && (b[1] == ',' || b[1] == ' ' || b[1] == '\t')
}

// messageOf cuts away what a logger wrote behind the message, and resolves the escapes of loggers that quote it.
func messageOf(b []byte) []byte {
	if len(b) > len(`[2,\"`) && b[2] == ',' && b[3] == '\\' && b[4] == '"' {
		return unquoted(b)
	}
	b = trimColour(b)
	if len(b) > 0 && b[len(b)-1] == ']' {
		return b
	}
	var n nesting
	if end := n.feed(b); end >= 0 && end < len(b) && bytes.IndexByte([]byte(" \t\"')"), b[end]) >= 0 {
		return b[:end]
	}
	return b
}

// unquoted reads a message from within a quoted string, as in msg="received JSON message from CP_1: [2,\"a\",…]".
func unquoted(b []byte) []byte {
	text := append([]byte{'"'}, b...)
	if !bytes.HasSuffix(b, []byte(`"`)) {
		text = append(text, '"')
	}
	r := jsonread.New(text)
	if s, ok := r.String(); ok {
		return s
	}
	return b
}
