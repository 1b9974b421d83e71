package lab

import (
	"fmt"
	"time"

	"hayalet"
)

// sessions plays n sessions with idle times between.
func sessions(w *World, o *outlet, n int) {
	for range n {
		w.session(o, between(w, 15*time.Minute, 90*time.Minute), w.charging())
		w.idle(between(w, 30*time.Minute, 4*time.Hour))
	}
}

// plain is a day of healthy sessions; what matters are the habits.
func plain(w *World) {
	o := prelude(w)
	sessions(w, o, 3)
}

// healthy are habits in registers, idle noise and sessions that give no reason for an alarm.
func healthy() []Family {
	main := func(form MainForm) func(*Habits) {
		return func(h *Habits) { h.Main, h.Interval = form, false }
	}
	power := func(form PowerForm) func(*Habits) {
		return func(h *Habits) { h.WithPower, h.Noise, h.PowerAs = true, true, form }
	}
	only := func(form PowerForm) func(*Habits) {
		return func(h *Habits) { h.WithPower, h.NoRegister, h.PowerAs, h.NoBook = true, true, form, h.Base == 0 }
	}
	both := func(w *World) {
		a, b := prelude(w), w.outlets[1]
		for range 3 {
			w.begin(a)
			w.status(a, "Charging")
			w.charge(a, 20*time.Minute, w.charging())
			w.begin(b)
			w.status(b, "Charging")
			w.charge(b, 20*time.Minute, w.charging())
			w.finish(a)
			w.charge(b, 10*time.Minute, w.charging())
			w.finish(b)
			w.idle(between(w, time.Hour, 8*time.Hour))
		}
	}
	return []Family{
		{Name: "main-zero", Habits: main(MainZero), Play: both},
		{Name: "main-inlet", Habits: main(MainInlet), Play: both},
		{Name: "main-zero-day", Habits: main(MainZero), Play: func(w *World) {
			prelude(w)
			w.idle(30 * time.Hour)
		}},
		{Name: "noise", Habits: power(PowerTotal), Play: plain},
		{Name: "noise-kw", Habits: power(PowerKW), Play: plain},
		{Name: "noise-phases", Habits: power(PowerPhases), Play: plain},
		{Name: "noise-amps", Habits: power(PowerAmps), Play: plain},
		{Name: "only-power-clean", Habits: only(PowerTotal), Play: plain},
		{Name: "only-amps-clean", Habits: only(PowerAmps), Play: plain},
		{Name: "power-lingers", Habits: power(PowerTotal), Play: lingering},
		{Name: "power-lingers-amps", Habits: power(PowerAmps), Play: lingering},
		{Name: "only-power-lingers", Habits: only(PowerTotal), Play: lingering},
		{Name: "silent-idle", Habits: func(h *Habits) { h.Every = 0 }, Play: plain},
		{Name: "silent-idle-kwh-book", Needs: lifetime, Habits: func(h *Habits) { h.Every, h.BookKWh, h.Unit, h.Decimals, h.NoUnit = 0, true, "kWh", 2, false }, Play: plain},
		{Name: "silent-idle-off-by-one", Needs: lifetime, Habits: func(h *Habits) { h.Every, h.Standby = 0, 0 }, Play: func(w *World) {
			o := prelude(w)
			for range 8 { // meterStart and meterStop are rounded in different ways
				o.zero -= []hayalet.Energy{-hayalet.WattHour, 0, hayalet.WattHour}[w.rng.IntN(3)]
				w.session(o, 20*time.Minute, w.charging())
				w.idle(between(w, 5*time.Minute, 4*time.Hour))
			}
		}},
		{Name: "silent-idle-standby", Needs: lifetime, Habits: func(h *Habits) { h.Every = 0 }, Play: func(w *World) {
			w.Standby = between(w, 3*hayalet.Watt, 8*hayalet.Watt)
			o := prelude(w)
			for range 4 {
				w.idle(between(w, 20*time.Hour, 90*time.Hour))
				w.session(o, 40*time.Minute, w.charging())
			}
		}},
		{Name: "silent-idle-month", Needs: lifetime, Habits: func(h *Habits) { h.Every, h.TxEvery = 0, 5*time.Minute }, Play: func(w *World) {
			w.Standby = between(w, hayalet.Watt, 6*hayalet.Watt)
			o := prelude(w)
			for range 40 {
				w.idle(between(w, 10*time.Minute, 30*time.Hour))
				w.session(o, 20*time.Minute, w.charging())
			}
		}},
		{Name: "no-status-clean", Habits: func(h *Habits) { h.NoStatus = true }, Play: plain},
		{Name: "meter-replaced-silent", Habits: func(h *Habits) { h.Every = 0 }, Play: func(w *World) {
			o := prelude(w)
			o.zero = o.register
			sessions(w, o, 2)
		}},
		{Name: "meter-replaced-higher-silent", Needs: lifetime, Habits: func(h *Habits) { h.Every = 0 }, Play: func(w *World) {
			o := prelude(w)
			o.register += between(w, 60_000*hayalet.KilowattHour, 150_000*hayalet.KilowattHour)
			w.boot()
			w.status(o, "Available")
			sessions(w, o, 2)
		}},
		{Name: "long-pauses", Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Preparing")
			w.begin(o)
			for range 3 {
				w.status(o, "Charging")
				w.charge(o, between(w, 20*time.Minute, 60*time.Minute), w.charging())
				w.status(o, []string{"SuspendedEV", "SuspendedEVSE"}[w.rng.IntN(2)])
				w.charge(o, between(w, time.Hour, 6*time.Hour), 0)
			}
			w.finish(o)
			w.idle(4 * time.Hour)
		}},
		{Name: "pv", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.status(o, "Charging")
			for range 20 {
				w.charge(o, 10*time.Minute, []hayalet.Power{0, 1400 * hayalet.Watt, 1800 * hayalet.Watt, 2300 * hayalet.Watt}[w.rng.IntN(4)])
			}
			w.finish(o)
			w.idle(3 * time.Hour)
		}},
		{Name: "frozen-in-session", Needs: func(h Habits) bool { return !h.PerSession && !h.Interval }, Play: func(w *World) { // the stop has it all
			o := prelude(w)
			for range 2 {
				w.begin(o)
				frozen := o.register
				p := w.charging()
				for range 10 {
					w.advance(w.TxEvery)
					o.register = frozen
					w.meter(o, valueOpts{context: "Sample.Periodic", power: &p})
				}
				o.register += p.Over(10 * w.TxEvery)
				w.finish(o)
				w.idle(2 * time.Hour)
			}
		}},
		{Name: "stop-again", Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				w.session(o, 30*time.Minute, w.charging())
				stop := fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q}`, o.lastTx, w.book(o)-int64(w.Settle/hayalet.WattHour), w.claimed())
				w.idle(between(w, 10*time.Minute, 8*time.Hour))
				w.call("StopTransaction", stop)
				w.idle(time.Hour)
			}
		}},
		{Name: "late-stop-after-boot", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 20*time.Minute, w.charging())
			w.disconnect()
			w.end(o)
			pending := w.queue
			w.queue, w.frames = nil, nil
			w.open()
			w.boot()
			w.status(o, "Available")
			w.idle(10 * time.Minute)
			w.send(pending[len(pending)-1])
			w.idle(3 * time.Hour)
		}},
		{Name: "offline-sessions", Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			for range 3 {
				w.advance(between(w, 10*time.Minute, 5*time.Hour))
				w.session(o, 30*time.Minute, w.charging())
			}
			w.advance(between(w, time.Minute, 20*time.Hour))
			w.reconnect()
			w.idle(3 * time.Hour)
		}},
		{Name: "one-outlet", Outlets: 1, Play: plain},
		{Name: "four-outlets", Outlets: 4, Play: func(w *World) {
			prelude(w)
			for range 6 {
				sessions(w, w.outlets[w.rng.IntN(4)], 1)
			}
		}},
		{Name: "meter-replaced-higher", Needs: lifetime, Play: func(w *World) {
			o := prelude(w)
			o.register += between(w, 60_000*hayalet.KilowattHour, 150_000*hayalet.KilowattHour)
			w.boot()
			w.status(o, "Available")
			w.idle(2 * time.Hour)
			sessions(w, o, 2)
		}},
		{Name: "late-stop-of-before", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 20*time.Minute, w.charging())
			w.disconnect()
			w.charge(o, 20*time.Minute, w.charging())
			w.finish(o)
			pending := w.queue
			w.queue, w.frames = nil, nil // here the record begins
			w.open()
			w.status(o, "Available")
			w.advance(between(w, time.Second, 30*time.Second))
			if w.Every > 0 {
				w.meter(o, valueOpts{context: "Sample.Clock"})
			}
			for _, q := range pending {
				w.advance(300 * time.Millisecond)
				w.send(q)
			}
			w.idle(3 * time.Hour)
		}},
		{Name: "lags-behind", Needs: func(h Habits) bool { return h.Every > 0 && !h.PerSession }, Play: func(w *World) { // the stop's register is 2 s old
			o := prelude(w)
			for range 3 {
				w.begin(o)
				p := w.charging()
				w.charge(o, 30*time.Minute, p)
				w.end(o)
				o.register += min(p, 43*hayalet.Kilowatt).Over(2 * time.Second)
				w.advance(3 * time.Second)
				w.meter(o, valueOpts{context: "Sample.Clock"})
				w.status(o, "Available")
				w.idle(2 * time.Hour)
			}
		}},
	}
}

// lingering shows the power of the session once more, seconds after its stop, while the register stands.
func lingering(w *World) {
	o := prelude(w)
	for range 3 {
		w.status(o, "Preparing")
		w.begin(o)
		p := w.charging()
		w.charge(o, 30*time.Minute, p)
		w.end(o)
		w.advance(between(w, time.Second, 10*time.Second))
		w.meter(o, valueOpts{context: "Sample.Periodic", power: &p})
		w.status(o, "Available")
		w.idle(2 * time.Hour)
	}
}

// openHealthy are healthy habits that still raise an alarm.
func openHealthy() []Family {
	return []Family{
		{Name: "start-for-stop-per-session", Only16: NoMeter, Needs: func(h Habits) bool { return !lifetime(h) && !h.NoStatus && !h.Interval }, Play: startForStop},
		{Name: "meter-replaced-thousandth", Needs: func(h Habits) bool { return h.Base > hayalet.KilowattHour*1000 && lifetime(h) }, Habits: func(h *Habits) { h.Every = 0 }, Play: func(w *World) {
			o := prelude(w) // the new meter happens to show in Wh what the old one showed in kWh
			o.zero = o.register - o.register/1000 - between(w, 0*hayalet.WattHour, 9*hayalet.WattHour)
			sessions(w, o, 2)
		}},
	}
}
