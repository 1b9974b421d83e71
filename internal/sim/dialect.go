package sim

import (
	"time"

	"hayalet"
	"hayalet/internal/ocpp"
)

// dialect says in one version of OCPP what happens at a station, and understands the central system of that version.
// It belongs to one play. A message is built when a thing happens and encoded when it is sent: what the central system
// tells of a transaction meanwhile is in it.
type dialect interface {
	boot(b *Boot, why bootReason) message
	authorize(tag string) message
	// status is the connector's status, told on request.
	status(s situation, code string) message
	// statusChange is what a new status makes a station say of its own accord.
	statusChange(s situation, code string) []message
	// start gives s.tx its id, or what stands for none until started knows it.
	start(s situation, a *Start) message
	// started reads the answer to a start. The verdict on the token is empty where the answer has none.
	started(tx *transaction, answer []byte) (verdict string, err error)
	meter(s situation, a *Meter, value Decimal) message
	stop(s situation, a *Stop) message
	// command answers a call of the central system: with a result, or with the code of an error.
	command(p *player, m ocpp.Message) (any, ocpp.ErrorCode)
}

// newDialect returns the one of the protocol for a play of the scenario, or nil where no version has that name.
func newDialect(p hayalet.Protocol, s *Scenario) dialect {
	switch p {
	case hayalet.OCPP16:
		return &dialect16{config: newConfig16(s.Connectors)}
	case hayalet.OCPP201:
		return newDialect2(s, answers201)
	case hayalet.OCPP21:
		return newDialect2(s, answers21)
	}
	return nil
}

// message is one call before it is encoded.
type message struct {
	action  string
	payload any
	late    bool // it is worth sending when the connection is back
}

// situation is where and when a thing happens.
type situation struct {
	connector int
	tx        *transaction // that the message names; nil for none
	own       bool         // tx is the one that runs on the connector
	status    string       // of the connector, as the scenario last said; "" where it never did
	stamp     time.Time
	offline   bool
}

func (s situation) timestamp() string { return s.stamp.Format(stampLayout) }

// transaction is one that the station has started, or a number that the scenario makes up.
type transaction struct {
	id    hayalet.TransactionID
	named bool // the id is agreed with the central system
	seq   int  // of the next event that names it, in 2.x
}

// bootReason is a BootReasonEnumType of 2.x; 1.6 does not tell it.
type bootReason string

const (
	powerUp     bootReason = "PowerUp"
	remoteReset bootReason = "RemoteReset"
	triggered   bootReason = "Triggered"
)

// heartbeat and transfer are the same in all versions.
func heartbeat() message { return message{action: "Heartbeat", payload: struct{}{}} }

func transfer(a *DataTransfer) message {
	return message{action: "DataTransfer", payload: transferPayload{VendorID: a.VendorID, MessageID: a.MessageID, Data: a.Data}}
}

type transferPayload struct {
	VendorID  string `json:"vendorId"`
	MessageID string `json:"messageId,omitempty"`
	Data      string `json:"data,omitempty"`
}

// statusOnly is most answers, and some messages.
type statusOnly struct {
	Status string `json:"status"`
}

func status(s string) statusOnly { return statusOnly{Status: s} }

func acceptedIf(ok bool, otherwise string) statusOnly {
	if ok {
		return status("Accepted")
	}
	return status(otherwise)
}

// bootAnswer is what all versions answer to a boot.
type bootAnswer struct {
	Status   string `json:"status"`
	Interval int    `json:"interval"` // seconds
}
