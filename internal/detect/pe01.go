package detect

import (
	"errors"
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// PE01Name is the id of the rule phantom-energy (Kural-1).
const PE01Name hayalet.RuleName = "PE-01"

// PE01Params are the parameters of PE-01. Zero values are not defaults: start from [DefaultPE01].
type PE01Params struct {
	SettleTime time.Duration  // of the power before the stop that may still arrive after it
	SettleMin  hayalet.Energy // settle credit at least
	SettleMax  hayalet.Energy // and at most
	SettleDay  hayalet.Energy // all settle credit of a day: short sessions must not farm it
	Idle       hayalet.Power  // allowance of an outlet until a day of quiet was learnt
	Standby    hayalet.Power  // allowance of the station itself, before its outlets
	Grades                    // levels of the bucket
	Hold       time.Duration  // how long a jump over an outage waits for a queued start
	HoldMax    time.Duration  // also while old messages still arrive
	CloseAfter time.Duration  // of a register that stands still
	PowerFloor hayalet.Power  // below it nothing flows to a car
	Floor      Milliamps      // of current, a phase
}

// DefaultPE01 are the defaults; the why of each is in docs/detection.md.
func DefaultPE01() PE01Params {
	return PE01Params{
		SettleTime: 3 * time.Second, SettleMin: 5 * hayalet.WattHour, SettleMax: 50 * hayalet.WattHour, SettleDay: 100 * hayalet.WattHour,
		Idle: 10 * hayalet.Watt, Standby: 500 * hayalet.Watt, Grades: DefaultGrades(),
		Hold: 5 * time.Minute, HoldMax: time.Hour, CloseAfter: time.Hour, PowerFloor: 50 * hayalet.Watt, Floor: 500,
	}
}

// PE01 is Kural-1 as it holds in the field: the register grows while no transaction is active, beyond what settling and
// standby explain.
type PE01 struct{ p PE01Params }

// NewPE01 returns the rule.
func NewPE01(p PE01Params) *PE01 { return &PE01{p: p} }

// Name is PE-01.
func (r *PE01) Name() hayalet.RuleName { return PE01Name }

// Fields are the parameters.
func (p *PE01Params) Fields() []Field {
	return append(p.fields(),
		Field{"settle_time", &p.SettleTime}, Field{"settle_min", &p.SettleMin}, Field{"settle_max", &p.SettleMax}, Field{"settle_day", &p.SettleDay},
		Field{"idle", &p.Idle}, Field{"standby", &p.Standby}, Field{"hold", &p.Hold}, Field{"hold_max", &p.HoldMax},
		Field{"close_after", &p.CloseAfter}, Field{"power_floor", &p.PowerFloor}, Field{"current_floor", &p.Floor})
}

// Validate refuses parameters that contradict one another.
func (p *PE01Params) Validate() error {
	if p.SettleMax < p.SettleMin {
		return errors.New("settle_max is less than settle_min")
	}
	return errors.Join(p.validate(), notNegative(p.Fields()))
}

// Rule is the rule with these parameters.
func (p *PE01Params) Rule() Rule { return NewPE01(*p) }

// Flow is what PE-01 remembers of a connector.
type Flow struct {
	Level   hayalet.Energy  // the bucket: unpaid energy that time has not drained
	Peak    hayalet.Energy  // its highest level in the running episode
	Held    hayalet.Energy  // unpaid energy over an outage, not in the bucket until the hold ends
	Settle  hayalet.Energy  // settle credit left
	Idle    hayalet.Energy  // idle allowance not yet used
	Day     int32           // the day, since 1970, of Daily
	Daily   hayalet.Energy  // settle credit used on that day
	Judged  hayalet.Instant // event time up to which time has drained the bucket
	PhaseOf hayalet.Instant // the idle period, by its begin, whose first step was judged
	First   hayalet.Instant // event time of the episode's first increasing reading
	Told    hayalet.Instant // event time of the last alarm of an episode that may wake somebody, whichever it was
	LastInc hayalet.Instant // receipt of the last increasing reading
	Spacing time.Duration   // between the last two
	HoldEnd hayalet.Instant // receipt time at which a held increase counts
	HoldMax hayalet.Instant // and from which it counts whatever arrives
	Wake    hayalet.Instant // receipt time from which a tick matters; zero: none does
	Value   hayalet.Energy  // register at the last alarm
	From    hayalet.Energy  // register before the episode's first increase
	Alarms  int32           // readings of the running episode
	Before  Weight          // the episode before an impossible jump
	Jumped  bool            // Before is set
	Unseen  bool            // Held is of a reading under an id that was never seen to begin
	Open    bool
	Stale   bool // the episode is PE-04's: it opened under a stale id
}

// Weight is what weighs in an episode.
type Weight struct {
	Level, Peak, Held hayalet.Energy
	Alarms            int32
}

// Judge weighs one step of a connector.
func (r *PE01) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	m := &mem.Flow
	var ver hayalet.Verdict
	var ok bool
	switch v.Step.Kind {
	case session.StepReading:
		ver, ok = r.reading(v, m)
	case session.StepRetracted:
		ver, ok = r.retracted(v, m)
	case session.StepUnknownStop:
		ver, ok = r.booked(v, m)
	case session.StepStart:
		if ver, ok = r.booked(v, m); ok {
			r.put(m, &ver, out)
		}
		ver, ok = r.started(v, m)
	case session.StepStop:
		ver, ok = r.stopped(v, m)
	case session.StepExplained:
		ver, ok = r.explained(v, m)
	case session.StepTick:
		ver, ok = r.tick(v, m, v.Step.At)
	}
	if ok {
		r.put(m, &ver, out)
	}
}

// put says the verdict, in the name of PE-04 where the episode is its.
func (r *PE01) put(m *Flow, ver *hayalet.Verdict, out *[]hayalet.Verdict) {
	if m.Stale && (m.Open || ver.Kind != hayalet.Notice) {
		ver.Rule = PE04Name
	}
	*out = append(*out, *ver)
	if !m.Open {
		m.Stale = false
	}
}

// booked takes the growth up to a value of the station's book, meterStart or the meterStop of a transaction that never
// began, into an episode that runs. Where none does it is for PE-03 and PE-06.
func (r *PE01) booked(v View, m *Flow) (hayalet.Verdict, bool) {
	rd := &v.Step.Reading
	if v.Step.Kind == session.StepStart && !v.Step.HasGap {
		return hayalet.Verdict{}, false
	}
	if !m.Open { // PE-03 or PE-06 has taken it off
		m.settle(min(rd.Increase, m.Settle))
		m.Idle = 0
	}
	if !m.Open || rd.Increase <= rd.Step() {
		return hayalet.Verdict{}, false
	}
	ver := r.verdict(v)
	ver.Unpaid = r.pay(v, m)
	if ver.Unpaid == 0 {
		ver.Kind, ver.Reason = hayalet.Notice, hayalet.ReasonPaid
		return ver, true
	}
	r.alarm(v, m, &ver)
	ver.Reason = hayalet.ReasonMissing
	return ver, true
}

// stopped grants the settle credit of the transaction that ended. A stop that comes after its end was inferred takes the
// readings up to its register with it.
func (r *PE01) stopped(v View, m *Flow) (hayalet.Verdict, bool) {
	tx := &v.Connector.Tx
	var ver hayalet.Verdict
	covers := m.Open && v.Connector.Covered(m.Value)
	if covers {
		ver = r.ended(v, m, hayalet.Clear, hayalet.ReasonLateStop)
		m.Level = 0
	}
	m.drain(r.allowance(v.Connector), tx.EndedAt)
	m.Idle = 0
	credit, why := r.p.SettleMin, "settle-floor"
	if tx.Power <= v.Connector.Shown() {
		credit, why = min(max(tx.Power.Over(r.p.SettleTime), r.p.SettleMin), r.p.SettleMax), "settle-power"
	}
	v.Trace.rung(Rung{Rule: PE01Name, Code: why, Energy: credit, Power: tx.Power, Span: r.p.SettleTime})
	if own := max(tx.Energy, 0); own < credit && (tx.Energy > 0 || tx.HasMeter) {
		credit = own
		v.Trace.rung(Rung{Rule: PE01Name, Code: "settle-own", Energy: credit})
	}
	if day := int32(tx.EndedRecv / (24 * 3600 * 1_000_000)); day != m.Day {
		m.Day, m.Daily = day, 0
	}
	m.Settle = max(0, min(credit, r.p.SettleDay-m.Daily))
	v.Trace.rung(Rung{Rule: PE01Name, Code: "settle-granted", Energy: m.Settle, Rest: r.p.SettleDay - m.Daily})
	return ver, covers
}

// drain lets time empty the bucket up to the event time at.
func (m *Flow) drain(p hayalet.Power, at hayalet.Instant) {
	if m.Judged != 0 && at > m.Judged {
		m.Level = max(0, m.Level-p.Over(at.Sub(m.Judged)))
	}
	m.Judged = max(m.Judged, at)
}

// allowance is what the connector may draw while idle.
func (r *PE01) allowance(c *session.Connector) hayalet.Power {
	if c.ID == 0 {
		return r.p.Standby
	}
	return allowance(c, r.p.Idle)
}

// allowance of an outlet is what was learnt, or the start value where nothing was learnt yet.
func allowance(c *session.Connector, start hayalet.Power) hayalet.Power {
	if c.Idle.Ready() {
		return c.Idle.Learnt
	}
	return start
}

// reading is the ladder from a placed reading to a verdict.
func (r *PE01) reading(v View, m *Flow) (hayalet.Verdict, bool) {
	c, rd := v.Connector, &v.Step.Reading
	if c.State != session.Inactive || rd.Fate != session.FateCounted {
		return hayalet.Verdict{}, false
	}
	r.expire(v, m, v.Step.At)
	if c.ID == 0 { // no stop of its own tells how long others charged
		before := m.Level
		m.drain(r.allowance(c), rd.Since)
		v.Trace.rung(Rung{Rule: PE01Name, Code: "drain", Energy: before, Rest: m.Level})
	}
	if rd.Increase < rd.Quantum || rd.Increase == 0 {
		r.still(v, m)
		return hayalet.Verdict{}, false
	}
	unpaid := r.pay(v, m)
	ver := r.verdict(v)
	ver.Unpaid = unpaid
	if unpaid == 0 {
		ver.Kind, ver.Reason = hayalet.Notice, hayalet.ReasonPaid
		return ver, true
	}
	r.alarm(v, m, &ver)
	return ver, true
}

// still takes a reading without an increase: time drains the bucket, and the settling is over where this register would
// have shown it.
func (r *PE01) still(v View, m *Flow) {
	rd, before, allowed := &v.Step.Reading, m.Level, r.allowance(v.Connector)
	m.accrue(allowed.Over(rd.Elapsed()), rd.Step())
	if rd.Increase > 0 {
		v.Trace.rung(Rung{Rule: PE01Name, Code: "below-step", Energy: rd.Increase, Rest: rd.Quantum})
	}
	v.Trace.rung(Rung{Rule: PE01Name, Code: "at-rest", Energy: before, Rest: m.Level, Power: allowed, Span: rd.Elapsed()})
	m.Judged = max(m.Judged, rd.At)
	if rd.Elapsed() > 0 && rd.Step() <= m.Settle {
		if m.Settle > 0 {
			v.Trace.rung(Rung{Rule: PE01Name, Code: "settle-over", Energy: m.Settle})
		}
		m.Settle = 0
	}
}

// accrue adds allowance. What exceeds one step of the register is not kept for later, it drains the bucket.
func (m *Flow) accrue(e, quantum hayalet.Energy) {
	m.Idle += e
	if over := m.Idle - max(quantum, 0); over > 0 {
		m.Idle -= over
		m.Level = max(0, m.Level-over)
	}
}

// pay takes settle credit and allowance off an increase and returns the rest.
func (r *PE01) pay(v View, m *Flow) hayalet.Energy {
	rd := &v.Step.Reading
	rest := rd.Increase
	v.Trace.rung(Rung{Rule: PE01Name, Code: "increase", Energy: rest, Span: rd.Elapsed()})
	credit := min(rest, m.Settle)
	m.settle(credit)
	rest -= credit
	if credit > 0 {
		v.Trace.rung(Rung{Rule: PE01Name, Code: "settle", Energy: credit, Rest: m.Settle})
	}
	first := r.phase(v.Connector, rd, m, rest, credit)
	rest -= first
	if first > 0 {
		v.Trace.rung(Rung{Rule: PE01Name, Code: "first-step", Energy: first, Span: rd.At.Sub(v.Connector.IdleSince)})
	}
	allowed, carried, before := r.allowance(v.Connector), m.Idle, m.Level
	earned := allowed.Over(rd.Elapsed()) + carried
	v.Trace.rung(Rung{Rule: PE01Name, Code: allowanceCode(v.Connector), Energy: earned, Rest: carried, Power: allowed, Span: rd.Elapsed()})
	m.Judged = max(m.Judged, rd.At)
	m.Idle = 0
	if earned >= rest {
		m.accrue(earned-rest, rd.Step())
		v.Trace.rung(Rung{Rule: PE01Name, Code: "paid", Energy: before, Rest: m.Level})
		return 0
	}
	v.Trace.rung(Rung{Rule: PE01Name, Code: "unpaid", Energy: rest - earned})
	return rest - earned
}

// allowanceCode tells the idle allowances apart, for the trace.
func allowanceCode(c *session.Connector) string {
	switch {
	case c.ID == 0:
		return "idle-standby"
	case c.Idle.Ready():
		return "idle-learnt"
	}
	return "idle-start"
}

// settle uses up credit.
func (m *Flow) settle(e hayalet.Energy) {
	m.Settle -= e
	m.Daily += e
}

// phaseWeight says how soon the first step of an idle register is no surprise, in multiples of the allowance.
const phaseWeight = 10

// phaseOdds is how unlikely, one in so many, a first step may be by settling and idling and still be no more than a
// suspicion: a quarter of what makes an alarm.
const phaseOdds = 200

// phase pays for the first single step of an idle period: where a register stands between two steps is not known, so the
// allowance and what settled may complete a step that the transaction had nearly filled. The sooner the step, the less
// likely that is.
func (r *PE01) phase(c *session.Connector, rd *session.Reading, m *Flow, rest, settled hayalet.Energy) hayalet.Energy {
	if m.PhaseOf == c.IdleSince || c.IdleSince == 0 {
		return 0
	}
	m.PhaseOf = c.IdleSince
	if rd.Increase > rd.Step() {
		return 0
	}
	idled := r.allowance(c).Over(rd.At.Sub(c.IdleSince))
	credit := phaseWeight * idled
	if idled+settled >= rd.Increase/phaseOdds { // it says that something flowed, not how much
		credit = max(credit, rest-r.p.Medium/4)
	}
	return min(rest, credit)
}

func (m *Flow) increase(at hayalet.Instant) {
	if m.LastInc != 0 {
		m.Spacing = at.Sub(m.LastInc)
	}
	m.LastInc = at
}

// alarm puts an unpaid increase into the bucket, or holds it where a queued start, or one that we missed, may explain it.
func (r *PE01) alarm(v View, m *Flow, ver *hayalet.Verdict) {
	c, rd, link := v.Connector, &v.Step.Reading, &v.Station.Link
	if !m.Open {
		m.Open, m.First, m.Alarms, m.Peak = true, rd.At, 0, m.Level
		m.LastInc, m.Spacing = 0, 0
		m.From = rd.Value - rd.Increase
	}
	if m.Unseen { // a second reading under it: not a lone sample of a session whose start we missed
		m.count(v.Trace)
	}
	if rd.Jumped {
		m.Before, m.Jumped = Weight{m.Level, m.Peak, m.Held, m.Alarms}, true
	}
	m.increase(v.Step.At)
	m.Alarms++
	m.Value = rd.Value
	ver.Kind, ver.Readings = hayalet.Alarm, 1
	until := link.Up.Add(r.p.Hold)
	if link.Old >= link.Up {
		until = min(link.Old.Add(r.p.Hold), link.Up.Add(r.p.HoldMax))
	}
	unseen := rd.ID.Usable() && rd.ID != c.Tx.ID
	switch {
	case rd.OverOutage && v.Step.At < until:
		if m.Held == 0 { // a further outage does not hold for longer
			m.HoldEnd, m.HoldMax = until, v.Step.At.Add(r.p.HoldMax)
		}
		m.Held += ver.Unpaid
		ver.Evidence |= hayalet.EvidenceOverOutage
		v.Trace.rung(Rung{Rule: PE01Name, Code: "hold", Energy: ver.Unpaid, Rest: m.Held, Span: m.HoldEnd.Sub(v.Step.At)})
	case unseen && m.Alarms == 1:
		m.Held, m.Unseen = ver.Unpaid, true
		m.HoldEnd = v.Step.At.Add(r.p.Hold)
		m.HoldMax = m.HoldEnd
		v.Trace.rung(Rung{Rule: PE01Name, Code: "hold-unseen", Energy: ver.Unpaid, Rest: m.Held, Span: r.p.Hold})
	default:
		before := m.Level
		m.Level += ver.Unpaid
		m.Peak = max(m.Peak, m.Level)
		v.Trace.rung(Rung{Rule: PE01Name, Code: "bucket", Energy: before, Rest: m.Level})
	}
	v.Trace.rung(Rung{Rule: PE01Name, Code: "peak", Energy: m.Peak, Rest: r.p.Medium})
	if unseen {
		ver.Evidence |= hayalet.EvidenceUnseenID
	}
	m.Wake = r.wake(m)
	ver.Excess = m.Peak + m.Held
	ver.Reason = reason(c, rd.ID)
	if m.Held > 0 && m.Peak == 0 {
		ver.Reason = hayalet.ReasonHeld
	}
	r.grade(m, ver)
	if ver.Confirmed {
		m.Told = rd.At
	}
}

// grade sets severity and certainty from the bucket; what is held weighs nothing yet.
func (r *PE01) grade(m *Flow, ver *hayalet.Verdict) {
	r.p.grade(ver, m.Peak)
}

// reason says under which circumstances the energy flowed.
func reason(c *session.Connector, id hayalet.TransactionID) hayalet.Reason {
	switch {
	case c.ID == 0:
		return hayalet.ReasonUpstream
	case c.Tx.End == session.Stopped && id.Usable() && id == c.Tx.ID:
		return hayalet.ReasonStaleID
	case c.Tx.End == session.Stopped:
		return hayalet.ReasonAfterStop
	case c.Tx.End == session.NeverStarted || !c.HasTx:
		return hayalet.ReasonNoTransaction
	}
	return hayalet.ReasonAfterInferred
}

// expire lets a held increase count when its hold has ended; true when one did. While old messages still arrive the hold
// goes on.
func (r *PE01) expire(v View, m *Flow, at hayalet.Instant) bool {
	if m.Held == 0 {
		return false
	}
	m.HoldEnd = min(max(m.HoldEnd, v.Station.Link.Old.Add(r.p.Hold)), m.HoldMax)
	if at < m.HoldEnd {
		return false
	}
	m.count(v.Trace)
	return true
}

// count lets what is held weigh.
func (m *Flow) count(t *Trace) {
	if m.Held > 0 {
		t.rung(Rung{Rule: PE01Name, Code: "hold-over", Energy: m.Held, Rest: m.Level + m.Held})
	}
	m.Level += m.Held
	m.Peak = max(m.Peak, m.Level)
	m.Held, m.HoldEnd, m.HoldMax, m.Unseen = 0, 0, 0, false
}

// closing is how long the register must stand still: longer for flows that show in the register only now and then.
func (r *PE01) closing(m *Flow) time.Duration { return max(r.p.CloseAfter, 4*m.Spacing) }

func (r *PE01) wake(m *Flow) hayalet.Instant {
	if !m.Open {
		return 0
	}
	end := m.LastInc.Add(r.closing(m))
	if m.Held > 0 {
		end = min(end, m.HoldEnd)
	}
	return end
}

// tick ends holds and closes episodes whose flow has ended.
func (r *PE01) tick(v View, m *Flow, at hayalet.Instant) (hayalet.Verdict, bool) {
	if !m.Open {
		return hayalet.Verdict{}, false
	}
	expired := r.expire(v, m, at)
	m.Wake = r.wake(m)
	if expired {
		ver := r.ending(v, m, hayalet.Escalate, reason(v.Connector, hayalet.TransactionID{}))
		r.grade(m, &ver)
		return ver, true
	}
	if at >= m.LastInc.Add(r.closing(m)) {
		v.Trace.rung(Rung{Rule: PE01Name, Code: "quiet", Span: at.Sub(m.LastInc)})
		return r.ended(v, m, hayalet.Close, hayalet.ReasonFlowEnded), true
	}
	return hayalet.Verdict{}, false
}

// started closes the episode: from here on energy belongs to a transaction. A start that did not explain what is held ends
// the hold, for the messages of a queue come in their order.
func (r *PE01) started(v View, m *Flow) (hayalet.Verdict, bool) {
	if !m.Open {
		return hayalet.Verdict{}, false
	}
	if !m.Unseen {
		m.count(v.Trace)
	}
	return r.ended(v, m, hayalet.Close, hayalet.ReasonNewStart), true
}

// explained clears an episode that lies within a transaction which was reported late: by its time, and by its meterStart,
// which tells nothing of the station's own register; where there was none by its end.
func (r *PE01) explained(v View, m *Flow) (hayalet.Verdict, bool) {
	if !m.Open || m.First < v.Step.Since || v.Connector.ID != 0 && !r.reaches(v.Connector, m) {
		return hayalet.Verdict{}, false
	}
	ver := r.ended(v, m, hayalet.Clear, hayalet.ReasonLateStart)
	m.Level = 0
	return ver, true
}

// reaches reports whether a meterStart does not lie between the register before the episode and after it: what flowed
// before such a start is not that transaction's. A meterStart elsewhere is of another base and tells nothing.
func (r *PE01) reaches(c *session.Connector, m *Flow) bool {
	tx := &c.Tx
	for _, scale := range [...]hayalet.Energy{1, 1000} {
		if start := tx.Meter * scale; start > m.From+r.p.Medium && start <= m.Value+r.p.Medium {
			return false
		}
	}
	return tx.HasMeter || c.Covered(m.Value)
}

// retracted takes an impossible jump back that the register took back. An episode that began with it is cleared; any other
// weighs what it weighed before, and the reading that follows as a step of its own adds what the register did gain.
func (r *PE01) retracted(v View, m *Flow) (hayalet.Verdict, bool) {
	if !m.Open || !m.Jumped {
		return hayalet.Verdict{}, false
	}
	v.Trace.rung(Rung{Rule: PE01Name, Code: "taken-back", Energy: m.Level, Rest: m.Before.Level})
	m.Level, m.Peak, m.Held = m.Before.Level, m.Before.Peak, m.Before.Held
	if m.Before.Alarms == 0 {
		return r.ended(v, m, hayalet.Clear, hayalet.ReasonGlitch), true
	}
	m.Alarms, m.Jumped = m.Before.Alarms, false
	m.Value = v.Step.Reading.Value
	ver := r.ending(v, m, hayalet.Escalate, reason(v.Connector, v.Step.Reading.ID))
	ver.Value, ver.Baseline = v.Step.Reading.Value, v.Step.Reading.Baseline
	r.grade(m, &ver)
	return ver, true
}

func (r *PE01) ended(v View, m *Flow, kind hayalet.VerdictKind, why hayalet.Reason) hayalet.Verdict {
	ver := r.ending(v, m, kind, why)
	r.grade(m, &ver)
	m.Open, m.Held, m.HoldEnd, m.Unseen, m.Wake, m.Peak = false, 0, 0, false, 0, 0
	m.Alarms, m.First, m.LastInc, m.Spacing, m.HoldMax, m.Jumped = 0, 0, 0, 0, 0, false
	return ver
}

func (r *PE01) ending(v View, m *Flow, kind hayalet.VerdictKind, why hayalet.Reason) hayalet.Verdict {
	return hayalet.Verdict{
		Rule: PE01Name, Station: v.Station.ID, Connector: v.Connector.ID, Kind: kind, At: v.Step.At, EventAt: v.Step.EventAt,
		Excess: m.Peak + m.Held, Reason: why,
	}
}

// verdict fills in what the step says, whatever comes of it.
func (r *PE01) verdict(v View) hayalet.Verdict {
	c, rd := v.Connector, &v.Step.Reading
	ver := hayalet.Verdict{
		Rule: PE01Name, Station: v.Station.ID, Connector: c.ID, At: v.Step.At, EventAt: rd.At,
		Value: rd.Value, Quantum: rd.Written, Increase: rd.Increase, Since: rd.Since,
		Implied: hayalet.MeanPower(rd.Increase, rd.Elapsed()), Baseline: rd.Baseline, BaselineAt: rd.BaselineAt,
		Transaction: c.Tx.ID, Evidence: rd.Evidence,
	}
	if !c.HasTx {
		ver.Transaction = rd.ID
	}
	r.corroborate(c, rd, &ver)
	return ver
}

// corroborate collects what else speaks for or against a flow, and from it the cause.
func (r *PE01) corroborate(c *session.Connector, rd *session.Reading, ver *hayalet.Verdict) {
	measured, flows := false, false
	if c.PowerAt != 0 && c.PowerAt >= rd.Since {
		measured = true
		ver.Measured = c.Power
		flows = c.Power > r.p.PowerFloor
	}
	if c.CurrentAt != 0 && c.CurrentAt >= rd.Since {
		measured = true
		flows = flows || Milliamps(c.Current) > r.p.Floor
	}
	add := func(when bool, ev hayalet.Evidence) {
		if when {
			ver.Evidence |= ev
		}
	}
	add(flows, hayalet.EvidencePowerFlows)
	add(measured && !flows, hayalet.EvidencePowerZero)
	add(c.Status == hayalet.Available, hayalet.EvidenceAvailable)
	add(c.Status == hayalet.Available && flows, hayalet.EvidenceAvailableDraws)
	add(c.Status != hayalet.Available && c.Status != hayalet.StatusUnknown, hayalet.EvidenceNotAvailable)
	add(rd.Context == hayalet.SamplePeriodic, hayalet.EvidencePeriodic)
	add(rd.Context == hayalet.SampleClock, hayalet.EvidenceOnlyClock)
	add(rd.ID.Usable() && c.HasTx && rd.ID == c.Tx.ID, hayalet.EvidenceStaleID)
	add(c.Notes&session.NoteScaled != 0, hayalet.EvidenceUnitScaled)
	add(c.Tx.End == session.EndedByBoot || c.Tx.End == session.EndedByIdle || c.Tx.End == session.EndedByStart, hayalet.EvidenceInferredEnd)
	switch {
	case ver.Evidence&hayalet.EvidenceImpossible != 0, measured && !flows:
		ver.Cause = hayalet.Reported
	case flows:
		ver.Cause = hayalet.Drawn
	}
}
