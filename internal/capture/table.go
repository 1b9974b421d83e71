package capture

import (
	"bytes"
	"slices"
	"time"

	"hayalet"
)

const (
	maxColumns = 64
	maxHeading = 40 // bytes of a column's name
)

// table is the shape of a CSV file, learnt from its header. A column that is not there has −1.
type table struct {
	sep                                               byte
	columns                                           int
	time, station, direction, message, protocol, conn int
	head                                              []byte // the header itself: it may come again
	scratch                                           []byte
	cells                                             [maxColumns][]byte
}

// tableOf reads a header: it must name a message, and a station or a direction. Nil when the line is none.
func tableOf(line []byte) *table {
	if !bytes.ContainsAny(line, ",;\t") || len(line) > maxColumns*maxHeading {
		return nil
	}
	for _, sep := range []byte(",;\t") {
		if bytes.IndexByte(line, sep) < 0 {
			continue
		}
		t := &table{sep: sep}
		n, ok := t.split(line)
		if !ok {
			continue
		}
		names := make([]string, 0, n)
		for _, cell := range t.cells[:n] {
			if len(cell) > maxHeading || bytes.ContainsAny(cell, "[]{}:") {
				return nil
			}
			names = append(names, string(letters(cell)))
		}
		t.columns = n
		t.name(names)
		if t.message >= 0 && (t.station >= 0 || t.direction >= 0) {
			t.head = bytes.Clone(line)
			return t
		}
	}
	return nil
}

// name finds the columns by their names, which are in lower case and without what is no letter.
func (t *table) name(names []string) {
	t.time = find(names, "timestamp", "time", "ts", "datetime", "date", "receivedat", "createdat", "loggedat", "logtime", "eventtime",
		"messagetime", "at", "zaman", "tarih")
	t.station = find(names, "station", "stationid", "chargepoint", "chargepointid", "chargeboxid", "chargebox", "chargingstation",
		"chargingstationid", "charger", "chargerid", "cp", "cpid", "evcs", "identity", "deviceid", "istasyon", "id")
	t.direction = find(names, "direction", "dir", "messagedirection", "origin", "sender", "from", "source", "yon")
	t.message = find(names, "message", "msg", "frame", "ocppmessage", "rawmessage", "raw", "rawjson", "json", "data", "payload", "content",
		"body", "ileti", "mesaj")
	t.protocol = find(names, "protocol", "subprotocol", "ocppversion", "version")
	t.conn = find(names, "conn", "connection", "connectionid", "session", "sessionid")
}

// find returns the first of the columns that there is, the most certain name first, or −1.
func find(columns []string, names ...string) int {
	for _, name := range names {
		if i := slices.Index(columns, name); i >= 0 {
			return i
		}
	}
	return -1
}

// open reports whether the last cell of a line is quoted and goes on in the next line.
func (t *table) open(line []byte) bool { return bytes.Count(line, []byte(`"`))%2 == 1 }

// parseRow reads one row.
func (t *table) parseRow(line []byte, loc *time.Location, rec *record) Kind {
	*rec = record{nameless: true}
	n, ok := t.split(line)
	if !ok || n != t.columns {
		return BadRow
	}
	cell := func(column int) []byte {
		if column < 0 || len(t.cells[column]) == 0 {
			return nil
		}
		return t.cells[column]
	}
	rec.station, rec.conn, rec.protocol = cell(t.station), cell(t.conn), protocolName(cell(t.protocol))
	rec.data = trimBlank(cell(t.message))
	if len(rec.data) == 0 {
		return NoFrame
	}
	if word := cell(t.direction); word == nil {
		rec.undirect = true
	} else if rec.dir, ok = directionOf(word); !ok {
		return NoDirection
	}
	if max(len(rec.station), len(rec.conn), len(rec.protocol)) > maxName {
		return BadName
	}
	return t.stamp(cell(t.time), loc, rec)
}

func (t *table) stamp(cell []byte, loc *time.Location, rec *record) Kind {
	if len(cell) == 0 {
		return ""
	}
	at, n, ok := parseStamp(cell, loc)
	if !ok || n != len(cell) {
		if at, ok = parseEpoch(cell); !ok {
			return BadTime
		}
	}
	rec.at = at
	return ""
}

// split cuts a row into its cells, which are good until the next call. It is not ok with an open quote or too many cells.
func (t *table) split(line []byte) (n int, ok bool) {
	t.scratch = t.scratch[:0]
	if cap(t.scratch) < len(line) {
		t.scratch = make([]byte, 0, len(line)) // so that cells never move
	}
	for ; n < maxColumns; n++ {
		if n == t.columns-1 && n == t.message && bytes.HasPrefix(line, []byte("[")) { // written without quotes: all of the rest
			t.cells[n] = trimBlank(line)
			return n + 1, true
		}
		cell, rest, more, ok := t.cell(line)
		if !ok {
			return 0, false
		}
		t.cells[n] = cell
		if !more {
			return n + 1, true
		}
		line = rest
	}
	return 0, false
}

// cell takes one cell and the separator behind it; more reports whether there was one.
func (t *table) cell(line []byte) (cell, rest []byte, more, ok bool) {
	line = bytes.TrimLeft(line, " ")
	if len(line) == 0 || line[0] != '"' {
		cell, rest, more = bytes.Cut(line, []byte{t.sep})
		return trimBlank(cell), rest, more, true
	}
	from := len(t.scratch)
	for line = line[1:]; ; {
		end := bytes.IndexByte(line, '"')
		if end < 0 {
			return nil, nil, false, false
		}
		t.scratch = append(t.scratch, line[:end]...)
		line = line[end+1:]
		if len(line) == 0 || line[0] != '"' {
			break
		}
		t.scratch = append(t.scratch, '"')
		line = line[1:]
	}
	cell = t.scratch[from:len(t.scratch):len(t.scratch)]
	line = bytes.TrimLeft(line, " ")
	if len(line) > 0 && line[0] != t.sep {
		return nil, nil, false, false
	}
	if len(line) == 0 {
		return cell, nil, false, true
	}
	return cell, line[1:], true, true
}

// protocolName returns the subprotocol for a version number, and everything else as it is.
func protocolName(version []byte) []byte {
	switch string(version) {
	case "":
		return nil
	case "1.6", "16", "1.6J", "OCPP1.6", "OCPP 1.6":
		return []byte(hayalet.OCPP16)
	case "2.0.1", "201", "OCPP2.0.1", "OCPP 2.0.1":
		return []byte(hayalet.OCPP201)
	case "2.1", "21", "OCPP2.1", "OCPP 2.1":
		return []byte(hayalet.OCPP21)
	}
	return version
}
