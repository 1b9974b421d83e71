package session

import (
	"time"

	"hayalet"
)

// StepKind is what happened to a connector.
type StepKind uint8

// The kinds of steps.
const (
	StepReading     StepKind = iota // a register value was placed on a track
	StepStart                       // a transaction began
	StepStop                        // a transaction ended, by a stop or by inference
	StepExplained                   // a start delivered late covers readings from Since on
	StepRetracted                   // the register fell back: an earlier jump was a glitch; the reading follows as its own step
	StepElectric                    // power or current was measured at the outlet
	StepUnknownStop                 // a stop came whose start was never seen, although the connector was known to be idle
	StepRestop                      // the stop of a transaction came once more
	StepTick                        // time passed
	StepBalance                     // the station's own register was weighed against its outlets', at connector 0
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
	Moves      hayalet.Energy // the coarser step in which the register is seen to move; zero: it is not
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
	Fall       hayalet.Energy        // the register restarted this far below its last value where nothing explains it
}

// Step is how much one reading may hide: the step of its last digit, or the one in which the register moves.
func (r *Reading) Step() hayalet.Energy { return max(r.Written, r.Moves) }

// Elapsed is the event time that the increase took.
func (r *Reading) Elapsed() time.Duration { return r.At.Sub(r.Since) }

// Electric is what flows through the outlet at one time, as the station measured it.
type Electric struct {
	At         hayalet.Instant // event time
	Since      hayalet.Instant // event time of the measurement before; zero when there was none
	Power      hayalet.Power   // all phases; calculated from the currents where no power was sent
	Current    int64           // highest phase, mA; valid when HasCurrent
	HasPower   bool            // a power was sent
	HasCurrent bool
	OverOutage bool                  // the measurement before came through an earlier connection
	Late       bool                  // taken inside the transaction that ended, or older than the one before
	ID         hayalet.TransactionID // as sent with it
}

// Book is what the station's own book says of a transaction at its end.
type Book struct {
	Start    hayalet.Energy // meterStart and meterStop as watt-hours, whatever they were written in
	Stop     hayalet.Energy
	HasStart bool
	HasStop  bool
	Last     hayalet.Energy // the register's last value before the stop, on the track of meterStop
	LastAt   hayalet.Instant
	Step     hayalet.Energy // how far two writings of one value may lie apart
	Placed   bool           // meterStop lies on a track, and Last is its last value
	Scaled   bool           // a factor of a thousand was found
	Was      hayalet.Energy // StepRestop: the meterStop that was said first
	HasWas   bool
}

// Step is one thing that an event did to one connector.
type Step struct {
	Kind      StepKind
	Connector *Connector
	At        hayalet.Instant // receipt
	EventAt   hayalet.Instant
	Since     hayalet.Instant       // StepExplained
	Reading   Reading               // StepReading, StepRetracted; StepStart and StepUnknownStop: the growth up to the book's value, if HasGap
	HasGap    bool                  // StepStart: meterStart carries on a register of a connector that was known to be idle
	Electric  Electric              // StepElectric
	Book      Book                  // StepStop, StepRestop
	Balance   Balance               // StepBalance
	ID        hayalet.TransactionID // StepUnknownStop, StepRestop: as written
}

// View is what a rule sees: one step and the state after it. Rules must not change it.
type View struct {
	Station   *Station
	Connector *Connector
	Step      *Step
}
