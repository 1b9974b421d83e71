package capture

import (
	"bytes"

	"hayalet"
)

// foreign is what a JSON line says in the words of others: a record of Open OCPP Trace, an entry of a log of JSON lines, an
// event of a debugging tool.
type foreign struct {
	seen    bool
	kind    []byte // messageType: CALL, CALLRESULT or CALLERROR
	id      []byte
	action  []byte
	payload []byte
	raw     []byte
	code    []byte
	about   []byte // of an error
	details []byte
	message []byte // an array, verbatim
	text    []byte // a line of a log within a JSON line
	soap    bool
	word    []byte // of the direction
}

// foreign takes a member that is none of our own.
func (p *jsonParser) foreign(key string, rec *record) {
	x := &p.other
	switch key {
	case "timestamp", "time", "@timestamp":
		if rec.at.IsZero() {
			p.stamp(rec)
			return
		}
		p.Skip()
	case "chargePointId", "stationId", "chargeBoxId":
		rec.station = p.text()
	case "ocppVersion":
		rec.protocol = protocolName(p.text())
	case "messageType":
		x.kind = p.text()
	case "messageId":
		if p.Kind() == '"' {
			x.id = p.Skip()
		} else {
			p.Skip()
		}
	case "action":
		if p.Kind() == '"' {
			x.action = p.Skip()
		} else {
			p.Skip()
		}
	case "payload":
		x.payload = p.Skip()
	case "raw":
		x.raw = p.text()
	case "error":
		p.fault()
	case "transport":
		x.soap = string(p.text()) == "soap"
	case "meta":
		p.meta(rec)
	case "message", "msg", "log":
		if p.Kind() == '[' {
			x.message = p.Skip()
		} else {
			x.text = p.text()
		}
	default:
		p.Skip()
		return
	}
	x.seen = true
}

func (p *jsonParser) fault() {
	if !p.Object() {
		p.Skip()
		return
	}
	for p.More() {
		switch key := string(p.Key()); {
		case key == "code" && p.Kind() == '"':
			p.other.code = p.Skip()
		case key == "description" && p.Kind() == '"':
			p.other.about = p.Skip()
		case key == "details":
			p.other.details = p.Skip()
		default:
			p.Skip()
		}
	}
}

// meta takes back what our own writer of traces leaves there.
func (p *jsonParser) meta(rec *record) {
	if !p.Object() {
		p.Skip()
		return
	}
	for p.More() {
		switch string(p.Key()) {
		case "conn":
			rec.conn = p.text()
		case "seq":
			rec.seq = p.seq()
		case "protocol":
			rec.protocol = p.text()
		default:
			p.Skip()
		}
	}
}

// finish makes the record whole from the words of others. A record that is our own is left as it is.
func (x *foreign) finish(p *jsonParser, rec *record) Kind {
	if !p.directed && len(x.word) > 0 {
		rec.dir, p.directed = directionOf(x.word)
	}
	if rec.data != nil || rec.kind != hayalet.Message {
		return ""
	}
	switch {
	case x.soap:
		return NotJSONFrame
	case x.kind != nil:
		rec.data = x.compose()
	case x.message != nil:
		rec.data = x.message
		rec.undirect = !p.directed
	case x.text != nil:
		return x.logged(p, rec)
	default:
		return ""
	}
	rec.nameless = true
	return ""
}

// logged reads a line of a log that stands within a JSON line, with its own time where it has one.
func (x *foreign) logged(p *jsonParser, rec *record) Kind {
	at, badTime := rec.at, p.badTime
	bad := parseLog(trimBlank(bytes.TrimRight(x.text, "\n")), p.loc, rec)
	if rec.at.IsZero() {
		rec.at = at
		if badTime && bad == "" {
			bad = BadTime
		}
	}
	p.directed, p.badTime = true, false
	if bad == "" {
		bad = readLog
	}
	return bad
}

// compose returns the message of a trace's record: verbatim where it was kept, else built of its parts.
func (x *foreign) compose() []byte {
	if x.raw != nil {
		return x.raw
	}
	if x.id == nil {
		return nil
	}
	body := x.payload
	if body == nil {
		body = []byte("{}")
	}
	switch string(x.kind) {
	case "CALL":
		if x.action == nil {
			return nil
		}
		return array("2", x.id, x.action, body)
	case "CALLRESULT":
		return array("3", x.id, body)
	case "CALLERROR":
		if x.code == nil {
			return nil
		}
		about, details := x.about, x.details
		if about == nil {
			about = []byte(`""`)
		}
		if details == nil {
			details = []byte("{}")
		}
		return array("4", x.id, x.code, about, details)
	}
	return nil
}

func array(kind string, members ...[]byte) []byte {
	b := append([]byte{'['}, kind...)
	for _, m := range members {
		b = append(b, ',')
		b = append(b, m...)
	}
	return append(b, ']')
}
