package detect

import (
	"slices"

	"hayalet"
	"hayalet/internal/session"
)

// View is what a rule sees: one step of a connector and the state after it. Rules must not change it.
type View struct {
	session.View
	Trace *Trace // takes down how a rule came to its answer; nil when nobody asks
}

// Rule judges one step. It appends its verdicts to out, most often none. Judge must be pure: the same view and memory give
// the same verdicts and memory. It is called by the goroutine that owns the station.
type Rule interface {
	Name() hayalet.RuleName
	Judge(v View, m *Memory, out *[]hayalet.Verdict)
}

// Memory is what the rules remember of one connector. Each rule has its own part, of a fixed size, and may read the
// others': energy that one rule has told of is not told of by another.
type Memory struct {
	Flow Flow // PE-01 and PE-04
	Drip Drip // PE-02
	Draw Draw // PE-05

	Booked hayalet.Energy `json:",omitzero"` // PE-06: unpaid by all stops without a start since the last start

	Falls  Falls   `json:",omitzero"`  // MT-01
	Match  *Match  `json:",omitempty"` // MT-02, in a transaction
	Rush   *Rush   `json:",omitempty"` // MT-03, in a transaction
	Still  *Still  `json:",omitempty"` // MT-04, in a transaction
	Moves  Moves   `json:",omitzero"`  // MT-04
	Mains  *Mains  `json:",omitempty"` // MT-05, at connector 0
	Restop Restop  `json:",omitzero"`  // TX-01
	Orphan *Orphan `json:",omitempty"` // TX-04, while a transaction runs or its stop is looked for

	Site []Site `json:",omitempty"` // site rules
	Seen *Seen  `json:",omitempty"` // theirs in common; nil where there are none
}

// Wake is the receipt time from which a tick matters to any rule; zero: none does.
func (m *Memory) Wake() hayalet.Instant {
	wake := earlier(m.Flow.Wake, m.Draw.Wake)
	if o := m.Orphan; o != nil {
		wake = earlier(wake, earlier(o.Wake, o.Due))
	}
	for i := range m.Site {
		wake = earlier(wake, m.Site[i].Wake)
	}
	return wake
}

// need makes the part of a memory that a rule keeps only for a time.
func need[T any](part **T) *T {
	if *part == nil {
		*part = new(T)
	}
	return *part
}

// earlier is the earlier of two instants of which zero is none.
func earlier(a, b hayalet.Instant) hayalet.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Entry is a rule in a set.
type Entry struct {
	Rule
	Shadow bool // its incidents are kept and wake nobody
}

// Set is the rules of a station in the order in which they judge. A rule that reads what another one remembers of the step
// before stands before it; [Catalogue] is in this order.
type Set []Entry

// Has reports whether a rule is in the set. PE-04 is where PE-01 is, which weighs its episodes.
func (s Set) Has(name hayalet.RuleName) bool {
	return slices.ContainsFunc(s, func(e Entry) bool { return e.Name() == name || name == PE04Name && e.Name() == PE01Name })
}

// Sets gives the rules of a station.
type Sets func(st hayalet.StationID, vendor, model string) Set

// All gives every station the same set.
func (s Set) All(hayalet.StationID, string, string) Set { return s }

// verdict begins a verdict of a rule on a step.
func verdict(rule hayalet.RuleName, v View, kind hayalet.VerdictKind) hayalet.Verdict {
	return hayalet.Verdict{
		Rule: rule, Station: v.Station.ID, Connector: v.Connector.ID, Kind: kind, At: v.Step.At, EventAt: v.Step.EventAt,
	}
}
