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
)

// seen marks a member and flags a second one of the same name.
func seen(mask *uint32, bit uint32, e *hayalet.Event) {
	if *mask&bit != 0 {
		e.Flaws |= hayalet.FlawAmbiguous
	}
	*mask |= bit
}

// payload16 reads the request of a station [1.6 §6]. Members that the event has no place for are skipped.
func (d *Decoder) payload16(r *jsonread.Reader, e *hayalet.Event) {
	if !r.Object() {
		r.Skip()
		e.Flaws |= hayalet.FlawType
		return
	}
	var mask uint32
	for r.More() {
		key := r.Key()
		switch string(key) {
		case "connectorId":
			seen(&mask, seenConnector, e)
			if v, ok := integer(r, e); ok && v >= 0 && v <= 1<<20 {
				e.Connector, e.HasConnector = hayalet.ConnectorID(v), true
			}
		case "transactionId":
			seen(&mask, seenTransaction, e)
			e.Transaction = transactionID(r, e)
		case "timestamp":
			seen(&mask, seenTimestamp, e)
			e.ClaimedAt, e.ClaimedTZ = timestamp(r, &e.Flaws)
		case "meterValue", "transactionData":
			seen(&mask, seenValues, e)
			objects(r, e, true)
		case "meterStart", "meterStop":
			seen(&mask, seenMeter, e)
			e.Meter, e.HasMeter = meter(r, e)
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
		default:
			r.Skip()
		}
	}
	if required := required16(e.Kind); mask&required != required {
		e.Flaws |= hayalet.FlawMissing
	}
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

func timestamp(r *jsonread.Reader, flaws *hayalet.Flaw) (hayalet.Instant, bool) {
	b, ok := r.String()
	if !ok {
		r.Skip()
		*flaws |= hayalet.FlawTime
		return 0, false
	}
	at, zoned, ok := hayalet.ParseInstant(trim(b))
	if !ok {
		*flaws |= hayalet.FlawTime
		return 0, false
	}
	return at, zoned
}

// objects reads the groups of a message, or the samples of a group. Some stations send one object for the array. The two
// are told apart by a flag, since a call through a function value would put the sample on the heap.
func objects(r *jsonread.Reader, e *hayalet.Event, groups bool) {
	switch r.Kind() {
	case '{':
		e.Flaws |= hayalet.FlawType
		object(r, e, groups)
	case '[':
		for r.Array(); r.More(); {
			if r.Kind() != '{' {
				e.Flaws |= hayalet.FlawType
				r.Skip()
				continue
			}
			object(r, e, groups)
		}
	default:
		e.Flaws |= hayalet.FlawType
		r.Skip()
	}
}

func object(r *jsonread.Reader, e *hayalet.Event, group bool) {
	if group {
		meterValue(r, e)
	} else {
		sampledValue(r, e)
	}
}

// meterValue reads one group of samples.
func meterValue(r *jsonread.Reader, e *hayalet.Event) {
	first := len(e.Samples)
	var mask uint32
	var at hayalet.Instant
	var zoned bool
	var flaws hayalet.Flaw
	for r.Object(); r.More(); {
		switch key := r.Key(); string(key) {
		case "timestamp":
			seen(&mask, seenTimestamp, e)
			at, zoned = timestamp(r, &flaws)
		case "sampledValue":
			seen(&mask, seenValues, e)
			objects(r, e, false)
		default:
			r.Skip()
		}
	}
	if mask&seenTimestamp == 0 {
		flaws |= hayalet.FlawTime
	}
	e.Flaws |= flaws
	if at != 0 {
		e.ClaimedAt, e.ClaimedTZ = at, zoned
	}
	for i := first; i < len(e.Samples); i++ {
		s := &e.Samples[i]
		s.ClaimedAt, s.ClaimedTZ = at, zoned
		s.Flaws |= flaws
	}
}

func sampledValue(r *jsonread.Reader, e *hayalet.Event) {
	s := hayalet.Sample{Measurand: hayalet.EnergyImportRegister, Quantum: 1}
	var mask uint32
	var value []byte
	var prefix int
	for r.Object(); r.More(); {
		key := r.Key()
		var flaw hayalet.Flaw
		switch string(key) {
		case "value":
			seen(&mask, seenValue, e)
			value = sampleText(r, &s)
		case "unit":
			seen(&mask, seenUnit, e)
			if name := text(r, e); len(name) > 0 {
				s.Unit, prefix, flaw = unit(name)
				s.HasUnit = true
			}
		case "measurand":
			if name := text(r, e); len(name) > 0 {
				seen(&mask, seenMeasurand, e)
				s.Measurand, flaw = measurand(name)
			}
		case "context":
			seen(&mask, seenContext, e)
			s.Context, flaw = readingContext(text(r, e))
		case "phase":
			seen(&mask, seenPhase, e)
			s.Phase, flaw = phase(text(r, e))
		case "location":
			seen(&mask, seenLocation, e)
			s.Location, flaw = location(text(r, e))
		default:
			r.Skip()
		}
		s.Flaws |= flaw
	}
	complete(&s, value, prefix, mask)
	e.Flaws |= s.Flaws
	if len(e.Samples) >= MaxSamples {
		e.Flaws |= hayalet.FlawTooMany
		if s.Measurand == hayalet.EnergyImportRegister && s.Usable() { // others must not push a register out
			e.Samples[len(e.Samples)-1] = s
		}
		return
	}
	e.Samples = append(e.Samples, s)
}

// sampleText takes a value: a string by the standard, a number in the field.
func sampleText(r *jsonread.Reader, s *hayalet.Sample) []byte {
	if b, ok := r.String(); ok {
		return b
	}
	s.Flaws |= hayalet.FlawType
	if b, ok := r.Number(); ok {
		return b
	}
	r.Skip()
	return nil
}

// complete applies the defaults of [1.6 §7.43], converts the value to thousandths of its base unit, and checks that
// unit and quantity belong together.
func complete(s *hayalet.Sample, value []byte, prefix int, mask uint32) {
	if mask&seenMeasurand == 0 && s.HasUnit {
		s.Measurand = measurandOf(s.Unit)
	}
	want := unitOf(s.Measurand)
	switch {
	case !s.HasUnit:
		s.Unit = want
	case s.Measurand == hayalet.EnergyImportRegister && s.Unit == hayalet.UnitOther && s.Flaws&hayalet.FlawUnknownName != 0:
		s.Unit = want // an unknown word beside an energy register: the standard's default
	case want != hayalet.UnitOther && s.Unit != want:
		s.Flaws |= hayalet.FlawUnit
	}
	s.Prefixed = prefix != 0
	dec, ok := parseDecimal(value)
	if !ok {
		s.Flaws |= hayalet.FlawValue
		return
	}
	var flaws hayalet.Flaw
	s.Value, s.Quantum, flaws = dec.milli(prefix)
	s.Flaws |= flaws | fits(s.Value)
}

// startAnswer16 reads a StartTransaction.conf [1.6 §6.46].
func startAnswer16(r *jsonread.Reader, e *hayalet.Event) {
	if !r.Object() {
		r.Skip()
		e.Flaws |= hayalet.FlawType
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
	if !r.Object() {
		r.Skip()
		e.Flaws |= hayalet.FlawType
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
