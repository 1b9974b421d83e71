package detect

import (
	"errors"
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// PE05Name is the id of the rule flow-without-transaction.
const PE05Name hayalet.RuleName = "PE-05"

// PE05Params are the parameters of PE-05.
type PE05Params struct {
	PowerFloor hayalet.Power // below it nothing flows to a car
	Floor      Milliamps     // of current, a phase; used where no power is sent
	Grace      time.Duration // after a stop, in which power may fade
	MaxSpan    time.Duration // the most that one measurement stands for
	Hold       time.Duration // how long a flow after an outage waits for a queued start
	CloseAfter time.Duration // without a measurement
	Share      Ratio         // of the measured energy that the register must show for PE-01 to tell of it
	Grades
}

// DefaultPE05 are the defaults.
func DefaultPE05() PE05Params {
	return PE05Params{
		PowerFloor: 50 * hayalet.Watt, Floor: 500, Grace: 30 * time.Second, MaxSpan: time.Hour, Hold: 5 * time.Minute, CloseAfter: time.Hour, Share: 250, Grades: DefaultGrades(),
	}
}

// Fields are the parameters.
func (p *PE05Params) Fields() []Field {
	return append(p.fields(), Field{"power_floor", &p.PowerFloor}, Field{"current_floor", &p.Floor}, Field{"grace", &p.Grace},
		Field{"max_span", &p.MaxSpan}, Field{"hold", &p.Hold}, Field{"close_after", &p.CloseAfter},
		Field{"share", &p.Share})
}

// Validate refuses parameters that contradict one another.
func (p *PE05Params) Validate() error { return errors.Join(p.validate(), notNegative(p.Fields())) }

// Rule is the rule with these parameters.
func (p *PE05Params) Rule() Rule { return &PE05{*p} }

// PE05 finds power and current that flow without a transaction, where the register stands still or there is none: what the
// register shows is PE-01's to tell of.
type PE05 struct{ p PE05Params }

const (
	holdMost = time.Hour                            // that a flow is held, however long old messages arrive and the link breaks
	drawMost = 1_000_000_000 * hayalet.KilowattHour // at which sums stay: more is no energy, and must not overflow
)

// Draw is what PE-05 remembers of a connector.
type Draw struct {
	Idle    hayalet.Instant // the idle period, by its begin, that the rest belongs to
	Energy  hayalet.Energy  // that flowed by the measurements
	Grown   hayalet.Energy  // that the register showed
	Samples int32           // with a flow, in a row
	Told    bool            // an episode was opened in this idle period
	First   hayalet.Instant // event time of the first one with a flow
	HoldMax hayalet.Instant // receipt time from which no queue holds it back; zero: none does
	Open    bool
	Wake    hayalet.Instant
}

// Name is PE-05.
func (r *PE05) Name() hayalet.RuleName { return PE05Name }

// Judge weighs one step of a connector.
func (r *PE05) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	m := &mem.Draw
	switch v.Step.Kind {
	case session.StepElectric:
		r.measured(v, m, out)
	case session.StepReading:
		r.register(v, m, out)
	case session.StepStart:
		r.end(v, m, hayalet.Close, hayalet.ReasonNewStart, out)
		*m = Draw{}
	case session.StepExplained:
		if m.First >= v.Step.Since { // else the start that follows ends it: what flowed before is not that transaction's
			r.end(v, m, hayalet.Clear, hayalet.ReasonLateStart, out)
		}
	case session.StepRetracted: // nor does what the register took back speak for a flow
		m.Grown = 0
	case session.StepTick:
		if m.Open && v.Step.At >= m.Wake {
			r.end(v, m, hayalet.Close, hayalet.ReasonFlowEnded, out)
		}
	}
}

// measured takes a power or a current of an idle outlet.
func (r *PE05) measured(v View, m *Draw, out *[]hayalet.Verdict) {
	c, el := v.Connector, &v.Step.Electric
	if c.State != session.Inactive || el.Late {
		return
	}
	r.period(v, m, out)
	flows := el.Power > r.p.PowerFloor
	if !el.HasPower {
		flows = Milliamps(el.Current) > r.p.Floor
	}
	since := max(el.Since, c.IdleSince)
	if el.At.Sub(c.IdleSince) < r.p.Grace {
		return
	}
	if !flows {
		m.Samples = 0
		if m.Open { // the bucket does not drain: a flow that comes and goes is one
			r.end(v, m, hayalet.Close, hayalet.ReasonFlowEnded, out)
		}
		return
	}
	span := min(el.At.Sub(since), r.p.MaxSpan)
	if el.Since == 0 {
		span = 0
	}
	if m.First == 0 {
		m.First = el.At
	}
	m.Samples++
	m.Energy = min(m.Energy+el.Power.Over(span), drawMost)
	v.Trace.rung(Rung{Rule: PE05Name, Code: "flow", Energy: m.Energy, Rest: m.Grown, Power: el.Power, Span: span})
	if r.shown(m) {
		return
	}
	r.alarm(v, m, span, out)
}

func (r *PE05) alarm(v View, m *Draw, span time.Duration, out *[]hayalet.Verdict) {
	c, el := v.Connector, &v.Step.Electric
	ver := verdict(PE05Name, v, hayalet.Alarm)
	ver.Value, ver.Increase, ver.Since = m.Energy, el.Power.Over(span), el.At.Add(-span)
	ver.Unpaid, ver.Implied, ver.Measured = ver.Increase, el.Power, el.Power
	ver.BaselineAt, ver.Excess = c.IdleSince, m.Energy
	ver.Readings, ver.Cause, ver.Reason = 1, hayalet.Drawn, hayalet.ReasonFlow
	ver.Evidence = hayalet.EvidencePowerFlows
	ver.Transaction = c.Tx.ID
	switch c.Status {
	case hayalet.Available:
		ver.Evidence |= hayalet.EvidenceAvailable | hayalet.EvidenceAvailableDraws
	case hayalet.StatusUnknown:
	default:
		ver.Evidence |= hayalet.EvidenceNotAvailable
	}
	if el.OverOutage {
		ver.Evidence |= hayalet.EvidenceOverOutage
	}
	link := &v.Station.Link
	held := c.IdleRecv < link.Up && v.Step.At < max(link.Up, link.Old).Add(r.p.Hold) // a queued start may explain it
	switch {
	case !held:
		m.HoldMax = 0
	case m.HoldMax == 0:
		m.HoldMax = v.Step.At.Add(holdMost)
	}
	held = held && v.Step.At < m.HoldMax
	// One measurement alone may be a stale one.
	if ver.Severity = hayalet.Low; (m.Samples > 1 || m.Told) && !held {
		ver.Severity = r.p.Of(m.Energy)
	}
	ver.Confirmed = ver.Severity >= hayalet.Medium
	m.Open, m.Told = true, true
	m.Wake = v.Step.At.Add(r.p.CloseAfter)
	*out = append(*out, ver)
}

// period begins anew with each idle period.
func (r *PE05) period(v View, m *Draw, out *[]hayalet.Verdict) {
	if since := v.Connector.IdleSince; m.Idle != since {
		r.end(v, m, hayalet.Close, hayalet.ReasonFlowEnded, out)
		*m = Draw{Idle: since}
	}
}

// register takes the growth of the outlet's register. Where it shows what was measured, PE-01 tells of it.
func (r *PE05) register(v View, m *Draw, out *[]hayalet.Verdict) {
	c, rd := v.Connector, &v.Step.Reading
	if c.ID == 0 || c.State != session.Inactive || rd.Fate != session.FateCounted || rd.Increase == 0 {
		return
	}
	r.period(v, m, out)
	m.Grown = min(m.Grown+rd.Increase, drawMost)
	if m.Open && r.shown(m) {
		r.end(v, m, hayalet.Clear, hayalet.ReasonRegister, out)
		m.Told = false
	}
}

// shown reports whether the register shows a fair share of what was measured.
func (r *PE05) shown(m *Draw) bool {
	return m.Grown > 0 && m.Grown >= share(m.Energy, r.p.Share)
}

func (r *PE05) end(v View, m *Draw, kind hayalet.VerdictKind, why hayalet.Reason, out *[]hayalet.Verdict) {
	if !m.Open {
		return
	}
	m.Open, m.Wake = false, 0
	ver := verdict(PE05Name, v, kind)
	ver.Excess, ver.Reason = m.Energy, why
	if ver.Severity = hayalet.Low; kind == hayalet.Close && m.Samples > 1 {
		ver.Severity = r.p.Of(m.Energy)
	}
	ver.Confirmed = ver.Severity >= hayalet.Medium
	*out = append(*out, ver)
}
