package exception

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hayalet"
)

// Daily is a window that comes back each day, by the clock on the wall: from From on, up to and without To, which may be
// of the next day. When the clocks change, the wall still counts: an hour that comes twice is in the window both times,
// and one that is left out is not there.
type Daily struct {
	From, To TimeOfDay
	Zone     *time.Location
}

// TimeOfDay is in minutes after midnight.
type TimeOfDay int

const endOfDay TimeOfDay = 24 * 60

// String is "HH:MM".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// String is "HH:MM-HH:MM"; it does not say the zone.
func (d *Daily) String() string { return d.From.String() + "-" + d.To.String() }

var errDaily = errors.New(`want two different times of day, such as "22:00-06:00"`)

// ParseDaily reads what String writes. 24:00 is the end of a day.
func ParseDaily(s string, zone *time.Location) (*Daily, error) {
	from, to, _ := strings.Cut(s, "-")
	f, ok1 := parseTimeOfDay(strings.TrimSpace(from))
	t, ok2 := parseTimeOfDay(strings.TrimSpace(to))
	d := &Daily{From: f, To: t, Zone: zone}
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("daily %q: %w", s, errDaily)
	}
	return d, d.validate()
}

func parseTimeOfDay(s string) (TimeOfDay, bool) {
	if s == endOfDay.String() {
		return endOfDay, true
	}
	at, err := time.Parse("15:04", s)
	return TimeOfDay(at.Hour()*60 + at.Minute()), err == nil && len(s) == len("15:04")
}

func (d *Daily) validate() error {
	switch {
	case d.Zone == nil:
		return fmt.Errorf("daily %v has no time zone: name one, such as Europe/Istanbul", d)
	case min(d.From, d.To) < 0 || d.From >= endOfDay || d.To > endOfDay || d.From == d.To:
		return fmt.Errorf("daily %v: %w", d, errDaily)
	case d.From == 0 && d.To == endOfDay:
		return fmt.Errorf("daily %v is the whole day: leave it out", d)
	}
	return nil
}

// covers reports whether both instants lie in the window of the same day.
func (d *Daily) covers(from, to hayalet.Instant) bool {
	day, in := d.day(from)
	last, also := d.day(to)
	return in && also && day == last
}

// day numbers the window that an instant lies in by the day on which it begins.
func (d *Daily) day(at hayalet.Instant) (day int64, in bool) {
	wall := at.Time().In(d.Zone)
	year, month, date := wall.Date()
	day = time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / 86400 // of the calendar, so UTC's even days do
	now := TimeOfDay(wall.Hour()*60 + wall.Minute())
	switch {
	case d.From < d.To:
		return day, now >= d.From && now < d.To
	case now >= d.From:
		return day, true
	}
	return day - 1, now < d.To
}
