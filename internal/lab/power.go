package lab

import (
	"time"

	"hayalet"
)

const pe05 = hayalet.RuleName("PE-05")

// unmetered lets p flow past the register for d; power values tell. The energy is Σ P·(time since the value before) over
// the values that show the flow.
func unmetered(w *World, o *outlet, p hayalet.Power, d time.Duration, v valueOpts) {
	w.phantom(o)
	o.byPower, o.past = true, p
	w.idleWith(d, v)
	o.byPower, o.past = false, 0
}

// powerAttacks are flows that no register shows.
func powerAttacks() []Family {
	telling := func(form PowerForm, register bool) func(*Habits) {
		return func(h *Habits) {
			h.WithPower, h.PowerAs, h.NoRegister, h.Noise, h.Standby = true, form, !register, false, 0
			h.Interval, h.Main = false, NoMain
			h.NoBook = h.NoRegister && h.Base == 0
		}
	}
	play := func(context string) func(*World) {
		return func(w *World) {
			o := prelude(w)
			p := min(between(w, hayalet.Kilowatt, 11*hayalet.Kilowatt), w.Rating)
			unmetered(w, o, p, max(between(w, 40*time.Minute, 4*time.Hour), 4*w.Every), valueOpts{context: context})
			w.idle(2 * time.Hour)
		}
	}
	ac := func(h Habits) bool { return h.Every > 0 && h.Rating <= 22*hayalet.Kilowatt }
	idles := func(h Habits) bool { return h.Every > 0 }
	amps := func(w *World) {
		o := prelude(w)
		a := between(w, int64(6), int64(w.Rating)/1000/volts/int64(w.phases()))
		unmetered(w, o, hayalet.Power(a*volts*int64(w.phases()))*hayalet.Watt, max(between(w, 40*time.Minute, 4*time.Hour), 4*w.Every), valueOpts{context: "Sample.Clock"})
		w.idle(2 * time.Hour)
	}
	return []Family{
		{Name: "frozen-power", Rule: pe05, Needs: idles, Habits: telling(PowerTotal, true), Play: play("Sample.Clock")},
		{Name: "frozen-power-kw", Rule: pe05, Needs: idles, Habits: telling(PowerKW, true), Play: play("Sample.Periodic")},
		{Name: "frozen-power-phases", Rule: pe05, Needs: idles, Habits: telling(PowerPhases, true), Play: play("Sample.Clock")},
		{Name: "frozen-amps", Rule: pe05, Needs: ac, Habits: telling(PowerAmps, true), Play: amps},
		{Name: "only-power", Rule: pe05, Needs: idles, Habits: telling(PowerTotal, false), Play: play("Sample.Clock")},
		{Name: "only-power-kw", Rule: pe05, Needs: idles, Habits: telling(PowerKW, false), Play: play("Sample.Periodic")},
		{Name: "only-power-phases", Rule: pe05, Needs: idles, Habits: telling(PowerPhases, false), Play: play("Sample.Clock")},
		{Name: "only-amps", Rule: pe05, Needs: ac, Habits: telling(PowerAmps, false), Play: amps},
		{Name: "only-power-from-the-stop", Rule: pe05, Needs: idles, Habits: telling(PowerTotal, false), Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 30*time.Minute, w.charging())
			w.end(o)
			unmetered(w, o, 3*hayalet.Kilowatt, 3*time.Hour, valueOpts{context: "Sample.Periodic"})
			w.idle(time.Hour)
		}},
		{Name: "only-power-stale-id", Rule: pe05, Needs: idles, Habits: telling(PowerTotal, false), Play: func(w *World) {
			o := prelude(w)
			w.StaleID = true
			unmetered(w, o, 3*hayalet.Kilowatt, 3*time.Hour, valueOpts{context: "Sample.Periodic"})
			w.idle(time.Hour)
		}},
		{Name: "only-power-pulses", Rule: pe05, Needs: idles, Habits: telling(PowerTotal, false), Play: func(w *World) {
			o := prelude(w)
			for range 5 {
				unmetered(w, o, 2500*hayalet.Watt, 2*w.Every, valueOpts{context: "Sample.Clock"})
				w.idle(2 * w.Every)
			}
			w.idle(time.Hour)
		}},
	}
}
