package hayalet

// RuleName is the id of a rule in the catalogue: PE-01.
type RuleName string

// Severity grades an incident. Medium and up may wake somebody.
type Severity uint8

// The severities.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String is the severity's word.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "?"
}

// MarshalText writes the severity's word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the severity's word.
func (s *Severity) UnmarshalText(b []byte) error {
	return parseWord(s, severityNames[:], "severity", b)
}

// Cause is where the energy of a phantom is: on the cable, or only in the numbers.
type Cause uint8

// The causes.
const (
	Undetermined Cause = iota
	Drawn              // power, current or another meter agree: something draws it
	Reported           // only the register moves: something says so
)

var causeNames = [...]string{"undetermined", "drawn", "reported"}

// String is the cause's word.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "?"
}

// MarshalText writes the cause's word.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the cause's word.
func (c *Cause) UnmarshalText(b []byte) error { return parseWord(c, causeNames[:], "cause", b) }

// Reason is the code of a sentence in the catalogue of texts.
type Reason string

// The reasons of verdicts and incidents.
const (
	ReasonAfterStop     Reason = "flow-after-stop"         // growth after a StopTransaction
	ReasonAfterInferred Reason = "flow-after-inferred-end" // growth after a boot, a new start or Available ended a transaction
	ReasonNoTransaction Reason = "flow-without-start"      // growth on a connector that was idle from the first
	ReasonStaleID       Reason = "flow-with-stale-id"      // growth after a stop, under the ended transaction's id
	ReasonUpstream      Reason = "flow-upstream"           // the station's own register grows while all outlets are idle
	ReasonPaid          Reason = "paid"                    // the increase is within settle credit and idle allowance
	ReasonHeld          Reason = "held"                    // a jump over an outage: a queued start may explain it
	ReasonLateStart     Reason = "explained-by-late-start" // a queued start covers the increase
	ReasonLateStop      Reason = "explained-by-late-stop"  // the stop came after its end was inferred, and covers the increase
	ReasonGlitch        Reason = "explained-by-glitch"     // the register returned to its old value
	ReasonFlowEnded     Reason = "flow-ended"              // the register stood still for the closing time
	ReasonNewStart      Reason = "new-transaction"         // a transaction began
	ReasonMissing       Reason = "missing-energy"          // meterStart lies above the register at the stop before it
	ReasonUnknownStop   Reason = "stop-without-start"      // a stop books energy on a transaction that never began
	ReasonFlow          Reason = "power-without-start"     // power or current flows, and the register does not show it
	ReasonSlope         Reason = "slow-drip"               // the slope of a day lies above the quiet level
	ReasonGaps          Reason = "many-gaps"               // a little is missing between many transactions
	ReasonRegister      Reason = "shown-by-register"       // the register shows it too: PE-01 tells of it
	ReasonRuleGone      Reason = "rule-removed"            // its rule watches this station no more
	ReasonSettled       Reason = "told-once"               // the finding was over when it was made

	ReasonFell           Reason = "register-fell"            // a register fell where nothing restarts it
	ReasonStopBelowStart Reason = "stop-below-start"         // meterStop lies below meterStart
	ReasonStopBelowValue Reason = "stop-below-sample"        // meterStop lies below the last sample
	ReasonStopAbove      Reason = "stop-above-reach"         // meterStop lies further above the last value than can have flowed
	ReasonShort          Reason = "register-below-power"     // the register shows less than the measured power makes
	ReasonBeyond         Reason = "register-above-power"     // the register shows more
	ReasonTooFast        Reason = "register-too-fast"        // the register rises faster than the connector can deliver
	ReasonTooStrong      Reason = "current-too-strong"       // a current above the connector's limit
	ReasonFrozen         Reason = "register-frozen"          // power flows in a transaction and the register stands still
	ReasonMainAbove      Reason = "main-above-outlets"       // the station's register shows more than its outlets took
	ReasonMainBelow      Reason = "main-below-outlets"       // the outlets' registers show more than the station took
	ReasonOtherStop      Reason = "stop-conflicts"           // a second stop of a transaction books another meterStop
	ReasonNoStop         Reason = "stop-never-came"          // a transaction must have ended, and no stop came
	ReasonNoSamples      Reason = "samples-ceased"           // nothing is heard of a transaction that runs
	ReasonEnded          Reason = "transaction-ended"        // the transaction ended
	ReasonAgrees         Reason = "values-agree-again"       // the values agree again
	ReasonCaughtUp       Reason = "explained-by-catching-up" // the register lagged, and caught up
	ReasonSampled        Reason = "samples-came-back"        // the transaction is heard of again
)

// VerdictKind is what a verdict does to the incident of its rule and connector.
type VerdictKind uint8

// The kinds of verdicts.
const (
	Notice   VerdictKind = iota // an increase that is paid for: a line in the log, no incident
	Alarm                       // a reading alarm; opens or extends the incident
	Escalate                    // the same facts weigh more now
	Clear                       // facts explained it
	Close                       // the flow ended
	Found                       // an alarm that is over with this step
)

// Evidence is what speaks for or against a phantom besides the register.
type Evidence uint32

// The pieces of evidence.
const (
	EvidencePowerFlows     Evidence = 1 << iota // power or current above the floor
	EvidencePowerZero                           // power and current reported and below the floor
	EvidenceNotAvailable                        // status is not Available
	EvidenceAvailable                           // status is Available
	EvidencePeriodic                            // periodic samples outside a transaction
	EvidenceOnlyClock                           // clock-aligned samples only
	EvidenceStaleID                             // readings carry an ended transaction's id
	EvidenceImpossible                          // implied power above what the connector can deliver
	EvidenceBackdated                           // readings are stamped into the ended transaction but exceed its stop
	EvidenceClockSuspect                        // the station's clock could not be used
	EvidenceOverOutage                          // an increase lies across an outage of the link
	EvidenceUnitScaled                          // a unit was found to be off by a thousand
	EvidenceInferredEnd                         // the transaction's end was inferred
	EvidenceAvailableDraws                      // status Available while power or current flows
	EvidenceUnseenID                            // readings carry an id that was never seen to begin
)

var evidenceNames = [...]string{
	"power-flows", "power-zero", "status-not-available", "status-available", "periodic-context", "clock-context-only", "stale-id",
	"impossible-power", "backdated", "clock-suspect", "over-outage", "unit-scaled", "inferred-end", "available-yet-drawing", "unseen-id",
}

// Names lists the pieces of evidence.
func (e Evidence) Names() []string {
	names := make([]string, 0, 4)
	for i, name := range evidenceNames {
		if e&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Verdict is what one rule concludes from one event.
type Verdict struct {
	Rule      RuleName
	Station   StationID
	Connector ConnectorID
	Kind      VerdictKind
	At        Instant // receipt time of the frame
	EventAt   Instant // when the reading was taken

	Value    Energy // the register
	Quantum  Energy // the step of the last digit that the station wrote
	Increase Energy // over the reading before, gross
	Unpaid   Energy // of the increase, after settle credit and idle allowance
	Since    Instant
	Implied  Power // of the increase over its time
	Measured Power // by the station's power values; zero when none

	Baseline   Energy  // value when the last transaction ended
	BaselineAt Instant // event time of the baseline
	Excess     Energy  // level of the bucket
	Readings   int     // increasing readings that this verdict adds (1 for an alarm)

	Severity    Severity
	Confirmed   bool
	Cause       Cause
	Reason      Reason
	Outcome     Reason        // Found: why it is over
	Shadow      bool          // the rule is in shadow mode: kept, and wakes nobody
	Transaction TransactionID // the ended transaction, or the id that the reading carries
	Evidence    Evidence
}
