package sim

import (
	"encoding/json"
	"strconv"

	"hayalet"
)

// dialect16 speaks OCPP 1.6, whose words are those of the scenarios.
type dialect16 struct{ config config16 }

func (*dialect16) boot(b *Boot, _ bootReason) message {
	return message{action: "BootNotification", payload: boot16{Model: b.Model, Serial: b.Serial, Vendor: b.Vendor, Firmware: b.Firmware}}
}

func (*dialect16) authorize(tag string) message {
	return message{action: "Authorize", payload: authorize16{IDTag: tag}}
}

func (*dialect16) status(s situation, code string) message {
	return message{action: "StatusNotification", payload: status16{Connector: s.connector, Error: code, Status: s.status, Timestamp: s.timestamp()}}
}

func (d *dialect16) statusChange(s situation, code string) []message {
	return []message{d.status(s, code)}
}

func (*dialect16) start(s situation, a *Start) message {
	s.tx.id = hayalet.NumericTransaction(unanswered)
	return message{action: "StartTransaction", late: true, payload: start16{
		Connector: s.connector, IDTag: a.IDTag, Meter: a.MeterStart, Timestamp: s.timestamp(),
	}}
}

func (*dialect16) started(tx *transaction, answer []byte) (string, error) {
	var a struct {
		Transaction *int64 `json:"transactionId"`
		Token       struct {
			Status string `json:"status"`
		} `json:"idTagInfo"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return "", err
	}
	if a.Transaction != nil {
		tx.id, tx.named = hayalet.NumericTransaction(*a.Transaction), true
	}
	return a.Token.Status, nil
}

func (*dialect16) stop(s situation, a *Stop) message {
	return message{action: "StopTransaction", late: true, payload: stop16{
		Meter: a.MeterStop, Reason: a.Reason, Timestamp: s.timestamp(), Transaction: (*transaction16)(s.tx),
	}}
}

func (*dialect16) meter(s situation, a *Meter, value Decimal) message {
	return message{action: "MeterValues", late: true, payload: meter16{
		Connector: s.connector, Transaction: (*transaction16)(s.tx),
		Values: []meterValue16{{Timestamp: s.timestamp(), Samples: samples16(a, value)}},
	}}
}

// samples16 returns the sampled values of one message: the value itself and the extra ones.
func samples16(m *Meter, value Decimal) []sample16 {
	first := sample16{
		Value: value.String(), Context: m.Context, Format: m.Format, Measurand: m.Measurand, Phase: m.Phase,
		Location: m.Location, Unit: m.Unit,
	}
	list := []sample16{first}
	extra := func(v *Decimal, measurand, unit string) {
		if v != nil {
			s := sample16{Value: v.String(), Context: m.Context, Format: m.Format, Measurand: measurand, Location: m.Location, Unit: unit}
			list = append(list, s)
		}
	}
	extra(m.PowerW, "Power.Active.Import", "W")
	extra(m.CurrentA, "Current.Import", "A")
	return list
}

// The payloads. Members stand in the order in which they are written.

type boot16 struct {
	Model    string `json:"chargePointModel"`
	Serial   string `json:"chargePointSerialNumber,omitempty"`
	Vendor   string `json:"chargePointVendor"`
	Firmware string `json:"firmwareVersion,omitempty"`
}

type authorize16 struct {
	IDTag string `json:"idTag"`
}

type start16 struct {
	Connector int    `json:"connectorId"`
	IDTag     string `json:"idTag"`
	Meter     int64  `json:"meterStart"`
	Timestamp string `json:"timestamp"`
}

type stop16 struct {
	Meter       int64          `json:"meterStop"`
	Reason      string         `json:"reason,omitempty"`
	Timestamp   string         `json:"timestamp"`
	Transaction *transaction16 `json:"transactionId"`
}

type status16 struct {
	Connector int    `json:"connectorId"`
	Error     string `json:"errorCode"`
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
}

type meter16 struct {
	Connector   int            `json:"connectorId"`
	Transaction *transaction16 `json:"transactionId,omitempty"`
	Values      []meterValue16 `json:"meterValue"`
}

type meterValue16 struct {
	Timestamp string     `json:"timestamp"`
	Samples   []sample16 `json:"sampledValue"`
}

type sample16 struct {
	Value     string `json:"value"`
	Context   string `json:"context,omitempty"`
	Format    string `json:"format,omitempty"`
	Measurand string `json:"measurand,omitempty"`
	Phase     string `json:"phase,omitempty"`
	Location  string `json:"location,omitempty"`
	Unit      string `json:"unit,omitempty"`
}

// transaction16 is written as the number that the central system has given by then.
type transaction16 transaction

// MarshalJSON writes the number.
func (t *transaction16) MarshalJSON() ([]byte, error) {
	n, _ := t.id.Num()
	return strconv.AppendInt(nil, n, 10), nil
}
