package session

import (
	"time"

	"hayalet"
)

// StepKind is what happened to a connector.
type StepKind uint8

// The kinds of steps.
const (
	StepReading   StepKind = iota // a register value was placed on a track
	StepStart                     // a transaction began
	StepStop                      // a transaction ended, by a stop or by inference
	StepExplained                 // a start delivered late covers readings from Since on
	StepRetracted                 // the register fell back: an earlier jump was a glitch; the reading follows as its own step
	StepTick                      // time passed
)

// Fate is what became of a reading.
type Fate uint8

// The fates of a reading.
const (
	FateCounted  Fate = iota // continues its track
	FateFirst                // first value of a new track or epoch
	FateAnchor               // first value after a stop on a track whose value at the stop is not known
	FateLate                 // taken inside an ended transaction, or out of order: changes nothing
	FatePending              // a fall or an impossible jump: waits for a second value
	FateRestated             // a begin value said again
)

var fateNames = [...]string{"counted", "first", "anchor", "late", "pending", "restated"}

// String is the fate's word.
func (f Fate) String() string {
	if int(f) < len(fateNames) {
		return fateNames[f]
	}
	return "?"
}

// Reading is one register value in canonical form.
type Reading struct {
	Value      hayalet.Energy
	Written    hayalet.Energy // the step of its own last digit; of a sum of phases, all of theirs
	Quantum    hayalet.Energy // finest step that the register has ever written
	Increase   hayalet.Energy // over the track's value before; never negative
	Since      hayalet.Instant
	At         hayalet.Instant // event time
	Baseline   hayalet.Energy
	BaselineAt hayalet.Instant
	Track      int
	Fate       Fate
	Context    hayalet.Context
	ID         hayalet.TransactionID // as sent with the reading
	Evidence   hayalet.Evidence      // of the reading itself
	OverOutage bool                  // the value before came through an earlier connection
	Jumped     bool                  // an impossible jump that a second value confirmed
	TakenBack  bool                  // the register fell back from an impossible jump: the jump was a glitch
}

// Elapsed is the event time that the increase took.
func (r *Reading) Elapsed() time.Duration { return r.At.Sub(r.Since) }

// Step is one thing that an event did to one connector.
type Step struct {
	Kind      StepKind
	Connector *Connector
	At        hayalet.Instant // receipt
	EventAt   hayalet.Instant
	Since     hayalet.Instant // StepExplained
	Reading   Reading         // StepReading, StepRetracted
}

// View is what a rule sees: one step and the state after it. Rules must not change it.
type View struct {
	Station   *Station
	Connector *Connector
	Step      *Step
}
