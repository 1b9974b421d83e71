package report

import (
	"strings"

	"hayalet"
)

// panel is one plot of the register over a stretch of time.
type panel struct {
	stretch
	points      []Point
	heading     string
	height      float64
	zoom        *phantom // nil in the panel of the whole
	lo, hi      hayalet.Energy
	ticks       []hayalet.Energy
	decimals    int // of the ticks
	left, right float64
	top         float64 // of the plot
	flags       []flag
	rows        int // of flags
}

// scale finds the range of values, with one part in so many as room below and above, and the round values to name.
func (p *panel) scale(below, above hayalet.Energy) {
	var lo, hi hayalet.Energy
	for i, pt := range p.points {
		if i == 0 {
			lo, hi = pt.Value, pt.Value
		}
		lo, hi = min(lo, pt.Value), max(hi, pt.Value)
	}
	span := hi - lo
	if span == 0 {
		span = 100 * hayalet.WattHour
		lo, hi = lo-span/2, hi+span/2
	}
	p.lo, p.hi = lo-span/below, hi+span/above
	p.ticks, p.decimals = energyTicks(p.lo, p.hi, 8)
}

func (p *panel) x(at hayalet.Instant) float64 {
	return p.left + float64(at-p.from)/float64(p.to-p.from)*(p.right-p.left)
}

func (p *panel) y(e hayalet.Energy) float64 {
	return p.top + p.height - float64(e-p.lo)/float64(p.hi-p.lo)*p.height
}

func (p *panel) bottom() float64 { return p.top + p.height }

// panel draws a panel where the drawing has come to.
func (d *drawing) panel(p *panel) {
	d.text("head", margin, d.y+fontSize, shorten(p.heading, fontSize, d.width-2*margin))
	d.y += fontSize + 10
	lane := d.y + float64(p.rows*flagRow)
	p.top = lane + laneHigh
	d.ground(p, lane)
	d.grid(p)
	if len(p.points) == 0 {
		d.text("soft middle", (p.left+p.right)/2, p.top+p.height/2, d.p.T("report.picture.empty"))
	}
	d.curve(p)
	d.drawFlags(p, lane)
	d.dots(p)
	if p.zoom != nil {
		d.measure(p)
	}
	d.y = p.bottom() + 38
}

// ground shades the stretches and names them in the lane above the plot.
func (d *drawing) ground(p *panel, lane float64) {
	d.rect("idle", p.left, lane, p.right-p.left, laneHigh)
	shade := func(s stretch, class, key string) {
		from, to := max(s.from, p.from), min(s.to, p.to)
		if from > to {
			return
		}
		x, w := p.x(from), p.x(to)-p.x(from)
		d.rect(class+"lane", x, lane, w, laneHigh)
		d.rect(class, x, p.top, w, p.height)
		if name := d.p.T(key); textWidth(name, fontSize)+10 <= w {
			d.text("middle", x+w/2, lane+14, name)
		}
	}
	for _, s := range d.s.charging {
		shade(s, "in", "report.picture.in")
	}
	for _, z := range d.s.phantoms {
		shade(z.stretch, "out", "report.picture.out")
	}
}

// grid draws and names round values and times.
func (d *drawing) grid(p *panel) {
	d.line("axis", p.left, p.bottom(), p.right, p.bottom())
	if len(p.points) == 0 {
		return
	}
	for _, e := range p.ticks {
		d.line("grid", p.left, p.y(e), p.right, p.y(e))
		d.text("soft end", p.left-8, p.y(e)+4, e.KWh(p.decimals))
	}
	n := max(int((p.right-p.left)/72), 2)
	ticks, layout := timeTicks(p.from, p.to, n, d.s.zone)
	for _, at := range ticks {
		d.line("axis", p.x(at), p.bottom(), p.x(at), p.bottom()+5)
		name := at.Time().In(d.s.zone).Format(layout)
		if name == "00:00" { // a new day
			name = at.Time().In(d.s.zone).Format(d.p.T("report.layout.date"))
		}
		d.text("soft middle", p.x(at), p.bottom()+19, name)
	}
}

// curve draws the register as it was reported: it holds a value until the next one comes. What led to an alarm is
// drawn over it, with the energy beyond the transaction's end.
func (d *drawing) curve(p *panel) {
	if len(p.points) == 0 {
		return
	}
	d.path("line", p.steps(p.points))
	for _, z := range d.s.phantoms {
		if z.from < p.from || z.to > p.to {
			continue
		}
		beyond := p.points[sortedAfter(p.points, z.from):sortedAfter(p.points, z.to)]
		area := p.steps(append([]Point{{At: z.from, Value: z.base}}, beyond...)) + "V" + number(p.y(z.base)) + "Z"
		d.path("excess", area)
		d.line("base", p.x(z.from), p.y(z.base), p.x(z.to), p.y(z.base))
	}
	if flow := p.flow(); flow != "" {
		d.path("flow", flow)
	}
}

// steps is the path of points.
func (p *panel) steps(points []Point) string {
	var b strings.Builder
	for i, pt := range points {
		if i == 0 {
			b.WriteString(p.move(pt))
			continue
		}
		b.WriteString(p.step(pt))
	}
	return b.String()
}

// flow is the path of those steps that end in an alarm.
func (p *panel) flow() string {
	var b strings.Builder
	for i, pt := range p.points {
		if i == 0 || !pt.Alarm {
			continue
		}
		if before := p.points[i-1]; !before.Alarm || i == 1 {
			b.WriteString(p.move(before))
		}
		b.WriteString(p.step(pt))
	}
	return b.String()
}

func (p *panel) move(pt Point) string { return "M" + number(p.x(pt.At)) + " " + number(p.y(pt.Value)) }

func (p *panel) step(pt Point) string { return "H" + number(p.x(pt.At)) + "V" + number(p.y(pt.Value)) }

// dots draws the readings: the alarms always, the others while they can be told apart.
func (d *drawing) dots(p *panel) {
	room := 6.0 // of a dot
	if d.s.episode {
		room = 10
	}
	few := float64(len(p.points)) <= (p.right-p.left)/room
	for i, pt := range p.points {
		title := pt.At.Time().In(d.s.zone).Format("15:04:05.000") + " · " + d.kwh(pt.Value) + " kWh"
		switch {
		case p.zoom != nil && i == 0 && pt.At == p.zoom.from: // stands for the end of the transaction
		case pt.Alarm && few:
			d.dot("alarm", p.x(pt.At), p.y(pt.Value), 5, title)
		case pt.Alarm:
			d.dot("alarm dense", p.x(pt.At), p.y(pt.Value), 3, title)
		case few:
			d.dot("reading", p.x(pt.At), p.y(pt.Value), 3.5, title)
		}
	}
}

// measure names the values beyond the end of the transaction and what they add up to.
func (d *drawing) measure(p *panel) {
	z := p.zoom
	left := max(p.left, p.x(z.from)) + 8
	d.text("soft", left, p.y(z.base)+16, shorten(d.base(z), fontSize, p.right-left))
	x, top, bottom := p.right+12, p.y(z.top), p.y(z.base)
	d.line("span", x, top, x, bottom)
	d.line("span", x-4, top, x+4, top)
	d.line("span", x-4, bottom, x+4, bottom)
	d.text("red", x+8, (top+bottom)/2+4, d.gain(z))
	d.values(p)
}

// values writes its value above each alarm; above the last one only, where they stand too close.
func (d *drawing) values(p *panel) {
	var alarms []Point
	near, last := false, p.left-p.right
	for _, pt := range p.points {
		if pt.Alarm {
			near = near || p.x(pt.At)-last < boldWidth(d.kwh(pt.Value), fontSize)
			last, alarms = p.x(pt.At), append(alarms, pt)
		}
	}
	if near {
		alarms = alarms[len(alarms)-1:]
	}
	for _, pt := range alarms {
		d.text("red middle", p.x(pt.At), p.y(pt.Value)-10, d.kwh(pt.Value))
	}
}
