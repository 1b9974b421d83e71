package lab

import (
	"fmt"
	"strings"
	"time"

	"hayalet"
)

// PowerForm is how a station writes power.
type PowerForm uint8

// The forms of power.
const (
	PowerTotal  PowerForm = iota // power in W and current, both without a phase
	PowerKW                      // power in kW
	PowerPhases                  // power in W a phase
	PowerAmps                    // current a phase, no power
)

// volts is the voltage of a phase.
const volts = 230

// options of one meter value.
type valueOpts struct {
	context string
	id      string         // transactionId as written; "" for what the habits say
	shift   time.Duration  // of the claim
	power   *hayalet.Power // as shown, whatever flows
}

// meter sends a meter value of the outlet.
func (w *World) meter(o *outlet, v valueOpts) {
	e := w.reported(o)
	samples, shown := w.samples(o, e, v)
	w.call("MeterValues", w.meterPayload(o, v, samples...))
	if o.byPower {
		w.truth.Energy += shown.Over(w.now.Sub(o.sentAt))
	}
	o.sent, o.sentAt = e, w.now
	if !o.based {
		o.base, o.based = e, true
	}
}

// meterPayload puts samples into the request of an outlet.
func (w *World) meterPayload(o *outlet, v valueOpts, samples ...string) string {
	id := v.id
	switch {
	case id != "":
	case o.tx != 0 && !w.NoID:
		id = fmt.Sprint(o.tx)
	case o.tx == 0 && w.StaleID && o.lastTx != 0:
		id = fmt.Sprint(o.lastTx)
	case o.tx == 0 && w.ZeroID:
		id = "0"
	}
	head := ""
	if id != "" {
		head = `"transactionId":` + id + ","
	}
	return fmt.Sprintf(`{"connectorId":%d,%s"meterValue":[{"timestamp":%q,"sampledValue":[%s]}]}`, o.id, head, w.stamp(v.shift), strings.Join(samples, ","))
}

// samples are the values that an outlet reports, its register first, and the power that they tell.
func (w *World) samples(o *outlet, e hayalet.Energy, v valueOpts) ([]string, hayalet.Power) {
	context := w.context(v.context)
	var out []string
	if !w.NoRegister {
		out = w.register(o, e, context)
	}
	if w.Main == MainInlet && o.id == 1 {
		out = append(out, w.mainSample(v.context))
	}
	power, shown := w.power(o, v, context)
	return append(out, power...), shown
}

func (w *World) register(o *outlet, e hayalet.Energy, context string) []string {
	switch {
	case w.Interval:
		delta := o.register - o.last
		o.last = o.register
		return []string{fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Interval","unit":"Wh"%s}`, hayalet.FormatDecimal(int64(delta), 3, 1), context)}
	case w.Phases:
		third := e / 3
		var out []string
		for i, part := range []hayalet.Energy{third, third, e - 2*third} {
			out = append(out, fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register","phase":"L%d"%s%s}`, w.written(part), i+1, w.unit(), context))
		}
		return out
	case w.NoMeasurand:
		return []string{fmt.Sprintf(`{"value":%q%s%s}`, w.written(e), w.unit(), context)}
	}
	return []string{fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register"%s%s}`, w.written(e), w.unit(), context)}
}

// power are the samples of power and current, and the power that they tell.
func (w *World) power(o *outlet, v valueOpts, context string) ([]string, hayalet.Power) {
	if !w.WithPower {
		return nil, 0
	}
	p := o.flow + o.past
	if o.tx == 0 {
		p += w.Standby
	}
	if v.power != nil {
		p = *v.power
	}
	phases := int64(w.phases())
	amps := int64(p) / volts / phases // mA a phase
	if o.tx == 0 && w.Noise && p < 40*hayalet.Watt && v.power == nil {
		p = hayalet.Power(w.rng.Int64N(int64(40 * hayalet.Watt)))
		amps = w.rng.Int64N(400) / phases
		if w.PowerAs == PowerAmps {
			amps *= phases
		}
	}
	one := func(format string, args ...any) string { return fmt.Sprintf(format, append(args, context)...) }
	switch w.PowerAs {
	case PowerKW:
		return []string{one(`{"value":%q,"measurand":"Power.Active.Import","unit":"kW"%s}`, hayalet.FormatDecimal(int64(p), 6, 3))}, p / hayalet.Watt * hayalet.Watt
	case PowerPhases:
		each := p / hayalet.Power(phases) / hayalet.Watt * hayalet.Watt
		var out []string
		for i := range phases {
			out = append(out, one(`{"value":%q,"measurand":"Power.Active.Import","phase":"L%d","unit":"W"%s}`, hayalet.FormatDecimal(int64(each), 3, 0), i+1))
		}
		return out, each * hayalet.Power(phases)
	case PowerAmps:
		amps = amps / 10 * 10
		var out []string
		for i := range phases {
			out = append(out, one(`{"value":%q,"measurand":"Current.Import","phase":"L%d","unit":"A"%s}`, hayalet.FormatDecimal(amps, 3, 2), i+1))
		}
		return out, hayalet.Power(amps * volts * phases)
	}
	return []string{
		one(`{"value":%q,"measurand":"Power.Active.Import","unit":"W"%s}`, hayalet.FormatDecimal(int64(p), 3, 0)),
		one(`{"value":%q,"measurand":"Current.Import","unit":"A"%s}`, hayalet.FormatDecimal(amps*phases, 3, 2)),
	}, p / hayalet.Watt * hayalet.Watt
}

// phases is how many the outlet has.
func (w *World) phases() int {
	if w.Rating <= 7400*hayalet.Watt {
		return 1
	}
	return 3
}

func (w *World) context(name string) string {
	if name == "" || w.NoContext {
		return ""
	}
	return fmt.Sprintf(`,"context":%q`, name)
}

func (w *World) unit() string {
	if w.NoUnit {
		return ""
	}
	if w.Mislabel {
		return `,"unit":"Wh"`
	}
	return fmt.Sprintf(`,"unit":%q`, w.Unit)
}

// written cuts the value to the decimals of the station, as registers do.
func (w *World) written(e hayalet.Energy) string {
	scale := 3
	if w.Unit == "kWh" {
		scale = 6
	}
	step := int64(1)
	for range scale - w.Decimals {
		step *= 10
	}
	text := hayalet.FormatDecimal(int64(e)/step*step, scale, w.Decimals)
	if w.Spaces {
		return " " + text + " "
	}
	return text
}
