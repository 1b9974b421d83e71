package ocpp

import (
	"bytes"

	"hayalet"
)

// measurand reads a name of [1.6 §7.31]; other letter cases are understood and marked.
func measurand(b []byte) (hayalet.Measurand, hayalet.Flaw) {
	switch string(b) {
	case "Energy.Active.Import.Register":
		return hayalet.EnergyImportRegister, 0
	case "Energy.Active.Import.Interval":
		return hayalet.EnergyImportInterval, 0
	case "Energy.Active.Export.Register":
		return hayalet.EnergyExportRegister, 0
	case "Power.Active.Import":
		return hayalet.PowerImport, 0
	case "Power.Offered":
		return hayalet.PowerOffered, 0
	case "Current.Import":
		return hayalet.CurrentImport, 0
	case "Current.Offered":
		return hayalet.CurrentOffered, 0
	case "Voltage":
		return hayalet.Voltage, 0
	case "SoC":
		return hayalet.SoC, 0
	case "Temperature":
		return hayalet.Temperature, 0
	case "Frequency":
		return hayalet.Frequency, 0
	case "Energy.Reactive.Export.Register", "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval",
		"Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval", "Power.Active.Export", "Power.Reactive.Export",
		"Power.Reactive.Import", "Power.Factor", "Current.Export", "RPM":
		return hayalet.MeasurandOther, 0
	}
	for _, name := range []string{
		"Energy.Active.Import.Register", "Energy.Active.Import.Interval", "Power.Active.Import", "Current.Import", "Voltage", "SoC",
	} {
		if bytes.EqualFold(trim(b), []byte(name)) {
			m, _ := measurand([]byte(name))
			return m, hayalet.FlawUnknownName
		}
	}
	return hayalet.MeasurandOther, hayalet.FlawUnknownName
}

// unit reads a name of [1.6 §7.45]; prefix is the power of ten that it carries.
func unit(b []byte) (u hayalet.Unit, prefix int, flaw hayalet.Flaw) {
	switch string(b) {
	case "Wh":
		return hayalet.UnitWh, 0, 0
	case "kWh":
		return hayalet.UnitWh, 3, 0
	case "W":
		return hayalet.UnitW, 0, 0
	case "kW":
		return hayalet.UnitW, 3, 0
	case "A":
		return hayalet.UnitA, 0, 0
	case "V":
		return hayalet.UnitV, 0, 0
	case "Percent":
		return hayalet.UnitPercent, 0, 0
	case "Celsius", "Celcius":
		return hayalet.UnitCelsius, 0, 0
	case "Hertz", "Hz":
		return hayalet.UnitHz, 0, 0
	case "varh", "kvarh", "VA", "kVA", "var", "kvar", "K", "Fahrenheit", "":
		return hayalet.UnitOther, 0, 0
	case "MWh":
		return hayalet.UnitWh, 6, hayalet.FlawUnknownName
	case "mA":
		return hayalet.UnitA, -3, hayalet.FlawUnknownName
	}
	for _, name := range []string{"Wh", "kWh", "W", "kW", "A", "V"} {
		if bytes.EqualFold(trim(b), []byte(name)) {
			u, prefix, _ = unit([]byte(name))
			return u, prefix, hayalet.FlawUnknownName
		}
	}
	return hayalet.UnitOther, 0, hayalet.FlawUnknownName
}

// unitOf is the unit of a quantity, and the one to assume where none is written.
func unitOf(m hayalet.Measurand) hayalet.Unit {
	switch m {
	case hayalet.EnergyImportRegister, hayalet.EnergyImportInterval, hayalet.EnergyExportRegister:
		return hayalet.UnitWh
	case hayalet.PowerImport, hayalet.PowerOffered:
		return hayalet.UnitW
	case hayalet.CurrentImport, hayalet.CurrentOffered:
		return hayalet.UnitA
	case hayalet.Voltage:
		return hayalet.UnitV
	case hayalet.SoC:
		return hayalet.UnitPercent
	case hayalet.Temperature:
		return hayalet.UnitCelsius
	case hayalet.Frequency:
		return hayalet.UnitHz
	}
	return hayalet.UnitOther
}

// measurandOf is what a sample without a measurand means: the energy register [1.6 §7.43], unless its unit says otherwise.
func measurandOf(u hayalet.Unit) hayalet.Measurand {
	switch u {
	case hayalet.UnitW:
		return hayalet.PowerImport
	case hayalet.UnitA:
		return hayalet.CurrentImport
	case hayalet.UnitV:
		return hayalet.Voltage
	case hayalet.UnitPercent:
		return hayalet.SoC
	case hayalet.UnitCelsius:
		return hayalet.Temperature
	case hayalet.UnitHz:
		return hayalet.Frequency
	}
	return hayalet.EnergyImportRegister
}

func phase(b []byte) (hayalet.Phase, hayalet.Flaw) {
	switch string(b) {
	case "L1", "L1-N":
		return hayalet.L1, 0
	case "L2", "L2-N":
		return hayalet.L2, 0
	case "L3", "L3-N":
		return hayalet.L3, 0
	case "N":
		return hayalet.PhaseN, 0
	case "":
		return hayalet.PhaseNone, 0
	case "L1-L2", "L2-L3", "L3-L1":
		return hayalet.PhaseOther, 0
	}
	return hayalet.PhaseOther, hayalet.FlawUnknownName
}

func location(b []byte) (hayalet.Location, hayalet.Flaw) {
	switch string(b) {
	case "Outlet", "":
		return hayalet.Outlet, 0
	case "Inlet":
		return hayalet.Inlet, 0
	case "Body":
		return hayalet.Body, 0
	case "Cable":
		return hayalet.Cable, 0
	case "EV":
		return hayalet.EV, 0
	case "Upstream":
		return hayalet.Upstream, 0
	}
	return hayalet.Outlet, hayalet.FlawUnknownName
}

func readingContext(b []byte) (hayalet.Context, hayalet.Flaw) {
	switch string(b) {
	case "Sample.Periodic":
		return hayalet.SamplePeriodic, 0
	case "Sample.Clock":
		return hayalet.SampleClock, 0
	case "Transaction.Begin":
		return hayalet.TransactionBegin, 0
	case "Transaction.End":
		return hayalet.TransactionEnd, 0
	case "Trigger":
		return hayalet.Trigger, 0
	case "Interruption.Begin":
		return hayalet.InterruptionBegin, 0
	case "Interruption.End":
		return hayalet.InterruptionEnd, 0
	case "":
		return hayalet.ContextNone, 0
	case "Other":
		return hayalet.ContextOther, 0
	}
	return hayalet.ContextOther, hayalet.FlawUnknownName
}
