package doctor

import (
	"time"

	"hayalet"
)

// The years that a clock may show.
const (
	FirstYear = 2026
	LastYear  = 2099
)

// Clock says whether the time is one to judge by: plausible, not before the newest that is stored, and synchronised.
func (d Doctor) Clock(now time.Time, newest hayalet.Instant) Finding {
	synced, err := synchronised()
	return d.clock(now, newest, synced, err == nil)
}

func (d Doctor) clock(now time.Time, newest hayalet.Instant, synced, known bool) Finding {
	at := now.UTC().Format(time.RFC3339)
	f := Finding{Name: "clock", Fact: at}
	switch {
	case now.UTC().Year() < FirstYear || now.UTC().Year() > LastYear:
		f.Level, f.Fact = Fail, d.Text.T("doctor.clock.year", at)
	case now.Before(newest.Time()):
		f.Level, f.Fact = Fail, d.Text.T("doctor.clock.behind", at, newest.Time().Sub(now).Round(time.Second).String())
	case known && !synced:
		f.Level, f.Fact = Warn, d.Text.T("doctor.clock.unsynchronised", at)
	case known:
		f.Fact = d.Text.T("doctor.clock.synchronised", at)
	}
	if f.Level > OK {
		f.Do = d.Text.T("doctor.clock.do")
	}
	return f
}
