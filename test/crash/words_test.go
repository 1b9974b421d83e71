//go:build linux

package crash_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// words are what a station says in its version of OCPP.
type words interface {
	boot() message
	status(status string) message
	start(s *station) message
	started(answer json.RawMessage) (tx string, err error)
	meter(s *station, tx string) message // tx "": of none
	stop(s *station, tx string) message
}

// message is a call before it has an id.
type message struct {
	action  string
	payload any
}

type object map[string]any

func stamp() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// wattHours is the register as it is written: down to a tenth.
func (s *station) wattHours() string {
	return strconv.FormatFloat(math.Floor(s.register*10)/10, 'f', 1, 64)
}

type words16 struct{}

func (words16) boot() message {
	return message{"BootNotification", object{"chargePointVendor": "Crash", "chargePointModel": "16"}}
}

func (words16) status(status string) message {
	return message{"StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": stamp()}}
}

// start rounds the register up to whole watt-hours, the only ones that a start may tell.
func (words16) start(s *station) message {
	s.register = math.Ceil(s.register)
	return message{"StartTransaction", object{"connectorId": 1, "idTag": "T", "meterStart": int64(s.register), "timestamp": stamp()}}
}

func (words16) started(answer json.RawMessage) (string, error) {
	var a struct {
		Transaction int64 `json:"transactionId"`
	}
	err := json.Unmarshal(answer, &a)
	if err == nil && a.Transaction <= 0 {
		err = fmt.Errorf("no transaction in %s", answer)
	}
	return strconv.FormatInt(a.Transaction, 10), err
}

func (words16) meter(s *station, tx string) message {
	m := object{"connectorId": 1, "meterValue": []any{object{"timestamp": stamp(), "sampledValue": []any{
		object{"value": s.wattHours(), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
	}}}}
	if tx != "" {
		m["transactionId"] = json.Number(tx)
	}
	return message{"MeterValues", m}
}

func (words16) stop(s *station, tx string) message {
	s.register = math.Ceil(s.register)
	return message{"StopTransaction", object{"transactionId": json.Number(tx), "meterStop": int64(s.register), "timestamp": stamp()}}
}

type words201 struct {
	tx  string
	seq int
}

func (*words201) boot() message {
	return message{"BootNotification", object{"reason": "PowerUp", "chargingStation": object{"vendorName": "Crash", "model": "201"}}}
}

func (*words201) status(status string) message {
	return message{"StatusNotification", object{"timestamp": stamp(), "connectorStatus": status, "evseId": 1, "connectorId": 1}}
}

func (w *words201) start(s *station) message {
	w.tx, w.seq = uuid.NewString(), 0
	return w.event(s, "Started", "CablePluggedIn", "Transaction.Begin")
}

func (w *words201) started(json.RawMessage) (string, error) { return w.tx, nil }

func (w *words201) meter(s *station, tx string) message {
	if tx == "" {
		return message{"MeterValues", object{"evseId": 1, "meterValue": s.values201("Sample.Clock")}}
	}
	return w.event(s, "Updated", "MeterValuePeriodic", "Sample.Periodic")
}

func (w *words201) stop(s *station, _ string) message {
	return w.event(s, "Ended", "EVDeparted", "Transaction.End")
}

func (w *words201) event(s *station, kind, trigger, context string) message {
	e := object{
		"eventType": kind, "timestamp": stamp(), "triggerReason": trigger, "seqNo": w.seq,
		"transactionInfo": object{"transactionId": w.tx}, "evse": object{"id": 1, "connectorId": 1}, "meterValue": s.values201(context),
	}
	w.seq++
	return message{"TransactionEvent", e}
}

func (s *station) values201(context string) []any {
	return []any{object{"timestamp": stamp(), "sampledValue": []any{object{
		"value": json.Number(s.wattHours()), "context": context, "measurand": "Energy.Active.Import.Register",
	}}}}
}
