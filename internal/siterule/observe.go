package siterule

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/session"
)

// observation is a variable of conditions: docs/site-rules.md tells its meaning, its unit and what it is while unknown.
type observation struct {
	name string
	typ  *cel.Type
	of   func(*scene) ref.Val
}

// scene is a step as conditions see it. It answers for a name only when it is asked: no reading pays for what no condition
// looks at.
type scene struct {
	view  detect.View
	mem   *detect.Memory
	asked []observation
}

// Names lists the observations with their types.
func Names() [][2]string {
	list := make([][2]string, len(observations))
	for i, o := range observations {
		list[i] = [2]string{o.name, cel.FormatCELType(o.typ)}
	}
	return list
}

// observations is what conditions may ask of a connector.
var observations = []observation{
	{"station", cel.StringType, func(s *scene) ref.Val { return text(string(s.view.Station.ID)) }},
	{"connector", cel.IntType, func(s *scene) ref.Val { return types.Int(s.view.Connector.ID) }},
	{"vendor", cel.StringType, func(s *scene) ref.Val { return text(s.view.Station.Vendor) }},
	{"model", cel.StringType, func(s *scene) ref.Val { return text(s.view.Station.Model) }},
	{"firmware", cel.StringType, func(s *scene) ref.Val { return text(s.view.Station.Firmware) }},

	{"tx_active", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.view.Connector.State == session.Active) }},
	{"tx_known", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.view.Connector.State != session.Unknown) }},
	{"tx_id", cel.StringType, func(s *scene) ref.Val { return text(s.transaction()) }},
	{"tx_seconds", cel.DoubleType, func(s *scene) ref.Val { return s.since(session.Active, s.view.Connector.Tx.StartedAt) }},
	{"idle_seconds", cel.DoubleType, func(s *scene) ref.Val { return s.since(session.Inactive, s.view.Connector.IdleSince) }},
	{"status", cel.StringType, func(s *scene) ref.Val { return types.String(s.view.Connector.Status.String()) }},

	{"energy_wh", cel.DoubleType, func(s *scene) ref.Val { return wattHours(s.mem.Seen.Value) }},
	{"delta_wh", cel.DoubleType, func(s *scene) ref.Val { return wattHours(s.mem.Seen.Increase) }},
	{"elapsed_s", cel.DoubleType, func(s *scene) ref.Val { return types.Double(s.mem.Seen.At.Sub(s.mem.Seen.Since).Seconds()) }},
	{"implied_w", cel.DoubleType, func(s *scene) ref.Val {
		return watts(hayalet.MeanPower(s.mem.Seen.Increase, s.mem.Seen.At.Sub(s.mem.Seen.Since)))
	}},
	{"over_outage", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.mem.Seen.OverOutage) }},
	{"stale_id", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.mem.Seen.StaleID) }},
	{"context", cel.StringType, func(s *scene) ref.Val { return types.String(s.mem.Seen.Context.String()) }},

	{"power_w", cel.DoubleType, func(s *scene) ref.Val { return watts(s.power()) }},
	{"has_power", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.fresh(s.view.Connector.PowerAt)) }},
	{"current_a", cel.DoubleType, func(s *scene) ref.Val {
		if !s.fresh(s.view.Connector.CurrentAt) {
			return types.Double(0)
		}
		return types.Double(float64(s.view.Connector.Current) / 1000)
	}},
	{"has_current", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.fresh(s.view.Connector.CurrentAt)) }},

	{"idle_w", cel.DoubleType, func(s *scene) ref.Val {
		if idle := &s.view.Connector.Idle; idle.Ready() {
			return watts(idle.Learnt)
		}
		return types.Double(0)
	}},
	{"has_idle", cel.BoolType, func(s *scene) ref.Val { return types.Bool(s.view.Connector.Idle.Ready()) }},
	{"bucket_wh", cel.DoubleType, func(s *scene) ref.Val { return wattHours(s.mem.Flow.Level) }},
	{"notes", cel.ListType(cel.StringType), func(s *scene) ref.Val { return notes(s.view.Connector.Notes) }},

	{"at", cel.TimestampType, func(s *scene) ref.Val { return types.Timestamp{Time: s.view.Step.EventAt.Time()} }},
	{"hour", cel.IntType, func(s *scene) ref.Val { return types.Int(s.view.Step.EventAt.Time().Hour()) }},
	{"weekday", cel.IntType, func(s *scene) ref.Val { return types.Int(s.view.Step.EventAt.Time().Weekday()) }},
}

// ResolveName answers for an observation.
func (s *scene) ResolveName(name string) (any, bool) {
	for i := range s.asked {
		if s.asked[i].name == name {
			return s.asked[i].of(s), true
		}
	}
	return nil, false
}

// Parent is none: there are no other names.
func (s *scene) Parent() cel.Activation { return nil }

// transaction is the id of the running transaction, or of the last one.
func (s *scene) transaction() string {
	if !s.view.Connector.HasTx {
		return ""
	}
	return s.view.Connector.Tx.ID.String()
}

// since is the time that the connector has been in a state, in seconds; 0 in any other.
func (s *scene) since(state session.TxState, from hayalet.Instant) types.Double {
	if s.view.Connector.State != state || from == 0 {
		return 0
	}
	return types.Double(max(0, s.view.Step.EventAt.Sub(from).Seconds()))
}

// power is what was last measured.
func (s *scene) power() hayalet.Power {
	if !s.fresh(s.view.Connector.PowerAt) {
		return 0
	}
	return s.view.Connector.Power
}

// fresh reports whether a measurement is of the connector's state now: a power of the transaction says nothing of the idle
// outlet after it.
func (s *scene) fresh(at hayalet.Instant) bool {
	switch c := s.view.Connector; c.State {
	case session.Active:
		return at != 0 && at >= c.Tx.StartedAt
	case session.Inactive:
		return at > c.IdleSince
	}
	return at != 0
}

// maxText bounds the texts that a station says of itself, in bytes; the standard's longest has 50 [1.6 §6.3].
const maxText = 128

func text(s string) types.String { return types.String(s[:min(len(s), maxText)]) }

func wattHours(e hayalet.Energy) types.Double {
	return types.Double(float64(e) / float64(hayalet.WattHour))
}

func watts(p hayalet.Power) types.Double { return types.Double(float64(p) / float64(hayalet.Watt)) }

// maxNotes bounds the notes: their bits.
const maxNotes = 16

func notes(n session.Note) ref.Val { return types.NewStringList(types.DefaultTypeAdapter, n.Names()) }
