package detect

import (
	"errors"

	"hayalet"
	"hayalet/internal/session"
)

// MT05Name is the id of the rule main-meter-imbalance.
const MT05Name hayalet.RuleName = "MT-05"

// MT05Params are the parameters of MT-05.
type MT05Params struct {
	Standby hayalet.Power  // of the station itself, before its outlets
	Loss    Ratio          // between the station's register and its outlets'
	Least   hayalet.Energy // of the outlets, in a window that says anything
	Follow  int            // windows in a row in which both agree, before a difference means anything
	Windows int            // in a row in which they differ
}

// DefaultMT05 are the defaults.
func DefaultMT05() MT05Params {
	return MT05Params{Standby: 500 * hayalet.Watt, Loss: 50, Least: 500 * hayalet.WattHour, Follow: 3, Windows: 2}
}

// Fields are the parameters.
func (p *MT05Params) Fields() []Field {
	return []Field{{"standby", &p.Standby}, {"loss", &p.Loss}, {"least", &p.Least}, {"follow", &p.Follow}, {"windows", &p.Windows}}
}

// Validate refuses parameters that contradict one another.
func (p *MT05Params) Validate() error {
	if p.Follow < 1 || p.Follow > 100 || p.Windows < 1 || p.Windows > 100 {
		return errors.New("want follow and windows from 1 to 100")
	}
	return notNegative(p.Fields())
}

// Rule is the rule with these parameters.
func (p *MT05Params) Rule() Rule { return &MT05{*p} }

// MT05 sets the station's own register against those of its outlets while they charge. It speaks only where the one has been
// seen to follow the others: a main register may be of a house. What it shows while all outlets are idle is PE-01's.
type MT05 struct{ p MT05Params }

// Mains is what MT-05 remembers of a station, at connector 0.
type Mains struct {
	Contest
	Since  hayalet.Instant // event time from which they differ
	Energy hayalet.Energy  // by which they differ since then
	Follow uint8           // windows in a row in which they agreed
	Off    uint8           // in a row in which they did not
	Above  bool            // the station's register shows more
}

// Name is MT-05.
func (r *MT05) Name() hayalet.RuleName { return MT05Name }

// Judge weighs a window of the station's register.
func (r *MT05) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	if v.Step.Kind != session.StepBalance {
		return
	}
	b := &v.Step.Balance
	if b.Outlets < r.p.Least {
		return
	}
	m := need(&mem.Mains)
	span := b.At.Sub(b.Since)
	slack := share(max(b.Main, b.Outlets), r.p.Loss) + b.Slack
	above := b.Main - b.Outlets - slack - r.p.Standby.Over(span)
	below := b.Outlets - b.Main - slack
	v.Trace.rung(Rung{Rule: MT05Name, Code: "balance", Energy: b.Main, Rest: b.Outlets, Span: span})
	if above <= 0 && below <= 0 {
		m.end(r.verdict(v, m), hayalet.Close, hayalet.ReasonAgrees, out)
		*m = Mains{Follow: min(m.Follow, 254) + 1}
		return
	}
	if int(m.Follow) < r.p.Follow {
		m.Follow = 0
		return
	}
	if m.Off > 0 && m.Above != (above > 0) {
		m.end(r.verdict(v, m), hayalet.Close, hayalet.ReasonAgrees, out)
		m.Off = 0
	}
	if m.Off == 0 {
		m.Since, m.Energy, m.Above = b.Since, 0, above > 0
	}
	m.Energy += max(b.Main-b.Outlets, b.Outlets-b.Main)
	m.Off = min(m.Off, 254) + 1
	if int(m.Off) >= r.p.Windows {
		m.tell(r.verdict(v, m), out)
	}
}

func (r *MT05) verdict(v View, m *Mains) hayalet.Verdict {
	why := hayalet.ReasonMainBelow
	if m.Above {
		why = hayalet.ReasonMainAbove
	}
	return contested(MT05Name, v, m.Since, m.Energy, why)
}
