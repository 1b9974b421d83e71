package evidence

import (
	"hayalet"
	"hayalet/internal/journal"
)

// frames checks each frame against its leaf, in the order of the positions.
func (v *verifier) frames() (found *journal.Flaw) {
	next := 0
	err := v.archive.lines(framesName, func(n int, text []byte) error {
		f, err := readLine(text)
		if found = v.frame(next, n, &f, err == nil); found != nil {
			return errEnough
		}
		if v.foreign == nil && f.Station != v.result.Manifest.Station {
			v.foreign = v.want[next].flaw("frame-foreign", string(f.Station), string(v.result.Manifest.Station))
		}
		next++
		v.count(&f)
		return nil
	})
	switch {
	case found != nil:
		return found
	case err != nil:
		return damaged(framesName)
	case next < len(v.want):
		return v.want[next].flaw("frame-removed")
	}
	v.result.Frames = next
	if next > 0 {
		v.ends(v.want[next-1].Conn)
	}
	return nil
}

// connection is what is known of one until a frame.
type connection struct {
	id     hayalet.ConnID
	last   uint64 // number
	closed bool
}

// count looks for holes in the numbers of connections. Before a gap there are some that everybody knows of.
func (v *verifier) count(f *hayalet.Frame) {
	at, known := v.places[f.Conn]
	if !known {
		at = len(v.conns)
		v.places[f.Conn] = at
		v.conns = append(v.conns, connection{id: f.Conn, last: f.Seq - 1})
		if at > 0 && f.Seq > 1 {
			v.result.Beginless.add(f.Conn)
		}
	}
	c := &v.conns[at]
	last := c.last
	c.last, c.closed = f.Seq, f.Kind == hayalet.ConnClose
	if f.Seq <= last+1 || f.Kind == hayalet.Gap {
		return
	}
	if v.result.Missing == 0 {
		v.result.Hole = Hole{f.Conn, last + 1, f.Seq - 1}
	}
	v.result.Missing += f.Seq - 1 - last
}

// ends looks for connections that did not end before another spoke last.
func (v *verifier) ends(last hayalet.ConnID) {
	for _, c := range v.conns {
		if !c.closed && c.id != last {
			v.result.Endless.add(c.id)
		}
	}
}

// frame says what is wrong with the frame that line n has, where the next that there must be is want[next].
func (v *verifier) frame(next, n int, f *hayalet.Frame, readable bool) *journal.Flaw {
	if next == len(v.want) {
		return v.beyond(n, f, readable)
	}
	w := &v.want[next]
	leaf := journal.Leaf(f)
	switch {
	case readable && leaf == w.leaf && f.Pos != w.pos:
		return w.flaw("frame-position", f.Pos)
	case readable && leaf == w.leaf && (f.Conn != w.Conn || f.Seq != w.Seq):
		return flaw("file-changed", blocksName)
	case readable && leaf == w.leaf:
		return nil
	}
	if at := v.place(leaf); readable && at >= 0 && at < next {
		return v.want[at].flaw("frame-twice", n)
	} else if readable && at > next {
		if v.later(n, w) {
			return w.flaw("frame-moved", n)
		}
		return w.flaw("frame-removed")
	}
	if v.later(n, w) {
		return flaw("frame-added", n)
	}
	return w.flaw("frame-changed")
}

// beyond is a line behind the last frame that there must be.
func (v *verifier) beyond(n int, f *hayalet.Frame, readable bool) *journal.Flaw {
	if at := v.place(journal.Leaf(f)); readable && at >= 0 {
		return v.want[at].flaw("frame-twice", n)
	}
	return flaw("frame-added", n)
}

// place is the index of the frame with this leaf among those that there must be, or −1.
func (v *verifier) place(leaf journal.Hash) int {
	for i := range v.want {
		if v.want[i].leaf == leaf {
			return i
		}
	}
	return -1
}

// later reports whether a frame stands in a line behind line n.
func (v *verifier) later(n int, w *record) (found bool) {
	_ = v.archive.lines(framesName, func(at int, text []byte) error {
		if at <= n {
			return nil
		}
		if f, err := readLine(text); err == nil && journal.Leaf(&f) == w.leaf {
			found = true
			return errEnough
		}
		return nil
	}) // where it cannot be read, nothing stands
	return found
}

// flaw is one of this frame.
func (r *record) flaw(code string, more ...any) *journal.Flaw {
	return flaw(code, append([]any{r.pos, string(r.Conn), r.Seq}, more...)...)
}
