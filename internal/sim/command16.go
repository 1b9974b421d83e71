package sim

import (
	"cmp"
	"encoding/json"

	"hayalet"
	"hayalet/internal/ocpp"
)

func (d *dialect16) command(p *player, m ocpp.Message) (any, ocpp.ErrorCode) {
	var req request16
	if err := json.Unmarshal(m.Payload, &req); err != nil {
		return nil, ocpp.FormationViolation
	}
	switch m.Action {
	case "Reset":
		p.afterScript(p.reboot)
		return status("Accepted"), ""
	case "TriggerMessage", "ExtendedTriggerMessage":
		return p.trigger(req.Connector, p.triggered(req.Requested, req.Connector)), ""
	case "RemoteStartTransaction":
		return p.remoteStart(&Start{Connector: cmp.Or(req.Connector, 1), IDTag: req.IDTag}), ""
	case "RemoteStopTransaction":
		return p.remoteStop(hayalet.NumericTransaction(req.Transaction)), ""
	case "ChangeAvailability":
		return p.availability(req.Connector), ""
	case "ReserveNow":
		return p.station.reserve(req.Connector, req.ReservationID, p.running[req.Connector] != nil), ""
	case "CancelReservation":
		return p.station.cancel(req.ReservationID), ""
	case "SetChargingProfile":
		p.station.profiles = true
		return status("Accepted"), ""
	case "ClearChargingProfile":
		return p.station.clearProfiles(), ""
	case "SendLocalList":
		p.station.listVersion = req.ListVersion
		return status("Accepted"), ""
	case "GetLocalListVersion":
		return struct {
			ListVersion int `json:"listVersion"`
		}{p.station.listVersion}, ""
	case "ChangeConfiguration":
		return d.config.change(req), ""
	case "GetConfiguration":
		return d.config.answer(req.Key), ""
	}
	return fixed16(m.Action)
}

// fixed16 answers what the station has no part for: it has no files, no schedules and no certificates.
func fixed16(action string) (any, ocpp.ErrorCode) {
	switch action {
	case "ClearCache":
		return status("Accepted"), ""
	case "DataTransfer":
		return status("UnknownVendorId"), ""
	case "UnlockConnector":
		return status("Unlocked"), ""
	case "GetCompositeSchedule", "GetLog", "CertificateSigned", "InstallCertificate", "SignedUpdateFirmware":
		return status("Rejected"), ""
	case "GetInstalledCertificateIds", "DeleteCertificate":
		return status("NotFound"), ""
	case "GetDiagnostics", "UpdateFirmware":
		return struct{}{}, ""
	}
	return nil, ocpp.NotImplemented
}

// request16 holds the members that any call of the central system may carry and that a station looks at.
type request16 struct {
	Connector     int      `json:"connectorId"`
	IDTag         string   `json:"idTag"`
	Transaction   int64    `json:"transactionId"`
	Requested     string   `json:"requestedMessage"`
	Key           keyNames `json:"key"` // a string, or a list of them
	Value         string   `json:"value"`
	Type          string   `json:"type"`
	ListVersion   int      `json:"listVersion"`
	ReservationID int      `json:"reservationId"`
}

// keyNames is "key" of ChangeConfiguration, a string, and of GetConfiguration, a list.
type keyNames []string

// UnmarshalJSON reads either.
func (k *keyNames) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*k = keyNames{one}
		return nil
	}
	var list []string
	err := json.Unmarshal(b, &list)
	*k = list
	return err
}
