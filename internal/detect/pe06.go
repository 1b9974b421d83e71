package detect

import (
	"errors"

	"hayalet"
	"hayalet/internal/session"
)

// PE06Name is the id of the rule unknown-stop.
const PE06Name hayalet.RuleName = "PE-06"

// PE06Params are the parameters of PE-06.
type PE06Params struct {
	Idle  hayalet.Power  // allowance of an outlet until a day of quiet was learnt
	Least hayalet.Energy // that is worth telling of
	Grades
}

// DefaultPE06 are the defaults.
func DefaultPE06() PE06Params {
	return PE06Params{Idle: 10 * hayalet.Watt, Least: 10 * hayalet.WattHour, Grades: DefaultGrades()}
}

// Fields are the parameters.
func (p *PE06Params) Fields() []Field {
	return append(p.fields(), Field{"idle", &p.Idle}, Field{"least", &p.Least})
}

// Validate refuses parameters that contradict one another.
func (p *PE06Params) Validate() error { return errors.Join(p.validate(), notNegative(p.Fields())) }

// Rule is the rule with these parameters.
func (p *PE06Params) Rule() Rule { return &PE06{*p} }

// PE06 finds energy that a station books on a transaction whose start was never seen, although the connector was known to
// be idle and nothing that we should have seen was missed: free vending, charging on plug, or an invented stop.
type PE06 struct{ p PE06Params }

// Name is PE-06.
func (r *PE06) Name() hayalet.RuleName { return PE06Name }

// Judge weighs a stop without a start. What is too little to be told of counts with the stops after it.
func (r *PE06) Judge(v View, m *Memory, out *[]hayalet.Verdict) {
	if v.Step.Kind == session.StepStart {
		m.Booked = 0
	}
	if v.Step.Kind != session.StepUnknownStop || m.Flow.Open || v.Step.Reading.OverOutage {
		return
	}
	ver := booked(PE06Name, v, m, hayalet.ReasonUnknownStop)
	ver.Transaction = v.Step.ID
	ver.Unpaid = max(0, ver.Increase-rest(v, m, r.p.Idle, 0))
	m.Booked += ver.Unpaid
	ver.Excess = m.Booked
	v.Trace.rung(Rung{Rule: PE06Name, Code: "gap", Energy: ver.Increase, Rest: ver.Unpaid, Power: allowance(v.Connector, r.p.Idle), Span: v.Step.Reading.Elapsed()})
	if ver.Unpaid == 0 || m.Booked < r.p.Least {
		return
	}
	r.p.grade(&ver, ver.Excess)
	*out = append(*out, ver)
}
