package ocpp

import (
	"strings"

	"hayalet"
	"hayalet/internal/jsonread"
)

// is2 reports whether a subprotocol is OCPP 2.x.
func is2(p hayalet.Protocol) bool { return strings.HasPrefix(string(p), "ocpp2") }

// call2 reads a call of OCPP 2.0.1 or 2.1. Members that the event has no place for are skipped.
func (d *Decoder) call2(r *jsonread.Reader, action []byte, e *hayalet.Event) {
	var required uint32
	switch string(action) {
	case "MeterValues":
		e.Kind, required = hayalet.EventMeter, seenConnector|seenValues
	case "TransactionEvent":
		e.Kind, required = hayalet.EventMeter, seenEvent|seenTimestamp|seenTrigger|seenSeqNo|seenTransaction
	case "StatusNotification":
		e.Kind, required = hayalet.EventStatus, seenTimestamp|seenStatus|seenConnector|seenPlug
	case "NotifyEvent":
		e.Kind, required = hayalet.EventStatus, seenValues
	case "BootNotification":
		e.Kind, required = hayalet.EventBoot, seenStation
	default:
		r.Skip()
		return
	}
	if !object(r, e) {
		return
	}
	var p payload2
	for r.More() {
		p.member(d, r.Key(), r, e)
	}
	if p.mask&required != required {
		e.Flaws |= hayalet.FlawMissing
	}
	if p.mask&seenTimestamp != 0 {
		e.ClaimedAt, e.ClaimedTZ = p.at, p.zoned // not that of the values in it
	}
	switch string(action) {
	case "TransactionEvent":
		p.transaction(e)
	case "NotifyEvent":
		if len(e.More) == 0 {
			e.Kind = hayalet.EventOther
		}
	}
}

// payload2 is what is read of a call of 2.x until all its members are known.
type payload2 struct {
	event []byte // eventType
	state []byte // chargingState
	mask  uint32
	at    hayalet.Instant
	zoned bool

	seqNo    int64
	numbered bool
}

func (p *payload2) member(d *Decoder, key []byte, r *jsonread.Reader, e *hayalet.Event) {
	switch string(key) {
	case "eventType":
		seen(&p.mask, seenEvent, e)
		p.event = text(r, e)
	case "timestamp":
		seen(&p.mask, seenTimestamp, e)
		p.at, p.zoned = timestamp(r, &e.Flaws)
	case "triggerReason":
		seen(&p.mask, seenTrigger, e)
		r.Skip()
	case "seqNo":
		seen(&p.mask, seenSeqNo, e)
		p.seqNo, p.numbered = integer(r, e)
	case "offline":
		e.Offline = truth(r, e)
	case "transactionInfo":
		p.info(d, r, e)
	case "evse":
		seen(&p.mask, seenConnector, e)
		evse(r, e)
	case "evseId":
		seen(&p.mask, seenConnector, e)
		evseID(r, e)
	case "connectorId":
		seen(&p.mask, seenPlug, e)
		e.Plug = plug(r, e)
	case "connectorStatus":
		seen(&p.mask, seenStatus, e)
		e.Status = status2(text(r, e), e)
	case "idToken":
		seen(&p.mask, seenToken, e)
		token(r, e)
	case "meterValue":
		seen(&p.mask, seenValues, e)
		objects(r, e, groupOf2)
	case "chargingStation":
		seen(&p.mask, seenStation, e)
		chargingStation(r, e)
	case "eventData":
		seen(&p.mask, seenValues, e)
		objects(r, e, eventData)
	default:
		r.Skip()
	}
}

// info reads transactionInfo.
func (p *payload2) info(d *Decoder, r *jsonread.Reader, e *hayalet.Event) {
	if !object(r, e) {
		return
	}
	for r.More() {
		switch string(r.Key()) {
		case "transactionId":
			seen(&p.mask, seenTransaction, e)
			e.Transaction = d.transactionID2(r, e)
		case "chargingState":
			p.state = text(r, e)
		default:
			r.Skip()
		}
	}
}

// transactionID2 reads an identifier that the station made up. The same one comes with every message of its transaction, so
// those seen last are kept.
func (d *Decoder) transactionID2(r *jsonread.Reader, e *hayalet.Event) hayalet.TransactionID {
	b, ok := r.String()
	if !ok {
		e.Flaws |= hayalet.FlawType
		if b, ok = r.Number(); !ok {
			r.Skip()
			return hayalet.TransactionID{}
		}
	}
	id, known := d.ids[string(b)]
	if !known {
		if len(d.ids) >= maxIDs {
			clear(d.ids)
		}
		id = hayalet.ParseTransactionID(cut(b, e))
		d.ids[id.String()] = id
	}
	return id
}

// transaction makes of a TransactionEvent the start, the values or the end that it tells. The register of a start and of an
// end stands in its samples.
func (p *payload2) transaction(e *hayalet.Event) {
	context := hayalet.ContextNone
	switch string(p.event) {
	case "Started":
		e.Kind, context = hayalet.EventStart, hayalet.TransactionBegin
	case "Ended":
		e.Kind, context = hayalet.EventStop, hayalet.TransactionEnd
	case "Updated":
		e.Running = true
	default: // values are values, whatever else the message may have wanted to say
		if p.mask&seenEvent != 0 {
			e.Flaws |= hayalet.FlawUnknownName
		}
	}
	e.SeqNo, e.HasSeqNo = p.seqNo, p.numbered
	e.HasConnector = e.HasConnector && e.Connector != 0 // the station itself is no EVSE: none is told yet
	e.Status = chargingState(p.state, e)
	if context != hayalet.ContextNone {
		book(e, context)
	}
}

// book finds the register at the begin or the end of a transaction among the samples: that of the context, else that of
// the event's own time; a total, else the sum of the phases; that of the outlet, else that of the cable or the vehicle.
func book(e *hayalet.Event, context hayalet.Context) {
	for _, at := range [...]hayalet.Location{hayalet.Outlet, hayalet.Cable, hayalet.EV} {
		if total(e, func(s *hayalet.Sample) bool { return s.Location == at && s.Context == context }) {
			return
		}
	}
	for _, at := range [...]hayalet.Location{hayalet.Outlet, hayalet.Cable, hayalet.EV} {
		if total(e, func(s *hayalet.Sample) bool {
			return s.Location == at && s.ClaimedAt == e.ClaimedAt && (s.Context == hayalet.ContextNone || s.Context == hayalet.SamplePeriodic)
		}) {
			return
		}
	}
}

// total sets the event's meter from the register samples that match. Of several groups the last one counts.
func total(e *hayalet.Event, match func(*hayalet.Sample) bool) bool {
	var phases uint8
	for i := range e.Samples {
		s := &e.Samples[i]
		if s.Measurand != hayalet.EnergyImportRegister || !s.Usable() || s.Value < 0 || !match(s) {
			continue
		}
		switch {
		case s.Phase == hayalet.PhaseNone:
			e.Meter, e.MeterStep, e.HasMeter, phases = hayalet.Energy(s.Value), hayalet.Energy(s.Quantum), true, 0
		case s.Phase > hayalet.L3 || e.HasMeter && phases == 0: // the total is there
			continue
		case phases&(1<<s.Phase) != 0: // the next group
			e.Meter, e.MeterStep, phases = hayalet.Energy(s.Value), hayalet.Energy(s.Quantum), 1<<s.Phase
		default:
			e.Meter, e.MeterStep, e.HasMeter = e.Meter+hayalet.Energy(s.Value), e.MeterStep+hayalet.Energy(s.Quantum), true
			phases |= 1 << s.Phase
		}
		e.MeterSampled, e.MeterPrefixed = true, s.Prefixed
	}
	if phases != 0 && e.Flaws&hayalet.FlawTooMany != 0 { // some of them may be among those that were not read
		e.HasMeter = false
	}
	return e.HasMeter
}

func truth(r *jsonread.Reader, e *hayalet.Event) bool {
	switch r.Kind() {
	case 't':
		r.Skip()
		return true
	case 'f':
		r.Skip()
		return false
	}
	e.Flaws |= hayalet.FlawType
	b, _ := r.String()
	if b == nil {
		r.Skip()
	}
	return string(b) == "true"
}

func evseID(r *jsonread.Reader, e *hayalet.Event) {
	if v, ok := integer(r, e); ok && v >= 0 && v <= maxConnectorID {
		e.Connector, e.HasConnector = hayalet.ConnectorID(v), true
	}
}

func plug(r *jsonread.Reader, e *hayalet.Event) int32 {
	if v, ok := integer(r, e); ok && v >= 0 && v <= maxConnectorID {
		return int32(v)
	}
	return 0
}

// evse reads an EVSEType into the event.
func evse(r *jsonread.Reader, e *hayalet.Event) {
	if !object(r, e) {
		return
	}
	for r.More() {
		switch string(r.Key()) {
		case "id":
			evseID(r, e)
		case "connectorId":
			e.Plug = plug(r, e)
		default:
			r.Skip()
		}
	}
}

// token reads an IdTokenType.
func token(r *jsonread.Reader, e *hayalet.Event) {
	if !object(r, e) {
		return
	}
	for r.More() {
		if string(r.Key()) == "idToken" {
			e.Token = word(r, e)
		} else {
			r.Skip()
		}
	}
}

func chargingStation(r *jsonread.Reader, e *hayalet.Event) {
	if !object(r, e) {
		return
	}
	for r.More() {
		switch string(r.Key()) {
		case "vendorName":
			e.Vendor = word(r, e)
		case "model":
			e.Model = word(r, e)
		case "firmwareVersion":
			e.Firmware = word(r, e)
		default:
			r.Skip()
		}
	}
}

// status2 reads a ConnectorStatusEnumType.
func status2(b []byte, e *hayalet.Event) hayalet.Status {
	switch s := hayalet.ParseStatus(b); s {
	case hayalet.Available, hayalet.Occupied, hayalet.Reserved, hayalet.Unavailable, hayalet.Faulted:
		return s
	}
	e.Flaws |= hayalet.FlawUnknownName
	return hayalet.StatusUnknown
}

// chargingState is the status of 1.6 that says the same. EVConnected is before the energy in all but an end; Idle says
// nothing that a status does.
func chargingState(b []byte, e *hayalet.Event) hayalet.Status {
	switch string(b) {
	case "Charging":
		return hayalet.Charging
	case "SuspendedEV":
		return hayalet.SuspendedEV
	case "SuspendedEVSE":
		return hayalet.SuspendedEVSE
	case "EVConnected":
		if e.Kind == hayalet.EventStop {
			return hayalet.Finishing
		}
		return hayalet.Preparing
	case "Idle", "":
		return hayalet.StatusUnknown
	}
	e.Flaws |= hayalet.FlawUnknownName
	return hayalet.StatusUnknown
}

// monitored reads one EventDataType: what a connector or an EVSE says of its availability is a status, all else is passed
// over. Reports gather in More; the time of the last is the message's.
func monitored(r *jsonread.Reader, e *hayalet.Event) {
	var at hayalet.Event
	var name, variable, value []byte
	var claim hayalet.Instant
	var zoned bool
	for r.Object(); r.More(); {
		switch string(r.Key()) {
		case "component":
			name = component(r, e, &at)
		case "variable":
			variable = component(r, e, &at)
		case "actualValue":
			value = text(r, e)
		case "timestamp":
			claim, zoned = timestamp(r, &e.Flaws)
		default:
			r.Skip()
		}
	}
	if string(variable) != "AvailabilityState" || string(name) != "Connector" && string(name) != "EVSE" || !at.HasConnector {
		return
	}
	if claim != 0 {
		e.ClaimedAt, e.ClaimedTZ = claim, zoned
	}
	if len(e.More) < maxStatuses {
		e.More = append(e.More, hayalet.StatusReport{Connector: at.Connector, Plug: at.Plug, Status: status2(value, e)})
	}
}

// component reads the name of a component or a variable, and where it is.
func component(r *jsonread.Reader, e, at *hayalet.Event) (name []byte) {
	if !object(r, e) {
		return nil
	}
	for r.More() {
		switch string(r.Key()) {
		case "name":
			name = text(r, e)
		case "evse":
			evse(r, at)
		default:
			r.Skip()
		}
	}
	return name
}

// answer2 reads the response to a TransactionEvent: whether the central system accepts the token. Its transaction is that
// of the call; an error refuses nothing, the station sends the event again.
func answer2(r *jsonread.Reader, e *hayalet.Event) {
	if !object(r, e) {
		return
	}
	for r.More() {
		if string(r.Key()) == "idTokenInfo" {
			e.Rejected = tokenRefused(r, e)
		} else {
			r.Skip()
		}
	}
}
