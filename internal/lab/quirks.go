package lab

import (
	"fmt"
	"time"

	"hayalet"
)

// inside plays a session whose values are written by values instead of the station's habit.
func inside(w *World, o *outlet, n int, values func(i int)) {
	w.status(o, "Preparing")
	w.begin(o)
	w.status(o, "Charging")
	for i := range n {
		o.flow = w.charging()
		w.advance(w.TxEvery)
		values(i)
	}
	w.finish(o)
}

// quirks are habits that were seen in the field, each with the make that has it.
func quirks() []Family {
	total := func(h Habits) bool { return lifetime(h) && !h.Phases }
	periodic := valueOpts{context: "Sample.Periodic"}
	clock := valueOpts{context: "Sample.Clock"}
	// register writes a register of its own.
	register := func(e hayalet.Energy, more string) string {
		return fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register","unit":"Wh"%s}`, hayalet.FormatDecimal(int64(e), 3, 0), more)
	}
	return []Family{
		// ABB: the session counts in Sample.Periodic, a lifetime register at the inlet in Sample.Clock; idle, Trigger reads 0.
		{Name: "abb", Habits: func(h *Habits) { h.PerSession, h.Main = true, NoMain }, Play: func(w *World) {
			o := w.outlets[0]
			w.open()
			w.boot()
			w.status(o, "Available")
			for range 3 {
				for range 4 {
					w.advance(15 * time.Minute)
					w.call("MeterValues", w.meterPayload(o, clock, fmt.Sprintf(`{"value":"%d","context":"Sample.Clock","location":"Inlet"}`, o.register/hayalet.WattHour)))
				}
				w.call("MeterValues", w.meterPayload(o, clock, register(0, `,"context":"Trigger"`)))
				inside(w, o, 12, func(i int) {
					w.meter(o, periodic)
					if i%4 == 3 {
						w.call("MeterValues", w.meterPayload(o, clock, fmt.Sprintf(`{"value":"%d","context":"Sample.Clock","location":"Inlet"}`, o.register/hayalet.WattHour)))
					}
				})
				w.call("MeterValues", w.meterPayload(o, clock, register(0, `,"context":"Trigger"`)))
			}
			w.advance(time.Hour)
			w.Every = 0
		}},
		{Name: "idle-reads-zero", Needs: func(h Habits) bool { return h.Every > 0 }, Habits: func(h *Habits) { h.PerSession, h.Standby, h.Settle = true, 0, 0 }, Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				inside(w, o, 10, func(int) { w.meter(o, periodic) })
				o.zero = o.register
				w.idle(3 * time.Hour)
			}
		}},
		// MicroOcpp: two registers of one context in one sample, nobody knows which one counts.
		{Name: "two-registers", Needs: total, Habits: func(h *Habits) { h.Unit, h.Decimals, h.NoUnit, h.Interval = "Wh", 0, false, false }, Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				from := o.register
				inside(w, o, 10, func(int) {
					w.call("MeterValues", w.meterPayload(o, periodic, register(o.register-from, ""), register(o.register, "")))
				})
				for range 6 {
					w.advance(15 * time.Minute)
					w.call("MeterValues", w.meterPayload(o, clock, register(0, ""), register(o.register, "")))
				}
			}
		}},
		// Huawei: 10 Wh samples beside a book of 1 Wh, meterStop a Wh below meterStart, the end's values before the stop.
		{Name: "huawei", Needs: total, Habits: func(h *Habits) { h.Unit, h.Decimals, h.NoUnit, h.Interval = "kWh", 2, false, false }, Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				w.begin(o)
				w.status(o, "Charging")
				w.charge(o, 20*time.Minute, w.charging())
				w.status(o, "Available")
				w.advance(400 * time.Millisecond)
				o.register += 70 * hayalet.WattHour
				w.meter(o, valueOpts{context: "Transaction.End"})
				w.end(o)
				w.idle(2 * time.Hour)
				w.begin(o) // half a second, and a Wh less
				w.advance(500 * time.Millisecond)
				o.register -= hayalet.WattHour
				w.end(o)
				o.register += hayalet.WattHour
				w.idle(time.Hour)
			}
		}},
		// Amperfied: what is not energy in volts.
		{Name: "amperfied", Habits: func(h *Habits) { h.ZeroID, h.StaleID = true, false }, Play: func(w *World) {
			o := prelude(w)
			odd := []string{
				`{"value":"16","measurand":"Current.Offered","unit":"V"}`, `{"value":"11000","measurand":"Power.Offered","unit":"V"}`,
				`{"value":"40","measurand":"SoC","unit":"V"}`,
			}
			for range 2 {
				inside(w, o, 10, func(int) {
					samples, _ := w.samples(o, w.reported(o), periodic)
					w.call("MeterValues", w.meterPayload(o, periodic, append(odd, samples...)...))
				})
				w.idle(2 * time.Hour)
			}
		}},
		// Grizzl-E: the register of one phase only, counting from each start.
		{Name: "grizzl-e", Habits: func(h *Habits) { h.PerSession, h.Every, h.Interval = true, 0, false }, Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				inside(w, o, 15, func(int) {
					w.call("MeterValues", w.meterPayload(o, periodic, register(w.reported(o), `,"phase":"L1-N","context":"Sample.Periodic"`)))
				})
				w.idle(2 * time.Hour)
			}
		}},
		// Wallbox: an interval beside the register.
		{Name: "interval-beside", Needs: func(h Habits) bool { return h.Every > 0 }, Habits: func(h *Habits) { h.Interval = false }, Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				last := o.register
				value := func(v valueOpts) {
					samples, _ := w.samples(o, w.reported(o), v)
					samples = append(samples, fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Interval","unit":"Wh"%s}`, hayalet.FormatDecimal(int64(o.register-last), 3, 1), w.context(v.context)))
					last = o.register
					w.call("MeterValues", w.meterPayload(o, v, samples...))
				}
				inside(w, o, 10, func(int) { value(periodic) })
				for range 8 {
					w.advance(w.Every)
					value(clock)
				}
			}
		}},
		// A station that tells voltage only, and one whose meter is dead.
		{Name: "voltage-only", Habits: func(h *Habits) { h.NoRegister, h.WithPower, h.NoBook = true, false, true }, Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				inside(w, o, 10, func(int) {
					w.call("MeterValues", w.meterPayload(o, periodic, `{"value":"244.54","measurand":"Voltage","unit":"V"}`))
				})
				w.advance(time.Hour)
				w.call("MeterValues", w.meterPayload(o, clock, `{"value":"245.01","measurand":"Voltage","unit":"V"}`))
			}
		}},
		{Name: "dead-meter", Habits: func(h *Habits) { h.NoBook, h.Main = true, NoMain }, Play: func(w *World) {
			o := prelude(w)
			w.Every = 0
			dead := []string{register(0, ""), `{"value":"0.0","measurand":"Current.Import","unit":"A"}`, `{"value":"0","measurand":"Power.Active.Import","unit":"W"}`, `{"value":"0","measurand":"Voltage","unit":"V"}`}
			for range 3 {
				inside(w, o, 10, func(int) { w.call("MeterValues", w.meterPayload(o, periodic, dead...)) })
				w.advance(time.Hour)
				w.call("MeterValues", w.meterPayload(o, clock, dead...))
			}
		}},
		// AcTEC: a tenth of the power in a session.
		{Name: "tenth-of-the-power", Habits: func(h *Habits) { h.WithPower = true }, Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				inside(w, o, 10, func(int) {
					tenth := o.flow / 10
					w.meter(o, valueOpts{context: "Sample.Periodic", power: &tenth})
				})
				w.idle(2 * time.Hour)
			}
		}},
		// MENNEKES: one meterValue for each value, all of one stamp.
		{Name: "value-by-value", Habits: func(h *Habits) { h.WithPower = true }, Play: func(w *World) {
			o := prelude(w)
			split := func(v valueOpts) {
				samples, _ := w.samples(o, w.reported(o), v)
				list, stamp := "", w.claimed()
				for i, sample := range samples {
					if i > 0 {
						list += ","
					}
					list += fmt.Sprintf(`{"timestamp":%q,"sampledValue":[%s]}`, stamp, sample)
				}
				w.call("MeterValues", fmt.Sprintf(`{"connectorId":%d,"transactionId":%d,"meterValue":[%s]}`, o.id, o.tx, list))
			}
			for range 2 {
				inside(w, o, 10, func(int) { split(periodic) })
				for range 6 {
					w.advance(15 * time.Minute)
					split(clock)
				}
			}
		}},
		// 0311107…: pauses of a session come without its id.
		{Name: "pause-without-id", Habits: func(h *Habits) { h.NoID = false }, Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				w.begin(o)
				w.status(o, "Charging")
				w.charge(o, 20*time.Minute, w.charging())
				w.NoID = true
				w.status(o, "SuspendedEV")
				w.meter(o, valueOpts{context: "Interruption.Begin"})
				w.charge(o, 30*time.Minute, 0)
				w.meter(o, valueOpts{context: "Interruption.End"})
				w.NoID = false
				w.status(o, "Charging")
				w.charge(o, 20*time.Minute, w.charging())
				w.finish(o)
				w.idle(2 * time.Hour)
			}
		}},
		// KEBA, MicroOcpp: -16 or -1 where no id is known.
		{Name: "minus-sixteen", Only16: NoneNumber, Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				inside(w, o, 10, func(int) { w.meter(o, valueOpts{context: "Sample.Periodic", id: "-16"}) })
				w.idle(2 * time.Hour)
			}
		}},
		// Grizzl-E, EVBox with evcc: each transaction is number 1, or 0.
		{Name: "always-one", Play: reused(1)},
		{Name: "always-zero", Play: reused(0)},
		// Wallbox: status Charging without any transaction, the register stands.
		{Name: "charging-without-start", Needs: func(h Habits) bool { return !h.NoStatus }, Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Charging")
			w.idle(time.Hour)
			w.status(o, "SuspendedEV")
			w.idle(2 * time.Hour)
			w.status(o, "Available")
			w.idle(time.Hour)
		}},
		// OpenEVSE: a transaction goes on after a loss of power.
		{Name: "resumed", Needs: func(h Habits) bool { return !h.NoID }, Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.status(o, "Charging")
			w.charge(o, 20*time.Minute, w.charging())
			w.disconnect()
			o.flow = 0
			w.advance(between(w, time.Minute, 2*time.Hour))
			w.reconnect()
			w.boot()
			w.status(o, "Charging")
			w.charge(o, 20*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
		// The end's values come with or after the stop.
		{Name: "end-after-stop", Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				w.begin(o)
				w.status(o, "Charging")
				w.charge(o, 20*time.Minute, w.charging())
				w.end(o)
				w.meter(o, valueOpts{context: "Transaction.End", id: fmt.Sprint(o.lastTx)})
				w.advance(2 * time.Second)
				w.meter(o, valueOpts{context: "Transaction.End", id: fmt.Sprint(o.lastTx)})
				w.status(o, "Available")
				w.idle(2 * time.Hour)
			}
		}},
		// Schneider: a last start with meterStart 0 in place of a stop.
		{Name: "start-for-stop", Only16: NoMeter, Needs: func(h Habits) bool { return lifetime(h) && !h.NoStatus && !h.Interval }, Play: startForStop},
		// A DC station: begin and end in the stop's transactionData, both stamped with its time.
		{Name: "transaction-data", Needs: total, Habits: func(h *Habits) { h.Interval = false }, Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				w.begin(o)
				begin := w.written(o.started)
				w.charge(o, 30*time.Minute, w.charging())
				w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q,"transactionData":[{"timestamp":%q,"sampledValue":[{"value":%q,"context":"Transaction.Begin"%s}]},{"timestamp":%q,"sampledValue":[{"value":%q,"context":"Transaction.End"%s}]}]}`,
					o.tx, w.book(o), w.claimed(), w.claimed(), begin, w.unit(), w.claimed(), w.written(w.reported(o)), w.unit()))
				o.lastTx, o.tx, o.flow = o.tx, 0, 0
				w.advance(5 * time.Second)
				w.status(o, "Available")
				w.idle(2 * time.Hour)
			}
		}},
		// EVBox: 5 Wh while the station has suspended.
		{Name: "pause-grows", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.status(o, "Charging")
			w.charge(o, 20*time.Minute, w.charging())
			w.status(o, "SuspendedEVSE")
			o.register += 5 * hayalet.WattHour
			w.charge(o, 30*time.Minute, 0)
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
		// Vestel: local time under the label Z.
		{Name: "local-time", Habits: func(h *Habits) { h.ClockError, h.Offset = 2*time.Hour, 0 }, Play: plain},
		{Name: "offset-stamps", Habits: func(h *Habits) { h.Offset, h.ClockError = 10*time.Hour, 0 }, Play: plain},
		{Name: "ahead-216-s", Habits: func(h *Habits) { h.ClockError = 216 * time.Second }, Play: plain},
		// Alfen, EVBox: a backlog of days.
		{Name: "backlog-of-days", Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			w.advance(time.Hour)
			w.session(o, 40*time.Minute, w.charging())
			w.idle(between(w, 10*time.Hour, 60*time.Hour))
			w.reconnect()
			w.idle(3 * time.Hour)
		}},
		// Illegal contexts, lower-case measurands, odd codes.
		{Name: "odd-form", Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				inside(w, o, 10, func(int) {
					samples, _ := w.samples(o, w.reported(o), valueOpts{context: "CurrentMax"})
					samples = append(samples, `{"value":"15.630","unit":"A"}`, `{"value":"3.1","measurand":"Current.import","unit":"A"}`)
					w.call("MeterValues", w.meterPayload(o, periodic, samples...))
				})
				w.call("StatusNotification", `{"connectorId":0,"errorCode":"Error","status":"Faulted"}`)
				w.idle(2 * time.Hour)
			}
		}},
		// Finishing said again and again, a second boot, statuses without a time.
		{Name: "chatter", Needs: func(h Habits) bool { return !h.NoStatus }, Play: func(w *World) {
			o := prelude(w)
			w.boot()
			w.advance(1600 * time.Millisecond)
			w.boot()
			sessions(w, o, 1)
			for range 30 {
				w.advance(13 * time.Second)
				w.call("StatusNotification", `{"connectorId":1,"errorCode":"NoError","status":"Finishing"}`)
			}
			w.idle(2 * time.Hour)
		}},
		// A CSMS restart: it does not know the transaction, the samples go on.
		{Name: "register-dips-at-start", Needs: lifetime, Play: func(w *World) { // EVBox Elvi: about 0 for a moment
			o := prelude(w)
			for range 3 {
				w.begin(o)
				good := o.zero
				o.zero = o.register
				w.advance(2 * time.Second)
				w.meter(o, periodic)
				o.zero = good
				w.charge(o, 30*time.Minute, w.charging())
				w.finish(o)
				w.idle(2 * time.Hour)
			}
		}},
	}
}

// reused plays sessions that all have one transaction id.
func reused(id int64) func(*World) {
	return func(w *World) {
		o := prelude(w)
		for range 4 {
			w.nextTx = id - 1
			w.session(o, 30*time.Minute, w.charging())
			w.idle(2 * time.Hour)
		}
	}
}

// startForStop ends a session with a start of meterStart 0 that nobody answers.
func startForStop(w *World) {
	o := prelude(w)
	w.begin(o)
	w.charge(o, 20*time.Minute, w.charging())
	w.call("StartTransaction", fmt.Sprintf(`{"connectorId":%d,"idTag":"T","meterStart":0,"timestamp":%q}`, o.id, w.claimed()))
	o.lastTx, o.tx, o.flow = o.tx, 0, 0
	w.advance(5 * time.Second)
	w.status(o, "Available")
	w.idle(3 * time.Hour)
	sessions(w, o, 1)
}
