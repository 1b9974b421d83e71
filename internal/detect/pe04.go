package detect

import (
	"hayalet"
	"hayalet/internal/session"
)

// PE04Name is the id of the rule stale-transaction.
const PE04Name hayalet.RuleName = "PE-04"

// PE04Params are the parameters of PE-04: it has none, for its episodes are weighed by PE-01.
type PE04Params struct{}

// Fields is empty.
func (*PE04Params) Fields() []Field { return nil }

// Validate refuses nothing.
func (*PE04Params) Validate() error { return nil }

// Rule is the rule.
func (*PE04Params) Rule() Rule { return PE04{} }

// PE04 tells phantom energy under the id of a transaction that has ended, or was never issued, from phantom energy under
// none: somebody or something keeps a dead transaction alive. One flow is one incident: PE-04 gives PE-01's episode its
// name where it opens, and PE-01 weighs it.
type PE04 struct{}

// Name is PE-04.
func (PE04) Name() hayalet.RuleName { return PE04Name }

// Judge names the episode that PE-01 may open with this step.
func (PE04) Judge(v View, m *Memory, _ *[]hayalet.Verdict) {
	if v.Step.Kind != session.StepReading || m.Flow.Open {
		return
	}
	m.Flow.Stale = v.Connector.ID != 0 && v.Connector.State == session.Inactive && v.Step.Reading.ID.Usable()
}
