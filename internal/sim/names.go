package sim

import "hayalet"

// The names that a scenario may write, in every version: those of 1.6. What lies outside of it can be sent with a raw step.

func protocols() []string {
	var names []string
	for _, p := range hayalet.Protocols() {
		names = append(names, string(p))
	}
	return names
}

// multipliers are the powers of ten that leave a register its digits.
func multipliers() []string { return []string{"-3", "-2", "-1", "0", "1", "2", "3", "4", "5", "6"} }

func statuses() []string {
	var names []string
	for s := hayalet.Available; s <= hayalet.Faulted; s++ {
		names = append(names, s.String())
	}
	return names
}

func contexts() []string {
	var names []string
	for c := hayalet.SamplePeriodic; c <= hayalet.ContextOther; c++ {
		names = append(names, c.String())
	}
	return names
}

// stopReasons are those of [1.6 §7.36].
func stopReasons() []string {
	return []string{
		"DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot",
		"Remote", "SoftReset", "UnlockCommand",
	}
}

// errorCodes are those of [1.6 §7.6].
func errorCodes() []string {
	return []string{
		"ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
		"LocalListConflict", "NoError", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure",
		"PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal",
	}
}

// units are those of [1.6 §7.45], with both spellings of degrees Celsius.
func units() []string {
	return []string{
		unitWh, unitKWh, "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V", "Celsius", "Celcius",
		"Fahrenheit", "K", "Percent",
	}
}

// measurands are those of [1.6 §7.31].
func measurands() []string {
	return []string{
		energyRegister, "Energy.Active.Export.Register", "Energy.Reactive.Import.Register",
		"Energy.Reactive.Export.Register", "Energy.Active.Import.Interval", "Energy.Active.Export.Interval",
		"Energy.Reactive.Import.Interval", "Energy.Reactive.Export.Interval", "Power.Active.Import",
		"Power.Active.Export", "Power.Reactive.Import", "Power.Reactive.Export", "Power.Offered", "Power.Factor",
		"Current.Import", "Current.Export", "Current.Offered", "Voltage", "Frequency", "Temperature", "SoC", "RPM",
	}
}

// phases are those of [1.6 §7.34].
func phases() []string {
	return []string{"L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"}
}

// locations are those of [1.6 §7.30].
func locations() []string { return []string{"Body", "Cable", "EV", "Inlet", "Outlet"} }

// formats are those of [1.6 §7.49].
func formats() []string { return []string{"Raw", "SignedData"} }
