package report

import (
	_ "embed"
	"slices"
	"strings"

	"hayalet"
	"hayalet/internal/lang"
)

//go:embed templates/picture.css
var pictureCSS string

// The widths that pictures are drawn for, in the units of a reader's screen.
const (
	pageWidth  = 900
	phoneWidth = 380
)

const (
	fontSize  = 12
	titleSize = 15
	flagRow   = 16 // height of a row of names of marks
	laneHigh  = 19 // height of the lane above a plot that says what a stretch of time is
	margin    = 16
)

// Picture draws the attacking station's register over time as an SVG that stands alone: the whole run, and below it,
// when there were alarms, what lies beyond the end of the transaction on a scale of its own.
func (d *Demo) Picture(p lang.Printer) ([]byte, error) { return d.picture(p, pageWidth), nil }

func (d *Demo) picture(p lang.Printer, width float64) []byte {
	s := newSeries(&d.Attack, d.At.Location())
	if len(d.Alarms) > 0 && d.Alarms[0].BaselineAt != 0 {
		s.settle(d.Alarms[0].Baseline)
	}
	s.finish()
	return draw(p, s, width)
}

// drawing is a picture in the making. Parts are drawn from top to bottom.
type drawing struct {
	svg
	p           lang.Printer
	s           *series
	width       float64
	left, right float64 // of the plots
	y           float64 // where the next part begins
	bare        bool    // without its style
}

// draw draws a series.
func draw(p lang.Printer, s *series, width float64) []byte {
	return (&drawing{p: p, s: s, width: width, y: margin}).draw()
}

// drawBare draws a series for a page that has the picture's style already.
func drawBare(p lang.Printer, s *series, width float64) []byte {
	return (&drawing{p: p, s: s, width: width, y: margin, bare: true}).draw()
}

func (d *drawing) draw() []byte {
	p, s := d.p, d.s
	title := p.T("report.picture.alt", s.station, int(s.connector))
	d.title(title)
	panels := d.plan()
	d.fit(panels)
	for i := range panels {
		d.panel(&panels[i])
	}
	d.timeAxis()
	d.legend()
	return d.document(title)
}

// document puts the root around the parts.
func (d *drawing) document(title string) []byte {
	w, h := number(d.width), number(d.y+margin)
	var out svg
	out.raw(`<svg xmlns="http://www.w3.org/2000/svg" class="hayalet-register" role="img" width="`, w, `" height="`, h,
		`" viewBox="0 0 `, w, ` `, h, `" lang="`, string(d.p.Lang()), "\">\n<title>")
	out.escaped(title)
	out.raw("</title>\n<desc>")
	out.escaped(d.describe())
	out.raw("</desc>\n")
	if !d.bare {
		out.raw("<style>\n", pictureCSS, "</style>\n")
	}
	out.element("rect", "paper", attr{"width", d.width}, attr{"height", d.y + margin}, attr{"rx", 8})
	out.raw(d.b.String(), "</svg>\n")
	return out.b.Bytes()
}

// describe says the picture in a sentence.
func (d *drawing) describe() string {
	text := d.p.T("report.picture.desc", d.s.readings, d.s.alarms)
	if z, ok := d.s.enlarged(); ok {
		text += " " + d.p.T("report.picture.desc.phantom", d.kwh(z.base), d.kwh(z.top))
	}
	return text
}

func (d *drawing) kwh(e hayalet.Energy) string { return e.KWh(d.s.decimals) }

func (d *drawing) title(title string) {
	class, size := "title", float64(titleSize)
	if boldWidth(title, size) > d.width-2*margin {
		class, size = "head", fontSize
	}
	d.text(class, margin, d.y+titleSize, shorten(title, size, d.width-2*margin))
	d.y += titleSize + 14
}

// plan makes the panels: the whole, and what is enlarged of it.
func (d *drawing) plan() []panel {
	heading := d.p.T("report.picture.axis")
	whole := panel{stretch: d.s.bounds(), points: d.s.points, heading: heading, height: 230}
	whole.scale(14, 10)
	z, ok := d.s.enlarged()
	if !ok {
		return []panel{whole}
	}
	if d.s.plain(&z) {
		whole.zoom = &z
		whole.scale(7, 7)
		return []panel{whole}
	}
	from, to := sortedAfter(d.s.points, z.from), sortedAfter(d.s.points, z.to)
	zoom := panel{
		stretch: z.stretch, points: slices.Concat([]Point{{At: z.from, Value: z.base}}, d.s.points[from:to]),
		heading: heading + " · " + d.p.T("report.picture.zoom"), height: 210, zoom: &z,
	}
	zoom.scale(6, 5)
	return []panel{whole, zoom}
}

// fit finds the sides of the plots, which all panels share, and then what each can name.
func (d *drawing) fit(panels []panel) {
	d.left, d.right = 2*margin, d.width-2*margin
	for i := range panels {
		for _, e := range panels[i].ticks {
			d.left = max(d.left, margin+textWidth(e.KWh(panels[i].decimals), fontSize)+10)
		}
	}
	if z, ok := d.s.enlarged(); ok {
		d.right = d.width - margin - boldWidth(d.gain(&z), fontSize) - 20
	}
	d.right = max(d.right, d.left+1)
	for i := range panels {
		panels[i].left, panels[i].right = d.left, d.right
		d.flag(&panels[i])
	}
}

// gain is what a phantom added to the register.
func (d *drawing) gain(z *phantom) string {
	gain := z.top - z.base
	if gain < hayalet.KilowattHour {
		return "+" + d.p.Number(Wh(gain)) + " Wh"
	}
	return "+" + d.p.Number(gain.KWh(decimalsOf(gain))) + " kWh"
}

// base names the register before a phantom.
func (d *drawing) base(z *phantom) string {
	if z.stopped {
		return d.p.T("report.picture.base", d.kwh(z.base))
	}
	return d.p.T("report.picture.rest", d.kwh(z.base))
}

// timeAxis says the days and the zone of the clock times.
func (d *drawing) timeAxis() {
	if len(d.s.points) == 0 {
		return
	}
	b, layout := d.s.bounds(), d.p.T("report.layout.day")
	from, to := b.from.Time().In(d.s.zone), b.to.Time().In(d.s.zone)
	days := from.Format(layout)
	if last := to.Format(layout); last != days {
		days += " – " + last
	}
	name, right := d.p.T("report.picture.time", days, from.Format("UTC-07:00")), d.right
	if textWidth(name, fontSize) > right-margin {
		right = d.width - margin
	}
	d.text("soft end", right, d.y+4, shorten(name, fontSize, right-margin))
	d.y += 22
}

// legend names the signs, in as many rows as they need.
func (d *drawing) legend() {
	if len(d.s.points) == 0 {
		return
	}
	x := d.left
	for _, item := range d.signs() {
		w := 24 + textWidth(item.name, fontSize) + 18
		if x > d.left && x+w-18 > d.width-margin {
			x, d.y = d.left, d.y+20
		}
		item.sign(x, d.y)
		d.text("", x+26, d.y+4, item.name)
		x += w
	}
	d.y += 4
}

type sign struct {
	name string
	sign func(x, y float64)
}

func (d *drawing) signs() []sign {
	swatch := func(class string) func(x, y float64) {
		return func(x, y float64) { d.rect(class, x, y-6, 20, 12) }
	}
	all := []sign{{d.p.T("report.picture.reading"), func(x, y float64) {
		d.line("line", x, y, x+20, y)
		d.element("circle", "reading", attr{"cx", x + 10}, attr{"cy", y}, attr{"r", 3.5})
	}}}
	if len(d.s.charging) > 0 {
		all = append(all, sign{d.p.T("report.picture.in"), swatch("inlane")})
	}
	if z, ok := d.s.enlarged(); ok {
		all = append(all, sign{d.p.T("report.picture.out"), swatch("outlane")}, sign{d.p.T("report.picture.alarm"), func(x, y float64) {
			d.line("flow", x, y, x+20, y)
			d.element("circle", "sign", attr{"cx", x + 10}, attr{"cy", y}, attr{"r", 5})
		}}, sign{d.base(&z), func(x, y float64) { d.line("base", x, y, x+20, y) }})
	} else if d.s.alarms > 0 {
		all = append(all, sign{d.p.T("report.picture.alarm"), func(x, y float64) {
			d.element("circle", "sign", attr{"cx", x + 10}, attr{"cy", y}, attr{"r", 5})
		}})
	}
	return all
}

// shorten cuts a text that is wider than there is room.
func shorten(text string, size, room float64) string {
	runes := []rune(text)
	for len(runes) > 1 && textWidth(string(runes)+"…", size) > room {
		runes = runes[:len(runes)-1]
	}
	if len(runes) == len([]rune(text)) || textWidth(text, size) <= room {
		return text
	}
	return strings.TrimSpace(string(runes)) + "…"
}
