package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"hayalet"
)

// The units and the measurand of energy registers.
const (
	unitWh         = "Wh"
	unitKWh        = "kWh"
	energyRegister = "Energy.Active.Import.Register"
)

// Step is one line of a scenario.
type Step struct {
	Line int // in the file
	Do   Action
}

// Action is what a step does: one of Boot, Authorize, Start, Meter, Stop, SetStatus, Heartbeat, Wait, Disconnect,
// Reconnect, Raw and DataTransfer.
type Action interface{ action() }

// Boot sends BootNotification until it is accepted [1.6 §4.2, 2.x B01–B03].
type Boot struct{ Vendor, Model, Firmware, Serial string }

// Authorize sends Authorize [1.6 §4.1, 2.x C01].
type Authorize struct{ IDTag string }

// Start sends StartTransaction [1.6 §4.8], or TransactionEvent Started [2.x E01].
type Start struct {
	Connector  int
	IDTag      string
	MeterStart int64 // sent as written, whatever its unit is in truth
	remote     *remoteOrder
}

// remoteOrder is what the central system of 2.x asks a start with.
type remoteOrder struct {
	id        int
	tokenType string
}

// Meter sends MeterValues [1.6 §4.7, 2.x J01], or in 2.x TransactionEvent Updated where it names a transaction
// [2.x J02], Count times.
type Meter struct {
	Connector   int
	Value       *Decimal // of the first message; nil means the last value of this register, plus Increment
	Unit        string
	Multiplier  int // of 2.x: the value is sent divided by this power of ten; the energy is the same
	Context     string
	Measurand   string
	Phase       string
	Location    string
	Format      string
	Transaction TxRef
	Count       int
	Every       time.Duration // between two of the Count messages
	Increment   Decimal       // from one message to the next, in Unit
	PowerW      *Decimal      // an extra sample of Power.Active.Import
	CurrentA    *Decimal      // an extra sample of Current.Import
	Shift       time.Duration // added to the stamp; a positive one claims the future
	Phantom     bool          // the truth: energy that no transaction accounts for
}

// Stop sends StopTransaction [1.6 §4.10], or TransactionEvent Ended [2.x E06].
type Stop struct {
	Connector   int
	MeterStop   int64 // sent as written, whatever its unit is in truth
	Reason      string
	Transaction TxRef
}

// SetStatus sends StatusNotification [1.6 §4.9, 2.x G01], and in 2.x tells a running transaction's charging state.
type SetStatus struct {
	Connector     int
	Status, Error string
}

// Heartbeat sends Heartbeat [1.6 §4.6, 2.x G02].
type Heartbeat struct{}

// Wait lets scenario time pass.
type Wait struct{ For time.Duration }

// Disconnect cuts the connection without a closing handshake. After For the station connects again; with a For of 0
// it stays away until Reconnect. Starts, stops and meter values of an absent station wait in a queue.
type Disconnect struct{ For time.Duration }

// Reconnect ends a Disconnect that has no duration.
type Reconnect struct{}

// Raw sends a text as it is. Where the text is a readable call its answer is waited for.
type Raw struct{ Text string }

// DataTransfer sends DataTransfer [1.6 §4.3, 2.x P02].
type DataTransfer struct{ VendorID, MessageID, Data string }

func (Boot) action()         {}
func (Authorize) action()    {}
func (Start) action()        {}
func (Meter) action()        {}
func (Stop) action()         {}
func (SetStatus) action()    {}
func (Heartbeat) action()    {}
func (Wait) action()         {}
func (Disconnect) action()   {}
func (Reconnect) action()    {}
func (Raw) action()          {}
func (DataTransfer) action() {}

// TxRef names the transaction that a message carries. The zero value is the connector's running one.
type TxRef struct {
	kind   txKind
	number int64
}

type txKind uint8

const (
	txCurrent txKind = iota // none where none runs
	txNone
	txStale // the last one that ended on the connector
	txNumber
)

func parseTxRef(s string) (TxRef, error) {
	switch s {
	case "current":
		return TxRef{}, nil
	case "none":
		return TxRef{kind: txNone}, nil
	case "stale":
		return TxRef{kind: txStale}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return TxRef{}, fmt.Errorf("transaction %.40q: %w", s, hayalet.ErrInvalid)
	}
	return TxRef{kind: txNumber, number: n}, nil
}

// isEnergy reports whether the values are those of the import register, in a unit of energy. Where the measurand or
// the unit is not written the standard's defaults hold [1.6 §7.31, §7.45].
func (m *Meter) isEnergy() bool {
	return slices.Contains([]string{"", energyRegister}, m.Measurand) && slices.Contains([]string{"", unitWh, unitKWh}, m.Unit)
}
