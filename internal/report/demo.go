package report

import (
	"time"

	"hayalet"
)

// Demo is what a run of the demo hands over to be reported. Times are shown in the zone of At.
type Demo struct {
	Version string
	At      time.Time
	Attack  Side // the attacking station
	Normal  Side // the honest one
	CSMSLog []LogLine
	Alarms  []hayalet.Verdict // reading alarms of the attack, in order

	Incident *hayalet.Incident // nil when none was raised
	Loss     string            // what the phantom energy costs, in the reader's language; "" when unknown

	Results []Row // in the reader's language; the first four also stand at the top of the page
	Passed  bool
	Failure string // why it did not pass, in the reader's language

	Sent, Caught int            // phantom readings
	FirstDelay   time.Duration  // from sending the first phantom reading to its alarm
	SettlePaid   hayalet.Energy // what the settling of the meter paid of the first phantom reading
}

// Side is one station's part in the run.
type Side struct {
	Station     hayalet.StationID
	Scenario    string // the scenario's name
	Title       string // in the reader's language, as is Description
	Description string
	Connector   hayalet.ConnectorID
	Log         []LogLine
	Points      []Point // the connector's register, in any order
	Marks       []Mark
}

// Row is a line of a table of two columns.
type Row struct{ Label, Value string }

// LogLine is one entry of a log. Text may have several lines.
type LogLine struct {
	At   time.Time
	Text string
	Kind LineKind
}

// LineKind says how a log line is to be shown.
type LineKind uint8

// The kinds of log lines.
const (
	LinePlain    LineKind = iota
	LineSent              // a message that the log's owner sent
	LineReceived          // a message that it received
	LineNote              // what it says about itself
	LineAlarm
)

var lineKinds = [...]string{"plain", "sent", "received", "note", "alarm"}

// String is the kind's word, which is also its class in HTML.
func (k LineKind) String() string {
	if int(k) < len(lineKinds) {
		return lineKinds[k]
	}
	return lineKinds[LinePlain]
}

// Point is one reading of a register.
type Point struct {
	At            hayalet.Instant // a point without a time is not shown
	Value         hayalet.Energy
	InTransaction bool
	Alarm         bool
	Track         int8 // which of the connector's registers; values of two are never joined
}

// Mark is a moment that is marked in the picture.
type Mark struct {
	At    hayalet.Instant
	Label string // "" is the name of the message
	Kind  MarkKind
}

// MarkKind is what happened at a mark.
type MarkKind uint8

// The kinds of marks.
const (
	MarkStart MarkKind = iota // a transaction began
	MarkStop                  // a transaction ended
)
