package lab

import (
	"time"

	"hayalet"
)

const pe02 = hayalet.RuleName("PE-02")

// quietly makes a station whose idle register shows each Wh.
func quietly(h *Habits) {
	h.Unit, h.Decimals, h.Noise = "Wh", 0, false
	h.Every = min(h.Every, 15*time.Minute)
	if h.Standby > 3*hayalet.Watt {
		h.Standby = 0
	}
}

// drip lets p flow for d after a day of quiet or two.
func drip(p hayalet.Power, d time.Duration) func(*World) {
	return func(w *World) {
		o := prelude(w)
		w.idle(between(w, 26*time.Hour, 50*time.Hour))
		flowing(w, o, p, d, valueOpts{context: "Sample.Clock"})
		w.idle(4 * time.Hour)
	}
}

// dripAttacks stay near what an idle outlet may draw.
func dripAttacks() []Family {
	return []Family{
		{Name: "drip-20w", Rule: pe02, Needs: reports, Habits: quietly, Play: drip(20*hayalet.Watt, 24*time.Hour)},
		{Name: "drip-10w", Rule: pe02, Needs: reports, Habits: quietly, Play: drip(10*hayalet.Watt, 24*time.Hour)},
		{Name: "drip-rising", Rule: pe01, Needs: reports, Habits: func(h *Habits) {
			quietly(h)
			h.Every = max(h.Every, 5*time.Minute)
		}, Play: func(w *World) { // trains the allowance, were there no ceiling
			o := prelude(w)
			w.idle(26 * time.Hour)
			for i := range hayalet.Power(8) {
				flowing(w, o, (i+1)*4*hayalet.Watt, 12*time.Hour, valueOpts{context: "Sample.Clock"})
			}
			w.idle(4 * time.Hour)
		}},
		{Name: "drip-5w-3-days", Rule: pe02, Needs: reports, Habits: quietly, Play: drip(5*hayalet.Watt, 72*time.Hour)},
		{Name: "small-gaps", Rule: pe02, Needs: lifetime, Habits: func(h *Habits) {
			h.Every, h.Standby, h.Settle, h.TxEvery, h.Interval = 0, 0, 0, 5*time.Minute, false
			h.Rating = 3700 * hayalet.Watt // at more, a meter that is 8 s late at the stop hides as much
		}, Play: func(w *World) {
			o := prelude(w)
			for range 20 {
				w.advance(between(w, 20*time.Hour, 23*time.Hour))
				w.session(o, 20*time.Minute, w.charging())
				for range 3 {
					w.phantom(o)
					o.register += between(w, 20*hayalet.WattHour, 25*hayalet.WattHour)
					w.advance(between(w, 10*time.Minute, 25*time.Minute))
					w.afterGap(o)
				}
			}
			w.truth.Loose = true // what settling may explain is not counted
		}},
	}
}
