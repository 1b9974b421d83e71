package lab

import (
	"fmt"
	"time"

	"hayalet"
)

const pe06 = hayalet.RuleName("PE-06")

// unknownStop lets energy flow without a word and reports it with the stop of a transaction whose start was never seen.
// The energy is meterStop − the register as last reported.
func unknownStop(w *World, o *outlet, pass func(time.Duration)) {
	said := o.sent
	e := between(w, 200*hayalet.WattHour, 20_000*hayalet.WattHour)
	p := between(w, w.Rating*6/10, w.Rating)
	w.phantom(o)
	o.flow = p
	pass(time.Duration(float64(e) / float64(p) * float64(time.Hour)).Round(time.Second))
	o.flow = 0
	w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"idTag":"LOCAL","meterStop":%d,"timestamp":%q,"reason":"Local"}`,
		700_000+w.rng.IntN(1000), w.book(o), w.claimed()))
	w.truth.Energy = w.booked(o) - said
	o.base = w.reported(o)
	if w.PerSession {
		o.zero = o.register
	}
	w.idle(2 * time.Hour)
}

// apart sets the second outlet's register where no meterStop of the first can reach it.
func apart(w *World) {
	if len(w.outlets) > 1 {
		w.outlets[1].register += 700 * hayalet.KilowattHour
		w.main.register += 700 * hayalet.KilowattHour
	}
}

// stated tells stations of which it is known that they idle: values and statuses say so.
func stated(h Habits) bool { return reports(h) && !h.NoStatus }

// flat makes a station without standby, so that the register as last reported is that of the last stop, and without a
// register before the outlets.
func flat(h *Habits) { h.Standby, h.Main = 0, NoMain }

// stopAttacks are stops of what never began: free vend, charge on plug, a start that was held back.
func stopAttacks() []Family {
	plain := func(w *World) {
		apart(w)
		o := prelude(w)
		w.idle(time.Hour)
		unknownStop(w, o, w.advance)
	}
	return []Family{
		{Name: "unknown-stop", Rule: pe06, Outlets: 1, Habits: flat, Needs: stated, Play: plain},
		{Name: "unknown-stop-other-idle", Rule: pe06, Habits: flat, Needs: stated, Play: plain},
		{Name: "unknown-stop-other-charging", Rule: pe06, Habits: flat, Needs: func(h Habits) bool { return stated(h) && !h.NoID }, Play: func(w *World) {
			apart(w)
			o, b := prelude(w), w.outlets[1]
			w.idle(time.Hour)
			w.begin(b)
			w.status(b, "Charging")
			unknownStop(w, o, func(d time.Duration) { w.charge(b, d, w.charging()) })
			w.charge(b, 10*time.Minute, w.charging())
			w.finish(b)
			w.idle(time.Hour)
		}},
		{Name: "unknown-stop-last", Rule: pe06, Outlets: 1, Habits: flat, Needs: stated, Play: func(w *World) { // and no value ever after
			o := prelude(w)
			w.idle(time.Hour)
			unknownStop(w, o, func(d time.Duration) {
				w.advance(d)
				w.Every = 0
			})
		}},
		{Name: "unknown-stop-per-session", Rule: pe06, Outlets: 1, Needs: func(h Habits) bool { return h.Every > 0 && !h.NoStatus }, Habits: func(h *Habits) {
			h.PerSession, h.Interval, h.Standby, h.Settle, h.Main = true, false, 0, 0, NoMain
		}, Play: func(w *World) { // its idle register reads 0 before and after
			o := prelude(w)
			o.zero = o.register
			w.idle(3 * time.Hour)
			unknownStop(w, o, w.advance)
		}},
		{Name: "unknown-stop-first", Rule: pe06, Outlets: 1, Habits: flat, Needs: stated, Play: func(w *World) { // no session was ever seen
			o := w.outlets[0]
			w.open()
			w.boot()
			w.status(o, "Available")
			w.idle(3 * time.Hour)
			unknownStop(w, o, w.advance)
		}},
		{Name: "unknown-stops", Rule: pe06, Outlets: 1, Habits: flat, Needs: stated, Play: func(w *World) {
			o := prelude(w)
			var sum hayalet.Energy
			for range 3 {
				unknownStop(w, o, w.advance)
				sum += w.truth.Energy
			}
			w.truth.Energy = sum
		}},
		{Name: "unknown-stop-charging", Rule: pe06, Outlets: 1, Habits: flat, Needs: stated, Play: func(w *World) { // with the statuses of a session
			o := prelude(w)
			w.idle(time.Hour)
			w.status(o, "Preparing")
			w.status(o, "Charging")
			unknownStop(w, o, w.advance)
			w.status(o, "Available")
		}},
		{Name: "unknown-stop-main", Rule: pe06, Outlets: 1, Needs: stated, Habits: func(h *Habits) { h.Standby, h.Main, h.Interval = 0, MainZero, false }, Play: func(w *World) {
			o := prelude(w) // the register before the outlets shows the same energy, which is no second flow
			w.idle(time.Hour)
			unknownStop(w, o, w.advance)
		}},
	}
}
