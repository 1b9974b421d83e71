package detect

import (
	"errors"

	"hayalet"
	"hayalet/internal/session"
)

// PE03Name is the id of the rule missing-energy.
const PE03Name hayalet.RuleName = "PE-03"

// PE03Params are the parameters of PE-03.
type PE03Params struct {
	Idle   hayalet.Power  // allowance of an outlet until a day of quiet was learnt
	Settle hayalet.Energy // that may arrive after a stop of which nothing better is known
	Least  hayalet.Energy // that is worth telling of; less is summed up by PE-02
	Grades
}

// DefaultPE03 are the defaults.
func DefaultPE03() PE03Params {
	return PE03Params{Idle: 10 * hayalet.Watt, Settle: 5 * hayalet.WattHour, Least: 10 * hayalet.WattHour, Grades: DefaultGrades()}
}

// Fields are the parameters.
func (p *PE03Params) Fields() []Field {
	return append(p.fields(), Field{"idle", &p.Idle}, Field{"settle", &p.Settle}, Field{"least", &p.Least})
}

// Validate refuses parameters that contradict one another.
func (p *PE03Params) Validate() error { return errors.Join(p.validate(), notNegative(p.Fields())) }

// Rule is the rule with these parameters.
func (p *PE03Params) Rule() Rule { return &PE03{*p} }

// PE03 finds energy between two transactions: meterStart lies above the register at the stop before it by more than
// rounding, settling and idling explain. It needs no values of the idle station. Registers are raw and never restart so that
// a central system can do this sum [1.6 §7.31].
type PE03 struct{ p PE03Params }

// Name is PE-03.
func (r *PE03) Name() hayalet.RuleName { return PE03Name }

// Judge weighs the start of a transaction.
func (r *PE03) Judge(v View, m *Memory, out *[]hayalet.Verdict) {
	if v.Step.Kind != session.StepStart || !v.Step.HasGap || m.Flow.Open {
		return
	}
	ver := booked(PE03Name, v, m, hayalet.ReasonMissing)
	ver.Unpaid = max(0, ver.Increase-rest(v, m, r.p.Idle, r.p.Settle))
	ver.Excess = ver.Unpaid
	v.Trace.rung(Rung{Rule: PE03Name, Code: "gap", Energy: ver.Increase, Rest: ver.Unpaid, Power: allowance(v.Connector, r.p.Idle), Span: v.Step.Reading.Elapsed()})
	if ver.Unpaid < r.p.Least {
		return
	}
	r.p.grade(&ver, ver.Excess)
	*out = append(*out, ver)
}

// booked is the finding that the station's book shows more than its register did: over once it is told.
func booked(rule hayalet.RuleName, v View, m *Memory, why hayalet.Reason) hayalet.Verdict {
	rd := &v.Step.Reading
	ver := verdict(rule, v, hayalet.Found)
	ver.EventAt, ver.Value, ver.Quantum, ver.Increase, ver.Since = rd.At, rd.Value, rd.Written, rd.Increase, rd.Since
	ver.Implied = hayalet.MeanPower(rd.Increase, rd.Elapsed())
	ver.Baseline, ver.BaselineAt = rd.Baseline, rd.BaselineAt
	ver.Transaction = v.Connector.Ended[0].ID
	if m.Flow.Told >= rd.BaselineAt { // PE-01 has told of what was read since
		ver.Baseline, ver.BaselineAt = rd.Value-rd.Increase, rd.Since
	}
	ver.Readings, ver.Reason, ver.Outcome, ver.Evidence = 1, why, hayalet.ReasonSettled, rd.Evidence
	if rd.OverOutage {
		ver.Evidence |= hayalet.EvidenceOverOutage
	}
	return ver
}

// rest is what the growth up to a value of the book may be without being energy that nobody accounted for: rounding, what
// is left of the settle credit, and idling.
func rest(v View, m *Memory, idle hayalet.Power, settle hayalet.Energy) hayalet.Energy {
	rd := &v.Step.Reading
	return rd.Step() + max(m.Flow.Settle, min(settle, v.Connector.Ended[0].Energy)) + m.Flow.Idle + allowance(v.Connector, idle).Over(rd.Elapsed())
}
