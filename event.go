package hayalet

import (
	"encoding/json"
	"strconv"
	"strings"
)

// EventKind is what a frame tells, whatever the version of OCPP.
type EventKind uint8

// The kinds of events.
const (
	EventOther       EventKind = iota // a message without a bearing on meters and transactions
	EventOpen                         // the connection was accepted
	EventClose                        // the connection ended
	EventGap                          // frames were lost before they could be kept
	EventTick                         // time passed; inserted by the engine
	EventBoot                         // BootNotification
	EventStatus                       // StatusNotification
	EventStart                        // a transaction began (1.6 StartTransaction.req, 2.x TransactionEvent Started)
	EventStartAnswer                  // the central system answered a start
	EventStop                         // a transaction ended (1.6 StopTransaction.req, 2.x TransactionEvent Ended)
	EventMeter                        // meter values (MeterValues, 2.x TransactionEvent Updated)
)

// Status is the state of a connector as the station reports it [1.6 §7.7]. OCPP 2.x has only Occupied for what happens
// while a cable is plugged in, and tells the rest by the charging state of the transaction.
type Status uint8

// The statuses of 1.6, and Occupied of 2.x; StatusUnknown is anything else.
const (
	StatusUnknown Status = iota
	Available
	Preparing
	Charging
	SuspendedEVSE
	SuspendedEV
	Finishing
	Reserved
	Unavailable
	Faulted
	Occupied
)

var statusNames = [...]string{
	"", "Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved", "Unavailable", "Faulted",
	"Occupied",
}

// String is the name of the standard, or "" when unknown.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return ""
}

// ParseStatus returns StatusUnknown for a name outside the standard.
func ParseStatus(b []byte) Status {
	for s, name := range statusNames {
		if s > 0 && name == string(b) {
			return Status(s)
		}
	}
	return StatusUnknown
}

// TransactionID is a transaction's identifier. It is comparable; the zero value is none. OCPP 1.6 writes integers
// (0 and −1 included, which some stations use for none), 2.x strings.
type TransactionID struct {
	text    string
	num     int64
	present bool
}

// NumericTransaction is the identifier n of OCPP 1.6.
func NumericTransaction(n int64) TransactionID { return TransactionID{num: n, present: true} }

// TextTransaction is an identifier that is no integer; an empty one is none.
func TextTransaction(s string) TransactionID { return TransactionID{text: s, present: s != ""} }

// ParseTransactionID reads what String writes.
func ParseTransactionID(s string) TransactionID {
	if s == "" {
		return TransactionID{}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && strconv.FormatInt(n, 10) == s {
		return NumericTransaction(n)
	}
	return TextTransaction(s)
}

// IsSet reports whether an identifier was sent at all.
func (t TransactionID) IsSet() bool { return t.present }

// Usable reports whether the identifier can name a transaction: 0, negatives and the neighbourhood of the largest
// 64-bit integer are what stations send for "none" or "not answered".
func (t TransactionID) Usable() bool {
	const unanswered = 1<<63 - 1<<20
	return t.present && (t.text != "" || t.num > 0 && t.num < unanswered)
}

// Num returns the integer of a 1.6 identifier.
func (t TransactionID) Num() (int64, bool) { return t.num, t.present && t.text == "" }

// String is the identifier, or "" for none.
func (t TransactionID) String() string {
	if !t.present {
		return ""
	}
	if t.text != "" {
		return t.text
	}
	return strconv.FormatInt(t.num, 10)
}

// MarshalJSON writes a string, or null for none.
func (t TransactionID) MarshalJSON() ([]byte, error) {
	if !t.present {
		return []byte("null"), nil
	}
	return json.Marshal(t.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *TransactionID) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = TransactionID{}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = ParseTransactionID(s)
	return nil
}

// Flaw marks what is wrong with a frame or a sample. Flawed data is kept, never dropped; whoever uses it decides.
type Flaw uint32

// The flaws.
const (
	FlawSyntax      Flaw = 1 << iota // not JSON, or trailing text
	FlawAmbiguous                    // duplicate key or bad UTF-8: another parser may read another value
	FlawType                         // a member of the wrong JSON type that could still be read
	FlawMissing                      // a required member is missing
	FlawRange                        // a number that does not fit
	FlawValue                        // a sample without a finite number
	FlawUnknownName                  // an enumeration value outside the standard
	FlawUnit                         // a unit that cannot belong to the measurand
	FlawTime                         // a date that cannot be read
	FlawRounded                      // more decimals than are kept (a thousandth of the base unit)
	FlawTooMany                      // more samples than are read from one message
)

var flawNames = [...]string{
	"syntax", "ambiguous", "type", "missing", "range", "value", "unknown-name", "unit", "time", "rounded", "too-many",
}

// String lists the flaws, comma separated.
func (f Flaw) String() string {
	var names []string
	for i, name := range flawNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// StatusReport is the state of one connector.
type StatusReport struct {
	Connector ConnectorID // in 2.x the EVSE
	Plug      int32       // in 2.x the connector of the EVSE
	Status    Status
}

// Event is what one frame says, with units converted and names understood. Only the fields of its kind are set.
type Event struct {
	Station  StationID
	Conn     ConnID
	Seq      uint64
	At       Instant // receipt
	Protocol Protocol
	Dir      Direction
	Kind     EventKind

	HasConnector bool
	Connector    ConnectorID
	Status       Status
	Rejected     bool // EventStartAnswer: the central system refused the token, or answered with an error
	Flaws        Flaw

	Plug     int32          // EventStatus of 2.x: which connector of the EVSE; zero where it has but one
	More     []StatusReport // EventStatus: what the message says of further connectors; belongs to the decoder
	Running  bool           // EventMeter: a TransactionEvent, by which the station says that its transaction goes on
	Offline  bool           // it happened while the station had no connection
	SeqNo    int64          // of a TransactionEvent; valid when HasSeqNo
	HasSeqNo bool

	ClaimedAt Instant // when the station says that it happened; zero when it does not say or cannot be read
	ClaimedTZ bool    // the claim carried a zone

	Transaction   TransactionID
	Token         string // idTag
	Meter         Energy // meterStart or meterStop as written, in the field's unit (Wh); in 2.x the register at Begin or End
	MeterStep     Energy // the step of its last digit
	HasMeter      bool
	MeterSampled  bool   // the meter stands among the samples, as in 2.x
	MeterPrefixed bool   // it was written with kilo or another multiplier
	CallSeq       uint64 // EventStartAnswer: Seq of the start that it answers

	Vendor, Model, Firmware string // EventBoot

	// Samples holds the values of EventMeter and those inside EventStop, in the order of the message. The slice
	// belongs to the decoder and is good until its next call.
	Samples []Sample
}
