package sim

import (
	"encoding/json"

	"github.com/google/uuid"

	"hayalet"
	"hayalet/internal/ocpp"
)

// dialect2 speaks OCPP 2.0.1 and 2.1. A connector of the scenario is an EVSE with one connector, and what happens in a
// transaction is told by TransactionEvent. The versions differ in the commands that they know.
type dialect2 struct {
	def     Defaults
	fixed   func(action string) (any, ocpp.ErrorCode) // the answers to what the station has no part for
	store   variables2
	told    map[int]string // the last connectorStatus that was sent, by connector
	eventID int            // of the last NotifyEvent
}

func newDialect2(s *Scenario, fixed func(string) (any, ocpp.ErrorCode)) *dialect2 {
	return &dialect2{def: s.Defaults, fixed: fixed, store: newVariables2(), told: map[int]string{}}
}

func (*dialect2) boot(b *Boot, why bootReason) message {
	return message{action: "BootNotification", payload: boot2{
		Reason: why, Station: station2{Model: b.Model, Vendor: b.Vendor, Serial: b.Serial, Firmware: b.Firmware},
	}}
}

func (*dialect2) authorize(tag string) message {
	return message{action: "Authorize", payload: authorize2{Token: token2{ID: tag, Type: "ISO14443"}}}
}

// status is of an EVSE's connector. The state of the station as a whole is an event of a component [2.x N07].
func (d *dialect2) status(s situation, _ string) message {
	word := connectorStatus(s.status)
	if s.connector == 0 {
		return d.stationStatus(s, word)
	}
	if !s.offline {
		d.told[s.connector] = word
	}
	return message{action: "StatusNotification", payload: status2{
		Timestamp: s.timestamp(), Status: word, EVSE: s.connector, Connector: 1,
	}}
}

func (d *dialect2) stationStatus(s situation, word string) message {
	d.eventID++
	return message{action: "NotifyEvent", payload: notifyEvent2{GeneratedAt: s.timestamp(), Events: []event2{{
		ID: d.eventID, Timestamp: s.timestamp(), Trigger: "Delta", Actual: word, Kind: "HardWiredNotification",
		Component: component2{Name: "ChargingStation"}, Variable: variable2{Name: "AvailabilityState"},
	}}}}
}

// statusChange tells a new charging state by an event of the running transaction [2.x E02]. The connector is Occupied
// all the while, which is said once.
func (d *dialect2) statusChange(s situation, code string) []message {
	word := connectorStatus(s.status)
	if !s.own || word != occupied {
		return []message{d.status(s, code)}
	}
	change := d.event(s, "Updated", "ChargingStateChanged", nil)
	if d.told[s.connector] == word {
		return []message{change}
	}
	return []message{d.status(s, code), change}
}

// start gives the transaction an id of the station's own making [2.x E01].
func (d *dialect2) start(s situation, a *Start) message {
	s.tx.id = hayalet.TextTransaction(uuid.NewString())
	reason, kind := "Authorized", "ISO14443"
	if a.remote != nil {
		reason, kind = "RemoteStart", a.remote.tokenType
	}
	m := d.event(s, "Started", reason, d.register(s, a.MeterStart, hayalet.TransactionBegin))
	e := m.payload.(*transactionEvent2)
	e.Token = &token2{ID: a.IDTag, Type: kind}
	if a.remote != nil {
		e.Info.RemoteStart = &a.remote.id
	}
	return m
}

func (*dialect2) started(tx *transaction, answer []byte) (string, error) {
	var a struct {
		Token struct {
			Status string `json:"status"`
		} `json:"idTokenInfo"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return "", err
	}
	tx.named = true
	return a.Token.Status, nil
}

// meter is an event of the transaction that it names, else MeterValues of the EVSE [2.x J01, J02].
func (d *dialect2) meter(s situation, a *Meter, value Decimal) message {
	values := []meterValue2{{Timestamp: s.timestamp(), Samples: samples2(a, value)}}
	if s.tx == nil {
		return message{action: "MeterValues", late: true, payload: meter2{EVSE: s.connector, Values: values}}
	}
	return d.event(s, "Updated", meterTrigger(a.Context), values)
}

// stop leaves out the EVSE of a transaction that began on it: the central system knows it from the start.
func (d *dialect2) stop(s situation, a *Stop) message {
	trigger, reason := stopWords(a.Reason)
	m := d.event(s, "Ended", trigger, d.register(s, a.MeterStop, hayalet.TransactionEnd))
	e := m.payload.(*transactionEvent2)
	e.Info.Stopped = reason
	if s.own {
		e.EVSE = nil
	}
	if e.Info.State != "" { // whatever it was, no energy flows any more
		e.Info.State = endState(a.Reason)
	}
	return m
}

func (*dialect2) event(s situation, kind, trigger string, values []meterValue2) message {
	e := &transactionEvent2{
		Type: kind, Timestamp: s.timestamp(), Trigger: trigger, Seq: s.tx.seq, Offline: s.offline,
		Info: info2{ID: s.tx.id.String()}, EVSE: &evse2{ID: s.connector, Connector: 1}, Values: values,
	}
	if s.own {
		e.Info.State = chargingState(s.status)
	}
	s.tx.seq++
	return message{action: "TransactionEvent", payload: e, late: true}
}

// register is the energy register at the begin or the end of a transaction, in the unit that it is really in.
func (d *dialect2) register(s situation, n int64, context hayalet.Context) []meterValue2 {
	value, _ := Decimal{unscaled: n}.shifted(d.def.Multiplier) // the plan has checked it
	sample := sample2{
		Value: json.Number(value.String()), Context: context.String(), Measurand: energyRegister, Location: d.def.Location,
		Unit: unitOf2(d.def.MeterUnit, d.def.Multiplier),
	}
	return []meterValue2{{Timestamp: s.timestamp(), Samples: []sample2{sample}}}
}

// samples2 returns the sampled values of one message: the value itself and the extra ones.
func samples2(m *Meter, value Decimal) []sample2 {
	value, _ = value.shifted(m.Multiplier) // the plan has checked it
	list := []sample2{{
		Value: json.Number(value.String()), Context: m.Context, Measurand: m.Measurand, Phase: m.Phase, Location: m.Location,
		Unit: unitOf2(m.Unit, m.Multiplier),
	}}
	extra := func(v *Decimal, measurand, unit string) {
		if v != nil {
			s := sample2{Value: json.Number(v.String()), Context: m.Context, Measurand: measurand, Location: m.Location, Unit: unitOf2(unit, 0)}
			list = append(list, s)
		}
	}
	extra(m.PowerW, "Power.Active.Import", "W")
	extra(m.CurrentA, "Current.Import", "A")
	return list
}
