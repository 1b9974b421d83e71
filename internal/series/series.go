// Package series packs the canonical readings of a station into bytes, and reads them back.
//
// A [Packer] keeps every point that it is told to, and of the others those at which a value changes: the last of a stretch
// of equal values and the first of the next. What it packs between two calls of Take stands alone.
package series

import (
	"encoding/binary"
	"errors"
	"time"

	"hayalet"
)

// Kind is what a point measures.
type Kind uint8

// The kinds of points.
const (
	Register Kind = iota // energy register, in mWh
	Power                // active power of all phases, in mW
)

// Point is one canonical reading.
type Point struct {
	At        hayalet.Instant // event time
	Connector hayalet.ConnectorID
	Kind      Kind
	Track     int   // of a register: which of the connector's
	Active    bool  // a transaction was active
	Value     int64 // in the unit of the kind
}

// still is how long a value may stay the same before a point says that it still does.
const still = 6 * time.Hour

// maxLines bounds what one packer remembers: a station that makes up connectors gets every point kept instead.
const maxLines = 64

// key names a line: the points that are compared with one another.
type key struct {
	connector hayalet.ConnectorID
	track     int32
	kind      Kind
}

// line is what is known of a line.
type line struct {
	key
	active bool
	packed bool            // in the stretch that is being packed; then base is its last value there
	value  int64           // of the last point
	at     hayalet.Instant // of the last point that was kept
	held   hayalet.Instant // of a later one with the same value, which is not kept yet; zero: none
	base   int64
}

// Packer packs points. The zero value is empty. One goroutine uses it.
type Packer struct {
	lines    []line
	body     []byte
	last     hayalet.Instant // of the point before
	from, to hayalet.Instant
}

// Add packs the point, or leaves it out where it says nothing new and all is false.
func (p *Packer) Add(pt Point, all bool) {
	l := p.line(key{pt.Connector, int32(pt.Track), pt.Kind})
	if l == nil {
		p.pack(new(line), pt) // a line of its own, forgotten at once
		return
	}
	same := l.at != 0 && l.value == pt.Value && l.active == pt.Active
	if same && !all && pt.At.Sub(l.at) < still {
		l.held = max(l.held, pt.At)
		return
	}
	if !same && l.held != 0 {
		flat := pt
		flat.At, flat.Value, flat.Active = l.held, l.value, l.active
		p.pack(l, flat)
	}
	p.pack(l, pt)
	l.at, l.value, l.active, l.held = pt.At, pt.Value, pt.Active, 0
}

func (p *Packer) line(k key) *line {
	for i := range p.lines {
		if p.lines[i].key == k {
			return &p.lines[i]
		}
	}
	if len(p.lines) == maxLines {
		return nil
	}
	p.lines = append(p.lines, line{key: k})
	return &p.lines[len(p.lines)-1]
}

const (
	activeBit = 1 << iota
	powerBit
	absoluteBit // the value is written whole, not as what was added to the last one
	flagBits    = iota
)

func (p *Packer) pack(l *line, pt Point) {
	flags := uint64(0)
	if pt.Active {
		flags |= activeBit
	}
	if pt.Kind == Power {
		flags |= powerBit
	}
	value := pt.Value - l.base
	if !l.packed {
		flags, value = flags|absoluteBit, pt.Value
	}
	if len(p.body) == 0 {
		p.from, p.to = pt.At, pt.At
	}
	p.body = binary.AppendVarint(p.body, int64(pt.Connector))
	p.body = binary.AppendUvarint(p.body, uint64(uint32(pt.Track))<<flagBits|flags)
	p.body = binary.AppendVarint(p.body, int64(pt.At-p.last))
	p.body = binary.AppendVarint(p.body, value)
	p.last, p.from, p.to = pt.At, min(p.from, pt.At), max(p.to, pt.At)
	l.packed, l.base = true, pt.Value
}

// Len is how many bytes are packed.
func (p *Packer) Len() int { return len(p.body) }

// Take returns what was packed since the last call, with the event times of its earliest and latest point.
func (p *Packer) Take() (body []byte, from, to hayalet.Instant) {
	body, from, to = p.body, p.from, p.to
	p.body, p.last = nil, 0
	for i := range p.lines {
		p.lines[i].packed = false
	}
	return body, from, to
}

// ErrDamaged is the error of bytes that Take did not return.
var ErrDamaged = errors.New("readings are damaged")

// Read gives the points of what Take returned to the function.
func Read(body []byte, to func(Point)) error {
	last := make(map[key]int64)
	var at hayalet.Instant
	for len(body) > 0 {
		var v [4]int64
		for i := range v {
			n := 0
			if i == 1 {
				var u uint64
				u, n = binary.Uvarint(body)
				v[i] = int64(u)
			} else {
				v[i], n = binary.Varint(body)
			}
			if n <= 0 {
				return ErrDamaged
			}
			body = body[n:]
		}
		at += hayalet.Instant(v[2])
		pt := Point{At: at, Connector: hayalet.ConnectorID(v[0]), Track: int(v[1] >> flagBits), Active: v[1]&activeBit != 0, Value: v[3]}
		if v[1]&powerBit != 0 {
			pt.Kind = Power
		}
		k := key{pt.Connector, int32(pt.Track), pt.Kind}
		if v[1]&absoluteBit == 0 {
			pt.Value += last[k]
		}
		last[k] = pt.Value
		to(pt)
	}
	return nil
}
