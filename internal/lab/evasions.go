package lab

import (
	"fmt"
	"time"

	"hayalet"
)

// evasions are flows that the register shows, told in ways that mislead.
func evasions() []Family {
	clock := valueOpts{context: "Sample.Clock"}
	periodic := valueOpts{context: "Sample.Periodic"}
	total := func(h Habits) bool { return reports(h) && !h.Phases }
	steady := flow(2*hayalet.Kilowatt, 2*time.Hour)
	return []Family{
		{Name: "flow-and-silence", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.phantom(o)
			for range 4 {
				o.flow = hayalet.Kilowatt
				w.advance(45 * time.Minute) // the flow is not told
				o.flow = 0
				w.idle(30 * time.Minute) // what is told stands still
			}
			w.phantomEnded(o)
		}},
		{Name: "id-of-the-other", Rule: pe01, Needs: stated, Play: func(w *World) {
			prelude(w)
			a, b := w.outlets[0], w.outlets[1]
			w.begin(a)
			w.status(a, "Charging")
			w.charge(a, 20*time.Minute, w.charging())
			w.phantom(b)
			b.flow = 2 * hayalet.Kilowatt
			for range 8 {
				w.charge(a, 15*time.Minute, w.charging())
				w.meter(b, valueOpts{context: "Sample.Periodic", id: fmt.Sprint(a.tx)})
			}
			w.phantomEnded(b)
			b.flow = 0
			w.finish(a)
			w.idle(time.Hour)
		}},
		{Name: "contexts-in-turns", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			names := []string{"Sample.Clock", "Trigger", "Other", "Sample.Periodic", "", "Interruption.End"}
			for i := range max(8, int(2*time.Hour/w.Every)) {
				flowing(w, o, 2*hayalet.Kilowatt, w.Every, valueOpts{context: names[i%len(names)]})
			}
		}},
		{Name: "tiny-steps", Rule: pe01, Needs: reports, Habits: func(h *Habits) {
			h.Every, h.Unit, h.Decimals, h.NoUnit = time.Minute, "Wh", 1, false
		}, Play: flow(120*hayalet.Watt, 8*time.Hour)},
		{Name: "settle-farm", Rule: pe01, Needs: reports, Habits: func(h *Habits) {
			h.TxEvery, h.Settle, h.Main = time.Minute, 0, NoMain
			if h.Unit == "kWh" {
				h.Decimals = 3
			}
		}, Play: settleFarm},
		{Name: "adoption", Rule: pe01, Needs: stated, Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			w.advance(between(w, 20*time.Second, 10*time.Minute))
			w.reconnect()
			w.boot()
			w.status(o, "Charging")
			flowing(w, o, min(7*hayalet.Kilowatt, w.Rating), 90*time.Minute, valueOpts{context: "Sample.Periodic", id: "31337"})
		}},
		{Name: "clock-back-a-day", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.ClockError -= 24 * time.Hour
			flowing(w, o, 2*hayalet.Kilowatt, 2*time.Hour, periodic)
		}},
		{Name: "blanks", Rule: pe01, Needs: reports, Habits: func(h *Habits) { h.Spaces = true }, Play: steady},
		{Name: "no-measurand", Rule: pe01, Needs: total, Habits: func(h *Habits) { h.NoMeasurand, h.NoUnit = true, h.Unit == "Wh" }, Play: steady},
		{Name: "backdated-backlog", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.session(o, 40*time.Minute, w.charging())
			w.disconnect()
			w.advance(2 * time.Minute)
			w.open()
			w.phantom(o)
			for i := range 8 { // as if they had waited since the session
				o.register += between(w, 200*hayalet.WattHour, 500*hayalet.WattHour)
				w.advance(300 * time.Millisecond)
				w.meter(o, valueOpts{context: "Sample.Periodic", shift: -time.Duration(30-i) * time.Minute, id: fmt.Sprint(o.lastTx)})
			}
			w.idle(2 * time.Hour)
			w.phantomEnded(o)
		}},
		{Name: "phases-vanish", Rule: pe01, Needs: reports, Habits: func(h *Habits) { h.Phases = true }, Play: func(w *World) {
			o := prelude(w)
			w.idle(time.Hour)
			w.Phases = false
			flowing(w, o, 2*hayalet.Kilowatt, 3*time.Hour, clock)
		}},
		{Name: "end-again", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 30*time.Minute, w.charging())
			w.end(o)
			w.advance(time.Second)
			for range 6 {
				flowing(w, o, 2*hayalet.Kilowatt, max(10*time.Minute, w.Every), valueOpts{context: "Transaction.End", id: fmt.Sprint(o.lastTx)})
			}
		}},
		{Name: "outlets-in-turns", Rule: pe01, Needs: reports, Play: func(w *World) {
			a, b := prelude(w), w.outlets[1]
			w.session(b, 30*time.Minute, w.charging())
			w.idle(time.Hour)
			w.phantom(a)
			w.truth.Also = []int{b.id}
			for range 3 {
				for _, o := range []*outlet{a, b} {
					o.flow = 2 * hayalet.Kilowatt
					w.idle(max(30*time.Minute, w.Every))
					o.flow = 0
				}
			}
			w.truth.Energy = a.sent - a.base + b.sent - b.base
		}},
		{Name: "stop-again-higher", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.idle(time.Hour)
			w.phantom(o)
			for range 3 { // each time the baseline would rise with it
				o.register += 1500 * hayalet.WattHour
				w.advance(20 * time.Minute)
				w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q}`, o.lastTx, w.book(o), w.claimed()))
				w.idle(time.Hour)
			}
			w.phantomEnded(o)
		}},
		{Name: "empty-session", Rule: pe01, Needs: reports, Play: func(w *World) { // a session of no energy after the flow would swallow it
			o := prelude(w)
			w.idle(time.Hour)
			w.phantom(o)
			o.flow = 3 * hayalet.Kilowatt
			w.advance(40 * time.Minute)
			o.flow = 0
			w.meter(o, clock)
			w.phantomEnded(o)
			w.begin(o)
			w.advance(time.Second)
			w.end(o)
			w.idle(time.Hour)
		}},
		{Name: "signed-zone-flow", Rule: pe01, Needs: reports, Habits: func(h *Habits) { h.Offset = 10 * time.Hour }, Play: steady},
		{Name: "two-registers-flow", Rule: pe01, Needs: total, Play: func(w *World) { // the first of them stands still
			o := prelude(w)
			w.phantom(o)
			o.flow = 2 * hayalet.Kilowatt
			for range max(8, int(2*time.Hour/w.Every)) {
				w.advance(w.Every)
				still := fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register","context":"Transaction.Begin"%s}`, w.written(o.base), w.unit())
				w.call("MeterValues", w.meterPayload(o, clock, still, w.register(o, w.reported(o), w.context("Sample.Clock"))[0]))
				o.sent = w.reported(o)
			}
			o.flow = 0
			w.phantomEnded(o)
			w.idle(time.Hour)
		}},
		{Name: "interval-beside-inlet", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && !h.NoContext }, Habits: func(h *Habits) {
			h.Interval, h.Phases, h.Unit, h.Decimals, h.Main = true, false, "Wh", 1, MainInlet
		}, Play: func(w *World) {
			prelude(w)
			o := w.outlets[0]
			flowing(w, o, 2*hayalet.Kilowatt, 2*time.Hour, clock)
			w.truth.Also, w.truth.Loose = []int{0}, true // the register before the outlets counts more
		}},
		{Name: "high-meter-stop", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && h.Unit == "Wh" }, Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 30*time.Minute, w.charging())
			o.lastTx, o.flow = o.tx, 0
			w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q}`, o.tx, w.book(o)+4000, w.claimed()))
			o.tx, o.base = 0, w.reported(o)
			w.main.rebase(w.outlets)
			flowing(w, o, 2*hayalet.Kilowatt, 2*time.Hour, clock)
		}},
	}
}

// settleFarm takes a little after each of many short sessions.
func settleFarm(w *World) {
	o := prelude(w)
	w.phantom(o)
	w.truth.Loose = true // what settling pays for is no incident's, and the episodes are many
	for range 60 {
		w.session(o, 5*time.Minute, w.charging())
		before := o.register
		o.register += between(w, 15*hayalet.WattHour, 25*hayalet.WattHour)
		w.advance(time.Minute)
		w.meter(o, valueOpts{context: "Sample.Clock"})
		w.truth.Energy += o.register - before
		w.advance(between(w, 10*time.Minute, 18*time.Minute))
		w.meter(o, valueOpts{context: "Sample.Clock"})
	}
}
