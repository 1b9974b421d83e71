package detect

import (
	"errors"
	"math"
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// PE02Name is the id of the rule slow-drip.
const PE02Name hayalet.RuleName = "PE-02"

// PE02Params are the parameters of PE-02.
type PE02Params struct {
	Margin hayalet.Power  // above the quiet level of the connector's first day
	Idle   hayalet.Power  // allowance between transactions until a day of quiet was learnt
	Settle hayalet.Energy // that may arrive after a stop
	Stale  time.Duration  // of the power before a stop that meterStop may not show yet
	Most   hayalet.Energy // missing in one gap that is summed up; more is PE-03's to tell of
	Gaps   int            // between transactions, with energy missing, before their sum is told of
	Grades
}

// DefaultPE02 are the defaults. A drip is weighed by the day and by the month, so its levels lie above those of a flow.
func DefaultPE02() PE02Params {
	return PE02Params{
		Margin: 3 * hayalet.Watt, Idle: 10 * hayalet.Watt, Settle: 5 * hayalet.WattHour, Stale: 8 * time.Second, Most: 30 * hayalet.WattHour, Gaps: 5,
		Grades: Grades{Medium: 50 * hayalet.WattHour, High: 500 * hayalet.WattHour, Critical: 5 * hayalet.KilowattHour},
	}
}

// Fields are the parameters.
func (p *PE02Params) Fields() []Field {
	return append(p.fields(), Field{"margin", &p.Margin}, Field{"idle", &p.Idle}, Field{"settle", &p.Settle}, Field{"stale", &p.Stale},
		Field{"most", &p.Most}, Field{"gaps", &p.Gaps})
}

// Validate refuses parameters that contradict one another.
func (p *PE02Params) Validate() error {
	if p.Margin <= 0 {
		return errors.New("margin must be more than 0 W: every register would drip")
	}
	return errors.Join(p.validate(), notNegative(p.Fields()))
}

// Rule is the rule with these parameters.
func (p *PE02Params) Rule() Rule { return &PE02{*p} }

// PE02 finds what is too slow for PE-01's bucket: a register whose slope over a day lies above the quiet level of the
// connector's first day, whatever allowance was learnt since, and small energies that are missing between many transactions.
type PE02 struct{ p PE02Params }

// gapDays is how long missing energies are summed up.
const gapDays = 30

// stepSpan is how long one step of a coarse register blurs the slope of a day.
const stepSpan = 6 * time.Hour

// Drip is what PE-02 remembers of a connector.
type Drip struct {
	Windows uint32         // of the idle register that were judged
	Energy  hayalet.Energy // of the running episode, gross
	Excess  hayalet.Energy // and above the quiet level
	Steep   bool           // the slope is above the margin
	Open    bool
	Summed  bool            // the sum of 30 days keeps the episode open
	First   hayalet.Instant // event time from which the episode counts

	Day   int32          // of the last gap, since 1970
	Daily [gapDays]int32 // missing energy, by the day, mWh
	Gross [gapDays]int32 // and all that was missing in gaps beyond idling, whoever may have paid for it
	Gaps  [gapDays]uint8 // how many gaps, by the day

	Unsaid hayalet.Energy // gross of the running episode since its last alarm
}

// Name is PE-02.
func (r *PE02) Name() hayalet.RuleName { return PE02Name }

// Judge weighs one step of a connector.
func (r *PE02) Judge(v View, m *Memory, out *[]hayalet.Verdict) {
	if v.Connector.ID == 0 {
		return
	}
	switch v.Step.Kind {
	case session.StepReading:
		r.window(v, m, out)
	case session.StepStart:
		r.gap(v, m, out)
	}
}

// window judges the slope whenever another quiet window of the idle register is complete.
func (r *PE02) window(v View, mem *Memory, out *[]hayalet.Verdict) {
	m, idle := &mem.Drip, &v.Connector.Idle
	if idle.Windows == m.Windows || !idle.Ready() {
		return
	}
	m.Windows = idle.Windows
	rd := &v.Step.Reading
	slope := idle.Slope()
	steep := slope > idle.Quiet+r.p.Margin+hayalet.MeanPower(rd.Quantum, stepSpan)
	v.Trace.rung(Rung{Rule: PE02Name, Code: "slope", Power: slope, Energy: (slope - idle.Quiet).Over(24 * time.Hour)})
	switch {
	case !steep:
		if m.Steep && m.Open && !m.Summed {
			r.close(v, m, out)
		}
		m.Steep = false
		return
	case mem.Flow.Told != 0 && rd.At.Sub(mem.Flow.Told) < 24*time.Hour: // PE-01 tells of it
		return
	case !m.Steep:
		m.Steep = true
		m.add(slope.Over(24*time.Hour), (slope - idle.Quiet).Over(24*time.Hour), rd.At.Add(-24*time.Hour))
	default:
		rate := idle.Latest()
		m.add(rate.Over(time.Hour), max(0, rate-idle.Quiet).Over(time.Hour), m.First)
	}
	r.alarm(v, m, slope, hayalet.ReasonSlope, out)
}

// add puts energy into the episode.
func (m *Drip) add(gross, excess hayalet.Energy, first hayalet.Instant) {
	if !m.Open {
		m.Energy, m.Excess, m.First = 0, 0, first
	}
	m.Energy += gross
	m.Excess += excess
}

// gap adds what is missing between two transactions, as long as PE-03 wakes nobody for it, to the sum of 30 days.
func (r *PE02) gap(v View, mem *Memory, out *[]hayalet.Verdict) {
	m, rd := &mem.Drip, &v.Step.Reading
	if !v.Step.HasGap || mem.Flow.Open {
		return
	}
	last := &v.Connector.Ended[0]
	stale := min(last.Power.Over(r.p.Stale), last.Energy)                               // that meterStop may not have shown yet
	missing := rd.Increase - rest(v, mem, r.p.Idle, max(r.p.Settle, stale)) + rd.Step() // rounding evens out over many
	m.turn(int32(v.Step.At / (24 * 3600 * 1_000_000)))
	if at := m.Day % gapDays; missing <= r.p.Most {
		if missing > 0 {
			m.Daily[at] = int32(min(hayalet.Energy(m.Daily[at])+missing, math.MaxInt32))
			m.Gaps[at] = min(m.Gaps[at]+1, 250)
		}
		if rd.Increase > rd.Step()+r.p.Settle+allowance(v.Connector, r.p.Idle).Over(rd.Elapsed()) { // what a stop may not have shown is gross, too
			m.Gross[at] = int32(min(hayalet.Energy(m.Gross[at])+rd.Increase, math.MaxInt32))
			if m.Open {
				m.Unsaid += rd.Increase
			}
		}
	}
	gross, sum, gaps := m.sum()
	v.Trace.rung(Rung{Rule: PE02Name, Code: "gaps", Energy: missing, Rest: sum})
	switch {
	case gaps >= r.p.Gaps && sum > r.p.Medium:
		if missing > 0 {
			if !m.Open {
				m.add(gross, sum, rd.Since)
			} else {
				m.add(m.Unsaid, missing, m.First)
			}
			m.Unsaid = 0
			m.Summed = true
			r.alarm(v, m, 0, hayalet.ReasonGaps, out)
		}
	case m.Open && !m.Steep:
		r.close(v, m, out)
	}
}

// turn forgets the days that are over.
func (m *Drip) turn(day int32) {
	for ; m.Day < day; m.Day++ {
		if day-m.Day > gapDays {
			m.Day = day - gapDays
		}
		next := (m.Day + 1) % gapDays
		m.Daily[next], m.Gross[next], m.Gaps[next] = 0, 0, 0
	}
}

func (m *Drip) sum() (gross, missing hayalet.Energy, gaps int) {
	for i := range m.Daily {
		gross += hayalet.Energy(m.Gross[i])
		missing += hayalet.Energy(m.Daily[i])
		gaps += int(m.Gaps[i])
	}
	return gross, missing, gaps
}

func (r *PE02) alarm(v View, m *Drip, slope hayalet.Power, why hayalet.Reason, out *[]hayalet.Verdict) {
	rd := &v.Step.Reading
	ver := verdict(PE02Name, v, hayalet.Alarm)
	ver.EventAt, ver.Since, ver.Value, ver.Increase, ver.Quantum = rd.At, rd.Since, m.Energy, rd.Increase, rd.Written
	ver.Implied, ver.BaselineAt, ver.Unpaid, ver.Excess = slope, m.First, rd.Increase, m.Excess
	if why == hayalet.ReasonSlope && m.First >= v.Connector.IdleSince { // all within one idle period: gross, as PE-01 counts
		ver.Value, ver.Baseline, ver.BaselineAt = rd.Value, rd.Baseline, rd.BaselineAt
	}
	ver.Readings, ver.Reason = 1, why
	r.p.grade(&ver, m.Excess)
	m.Open = true
	*out = append(*out, ver)
}

func (r *PE02) close(v View, m *Drip, out *[]hayalet.Verdict) {
	ver := verdict(PE02Name, v, hayalet.Close)
	ver.Severity, ver.Excess, ver.Reason = r.p.Of(m.Excess), m.Excess, hayalet.ReasonFlowEnded
	m.Open, m.Summed = false, false
	*out = append(*out, ver)
}
