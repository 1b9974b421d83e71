package sim

import "hayalet"

// What the words of a scenario, which are those of 1.6, become in OCPP 2.x.

const occupied = "Occupied"

// connectorStatus is the ConnectorStatusEnumType: what happens while a cable is plugged in has one word.
func connectorStatus(status string) string {
	switch hayalet.ParseStatus([]byte(status)) {
	case hayalet.Preparing, hayalet.Charging, hayalet.SuspendedEV, hayalet.SuspendedEVSE, hayalet.Finishing:
		return occupied
	}
	return status
}

// chargingState is the ChargingStateEnumType of a transaction. It is "", which is not sent, where the scenario has not
// told a status that says anything of it.
func chargingState(status string) string {
	switch hayalet.ParseStatus([]byte(status)) {
	case hayalet.Preparing, hayalet.Finishing:
		return "EVConnected"
	case hayalet.Charging, hayalet.SuspendedEV, hayalet.SuspendedEVSE:
		return status
	case hayalet.Available:
		return "Idle"
	}
	return ""
}

// endState is the charging state with which a transaction ends.
func endState(reason string) string {
	if reason == "EVDisconnected" {
		return "Idle"
	}
	return "EVConnected"
}

// meterTrigger is why a transaction's values are sent.
func meterTrigger(context string) string {
	switch context {
	case hayalet.SampleClock.String():
		return "MeterValueClock"
	case hayalet.Trigger.String():
		return "Trigger"
	}
	return "MeterValuePeriodic"
}

// stopWords are the triggerReason and the stoppedReason of an end. Where the scenario gives no reason none is sent,
// which means Local.
func stopWords(reason string) (trigger, stopped string) {
	switch reason {
	case "", "Local":
		return "StopAuthorized", reason
	case "DeAuthorized":
		return "Deauthorized", reason
	case "EVDisconnected":
		return "EVCommunicationLost", reason
	case "Remote":
		return "RemoteStop", reason
	case "HardReset", "SoftReset":
		return "ResetCommand", "ImmediateReset"
	case "UnlockCommand":
		return "UnlockCommand", "Other"
	}
	return "AbnormalCondition", reason // EmergencyStop, Other, PowerLoss, Reboot
}

// unitOf2 is the unitOfMeasure, or nil where nothing is said: the standard's default is Wh.
func unitOf2(unit string, multiplier int) *unit2 {
	if unit == "Celcius" {
		unit = "Celsius"
	}
	if unit == "" && multiplier == 0 {
		return nil
	}
	return &unit2{Unit: unit, Multiplier: multiplier}
}

// unspeakable is the word of a step that the protocol has none for, or "".
func unspeakable(p hayalet.Protocol, do Action) string {
	m, ok := do.(*Meter)
	if ok && p != hayalet.OCPP16 && (m.Measurand == "Temperature" || m.Measurand == "RPM") {
		return "measurand " + m.Measurand
	}
	return ""
}
