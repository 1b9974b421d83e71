package detect

import (
	"hayalet"
	"hayalet/internal/session"
)

// TX01Name is the id of the rule conflicting-stop.
const TX01Name hayalet.RuleName = "TX-01"

// TX01Params are the parameters of TX-01.
type TX01Params struct {
	Least  hayalet.Energy // by which two values of one stop differ
	Medium hayalet.Energy
}

// DefaultTX01 are the defaults.
func DefaultTX01() TX01Params {
	return TX01Params{Least: hayalet.WattHour, Medium: hayalet.KilowattHour}
}

// Fields are the parameters.
func (p *TX01Params) Fields() []Field { return []Field{{"least", &p.Least}, {"medium", &p.Medium}} }

// Validate refuses negative parameters.
func (p *TX01Params) Validate() error { return notNegative(p.Fields()) }

// Rule is the rule with these parameters.
func (p *TX01Params) Rule() Rule { return &TX01{*p} }

// TX01 finds a second stop of a transaction that books another meterStop. The same stop sent again is a station that got no
// answer [1.6 §4.10].
type TX01 struct{ p TX01Params }

// Restop is what TX-01 remembers of a connector: the last conflict, for that is sent again too.
type Restop struct{ Was, Stop hayalet.Energy }

// Name is TX-01.
func (r *TX01) Name() hayalet.RuleName { return TX01Name }

// Judge weighs a stop that came once more.
func (r *TX01) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	b, m := &v.Step.Book, &mem.Restop
	if v.Step.Kind != session.StepRestop || !b.HasWas || !b.HasStop {
		return
	}
	differ := max(b.Stop-b.Was, b.Was-b.Stop)
	v.Trace.rung(Rung{Rule: TX01Name, Code: "restop", Energy: differ, Rest: b.Was})
	if differ <= r.p.Least || *m == (Restop{b.Was, b.Stop}) {
		return
	}
	*m = Restop{b.Was, b.Stop}
	since := v.Step.EventAt
	if v.Connector.Tx.ID == v.Step.ID {
		since = v.Connector.Tx.EndedAt
	}
	ver := found(TX01Name, v, since, differ, hayalet.ReasonOtherStop)
	ver.Transaction = v.Step.ID
	// A zero is what stations write that cannot read their meter, and kilowatt-hours are no watt-hours.
	sound := b.Stop != 0 && b.Was != 0 && !mixedUp(v.Connector) && !reused(v)
	if differ > r.p.Medium && sound {
		ver.Severity = hayalet.Medium
	}
	ver.Confirmed = ver.Severity >= hayalet.Medium
	*out = append(*out, ver)
}

// reused reports whether the station's transactions share the id: then the stop may be of another one.
func reused(v View) bool {
	n := 0
	for _, c := range v.Station.Connectors {
		for i := range c.Ended {
			if c.Ended[i].ID == v.Step.ID {
				n++
			}
		}
	}
	return n > 1
}
