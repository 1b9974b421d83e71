package ocpp

import (
	"hayalet"
	"hayalet/internal/jsonread"
)

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

// shape is what an array of objects holds. It is a value and no function, since a call through one would put the sample
// on the heap.
type shape uint8

const (
	groupOf16  shape = iota // a MeterValue [1.6 §7.33]
	sampleOf16              // a SampledValue [1.6 §7.43]
	groupOf2                // a MeterValueType
	sampleOf2               // a SampledValueType
	eventData               // an EventDataType
)

// objects reads the groups of a message, or the samples of a group. Some stations send one object for the array.
func objects(r *jsonread.Reader, e *hayalet.Event, of shape) {
	switch r.Kind() {
	case '{':
		e.Flaws |= hayalet.FlawType
		one(r, e, of)
	case '[':
		for r.Array(); r.More(); {
			if r.Kind() != '{' {
				e.Flaws |= hayalet.FlawType
				r.Skip()
				continue
			}
			one(r, e, of)
		}
	default:
		e.Flaws |= hayalet.FlawType
		r.Skip()
	}
}

// object enters an object; any other value is skipped and marked.
func object(r *jsonread.Reader, e *hayalet.Event) bool {
	if r.Object() {
		return true
	}
	r.Skip()
	e.Flaws |= hayalet.FlawType
	return false
}

func one(r *jsonread.Reader, e *hayalet.Event, of shape) {
	switch of {
	case groupOf16, groupOf2:
		meterValue(r, e, of+1)
	case sampleOf16, sampleOf2:
		sampledValue(r, e, of)
	case eventData:
		monitored(r, e)
	}
}

// meterValue reads one group of samples.
func meterValue(r *jsonread.Reader, e *hayalet.Event, samples shape) {
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
			objects(r, e, samples)
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

func sampledValue(r *jsonread.Reader, e *hayalet.Event, of shape) {
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
			value = sampleText(r, &s, of)
		case "unit":
			seen(&mask, seenUnit, e)
			if name := text(r, e); len(name) > 0 {
				s.Unit, prefix, flaw = unit(name)
				s.HasUnit = true
			}
		case "unitOfMeasure":
			seen(&mask, seenUnit, e)
			prefix, flaw = unitOfMeasure(r, &s, e)
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
		if last := &e.Samples[len(e.Samples)-1]; outweighs(&s, last) {
			*last = s
		}
		return
	}
	e.Samples = append(e.Samples, s)
}

// outweighs reports whether s takes the last place of a message with too many samples: a register before all else, and a
// total before a phase.
func outweighs(s, last *hayalet.Sample) bool {
	register := func(m *hayalet.Sample) bool { return m.Measurand == hayalet.EnergyImportRegister && m.Usable() }
	return register(s) && (s.Phase == hayalet.PhaseNone || last.Phase != hayalet.PhaseNone || !register(last))
}

// sampleText takes a value: in 1.6 a string by the standard and a number in the field, in 2.x the other way round.
func sampleText(r *jsonread.Reader, s *hayalet.Sample, of shape) []byte {
	if b, ok := r.String(); ok {
		if of == sampleOf2 {
			s.Flaws |= hayalet.FlawType
		}
		return b
	}
	if b, ok := r.Number(); ok {
		s.Trimmed = true
		if of == sampleOf16 {
			s.Flaws |= hayalet.FlawType
		}
		return b
	}
	s.Flaws |= hayalet.FlawType
	r.Skip()
	return nil
}

// unitOfMeasure reads the unit of 2.x and its multiplier, a power of ten.
func unitOfMeasure(r *jsonread.Reader, s *hayalet.Sample, e *hayalet.Event) (prefix int, flaw hayalet.Flaw) {
	if !r.Object() {
		r.Skip()
		return 0, hayalet.FlawType
	}
	power := int64(0)
	for r.More() {
		switch key := r.Key(); string(key) {
		case "unit":
			if name := text(r, e); len(name) > 0 {
				var bad hayalet.Flaw
				s.Unit, prefix, bad = unit(name)
				s.HasUnit = true
				flaw |= bad
			}
		case "multiplier":
			if v, ok := integer(r, e); ok {
				power = v
			}
		default:
			r.Skip()
		}
	}
	if power < -maxMultiplier || power > maxMultiplier {
		return prefix, flaw | hayalet.FlawRange | hayalet.FlawValue
	}
	return prefix + int(power), flaw
}

// maxMultiplier bounds the power of ten of a unit: beyond it no value fits a register.
const maxMultiplier = 15

// complete applies the defaults of [1.6 §7.43], which are those of 2.x too, converts the value to thousandths of its base unit, and checks that
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
