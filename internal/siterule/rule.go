package siterule

import (
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/session"
)

// The reasons of site rules' incidents.
const (
	ReasonHolds hayalet.Reason = "site-rule"      // the condition holds
	ReasonOver  hayalet.Reason = "condition-over" // it no longer does
)

// noTrack stands for a register that was not read yet.
const noTrack = -2

// Rule is a site rule. It keeps nothing: what it remembers of a connector is in [detect.Memory], under its name.
type Rule struct {
	spec    Spec
	program cel.Program
	asked   []observation // by the condition
	failed  func(hayalet.RuleName, error)
}

// Name is the id that the operator gave.
func (r *Rule) Name() hayalet.RuleName { return r.spec.ID }

// Judge evaluates the condition where something was measured, and where its hold time ends.
func (r *Rule) Judge(v detect.View, m *detect.Memory, out *[]hayalet.Verdict) {
	measured := m.See(v)
	if !r.concerns(v.Connector.ID) {
		return
	}
	s := m.SiteOf(r.spec.ID)
	switch {
	case v.Step.Kind == session.StepRetracted && s != nil:
		r.retract(v, s, out)
	case measured:
		r.weigh(v, m, s, out)
	case v.Step.Kind == session.StepTick && s != nil && s.Wake != 0 && v.Step.At >= s.Wake:
		r.weigh(v, m, s, out)
	}
}

// concerns reports whether the rule watches the connector.
func (r *Rule) concerns(c hayalet.ConnectorID) bool {
	if len(r.spec.Connectors) == 0 {
		return c != 0
	}
	return slices.Contains(r.spec.Connectors, c)
}

// weigh evaluates the condition and opens, extends or closes the incident.
func (r *Rule) weigh(v detect.View, m *detect.Memory, s *detect.Site, out *[]hayalet.Verdict) {
	if s != nil {
		r.grow(v, s)
	}
	if !r.holds(v, m) {
		if s != nil {
			r.over(v, s, out)
		}
		return
	}
	if s == nil {
		s = m.AddSite(r.spec.ID)
	}
	if s.Since == 0 {
		begin(v, s)
	}
	held := v.Step.EventAt.Sub(s.Since)
	r.trace(v, s, held)
	s.Wake = 0
	switch {
	case s.Open:
		r.extend(v, s, out)
	case held < r.spec.For:
		s.Wake = v.Step.At.Add(r.spec.For - held)
	case s.Told != v.Step.At: // one frame cannot open two: they would be one, by their key
		s.Open = true
		r.tell(v, s, out)
	}
}

// holds evaluates the condition. One that cannot be evaluated does not hold.
func (r *Rule) holds(v detect.View, m *detect.Memory) bool {
	val, _, err := r.program.Eval(&scene{view: v, mem: m, asked: r.asked})
	if err != nil {
		r.failed(r.spec.ID, err)
		return false
	}
	return val == types.True
}

// begin notes where the condition began to hold: when, and at which register.
func begin(v detect.View, s *detect.Site) {
	s.Since, s.Grown, s.Value, s.Track = v.Step.EventAt, 0, 0, noTrack
	if v.Step.Kind == session.StepReading {
		s.Value, s.Track = v.Step.Reading.Value, int8(v.Step.Reading.Track)
		return
	}
	var newest hayalet.Instant
	for i := range v.Connector.Tracks {
		if t := &v.Connector.Tracks[i]; t.LastRecv > newest {
			newest, s.Value, s.Track = t.LastRecv, t.Last.Value, int8(i)
		}
	}
}

// grow follows the register on which the condition began to hold. What grows in a transaction is somebody's.
func (r *Rule) grow(v detect.View, s *detect.Site) {
	rd := &v.Step.Reading
	if v.Step.Kind != session.StepReading || s.Since == 0 || s.Track != noTrack && int(s.Track) != rd.Track {
		return
	}
	if s.Track != noTrack && rd.Fate == session.FateCounted && v.Connector.State == session.Inactive {
		s.Grown += rd.Increase
	}
	s.Value, s.Track = rd.Value, int8(rd.Track)
}

// retract takes back an impossible jump that the register took back.
func (r *Rule) retract(v detect.View, s *detect.Site, out *[]hayalet.Verdict) {
	rd := &v.Step.Reading
	if s.Since == 0 || int(s.Track) != rd.Track {
		return
	}
	before := rd.Value - rd.Increase
	s.Grown, s.Value = max(0, s.Grown-max(0, s.Value-before)), before
	if s.Open {
		*out = append(*out, r.verdict(v, s, hayalet.Escalate, ReasonHolds))
	}
}

// extend tells of the episode that goes on: with each register value, else once for each frame.
func (r *Rule) extend(v detect.View, s *detect.Site, out *[]hayalet.Verdict) {
	if v.Step.Kind == session.StepReading || v.Step.Kind == session.StepElectric && s.Told != v.Step.At {
		r.tell(v, s, out)
	}
}

func (r *Rule) tell(v detect.View, s *detect.Site, out *[]hayalet.Verdict) {
	s.Told = v.Step.At
	*out = append(*out, r.verdict(v, s, hayalet.Alarm, ReasonHolds))
}

// over ends the hold, and the incident with it.
func (r *Rule) over(v detect.View, s *detect.Site, out *[]hayalet.Verdict) {
	if s.Open {
		*out = append(*out, r.verdict(v, s, hayalet.Close, ReasonOver))
	}
	s.Open, s.Since, s.Wake, s.Grown = false, 0, 0, 0
}

func (r *Rule) verdict(v detect.View, s *detect.Site, kind hayalet.VerdictKind, why hayalet.Reason) hayalet.Verdict {
	ver := hayalet.Verdict{
		Rule: r.spec.ID, Station: v.Station.ID, Connector: v.Connector.ID, Kind: kind, At: v.Step.At, EventAt: v.Step.EventAt,
		Value: s.Value, Quantum: hayalet.WattHour, Since: v.Step.EventAt, Baseline: s.Value - s.Grown, BaselineAt: s.Since,
		Severity: r.spec.Severity, Confirmed: r.spec.Severity >= hayalet.Medium, Reason: why,
	}
	if c := v.Connector; c.HasTx {
		ver.Transaction = c.Tx.ID
	}
	ver.Measured = (&scene{view: v}).power()
	if kind != hayalet.Alarm || v.Step.Kind == session.StepTick {
		return ver
	}
	ver.Readings = 1
	if rd := &v.Step.Reading; v.Step.Kind == session.StepReading {
		ver.Quantum, ver.Increase, ver.Since, ver.Evidence = rd.Written, rd.Increase, rd.Since, rd.Evidence
		ver.Implied = hayalet.MeanPower(rd.Increase, rd.Elapsed())
	}
	return ver
}

// trace takes down that the condition holds, for how long, and what the register gained.
func (r *Rule) trace(v detect.View, s *detect.Site, held time.Duration) {
	if v.Trace != nil {
		v.Trace.Rungs = append(v.Trace.Rungs, detect.Rung{Rule: r.spec.ID, Code: "site", Energy: s.Grown, Span: held})
	}
}
