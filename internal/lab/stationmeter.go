package lab

import (
	"time"

	"hayalet"
)

// pastOutlets lets p flow before the outlets for d. The energy is the register's growth since the last session ended, with
// the station's own use and what the outlets took while idle.
func pastOutlets(w *World, p hayalet.Power, d time.Duration) {
	if !w.truth.Phantom {
		w.truth = Truth{Phantom: true, Connector: 0, Onset: w.now}
	}
	w.main.past = p
	w.idle(d)
	w.main.past = 0
	w.truth.Energy = w.main.sent - w.main.base
}

// stationAttacks flow past the outlets: only the register before them shows it.
func stationAttacks() []Family {
	told := func(h Habits) bool {
		return reports(h) && !h.NoStatus && !h.Phases && h.Decimals > 0 || h.Unit == "Wh" && reports(h) && !h.NoStatus && !h.Phases
	}
	at := func(form MainForm) func(*Habits) {
		return func(h *Habits) { h.Main, h.Interval = form, false }
	}
	play := func(w *World) {
		prelude(w)
		pastOutlets(w, between(w, 1500*hayalet.Watt, 7*hayalet.Kilowatt), 2*time.Hour)
		w.idle(2 * time.Hour)
	}
	fresh := func(w *World) {
		w.open()
		w.boot()
		for _, o := range w.outlets {
			w.status(o, "Available")
		}
		w.main.base = w.main.register
		w.idle(3 * time.Hour)
		pastOutlets(w, between(w, 1500*hayalet.Watt, 7*hayalet.Kilowatt), 3*time.Hour)
		w.idle(2 * time.Hour)
	}
	return []Family{
		{Name: "past-outlets-zero", Rule: pe01, Needs: told, Habits: at(MainZero), Play: play},
		{Name: "past-outlets-inlet", Rule: pe01, Needs: told, Habits: at(MainInlet), Play: play},
		{Name: "past-outlets-fresh", Rule: pe01, Needs: told, Habits: at(MainZero), Play: fresh},
		{Name: "past-one-outlet", Rule: pe01, Outlets: 1, Needs: told, Habits: at(MainInlet), Play: play},
	}
}
