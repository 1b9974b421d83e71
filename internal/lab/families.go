package lab

import (
	"fmt"
	"slices"
	"time"

	"hayalet"
)

// Family is a shape of attack or a benign habit, played in a world.
type Family struct {
	Name    string
	Rule    hayalet.RuleName // the rule that is meant to find it; "" for benign families
	Outlets int              // of the station; 0: two
	Only16  Reason           // why the story cannot be told in OCPP 2.x; "" where it can
	Needs   func(h Habits) bool
	Habits  func(h *Habits)
	Play    func(w *World)
}

// Reason says why a family is left out.
type Reason string

// The reasons.
const (
	NoneNumber Reason = "none-number" // 2.x has no number that stands for no transaction: the station knows its own id
	NoMeter    Reason = "no-meter"    // 2.x has no field of the register that a start must fill
)

// Told are the families whose story can be told in a version of OCPP, and those that are left out.
func Told(families []Family, p hayalet.Protocol) (told, left []Family) {
	for _, f := range families {
		if p != hayalet.OCPP16 && f.Only16 != "" {
			left = append(left, f)
		} else {
			told = append(told, f)
		}
	}
	return told, left
}

// Attack reports whether the family is one.
func (f *Family) Attack() bool { return f.Rule != "" }

// prelude is what comes before most stories: a boot, some idle values, one or two clean sessions.
func prelude(w *World) *outlet {
	o := w.outlets[0]
	w.open()
	w.boot()
	for _, each := range w.outlets {
		w.status(each, "Available")
	}
	w.idle(time.Duration(1+w.rng.IntN(3)) * time.Hour)
	for range 1 + w.rng.IntN(2) {
		w.session(o, time.Duration(20+w.rng.IntN(60))*time.Minute, w.charging())
		w.idle(time.Duration(30+w.rng.IntN(90)) * time.Minute)
	}
	return o
}

// charging is a power that the connector can deliver.
func (w *World) charging() hayalet.Power {
	return w.Rating/2 + hayalet.Power(w.rng.Int64N(int64(w.Rating/2)))/1000*1000
}

// flowing lets a phantom flow for d and reports it.
func flowing(w *World, o *outlet, p hayalet.Power, d time.Duration, v valueOpts) {
	w.phantom(o)
	o.flow = p
	w.idleWith(d, v)
	o.flow = 0
	w.phantomEnded(o)
}

func flow(p hayalet.Power, d time.Duration) func(*World) {
	return func(w *World) {
		o := prelude(w)
		flowing(w, o, p, d, valueOpts{context: "Sample.Clock"})
		w.idle(30 * time.Minute)
	}
}

const pe01 = hayalet.RuleName("PE-01")

func reports(h Habits) bool { return h.Every > 0 && !h.PerSession }

// Attacks are the attack families.
func Attacks() []Family {
	clock := valueOpts{context: "Sample.Clock"}
	zero := hayalet.Power(0)
	return slices.Concat(moreAttacks(), gapAttacks(), powerAttacks(), stopAttacks(), dripAttacks(), stationAttacks(), evasions(), []Family{
		{Name: "flow-300w", Rule: pe01, Needs: reports, Play: flow(300*hayalet.Watt, 3*time.Hour)},
		{Name: "flow-2kw", Rule: pe01, Needs: reports, Play: flow(2*hayalet.Kilowatt, 2*time.Hour)},
		{Name: "flow-7kw", Rule: pe01, Needs: reports, Play: flow(7400*hayalet.Watt, 40*time.Minute)},
		{Name: "flow-full", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			flowing(w, o, w.Rating, time.Hour, clock)
		}},
		{Name: "drip-100w", Rule: pe01, Needs: reports, Play: flow(100*hayalet.Watt, 6*time.Hour)},
		{Name: "drip-30w", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.idle(26 * time.Hour)
			flowing(w, o, 30*hayalet.Watt, 12*time.Hour, clock)
		}},
		{Name: "at-the-stop", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Preparing")
			w.begin(o)
			w.charge(o, 30*time.Minute, w.charging())
			w.end(o)
			flowing(w, o, 3*hayalet.Kilowatt, time.Hour, valueOpts{context: "Sample.Periodic"})
		}},
		{Name: "delayed-day", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.idle(30 * time.Hour)
			flowing(w, o, 1500*hayalet.Watt, 2*time.Hour, clock)
		}},
		{Name: "stale-id", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Periodic", id: fmt.Sprint(o.lastTx)})
		}},
		{Name: "invented-id", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Periodic", id: "987654"})
		}},
		{Name: "minus-one-id", Rule: pe01, Only16: NoneNumber, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Periodic", id: "-1"})
		}},
		{Name: "backdated", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.session(o, 40*time.Minute, w.charging())
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Periodic", shift: -80 * time.Minute})
		}},
		{Name: "burst", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.phantom(o)
			o.register += hayalet.Energy(2+w.rng.IntN(5)) * hayalet.KilowattHour
			w.idle(2 * time.Hour)
			w.phantomEnded(o)
		}},
		{Name: "bursts", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.phantom(o)
			for range 6 {
				o.register += 150 * hayalet.WattHour
				w.idle(time.Duration(60+w.rng.IntN(60)) * time.Minute)
			}
			w.phantomEnded(o)
		}},
		{Name: "reboot-then-flow", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.boot()
			flowing(w, o, 3600*hayalet.Watt, time.Hour, clock)
		}},
		{Name: "reconnect-then-flow", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			w.advance(10 * time.Minute)
			w.reconnect()
			w.idle(10 * time.Minute)
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Periodic", id: "4242"})
		}},
		{Name: "status-charging", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && !h.NoStatus }, Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Charging")
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Periodic"})
		}},
		{Name: "charge-on-plug", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && !h.NoStatus }, Play: func(w *World) {
			o := w.outlets[0]
			w.open()
			w.boot()
			w.status(o, "Available")
			w.idle(2 * time.Hour)
			w.status(o, "Preparing")
			flowing(w, o, 3600*hayalet.Watt, time.Hour, clock)
		}},
		{Name: "second-connector", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && !h.NoStatus }, Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.status(o, "Charging")
			w.charge(o, 20*time.Minute, w.charging())
			other := w.outlets[1]
			w.phantom(other)
			other.flow = 2 * hayalet.Kilowatt
			for range 8 {
				w.charge(o, 15*time.Minute, w.charging())
				w.meter(other, clock)
			}
			w.phantomEnded(other)
			other.flow = 0
			w.finish(o)
		}},
		{Name: "reported-only", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && h.WithPower }, Play: func(w *World) {
			o := prelude(w)
			flowing(w, o, 3600*hayalet.Watt, time.Hour, valueOpts{context: "Sample.Clock", power: &zero})
		}},
		{Name: "unit-switch", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && h.Unit == "Wh" && !h.NoUnit }, Play: func(w *World) {
			o := prelude(w)
			w.Unit, w.Decimals = "kWh", 3
			flowing(w, o, 2*hayalet.Kilowatt, time.Hour, clock)
		}},
		{Name: "seed", Rule: pe01, Habits: func(h *Habits) {
			*h = Habits{Unit: "kWh", Decimals: 2, Base: 10 * hayalet.KilowattHour, Rating: 22 * hayalet.Kilowatt, BookKWh: true, NoID: true}
		}, Play: seed},
	})
}

// seed is the run that hayalet began with.
func seed(w *World) {
	o := w.outlets[0]
	o.register = 10 * hayalet.KilowattHour
	periodic := valueOpts{context: "Sample.Periodic"}
	w.open()
	w.boot()
	w.begin(o)
	for range 3 {
		w.advance(time.Second)
		w.meter(o, periodic)
		o.register += 500 * hayalet.WattHour
	}
	o.register = 12 * hayalet.KilowattHour
	w.end(o)
	w.phantom(o)
	for range 5 {
		w.advance(2 * time.Second)
		o.register += 10 * hayalet.WattHour
		w.meter(o, periodic)
	}
	w.phantomEnded(o)
}

// Benign are the habits of healthy stations.
func Benign() []Family {
	return slices.Concat(moreBenign(), healthy(), quirks(), []Family{
		{Name: "sessions", Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				w.session(o, time.Duration(10+w.rng.IntN(100))*time.Minute, w.charging())
				w.idle(time.Duration(1+w.rng.IntN(5)) * time.Hour)
			}
		}},
		{Name: "idle-day", Play: func(w *World) {
			prelude(w)
			w.idle(24 * time.Hour)
		}},
		{Name: "two-outlets", Play: func(w *World) {
			prelude(w)
			a, b := w.outlets[0], w.outlets[1]
			for range 4 {
				w.begin(a)
				w.status(a, "Charging")
				w.charge(a, 15*time.Minute, w.charging())
				w.begin(b)
				w.status(b, "Charging")
				for range 5 {
					a.flow, b.flow = w.Rating/3, w.Rating/4
					w.advance(w.TxEvery)
					w.meter(a, valueOpts{context: "Sample.Periodic"})
					w.meter(b, valueOpts{context: "Sample.Periodic"})
				}
				w.finish(a)
				w.charge(b, 10*time.Minute, w.charging())
				w.finish(b)
				w.idle(time.Hour)
			}
		}},
		{Name: "glitch-zero", Play: glitch(0)},
		{Name: "glitch-high", Play: glitch(4_294_967_295 * hayalet.WattHour)},
		{Name: "offline-session", Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			w.advance(10 * time.Minute)
			w.session(o, 40*time.Minute, w.charging())
			w.advance(20 * time.Minute)
			w.reconnect()
			w.idle(2 * time.Hour)
		}},
		{Name: "offline-overtaken", Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			w.advance(10 * time.Minute)
			w.session(o, 40*time.Minute, w.charging())
			w.advance(20 * time.Minute)
			pending := w.queue
			w.queue = nil
			w.open()
			w.advance(2 * time.Second)
			w.meter(o, valueOpts{context: "Sample.Clock"})
			for _, q := range pending {
				w.advance(300 * time.Millisecond)
				w.send(q)
			}
			w.idle(2 * time.Hour)
		}},
		{Name: "late-values", Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Preparing")
			w.begin(o)
			w.charge(o, 10*time.Minute, w.charging())
			o.flow = w.Rating / 2
			var late []string
			for range 3 {
				w.advance(w.TxEvery)
				v := valueOpts{context: "Sample.Periodic", id: fmt.Sprint(o.tx)}
				samples, _ := w.samples(o, w.reported(o), v)
				late = append(late, w.meterPayload(o, v, samples...))
			}
			w.finish(o)
			for _, payload := range late {
				w.advance(time.Second)
				w.call("MeterValues", payload)
			}
			w.idle(time.Hour)
		}},
		{Name: "reconnects", Play: func(w *World) {
			o := prelude(w)
			for range 4 {
				w.begin(o)
				w.status(o, "Charging")
				w.charge(o, 10*time.Minute, w.charging())
				w.disconnect()
				w.advance(time.Duration(10+w.rng.IntN(120)) * time.Second)
				w.reconnect()
				w.charge(o, 10*time.Minute, w.charging())
				w.finish(o)
				w.idle(time.Hour)
				w.disconnect()
				w.advance(time.Duration(10+w.rng.IntN(1200)) * time.Second)
				w.reconnect()
				w.boot()
				w.status(o, "Available")
				w.idle(time.Hour)
			}
		}},
		{Name: "boot-in-transaction", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.status(o, "Charging")
			w.charge(o, 10*time.Minute, w.charging())
			w.boot()
			w.status(o, "Charging")
			w.charge(o, 10*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}, Needs: func(h Habits) bool { return !h.NoID && !h.NoStatus }},
		{Name: "start-again", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			again := w.frames[len(w.frames)-2]
			answer := w.frames[len(w.frames)-1]
			w.advance(5 * time.Second)
			w.frame(hayalet.Message, hayalet.In, string(again.Data))
			w.frame(hayalet.Message, hayalet.Out, string(answer.Data))
			w.charge(o, 20*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
		{Name: "join-in-the-middle", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 10*time.Minute, w.charging())
			w.frames = nil // here the record begins
			w.charge(o, 20*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}, Needs: func(h Habits) bool { return !h.NoID }},
		{Name: "suspended", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.status(o, "Charging")
			w.charge(o, 10*time.Minute, w.charging())
			w.status(o, "SuspendedEV")
			w.charge(o, 40*time.Minute, 5*hayalet.Watt)
			w.status(o, "Charging")
			w.charge(o, 10*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
		{Name: "begin-restated", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			for range 5 {
				o.flow = w.charging()
				w.advance(w.TxEvery)
				w.call("MeterValues", fmt.Sprintf(`{"connectorId":%d,"transactionId":%d,"meterValue":[{"timestamp":%q,"sampledValue":[%s,{"value":%q,"context":"Transaction.Begin"%s}]}]}`,
					o.id, o.tx, w.claimed(), w.register(o, w.reported(o), w.context("Sample.Periodic"))[0], w.written(o.started), w.unit()))
			}
			w.finish(o)
			w.idle(2 * time.Hour)
		}, Needs: func(h Habits) bool { return !h.Phases && !h.Interval }},
		{Name: "malformed", Play: func(w *World) {
			o := prelude(w)
			for _, payload := range []string{
				`{"connectorId":1,"meterValue":[{"timestamp":"0000-00-00T00:00:00.000Z","sampledValue":[{"value":"NaN"}]}]}`,
				`{"connectorId":1,"meterValue":[]}`, `{"connectorId":"one"}`, `{"meterValue":{"sampledValue":null}}`, `[]`,
				`{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"5","unit":"V","measurand":"SoC"}]}]}`,
			} {
				w.advance(time.Minute)
				w.call("MeterValues", payload)
			}
			w.session(o, 20*time.Minute, w.charging())
			w.idle(time.Hour)
		}},
		{Name: "clock-1970", Play: func(w *World) {
			o := prelude(w)
			w.disconnect()
			w.advance(time.Minute)
			w.reconnect()
			w.boot()
			was := w.ClockError
			w.ClockError = -56 * 365 * 24 * time.Hour
			w.status(o, "Available")
			w.idle(time.Hour)
			w.ClockError = was
			w.session(o, 20*time.Minute, w.charging())
			w.idle(time.Hour)
		}},
	})
}

// glitch shows one wrong value between good ones, idle and in a transaction.
func glitch(wrong hayalet.Energy) func(*World) {
	return func(w *World) {
		o := prelude(w)
		show := func(ctx string) {
			good := o.register
			o.register = wrong + o.zero
			w.advance(time.Second)
			w.meter(o, valueOpts{context: ctx})
			o.register = good
		}
		show("Sample.Clock")
		w.idle(2 * time.Hour)
		w.begin(o)
		w.charge(o, 10*time.Minute, w.charging())
		show("Sample.Periodic")
		w.charge(o, 20*time.Minute, w.charging())
		w.finish(o)
		w.idle(2 * time.Hour)
		show("Sample.Clock")
		w.idle(2 * time.Hour)
	}
}

// moreAttacks and moreBenign are families beyond the plain shapes.
func moreAttacks() []Family {
	clock := valueOpts{context: "Sample.Clock"}
	periodic := valueOpts{context: "Sample.Periodic"}
	return []Family{
		{Name: "after-stop-zero", Rule: pe01, Only16: NoneNumber, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.status(o, "Preparing")
			w.begin(o)
			w.charge(o, 20*time.Minute, w.charging())
			o.tx = 0
			w.call("StopTransaction", fmt.Sprintf(`{"transactionId":0,"meterStop":%d,"timestamp":%q}`, w.book(o), w.claimed()))
			o.base, o.flow = w.reported(o), 0
			w.advance(time.Minute)
			flowing(w, o, 3*hayalet.Kilowatt, time.Hour, periodic)
		}},
		{Name: "after-refused-start", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.nextTx++
			tx := w.nextTx
			w.callAnd("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"BAD","meterStart":%d,"timestamp":%q}`, w.book(o), w.claimed()), func() {
				w.frame(hayalet.Message, hayalet.Out, fmt.Sprintf(`[3,"%s-%d",{"transactionId":%d,"idTagInfo":{"status":"Blocked"}}]`, w.station, w.message, tx))
			})
			w.advance(3 * time.Second)
			w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q,"reason":"DeAuthorized"}`, tx, w.book(o), w.claimed()))
			o.base = w.reported(o)
			flowing(w, o, 3*hayalet.Kilowatt, time.Hour, periodic)
		}},
		{Name: "over-rating", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			flowing(w, o, 900*hayalet.Kilowatt, time.Hour, clock)
		}},
		{Name: "reset-then-flow", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.boot()
			w.status(o, "Available")
			o.zero = o.register // the register restarts with the boot
			w.idle(2 * time.Hour)
			o.base = 0
			flowing(w, o, 3*hayalet.Kilowatt, time.Hour, clock)
		}},
		{Name: "behind-utc", Rule: pe01, Needs: reports, Habits: func(h *Habits) { h.ClockError = -5 * time.Hour }, Play: flow(2*hayalet.Kilowatt, 2*time.Hour)},
		{Name: "interval-only", Rule: pe01, Needs: reports, Habits: func(h *Habits) {
			h.Interval, h.Phases, h.Unit, h.Decimals, h.Main = true, false, "Wh", 1, NoMain
		}, Play: flow(2*hayalet.Kilowatt, 2*time.Hour)},
		{Name: "kwh-labelled-wh", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && h.Base > 0 && !h.Phases }, Habits: func(h *Habits) {
			h.Unit, h.Decimals, h.NoUnit, h.Mislabel = "kWh", 3, false, true
		}, Play: flow(2*hayalet.Kilowatt, 2*time.Hour)},
		{Name: "after-outage", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			w.phantom(o)
			w.disconnect()
			o.flow = 3 * hayalet.Kilowatt
			w.advance(time.Hour)
			w.queue = nil
			w.reconnect()
			w.idle(time.Hour)
			o.flow = 0
			w.phantomEnded(o)
		}},
		{Name: "one-way-ids", Rule: pe01, Needs: reports, Play: func(w *World) {
			o := prelude(w)
			for i := range 3 {
				flowing(w, o, 2*hayalet.Kilowatt, 30*time.Minute, valueOpts{context: "Sample.Periodic", id: fmt.Sprint(5000 + i)})
			}
		}},
		{Name: "unknown-then-available", Rule: pe01, Needs: func(h Habits) bool { return reports(h) && !h.NoStatus }, Play: func(w *World) {
			o := prelude(w)
			w.frame(hayalet.Gap, hayalet.In, "")
			w.idle(time.Hour)
			w.status(o, "Available")
			w.idle(30 * time.Minute)
			o.base = w.reported(o)
			flowing(w, o, 2*hayalet.Kilowatt, time.Hour, clock)
		}},
	}
}

func moreBenign() []Family {
	stopWith := func(id int64) func(*World) {
		return func(w *World) {
			o := prelude(w)
			for range 3 {
				w.status(o, "Preparing")
				w.begin(o)
				w.charge(o, 20*time.Minute, w.charging())
				o.tx, o.flow = 0, 0
				w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q}`, id, w.book(o), w.claimed()))
				w.advance(time.Minute)
				w.status(o, "Available")
				w.idle(time.Hour)
			}
		}
	}
	clean := func(w *World) {
		o := prelude(w)
		for range 2 {
			w.session(o, 40*time.Minute, w.charging())
			w.idle(2 * time.Hour)
		}
	}
	return []Family{
		{Name: "stop-zero", Only16: NoneNumber, Play: stopWith(0)},
		{Name: "stop-minus-one", Only16: NoneNumber, Play: stopWith(-1)},
		{Name: "behind-utc-clean", Habits: func(h *Habits) { h.ClockError = -5 * time.Hour }, Play: clean},
		{Name: "ahead-of-utc", Habits: func(h *Habits) { h.ClockError = 2 * time.Hour }, Play: clean},
		{Name: "interval-only-clean", Habits: func(h *Habits) { h.Interval, h.Phases, h.Unit, h.Decimals, h.Main = true, false, "Wh", 1, NoMain }, Play: clean},
		{Name: "kwh-labelled-wh-clean", Needs: func(h Habits) bool { return h.Base > 0 && !h.PerSession }, Habits: func(h *Habits) {
			h.Unit, h.Decimals, h.NoUnit, h.Mislabel, h.Phases = "kWh", 3, false, true, false
		}, Play: clean},
		{Name: "book-in-kwh", Needs: func(h Habits) bool { return !h.PerSession && h.Base > 0 }, Habits: func(h *Habits) { h.BookKWh, h.Unit, h.Decimals, h.NoUnit = true, "kWh", 2, false }, Play: clean},
		{Name: "register-per-boot", Play: func(w *World) {
			o := prelude(w)
			for range 3 {
				w.boot()
				for _, each := range w.outlets {
					each.zero = each.register
					w.status(each, "Available")
				}
				w.idle(time.Hour)
				w.session(o, 30*time.Minute, w.charging())
				w.idle(time.Hour)
			}
		}},
		{Name: "meter-replaced", Play: func(w *World) {
			o := prelude(w)
			o.zero = o.register - 12*hayalet.WattHour
			w.idle(4 * time.Hour)
			w.session(o, 30*time.Minute, w.charging())
			w.idle(2 * time.Hour)
		}},
		{Name: "values-again", Play: func(w *World) {
			o := prelude(w)
			w.session(o, 30*time.Minute, w.charging())
			from := len(w.frames)
			w.idle(2 * time.Hour)
			for _, f := range w.frames[from:] { // the station sends its idle values once more
				if f.Dir == hayalet.In {
					w.advance(200 * time.Millisecond)
					w.frame(f.Kind, f.Dir, string(f.Data))
				}
			}
			w.idle(time.Hour)
		}},
		{Name: "total-and-phases", Needs: func(h Habits) bool { return !h.Phases && !h.PerSession }, Play: func(w *World) {
			o := prelude(w)
			for range 2 {
				w.begin(o)
				o.flow = w.charging()
				for i := range 20 {
					w.advance(w.TxEvery)
					w.Phases = i%2 == 1
					w.meter(o, valueOpts{context: "Sample.Periodic"})
				}
				w.Phases = false
				w.finish(o)
				for i := range 8 {
					w.advance(15 * time.Minute)
					w.Phases = i%2 == 1
					w.meter(o, valueOpts{context: "Sample.Clock"})
				}
				w.Phases = false
			}
		}},
		{Name: "missed-frames", Play: func(w *World) {
			o := prelude(w)
			w.begin(o)
			w.charge(o, 20*time.Minute, w.charging())
			w.frame(hayalet.Gap, hayalet.In, "")
			w.charge(o, 20*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
		{Name: "start-unanswered", Play: func(w *World) {
			o := prelude(w)
			w.nextTx++
			w.callAnd("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"T","meterStart":%d,"timestamp":%q}`, w.book(o), w.claimed()), func() {})
			o.tx = 9223372036854775807
			w.charge(o, 30*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
		{Name: "refused-start", Play: func(w *World) {
			o := prelude(w)
			w.nextTx++
			tx := w.nextTx
			w.callAnd("StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"BAD","meterStart":%d,"timestamp":%q}`, w.book(o), w.claimed()), func() {
				w.frame(hayalet.Message, hayalet.Out, fmt.Sprintf(`[3,"%s-%d",{"transactionId":%d,"idTagInfo":{"status":"Invalid"}}]`, w.station, w.message, tx))
			})
			o.tx = tx
			w.charge(o, 2*time.Minute, w.charging())
			w.finish(o)
			w.idle(2 * time.Hour)
		}},
	}
}
