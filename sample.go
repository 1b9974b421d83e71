package hayalet

// Measurand is the quantity of a sample [1.6 §7.31].
type Measurand uint8

// The measurands that are told apart; all others are MeasurandOther.
const (
	MeasurandOther Measurand = iota
	EnergyImportRegister
	EnergyImportInterval
	EnergyExportRegister
	PowerImport
	PowerOffered
	CurrentImport
	CurrentOffered
	Voltage
	SoC
	Temperature
	Frequency
)

// Unit is the unit of a sample's value after conversion to the base unit of its quantity.
type Unit uint8

// The base units.
const (
	UnitOther Unit = iota
	UnitWh
	UnitW
	UnitA
	UnitV
	UnitPercent
	UnitCelsius
	UnitHz
)

// Phase says which conductors a sample speaks of [1.6 §7.34].
type Phase uint8

// The phases. PhaseNone is a total.
const (
	PhaseNone Phase = iota
	L1
	L2
	L3
	PhaseN
	PhaseOther // line to line, or unknown
)

// Location is where a sample was measured [1.6 §7.30]. The standard's default is Outlet.
type Location uint8

// The locations.
const (
	Outlet Location = iota
	Inlet
	Body
	Cable
	EV
	Upstream
)

// Context is why a sample was taken [1.6 §7.35]. The standard's default is SamplePeriodic.
type Context uint8

// The contexts.
const (
	ContextNone Context = iota // not written
	SamplePeriodic
	SampleClock
	TransactionBegin
	TransactionEnd
	Trigger
	InterruptionBegin
	InterruptionEnd
	ContextOther
)

var contextNames = [...]string{
	"", "Sample.Periodic", "Sample.Clock", "Transaction.Begin", "Transaction.End", "Trigger", "Interruption.Begin", "Interruption.End", "Other",
}

// String is the name of the standard, or "" where none was written.
func (c Context) String() string {
	if int(c) < len(contextNames) {
		return contextNames[c]
	}
	return ""
}

// Sample is one sampled value.
type Sample struct {
	ClaimedAt Instant // the stamp of its group
	Value     int64   // thousandths of the base unit (mWh, mW, mA, mV): exact
	Quantum   int64   // the step of the last digit written, in the same thousandths; at least 1
	Measurand Measurand
	Unit      Unit
	Prefixed  bool // the station wrote kilo or another multiplier
	HasUnit   bool // the station wrote a unit
	Trimmed   bool // the value is a JSON number, which has no trailing zeros: Quantum is the most that its step can be
	ClaimedTZ bool // the stamp carried a zone
	Phase     Phase
	Location  Location
	Context   Context
	Flaws     Flaw
}

// Usable reports whether the value can be calculated with.
func (s *Sample) Usable() bool {
	return s.Flaws&(FlawValue|FlawRange|FlawUnit) == 0 && s.Measurand != MeasurandOther
}
