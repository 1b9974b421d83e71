package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/lang"
)

// words writes the values of an analysis in one language and zone.
type words struct {
	lang.Printer
	zone *time.Location
}

// count writes "3 stations", with a form of its own for one.
func (w words) count(key string, n int64) string {
	if n == 1 {
		return w.T("analysis.n." + key + ".one")
	}
	return w.T("analysis.n."+key, grouped(n))
}

// grouped writes a large number with thin spaces between its thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// energy writes watt-hours, or kilowatt-hours from a thousand on.
func (w words) energy(e hayalet.Energy) string {
	if e >= hayalet.KilowattHour || e <= -hayalet.KilowattHour {
		return w.Number(e.KWh(2)) + "\u00a0kWh"
	}
	return w.Number(Wh(e)) + "\u00a0Wh"
}

func (w words) power(p *hayalet.Power) string {
	if p == nil || *p == 0 {
		return ""
	}
	return w.Number(Watts(*p))
}

// moment writes a date and a time of day, to the second.
func (w words) moment(at hayalet.Instant) string {
	if at == 0 {
		return "–"
	}
	return at.Time().In(w.zone).Format(w.T("analysis.layout.moment"))
}

// length writes a duration; of days, in days and hours.
func (w words) length(d time.Duration) string {
	switch {
	case d <= 0:
		return w.T("span.s", "0")
	case d < 48*time.Hour:
		return Span(w.Printer, d)
	}
	d = d.Round(time.Hour)
	return w.T("analysis.days", int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour))
}

// percent writes a share; what is not all is never said to be all.
func (w words) percent(share float64) string {
	switch {
	case share < 0:
		return "–"
	case share > 0.999 && share < 1:
		share = 0.999
	}
	return w.T("analysis.percent", w.Number(strings.TrimSuffix(fmt.Sprintf("%.1f", 100*share), ".0")))
}

// zoneName says which clock the times are of.
func (w words) zoneName(at hayalet.Instant) string {
	t := at.Time().In(w.zone)
	name, offset := t.Zone()
	if offset == 0 && w.zone.String() == "UTC" {
		return "UTC"
	}
	return name + " (UTC" + t.Format("-07:00") + ")"
}

// place names a connector.
func (w words) place(st hayalet.StationID, c hayalet.ConnectorID) string {
	if c == 0 {
		return w.T("analysis.place.station", cleanLine(string(st)))
	}
	return w.T("report.side", cleanLine(string(st)), int(c))
}

// kind is what is wrong with a line.
func (w words) kind(word string) string {
	key := "analysis.unread." + word
	if text := w.T(key); text != key {
		return text
	}
	return word
}
