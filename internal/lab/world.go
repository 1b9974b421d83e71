package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"hayalet"
)

// Habits are how a station reports. They are varied over the grid.
type Habits struct {
	Every      time.Duration // idle values; 0: none
	TxEvery    time.Duration // values inside a transaction
	Unit       string        // Wh or kWh
	Decimals   int           // of the written value
	Base       hayalet.Energy
	Lag        time.Duration // from the claim to the receipt
	ClockError time.Duration // claims are this much ahead
	Rating     hayalet.Power
	Standby    hayalet.Power // flows through the register while idle
	Settle     hayalet.Energy
	WithPower  bool // power and current beside the register
	NoContext  bool
	NoUnit     bool // Wh only
	NoID       bool // no transactionId inside transactions
	StaleID    bool // keeps the ended id on idle values
	ZeroID     bool // transactionId 0 on idle values
	PerSession bool // the register restarts at each start
	BookKWh    bool // meterStart and meterStop in kWh
	Phases     bool // the register per phase, no total
	Interval   bool // interval values, no register
	NoStatus   bool
	Mislabel   bool // kWh under the label Wh
}

// outlet is one connector of the world.
type outlet struct {
	id       int
	register hayalet.Energy // the physical counter
	rest     int64          // mW·ms not yet counted
	zero     hayalet.Energy // what the reported register starts from
	flow     hayalet.Power  // without the standby
	tx       int64          // running transaction; 0: none
	lastTx   int64
	started  hayalet.Energy
	sent     hayalet.Energy // reported register at the last value
	last     hayalet.Energy // physical counter at the last interval value
	base     hayalet.Energy // reported register when the last transaction ended, or at the first value
	based    bool
}

// World is a station that makes frames as time passes.
type World struct {
	Habits
	rng     *rand.Rand
	station hayalet.StationID
	start   time.Time
	now     time.Time
	conn    int
	seq     uint64
	message int
	nextTx  int64
	offline bool
	queue   []queued // while offline: transaction messages and values
	frames  []hayalet.Frame
	outlets []*outlet

	truth Truth
}

type queued struct {
	action, payload string
	answer          func()
}

// Truth is what a trace is labelled with.
type Truth struct {
	Phantom   bool           `json:"phantom"`
	Connector int            `json:"connector"`
	Onset     time.Time      `json:"onset"`     // event time before which nothing was wrong
	Energy    hayalet.Energy `json:"energy_wh"` // gross: reported register at the last phantom value − when the last transaction ended
}

func newWorld(name string, seed uint64, connectors int, h Habits) *World {
	w := &World{
		Habits: h, rng: rand.New(rand.NewPCG(seed, 0x6861_7961_6c65_74)), station: hayalet.StationID(name),
		start: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), nextTx: 100,
	}
	w.start = w.start.Add(time.Duration(w.rng.IntN(86400)) * time.Second)
	w.now = w.start
	for i := range connectors {
		o := &outlet{id: i + 1, register: h.Base + hayalet.Energy(w.rng.IntN(5_000))*hayalet.WattHour}
		o.last = o.register
		if h.PerSession {
			o.zero = o.register
		}
		w.outlets = append(w.outlets, o)
	}
	return w
}

// advance lets d pass: energy flows.
func (w *World) advance(d time.Duration) {
	w.now = w.now.Add(d)
	for _, o := range w.outlets {
		p := o.flow
		if o.tx == 0 {
			p += w.Standby
		}
		mwms := int64(p)*d.Milliseconds() + o.rest
		const perMWh = 3_600_000
		o.register += hayalet.Energy(mwms / perMWh)
		o.rest = mwms % perMWh
	}
}

func (w *World) claimed() string {
	return w.now.Add(w.ClockError).UTC().Format("2006-01-02T15:04:05.000Z")
}

func (w *World) frame(kind hayalet.FrameKind, dir hayalet.Direction, data string) {
	w.seq++
	w.frames = append(w.frames, hayalet.Frame{
		Station: w.station, Conn: hayalet.ConnID(fmt.Sprintf("%s-%d", w.station, w.conn)), Seq: w.seq,
		At: hayalet.InstantOf(w.now.Add(w.Lag)), Dir: dir, Kind: kind, Protocol: hayalet.OCPP16, Data: []byte(data),
	})
}

// open begins a connection.
func (w *World) open() {
	w.conn++
	w.seq = 0
	w.offline = false
	w.frame(hayalet.ConnOpen, hayalet.In, "")
}

// call sends a request and its plain answer, or queues it while offline.
func (w *World) call(action, payload string) { w.callAnd(action, payload, nil) }

func (w *World) callAnd(action, payload string, answer func()) {
	if w.offline {
		if action == "StartTransaction" || action == "StopTransaction" || action == "MeterValues" {
			w.queue = append(w.queue, queued{action, payload, answer})
		}
		return
	}
	w.message++
	id := fmt.Sprintf("%s-%d", w.station, w.message)
	w.frame(hayalet.Message, hayalet.In, fmt.Sprintf(`[2,%q,%q,%s]`, id, action, payload))
	switch {
	case answer != nil:
		answer()
	default:
		w.frame(hayalet.Message, hayalet.Out, fmt.Sprintf(`[3,%q,{}]`, id))
	}
}

// disconnect cuts the link; what has to arrive is queued.
func (w *World) disconnect() {
	w.frame(hayalet.ConnClose, hayalet.In, "")
	w.offline = true
}

// reconnect opens the link and delivers what was queued, a message each 200 ms.
func (w *World) reconnect() {
	w.open()
	pending := w.queue
	w.queue = nil
	for _, q := range pending {
		w.advance(200 * time.Millisecond)
		w.callAnd(q.action, q.payload, q.answer)
	}
}

func (w *World) boot() {
	w.call("BootNotification", `{"chargePointVendor":"Lab","chargePointModel":"World"}`)
}

func (w *World) status(o *outlet, s string) {
	if !w.NoStatus {
		w.call("StatusNotification", fmt.Sprintf(`{"connectorId":%d,"errorCode":"NoError","status":%q,"timestamp":%q}`, o.id, s, w.claimed()))
	}
}

// reported is the register as the station counts it.
func (w *World) reported(o *outlet) hayalet.Energy { return o.register - o.zero }

// book is the register as it stands in meterStart and meterStop.
func (w *World) book(o *outlet) int64 {
	if w.BookKWh {
		return int64(w.reported(o) / hayalet.KilowattHour)
	}
	return int64(w.reported(o) / hayalet.WattHour)
}

// begin starts a transaction.
func (w *World) begin(o *outlet) {
	if w.PerSession {
		o.zero = o.register
	}
	w.nextTx++
	o.tx = w.nextTx
	o.started = w.reported(o)
	tx := o.tx
	w.callAnd("StartTransaction", fmt.Sprintf(`{"connectorId":%d,"idTag":"TAG-%d","meterStart":%d,"timestamp":%q}`, o.id, tx, w.book(o), w.claimed()), func() {
		w.frame(hayalet.Message, hayalet.Out, fmt.Sprintf(`[3,"%s-%d",{"transactionId":%d,"idTagInfo":{"status":"Accepted"}}]`, w.station, w.message, tx))
	})
}

// end stops a transaction.
func (w *World) end(o *outlet) {
	w.call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q}`, o.tx, w.book(o), w.claimed()))
	o.lastTx, o.tx = o.tx, 0
	o.base, o.based = w.reported(o), true
	o.flow = 0
}

// options of one meter value.
type valueOpts struct {
	context string
	id      string        // transactionId as written; "" for what the habits say
	shift   time.Duration // of the claim
	power   *hayalet.Power
}

// meter sends a meter value of the outlet.
func (w *World) meter(o *outlet, v valueOpts) {
	e := w.reported(o)
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
	stamp := w.now.Add(w.ClockError + v.shift).UTC().Format("2006-01-02T15:04:05.000Z")
	w.call("MeterValues", fmt.Sprintf(`{"connectorId":%d,%s"meterValue":[{"timestamp":%q,"sampledValue":[%s]}]}`,
		o.id, head, stamp, strings.Join(w.samples(o, e, v), ",")))
	o.sent = e
	if !o.based {
		o.base, o.based = e, true
	}
}

func (w *World) samples(o *outlet, e hayalet.Energy, v valueOpts) []string {
	context := ""
	if v.context != "" && !w.NoContext {
		context = fmt.Sprintf(`,"context":%q`, v.context)
	}
	var out []string
	switch {
	case w.Interval:
		delta := o.register - o.last
		o.last = o.register
		out = append(out, fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Interval","unit":"Wh"%s}`, hayalet.FormatDecimal(int64(delta), 3, 1), context))
	case w.Phases:
		third := e / 3
		for i, part := range []hayalet.Energy{third, third, e - 2*third} {
			out = append(out, fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register","phase":"L%d"%s%s}`, w.written(part), i+1, w.unit(), context))
		}
	default:
		out = append(out, fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register"%s%s}`, w.written(e), w.unit(), context))
	}
	if w.WithPower {
		p := o.flow
		if o.tx == 0 {
			p += w.Standby
		}
		if v.power != nil {
			p = *v.power
		}
		out = append(out,
			fmt.Sprintf(`{"value":%q,"measurand":"Power.Active.Import","unit":"W"%s}`, hayalet.FormatDecimal(int64(p), 3, 0), context),
			fmt.Sprintf(`{"value":%q,"measurand":"Current.Import","unit":"A"%s}`, hayalet.FormatDecimal(int64(p)/230, 3, 2), context))
	}
	return out
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
	return hayalet.FormatDecimal(int64(e)/step*step, scale, w.Decimals)
}

// session charges for d and stops, with statuses and values as stations send them.
func (w *World) session(o *outlet, d time.Duration, p hayalet.Power) {
	w.status(o, "Preparing")
	w.advance(time.Duration(5+w.rng.IntN(20)) * time.Second)
	w.begin(o)
	w.status(o, "Charging")
	w.charge(o, d, p)
	w.finish(o)
}

func (w *World) charge(o *outlet, d time.Duration, p hayalet.Power) {
	o.flow = p
	for left := d; left > 0; left -= w.TxEvery {
		w.advance(min(left, w.TxEvery))
		w.meter(o, valueOpts{context: "Sample.Periodic"})
	}
}

// finish stops the transaction, lets the register settle, and makes the outlet available.
func (w *World) finish(o *outlet) {
	w.end(o)
	o.register += w.Settle
	w.advance(time.Duration(1+w.rng.IntN(4)) * time.Second)
	w.status(o, "Finishing")
	w.advance(time.Duration(10+w.rng.IntN(60)) * time.Second)
	w.status(o, "Available")
}

// idle lets d pass with the values of an idle station.
func (w *World) idle(d time.Duration) { w.idleWith(d, valueOpts{context: "Sample.Clock"}) }

func (w *World) idleWith(d time.Duration, v valueOpts) {
	if w.Every <= 0 {
		w.advance(d)
		return
	}
	for left := d; left > 0; left -= w.Every {
		w.advance(min(left, w.Every))
		for _, o := range w.outlets {
			if o.tx == 0 {
				w.meter(o, v)
			}
		}
	}
}

// phantom marks the onset of a phantom on the outlet.
func (w *World) phantom(o *outlet) {
	if !w.truth.Phantom {
		w.truth = Truth{Phantom: true, Connector: o.id, Onset: w.now}
	}
}

// phantomEnded closes the account of the phantom at the outlet's last reported value.
func (w *World) phantomEnded(o *outlet) { w.truth.Energy = o.sent - o.base }
