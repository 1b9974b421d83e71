package hayalet

import (
	"fmt"
	"time"
)

// IncidentState is where an incident stands.
type IncidentState uint8

// The states of an incident.
const (
	Suspected IncidentState = iota // opened at the first reading alarm
	Confirmed                      // the facts carry an alarm
	Cleared                        // facts explained it: kept, with the reason
	Closed                         // the flow ended
)

var stateNames = [...]string{"suspected", "confirmed", "cleared", "closed"}

// String is the state's word.
func (s IncidentState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "?"
}

// MarshalText writes the state's word.
func (s IncidentState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the state's word.
func (s *IncidentState) UnmarshalText(b []byte) error {
	return parseWord(s, stateNames[:], "state", b)
}

func parseWord[T ~uint8](to *T, names []string, what string, b []byte) error {
	for i, name := range names {
		if name == string(b) {
			*to = T(i)
			return nil
		}
	}
	return fmt.Errorf("%s %q: want one of %v", what, b, names)
}

// ParseSeverity reads a severity's word.
func ParseSeverity(s string) (Severity, error) {
	var v Severity
	err := v.UnmarshalText([]byte(s))
	return v, err
}

// Incident is one episode of one rule on one connector. Its JSON is canonical: the same frames give the same bytes on
// every route. Energies are in Wh, powers in W, times RFC 3339 UTC.
type Incident struct {
	Key         string        `json:"key"` // derived from rule, station, connector and opening receipt time
	Rev         uint64        `json:"rev"` // grows with each change
	Rule        RuleName      `json:"rule"`
	Station     StationID     `json:"station"`
	Connector   ConnectorID   `json:"connector"`
	Transaction TransactionID `json:"transaction"` // the transaction that ended before the flow; null when none is known
	Severity    Severity      `json:"severity"`    // the highest reached
	State       IncidentState `json:"state"`
	Cause       Cause         `json:"cause"`
	OpenedAt    Instant       `json:"opened_at"` // receipt time of the opening frame
	UpdatedAt   Instant       `json:"updated_at"`
	EndedAt     Instant       `json:"ended_at"` // receipt time at which it was cleared or closed; null while open
	FirstAt     Instant       `json:"first_at"` // event time of the first increasing reading
	LastAt      Instant       `json:"last_at"`  // event time of the last one
	BaselineAt  Instant       `json:"baseline_at"`
	Baseline    Energy        `json:"baseline_wh"` // register when the last transaction ended
	Last        Energy        `json:"last_wh"`     // register at the last increasing reading
	Energy      Energy        `json:"energy_wh"`   // gross: Last − Baseline
	Excess      Energy        `json:"excess_wh"`   // net of settle credit and idle allowance; drives the severity
	Readings    int           `json:"readings"`    // increasing readings
	Mean        *Power        `json:"mean_w"`      // Energy over the time since the baseline
	Peak        *Power        `json:"peak_w"`      // the highest implied or measured power
	Reason      Reason        `json:"reason_code"`
	Outcome     Reason        `json:"outcome_code,omitempty"` // why it was cleared or closed
	Evidence    []string      `json:"evidence"`
	Shadow      bool          `json:"shadow,omitempty"` // of a rule in shadow mode: it wakes nobody
}

// Duration is the event time from the baseline to the last increasing reading.
func (i *Incident) Duration() time.Duration { return i.LastAt.Sub(i.BaselineAt) }

// Begin is when what led to the incident began: its baseline, where it has one that is before its opening.
func (i *Incident) Begin() Instant {
	begin := i.OpenedAt
	for _, at := range []Instant{i.FirstAt, i.BaselineAt} { // by the station's clock
		if at != 0 {
			begin = min(begin, at)
		}
	}
	return begin
}

// Span is the incident's time, from its begin to the last that happened to it, or to Endless while it is open.
func (i *Incident) Span() Span {
	until := Endless
	if !i.Open() {
		until = max(i.UpdatedAt, i.EndedAt, i.LastAt)
	}
	return Span{Station: i.Station, Since: i.Begin(), Until: until}
}

// Open reports whether the episode still runs.
func (i *Incident) Open() bool { return i.State == Suspected || i.State == Confirmed }

// Alarms reports whether the incident may wake somebody: severity s or above and not cleared.
func (i *Incident) Alarms(s Severity) bool {
	return i.State != Cleared && i.Severity >= s && !i.Shadow
}
