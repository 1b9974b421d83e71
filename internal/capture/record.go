package capture

import "hayalet"

// record is what one line says, before names are kept and numbers given. The slices point into the line.
type record struct {
	station  []byte
	conn     []byte // nil: derive one
	protocol []byte
	data     []byte
	seq      uint64 // 0: count
	at       hayalet.Instant
	dir      hayalet.Direction
	kind     hayalet.FrameKind
	fromLog  bool // dir is that of the central system's own log, not yet certain
	nameless bool // the format need not name a station: one may be filled in
	undirect bool // the format need not name a direction: it may be told by content
}

// copyTo moves the slices to the end of b.
func (r *record) copyTo(b []byte) []byte {
	for _, s := range []*[]byte{&r.station, &r.conn, &r.protocol, &r.data} {
		if *s == nil {
			continue
		}
		from := len(b)
		b = append(b, *s...)
		*s = b[from:len(b):len(b)]
	}
	return b
}

// check returns what keeps the record from being a frame.
func (r *record) check() Kind {
	switch {
	case len(r.station) == 0:
		return NoStation
	case max(len(r.station), len(r.conn), len(r.protocol)) > maxName:
		return BadName
	case r.kind == hayalet.Message && r.data == nil:
		return NoFrame
	}
	return ""
}
