package lab

import (
	"time"

	"hayalet"
)

const pe03 = hayalet.RuleName("PE-03")

// lifetime tells stations whose register goes on from one transaction to the next.
func lifetime(h Habits) bool { return !h.PerSession }

// mute makes a station that sends nothing while idle.
func mute(h *Habits) { h.Every = 0 }

// missing lets d pass without a word while p flows, and begins the next session, whose meterStart tells. The energy is
// meterStart − meterStop as reported.
func missing(w *World, o *outlet, p hayalet.Power, d time.Duration) {
	w.phantom(o)
	o.flow = p
	w.advance(d)
	o.flow = 0
	w.advance(time.Duration(w.rng.IntN(60)) * time.Minute)
	w.afterGap(o)
}

// afterGap is the session that shows what is missing.
func (w *World) afterGap(o *outlet) {
	stop := o.stopped
	w.session(o, time.Duration(15+w.rng.IntN(40))*time.Minute, w.charging())
	w.truth.Energy += o.begun - stop
}

// between draws a value of [low, high].
func between[T ~int64](w *World, low, high T) T { return low + T(w.rng.Int64N(int64(high-low)+1)) }

// steady is one gap of so much.
func steady(low, high hayalet.Power, shortest, longest time.Duration) func(*World) {
	return func(w *World) {
		o := prelude(w)
		missing(w, o, min(between(w, low, high), w.Rating), between(w, shortest, longest))
		w.idle(time.Hour)
	}
}

// gapAttacks are flows of which only the next meterStart tells [1.6 §7.31].
func gapAttacks() []Family {
	few := steady(300*hayalet.Watt, 1500*hayalet.Watt, 2*time.Hour, 20*time.Hour)
	many := steady(1500*hayalet.Watt, 7*hayalet.Kilowatt, time.Hour, 8*time.Hour)
	return []Family{
		{Name: "gap-slow", Rule: pe03, Needs: lifetime, Habits: mute, Play: few},
		{Name: "gap-fast", Rule: pe03, Needs: lifetime, Habits: mute, Play: many},
		{Name: "gap-long", Rule: pe03, Needs: lifetime, Habits: mute, Play: steady(hayalet.Kilowatt, 7*hayalet.Kilowatt, 12*time.Hour, 20*time.Hour)},
		{Name: "gap-no-status", Rule: pe03, Needs: lifetime, Habits: func(h *Habits) { h.Every, h.NoStatus = 0, true }, Play: many},
		{Name: "gap-interval-values", Rule: pe03, Needs: lifetime, Habits: func(h *Habits) {
			h.Every, h.Interval, h.Phases, h.Unit, h.Decimals, h.Main = 0, true, false, "Wh", 1, NoMain
		}, Play: many},
		{Name: "gap-burst", Rule: pe03, Needs: lifetime, Habits: mute, Play: func(w *World) {
			o := prelude(w)
			w.advance(30 * time.Minute)
			w.phantom(o)
			o.register += between(w, 90*hayalet.WattHour, 400*hayalet.WattHour)
			w.advance(20 * time.Minute)
			w.afterGap(o)
		}},
		{Name: "gaps", Rule: pe03, Needs: lifetime, Habits: mute, Play: func(w *World) {
			o := prelude(w)
			for range 3 + w.rng.IntN(3) {
				missing(w, o, min(between(w, 400*hayalet.Watt, 3*hayalet.Kilowatt), w.Rating), between(w, time.Hour, 5*time.Hour))
			}
		}},
		{Name: "gap-outage", Rule: pe03, Needs: lifetime, Habits: mute, Play: func(w *World) {
			o := prelude(w)
			w.phantom(o)
			o.flow = min(between(w, 500*hayalet.Watt, 5*hayalet.Kilowatt), w.Rating)
			w.advance(time.Hour)
			w.disconnect()
			w.advance(between(w, 5*time.Minute, 2*time.Hour))
			w.reconnect()
			w.advance(30 * time.Minute)
			o.flow = 0
			w.afterGap(o)
		}},
		{Name: "gap-boot", Rule: pe03, Needs: lifetime, Habits: mute, Play: func(w *World) {
			o := prelude(w)
			w.phantom(o)
			o.flow = min(between(w, 500*hayalet.Watt, 5*hayalet.Kilowatt), w.Rating)
			w.advance(2 * time.Hour)
			o.flow = 0
			w.disconnect()
			w.advance(2 * time.Minute)
			w.reconnect()
			w.boot()
			w.status(o, "Available")
			w.advance(10 * time.Minute)
			w.afterGap(o)
		}},
		{Name: "gap-status-charging", Rule: pe03, Needs: func(h Habits) bool { return lifetime(h) && !h.NoStatus }, Habits: mute, Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Preparing")
			w.status(o, "Charging")
			w.phantom(o)
			o.flow = min(between(w, 500*hayalet.Watt, 5*hayalet.Kilowatt), w.Rating)
			w.advance(3 * time.Hour)
			o.flow = 0
			w.status(o, "Available")
			w.afterGap(o)
		}},
		{Name: "gap-muted", Rule: pe03, Needs: reports, Play: func(w *World) { // it sends idle values, but not while it flows
			o := prelude(w)
			w.idle(2 * time.Hour)
			missing(w, o, min(between(w, 500*hayalet.Watt, 5*hayalet.Kilowatt), w.Rating), between(w, time.Hour, 4*time.Hour))
			w.idle(time.Hour)
		}},
		{Name: "gap-second-outlet", Rule: pe03, Needs: lifetime, Habits: mute, Play: func(w *World) {
			prelude(w)
			b := w.outlets[1]
			w.session(b, 30*time.Minute, w.charging())
			w.advance(time.Hour)
			missing(w, b, min(between(w, 500*hayalet.Watt, 5*hayalet.Kilowatt), w.Rating), between(w, time.Hour, 6*time.Hour))
		}},
		{Name: "gap-kwh-book", Rule: pe03, Needs: func(h Habits) bool { return lifetime(h) && h.Base > 0 && !h.Interval }, Habits: func(h *Habits) {
			h.Every, h.BookKWh, h.Unit, h.Decimals, h.NoUnit = 0, true, "kWh", 2, false
		}, Play: func(w *World) {
			steady(2*hayalet.Kilowatt, 3600*hayalet.Watt, 4*time.Hour, 8*time.Hour)(w)
			w.truth.Loose = true // a book in kWh is off by up to one
		}},
	}
}
