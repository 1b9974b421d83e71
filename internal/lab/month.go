package lab

import (
	"time"

	"hayalet"
)

// Month is a benign month of a station with two outlets: sessions on most days, standby, settling, glitches, outages,
// boots, a clock that loses its time now and then.
func Month() Family {
	return Family{Name: "month", Play: func(w *World) {
		w.open()
		w.boot()
		for _, o := range w.outlets {
			w.status(o, "Available")
		}
		for end := w.now.Add(30 * 24 * time.Hour); w.now.Before(end); {
			w.idle(time.Duration(60+w.rng.IntN(600)) * time.Minute)
			o := w.outlets[w.rng.IntN(len(w.outlets))]
			switch n := w.rng.IntN(100); {
			case n < 55:
				w.session(o, time.Duration(5+w.rng.IntN(180))*time.Minute, w.charging())
			case n < 70:
				w.disconnect()
				w.advance(time.Duration(1+w.rng.IntN(240)) * time.Minute)
				w.reconnect()
			case n < 80:
				w.disconnect()
				w.advance(time.Minute)
				w.session(o, time.Duration(10+w.rng.IntN(60))*time.Minute, w.charging())
				w.reconnect()
			case n < 88:
				w.boot()
				w.status(o, "Available")
			case n < 94:
				good := o.register
				o.register = []hayalet.Energy{o.zero, o.zero + 4_294_967_295*hayalet.WattHour}[w.rng.IntN(2)]
				w.advance(time.Second)
				w.meter(o, valueOpts{context: "Sample.Clock"})
				o.register = good
			case n < 97:
				was := w.ClockError
				w.ClockError = -40 * 365 * 24 * time.Hour
				w.idle(30 * time.Minute)
				w.ClockError = was
			}
		}
	}}
}
