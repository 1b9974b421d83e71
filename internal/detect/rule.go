package detect

import (
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// Rule judges one step. Judge must be pure: the same view, memory and event give the same verdict and memory. It is called
// by the goroutine that owns the station. False means that there is nothing to say.
type Rule interface {
	Name() hayalet.RuleName
	Judge(v session.View, m *Memory, e *hayalet.Event) (hayalet.Verdict, bool)
}

// Memory is what one rule keeps of one connector. It has a fixed size; each rule uses the fields that it needs.
type Memory struct {
	Level   hayalet.Energy  // the bucket: unpaid energy that time has not drained
	Peak    hayalet.Energy  // its highest level in the running episode
	Held    hayalet.Energy  // unpaid energy over an outage, not in the bucket until the hold ends
	Settle  hayalet.Energy  // settle credit left
	Idle    hayalet.Energy  // idle allowance not yet used
	Day     int32           // the day, since 1970, of SettleUsed
	Daily   hayalet.Energy  // settle credit given on that day
	Judged  hayalet.Instant // event time up to which time has drained the bucket
	PhaseOf hayalet.Instant // the idle period, by its begin, whose first step was judged
	First   hayalet.Instant // event time of the episode's first increasing reading
	LastInc hayalet.Instant // receipt of the last increasing reading
	Spacing time.Duration   // between the last two
	HoldEnd hayalet.Instant // receipt time at which a held increase counts
	HoldMax hayalet.Instant // and from which it counts whatever arrives
	Wake    hayalet.Instant // receipt time from which a tick matters; zero: none does
	Value   hayalet.Energy  // register at the last alarm
	From    hayalet.Energy  // register before the episode's first increase
	Alarms  int32           // readings of the running episode
	Before  Weight          // the episode before an impossible jump
	Jumped  bool            // Before is set
	Unseen  bool            // Held is of a reading under an id that was never seen to begin
	Open    bool
}

// Weight is what weighs in an episode.
type Weight struct {
	Level, Peak, Held hayalet.Energy
	Alarms            int32
}
