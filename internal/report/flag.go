package report

import "slices"

// maxFlags is how many rows of names may stand above a plot.
const maxFlags = 3

// flag is the place of a mark and its name: a pole at x that reaches from its row down through the plot, and beside it
// the name. Rows count upwards; row −1 is a pole without a name.
type flag struct {
	x, from, to float64
	row         int
	name        string
	left        bool // the name stands left of the pole
}

// hits reports whether the two cannot stand together: names overlap, or a pole crosses a name.
func (f *flag) hits(g *flag) bool {
	names := f.row == g.row && f.from < g.to && g.from < f.to
	return names || f.crosses(g) || g.crosses(f)
}

// crosses reports whether the pole of f crosses the name of g.
func (f *flag) crosses(g *flag) bool { return f.row >= g.row && f.x > g.from && f.x < g.to }

// flag finds a place for the names of the marks within the panel. It goes from right to left, so that a name whose pole
// stands further left finds room in the row above.
func (d *drawing) flag(p *panel) {
	for _, m := range slices.Backward(d.s.marks) {
		if m.At < p.from || m.At > p.to {
			continue
		}
		name := m.Label
		if name == "" {
			name = d.p.T(map[MarkKind]string{MarkStart: "report.picture.start", MarkStop: "report.picture.stop"}[m.Kind])
		}
		f := d.place(p, p.x(m.At), name)
		p.flags = append(p.flags, f)
		p.rows = max(p.rows, f.row+1)
	}
}

// place takes the lowest row where the name fits right of its pole; where that is outside of the picture, left of it.
func (d *drawing) place(p *panel, x float64, name string) flag {
	const gap = 5
	w := textWidth(name, fontSize)
	f := flag{x: x, from: x + gap, to: x + gap + w, name: name}
	if f.to > d.width {
		f.from, f.to, f.left = x-gap-w, x-gap, true
	}
	for f.row = range maxFlags {
		if !slices.ContainsFunc(p.flags, func(g flag) bool { return g.row >= 0 && f.hits(&g) }) {
			return f
		}
	}
	return flag{x: x, row: -1}
}

// drawFlags draws the marks; lane is where their rows end.
func (d *drawing) drawFlags(p *panel, lane float64) {
	for _, f := range p.flags {
		top := lane - float64(f.row+1)*flagRow + 3
		if f.row < 0 {
			top = lane
		}
		d.line("mark", f.x, top, f.x, p.bottom())
		switch y := top + 9; {
		case f.row < 0:
		case f.left:
			d.text("end", f.x-5, y, f.name)
		default:
			d.text("", f.x+5, y, f.name)
		}
	}
}
