package capture

import (
	"bytes"
	"path/filepath"
	"strings"
	"time"

	"hayalet"
)

// dump is what the name of a file says that holds one message and nothing else, as OCPP.Core writes them:
// 2025-01-02_10-11-12-1234_ocpp16-in.txt.
type dump struct {
	is     bool
	at     hayalet.Instant
	dir    hayalet.Direction
	folder string // takes the place of the station and names the connection
}

// dumpShape is what such a name begins with; 0 stands for a digit.
const dumpShape = "0000-00-00_00-00-00-"

func dumpOf(name string, loc *time.Location) (d dump) {
	base := filepath.Base(name)
	if len(base) <= len(dumpShape) {
		return d
	}
	for i, want := range []byte(dumpShape) {
		if c := base[i]; want == '0' && !isDigit(c) || want != '0' && c != want {
			return d
		}
	}
	stem, _, _ := strings.Cut(base, ".")
	switch {
	case strings.HasSuffix(stem, "-in"):
	case strings.HasSuffix(stem, "-out"):
		d.dir = hayalet.Out
	default:
		return d
	}
	fraction, _, _ := strings.Cut(stem[len(dumpShape):], "_")
	stamp := []byte(base[:10] + " " + strings.ReplaceAll(base[11:19], "-", ":") + "." + fraction)
	at, n, ok := parseStamp(stamp, loc)
	if !ok || n != len(stamp) {
		return d
	}
	d.is, d.at = true, at
	if d.folder = filepath.Base(filepath.Dir(name)); d.folder == "." || d.folder == string(filepath.Separator) {
		d.folder = "dump"
	}
	return d
}

// parse reads the message of a dump.
func (d *dump) parse(line []byte, rec *record) Kind {
	if !bytes.HasPrefix(line, []byte("[")) {
		return NoFrame
	}
	*rec = record{at: d.at, dir: d.dir, data: line, nameless: true}
	return ""
}
