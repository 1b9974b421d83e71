package lab

import (
	"fmt"
	"math/rand/v2"
	"slices"
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

	PowerAs     PowerForm     // how WithPower is written
	Noise       bool          // idle power up to 40 W and 0.4 A a phase that no register shows
	NoRegister  bool          // power or current only
	NoBook      bool          // meterStart and meterStop are 0
	Spaces      bool          // blanks around values
	NoMeasurand bool          // of the register: the default
	Offset      time.Duration // stamps are written in this zone
	Main        MainForm      // a register before the outlets
	StationUse  hayalet.Power // through that register, past the outlets
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
	past     hayalet.Power  // flows past the register: only power values show it
	byPower  bool           // the phantom is what the power values say
	sentAt   time.Time      // of the last value
	stopped  hayalet.Energy // the last meterStop
	begun    hayalet.Energy // the last meterStart
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
	queue   []message // while offline: transaction messages and values
	second  *version2 // nil: it speaks 1.6
	frames  []hayalet.Frame
	outlets []*outlet
	main    mainMeter

	truth Truth
}

// message is a call and what answers it; nil: an empty result.
type message struct {
	action, payload string
	answer          func()
}

// Truth is what a trace is labelled with.
type Truth struct {
	Phantom   bool           `json:"phantom"`
	Connector int            `json:"connector"`              // 0: before the outlets
	Also      []int          `json:"also,omitempty"`         // further connectors: an alarm there is right too
	Onset     time.Time      `json:"onset,omitzero"`         // event time before which nothing was wrong
	Energy    hayalet.Energy `json:"energy_wh"`              // gross; docs/corpus says for each rule from where to where
	Loose     bool           `json:"energy_loose,omitempty"` // no single figure is right: a detector's energy is not compared
}

// on reports whether an alarm on connector c is right.
func (t *Truth) on(c hayalet.ConnectorID) bool {
	return int(c) == t.Connector || slices.Contains(t.Also, int(c))
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
		w.main.register += o.register
	}
	return w
}

// advance lets d pass: energy flows.
func (w *World) advance(d time.Duration) {
	w.now = w.now.Add(d)
	total := w.StationUse + w.main.past
	for _, o := range w.outlets {
		p := o.flow
		if o.tx == 0 {
			p += w.Standby
		}
		count(&o.register, &o.rest, p, d)
		total += p + o.past
	}
	count(&w.main.register, &w.main.rest, total, d)
}

// count lets p flow through a register for d; rest carries what is less than a mWh.
func count(register *hayalet.Energy, rest *int64, p hayalet.Power, d time.Duration) {
	const perMWh = 3_600_000
	mwms := int64(p)*d.Milliseconds() + *rest
	*register += hayalet.Energy(mwms / perMWh)
	*rest = mwms % perMWh
}

func (w *World) claimed() string { return w.stamp(0) }

// stamp is the station's time, off by shift.
func (w *World) stamp(shift time.Duration) string {
	t := w.now.Add(w.ClockError + shift)
	if w.Offset != 0 {
		return t.In(time.FixedZone("", int(w.Offset/time.Second))).Format("2006-01-02T15:04:05.000-07:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func (w *World) frame(kind hayalet.FrameKind, dir hayalet.Direction, data string) {
	w.seq++
	w.frames = append(w.frames, hayalet.Frame{
		Station: w.station, Conn: hayalet.ConnID(fmt.Sprintf("%s-%d", w.station, w.conn)), Seq: w.seq,
		At: hayalet.InstantOf(w.now.Add(w.Lag)), Dir: dir, Kind: kind, Protocol: w.protocol(), Data: []byte(data),
	})
}

// open begins a connection.
func (w *World) open() {
	w.conn++
	w.seq = 0
	w.offline = false
	w.frame(hayalet.ConnOpen, hayalet.In, "")
}

func (w *World) protocol() hayalet.Protocol {
	if w.second != nil {
		return w.second.protocol
	}
	return hayalet.OCPP16
}

// call sends a request and its plain answer, or queues it while offline. Families write requests as in 1.6.
func (w *World) call(action, payload string) { w.callAnd(action, payload, nil) }

func (w *World) callAnd(action, payload string, answer func()) {
	m := message{action, payload, answer}
	if w.second == nil {
		w.send(m)
		return
	}
	for _, m := range w.second.say(w, m) {
		w.send(m)
	}
}

// send sends a request in the version of the station.
func (w *World) send(m message) {
	if w.offline {
		switch m.action {
		case "StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent":
			w.queue = append(w.queue, m)
		}
		return
	}
	w.message++
	id := fmt.Sprintf("%s-%d", w.station, w.message)
	w.frame(hayalet.Message, hayalet.In, fmt.Sprintf(`[2,%q,%q,%s]`, id, m.action, m.payload))
	switch {
	case m.answer != nil:
		m.answer()
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
		w.send(q)
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
	switch {
	case w.NoBook:
		return 0
	case w.BookKWh:
		return int64(w.reported(o) / hayalet.KilowattHour)
	}
	return int64(w.reported(o) / hayalet.WattHour)
}

// booked is the energy that meterStart and meterStop stand for.
func (w *World) booked(o *outlet) hayalet.Energy {
	if w.BookKWh {
		return hayalet.Energy(w.book(o)) * hayalet.KilowattHour
	}
	return hayalet.Energy(w.book(o)) * hayalet.WattHour
}

// begin starts a transaction.
func (w *World) begin(o *outlet) {
	if w.PerSession {
		o.zero = o.register
	}
	w.nextTx++
	o.tx = w.nextTx
	o.started, o.begun = w.reported(o), w.booked(o)
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
	o.stopped = w.booked(o)
	o.flow = 0
	w.main.rebase(w.outlets)
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
		w.mainValue("Sample.Periodic")
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
		return // a station that is silent while idle is silent before its outlets too
	}
	for left := d; left > 0; left -= w.Every {
		w.advance(min(left, w.Every))
		for _, o := range w.outlets {
			if o.tx == 0 {
				w.meter(o, v)
			}
		}
		w.mainValue("Sample.Clock")
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
