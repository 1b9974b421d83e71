package capture

import (
	"hayalet"
	"hayalet/internal/jsonread"
)

// side tells whose log a file is. Both ends write "send" and "receive message" with the station's name; only who calls
// which action tells them apart.
type side uint8

const (
	unknownSide side = iota
	centralSide
	stationSide
)

// orient turns a log's direction into ours.
func (s side) orient(rec *record) {
	if s == stationSide && rec.fromLog {
		rec.dir = hayalet.Out - rec.dir
	}
}

// sideOf judges by one record, whose direction is that of a central system's log.
func sideOf(rec *record) side {
	switch by := caller(rec.data); {
	case by == unknownSide:
		return unknownSide
	case (by == stationSide) == (rec.dir == hayalet.In):
		return centralSide
	default:
		return stationSide
	}
}

// caller tells who makes a call of this action, if the message is a call and only one end may make it.
func caller(message []byte) side {
	r := jsonread.New(message)
	if !r.Array() || !r.More() {
		return unknownSide
	}
	if kind, _ := r.Number(); string(kind) != "2" || !r.More() {
		return unknownSide
	}
	r.Skip()
	if !r.More() {
		return unknownSide
	}
	action, _ := r.String()
	switch string(action) {
	case "Authorize", "BootNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction",
		"DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification", "SecurityEventNotification",
		"SignCertificate", "SignedFirmwareStatusNotification", "TransactionEvent", "NotifyEvent", "NotifyReport",
		"ClearedChargingLimit", "Get15118EVCertificate", "GetCertificateStatus", "NotifyChargingLimit", "NotifyCustomerInformation",
		"NotifyDisplayMessages", "NotifyEVChargingNeeds", "NotifyEVChargingSchedule", "NotifyMonitoringReport",
		"PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate":
		return stationSide
	case "CancelReservation", "ChangeAvailability", "ChangeConfiguration", "ClearCache", "ClearChargingProfile",
		"GetCompositeSchedule", "GetConfiguration", "GetDiagnostics", "GetLocalListVersion", "RemoteStartTransaction",
		"RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList", "SetChargingProfile", "TriggerMessage",
		"UnlockConnector", "UpdateFirmware", "CertificateSigned", "DeleteCertificate", "ExtendedTriggerMessage",
		"GetInstalledCertificateIds", "GetLog", "InstallCertificate", "SignedUpdateFirmware", "GetBaseReport", "GetVariables",
		"SetVariables", "RequestStartTransaction", "RequestStopTransaction", "ClearDisplayMessage", "ClearVariableMonitoring",
		"CostUpdated", "CustomerInformation", "GetChargingProfiles", "GetDisplayMessages", "GetMonitoringReport", "GetReport",
		"GetTransactionStatus", "PublishFirmware", "SetDisplayMessage", "SetMonitoringBase", "SetMonitoringLevel",
		"SetNetworkProfile", "SetVariableMonitoring", "UnpublishFirmware":
		return centralSide
	}
	return unknownSide
}
