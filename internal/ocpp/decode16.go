package ocpp

import (
	"hayalet"
	"hayalet/internal/jsonread"
)

// Bits of members already seen, to find duplicate keys.
const (
	seenConnector = 1 << iota
	seenTransaction
	seenTimestamp
	seenMeter
	seenToken
	seenStatus
	seenValues
	seenVendor
	seenModel
	seenFirmware
	seenValue
	seenUnit
	seenMeasurand
	seenContext
	seenPhase
	seenLocation
	seenEvent
	seenTrigger
	seenSeqNo
	seenPlug
	seenStation
)

// seen marks a member and flags a second one of the same name.
func seen(mask *uint32, bit uint32, e *hayalet.Event) {
	if *mask&bit != 0 {
		e.Flaws |= hayalet.FlawAmbiguous
	}
	*mask |= bit
}

// call16 reads a call of OCPP 1.6. It reports whether it can be one: false for an action, or the member of a message, that
// only 2.x has.
func call16(r *jsonread.Reader, action []byte, e *hayalet.Event) bool {
	switch string(action) {
	case "MeterValues":
		e.Kind = hayalet.EventMeter
	case "StartTransaction":
		e.Kind = hayalet.EventStart
	case "StopTransaction":
		e.Kind = hayalet.EventStop
	case "StatusNotification":
		e.Kind = hayalet.EventStatus
	case "BootNotification":
		e.Kind = hayalet.EventBoot
	default:
		r.Skip()
		return string(action) != "TransactionEvent" && string(action) != "NotifyEvent"
	}
	return payload16(r, e)
}

// payload16 reads the request of a station [1.6 §6]. Members that the event has no place for are skipped; of one that only
// 2.x has it returns false.
func payload16(r *jsonread.Reader, e *hayalet.Event) (is16 bool) {
	if !object(r, e) {
		return true
	}
	is16 = true
	var mask uint32
	var own hayalet.Instant
	var zoned bool
	for r.More() {
		key := r.Key()
		switch string(key) {
		case "connectorId":
			seen(&mask, seenConnector, e)
			if v, ok := integer(r, e); ok && v >= 0 && v <= maxConnectorID {
				e.Connector, e.HasConnector = hayalet.ConnectorID(v), true
			}
		case "transactionId":
			seen(&mask, seenTransaction, e)
			e.Transaction = transactionID(r, e)
		case "timestamp":
			seen(&mask, seenTimestamp, e)
			own, zoned = timestamp(r, &e.Flaws)
		case "meterValue", "transactionData":
			seen(&mask, seenValues, e)
			objects(r, e, groupOf16)
		case "meterStart", "meterStop":
			seen(&mask, seenMeter, e)
			e.Meter, e.HasMeter = meter(r, e)
			e.MeterStep = hayalet.WattHour
		case "idTag":
			seen(&mask, seenToken, e)
			e.Token = word(r, e)
		case "status":
			seen(&mask, seenStatus, e)
			if e.Status = hayalet.ParseStatus(text(r, e)); e.Status == hayalet.StatusUnknown {
				e.Flaws |= hayalet.FlawUnknownName
			}
		case "chargePointVendor":
			seen(&mask, seenVendor, e)
			e.Vendor = word(r, e)
		case "chargePointModel":
			seen(&mask, seenModel, e)
			e.Model = word(r, e)
		case "firmwareVersion":
			seen(&mask, seenFirmware, e)
			e.Firmware = word(r, e)
		case "evseId", "connectorStatus", "chargingStation":
			is16 = false
			r.Skip()
		default:
			r.Skip()
		}
	}
	if mask&seenTimestamp != 0 {
		e.ClaimedAt, e.ClaimedTZ = own, zoned // not that of the values in it
	}
	if required := required16(e.Kind); mask&required != required {
		e.Flaws |= hayalet.FlawMissing
	}
	return is16
}

// required16 is the set of members that a request must have and that the event has a place for.
func required16(k hayalet.EventKind) uint32 {
	switch k {
	case hayalet.EventMeter:
		return seenConnector | seenValues
	case hayalet.EventStart:
		return seenConnector | seenToken | seenMeter | seenTimestamp
	case hayalet.EventStop:
		return seenTransaction | seenMeter | seenTimestamp
	case hayalet.EventStatus:
		return seenConnector | seenStatus
	}
	return 0
}

func transactionID(r *jsonread.Reader, e *hayalet.Event) hayalet.TransactionID {
	if r.Kind() != '"' {
		if v, ok := integer(r, e); ok {
			return hayalet.NumericTransaction(v)
		}
		return hayalet.TransactionID{}
	}
	e.Flaws |= hayalet.FlawType
	b, _ := r.String()
	return hayalet.ParseTransactionID(cut(trim(b), e))
}

// meter reads meterStart or meterStop: whole watt-hours by the standard, decimals and strings in the field.
func meter(r *jsonread.Reader, e *hayalet.Event) (hayalet.Energy, bool) {
	b, ok := r.Number()
	if !ok {
		if b, ok = r.String(); !ok {
			r.Skip()
		}
		e.Flaws |= hayalet.FlawType
	}
	dec, ok := parseDecimal(b)
	if !ok {
		return 0, false
	}
	v, _, flaws := dec.milli(0)
	flaws |= fits(v)
	e.Flaws |= flaws
	return hayalet.Energy(v), flaws&hayalet.FlawRange == 0
}

// startAnswer16 reads a StartTransaction.conf [1.6 §6.46].
func startAnswer16(r *jsonread.Reader, e *hayalet.Event) {
	if !object(r, e) {
		return
	}
	for r.More() {
		switch key := r.Key(); string(key) {
		case "transactionId":
			e.Transaction = transactionID(r, e)
		case "idTagInfo":
			e.Rejected = tokenRefused(r, e)
		default:
			r.Skip()
		}
	}
}

func tokenRefused(r *jsonread.Reader, e *hayalet.Event) bool {
	if !object(r, e) {
		return false
	}
	refused := false
	for r.More() {
		if key := r.Key(); string(key) == "status" {
			refused = string(text(r, e)) != "Accepted"
		} else {
			r.Skip()
		}
	}
	return refused
}
