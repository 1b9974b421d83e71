package sim

import (
	"cmp"
	"context"
	"encoding/json"

	"hayalet"
	"hayalet/internal/ocpp"
)

// request2 holds the members of the calls that a station of 2.x acts upon.
type request2 struct {
	EVSE        int      `json:"evseId"`
	Connector   int      `json:"connectorId"`
	At          evse2    `json:"evse"`
	Token       token2   `json:"idToken"`
	RemoteStart int      `json:"remoteStartId"`
	Transaction string   `json:"transactionId"`
	Requested   string   `json:"requestedMessage"`
	Type        string   `json:"type"`
	Base        string   `json:"reportBase"`
	Request     int      `json:"requestId"`
	Version     int      `json:"versionNumber"`
	ID          int      `json:"id"`
	Reservation int      `json:"reservationId"`
	Get         []asked2 `json:"getVariableData"`
	Set         []asked2 `json:"setVariableData"`
}

// handler2 answers one call.
type handler2 func(p *player, req *request2) (any, ocpp.ErrorCode)

func (d *dialect2) command(p *player, m ocpp.Message) (any, ocpp.ErrorCode) {
	handle := d.handler(m.Action)
	if handle == nil {
		return d.fixed(m.Action)
	}
	var req request2
	if err := json.Unmarshal(m.Payload, &req); err != nil {
		return nil, ocpp.FormationViolation
	}
	return handle(p, &req)
}

// handler returns what answers a call by what the station is and does, or nil.
func (d *dialect2) handler(action string) handler2 {
	switch action {
	case "RequestStartTransaction":
		return plain2(requestStart)
	case "RequestStopTransaction":
		return plain2(func(p *player, req *request2) statusOnly {
			return p.remoteStop(hayalet.TextTransaction(req.Transaction))
		})
	case "GetTransactionStatus":
		return transactionStatus
	case "TriggerMessage":
		return plain2(d.trigger)
	case "Reset":
		return plain2(reset2)
	case "ChangeAvailability":
		return plain2(func(p *player, req *request2) statusOnly { return p.availability(req.At.ID) })
	case "UnlockConnector":
		return plain2(unlock2)
	case "ReserveNow":
		return plain2(func(p *player, req *request2) statusOnly {
			return p.station.reserve(req.EVSE, req.ID, p.running[req.EVSE] != nil)
		})
	case "CancelReservation":
		return plain2(func(p *player, req *request2) statusOnly { return p.station.cancel(req.Reservation) })
	case "GetVariables":
		return d.store.get
	case "SetVariables":
		return d.store.set
	case "GetBaseReport":
		return plain2(d.baseReport)
	}
	return memory2(action)
}

// memory2 answers what only the station's memory has to do with.
func memory2(action string) handler2 {
	switch action {
	case "SetChargingProfile":
		return plain2(func(p *player, _ *request2) statusOnly {
			p.station.profiles = true
			return status("Accepted")
		})
	case "ClearChargingProfile":
		return plain2(func(p *player, _ *request2) statusOnly { return p.station.clearProfiles() })
	case "SendLocalList":
		return plain2(func(p *player, req *request2) statusOnly {
			p.station.listVersion = req.Version
			return status("Accepted")
		})
	case "GetLocalListVersion":
		return func(p *player, _ *request2) (any, ocpp.ErrorCode) {
			return struct {
				Version int `json:"versionNumber"`
			}{p.station.listVersion}, ""
		}
	}
	return nil
}

func plain2(answer func(*player, *request2) statusOnly) handler2 {
	return func(p *player, req *request2) (any, ocpp.ErrorCode) { return answer(p, req), "" }
}

func requestStart(p *player, req *request2) statusOnly {
	return p.remoteStart(&Start{
		Connector: cmp.Or(req.EVSE, 1), IDTag: req.Token.ID,
		remote: &remoteOrder{id: req.RemoteStart, tokenType: cmp.Or(req.Token.Type, "Central")},
	})
}

// transactionStatus answers GetTransactionStatus [2.x E14]. Answers come while the connection stands, and then nothing
// waits in the queue.
func transactionStatus(p *player, req *request2) (any, ocpp.ErrorCode) {
	answer := struct {
		Ongoing *bool `json:"ongoingIndicator,omitempty"`
		Queued  bool  `json:"messagesInQueue"`
	}{}
	if req.Transaction != "" {
		ongoing := false
		for _, tx := range p.running {
			ongoing = ongoing || tx.id.String() == req.Transaction
		}
		answer.Ongoing = &ongoing
	}
	return answer, ""
}

// reset2 takes a reset of the whole station alone.
func reset2(p *player, req *request2) statusOnly {
	if req.EVSE != 0 {
		return status("Rejected")
	}
	p.afterScript(p.reboot)
	if req.Type == "OnIdle" && len(p.running) > 0 {
		return status("Scheduled")
	}
	return status("Accepted")
}

func unlock2(p *player, req *request2) statusOnly {
	switch {
	case req.EVSE < 1 || !p.station.has(req.EVSE) || req.Connector != 1:
		return status("UnknownConnector")
	case p.running[req.EVSE] != nil:
		return status("OngoingAuthorizedTransaction")
	}
	return status("Unlocked")
}

func (d *dialect2) trigger(p *player, req *request2) statusOnly {
	send := p.triggered(req.Requested, req.At.ID)
	switch req.Requested {
	case "MeterValues":
		send = p.eachConnector(req.At.ID, func(ctx context.Context, c int) error { return p.triggeredMeter(ctx, c, TxRef{kind: txNone}) })
	case "TransactionEvent":
		send = p.eachConnector(req.At.ID, func(ctx context.Context, c int) error {
			if p.running[c] == nil {
				return nil
			}
			return p.triggeredMeter(ctx, c, TxRef{})
		})
	case "DiagnosticsStatusNotification": // of 1.6 alone
		send = nil
	}
	return p.trigger(req.At.ID, send)
}

// baseReport answers GetBaseReport, and has the report sent [2.x B07].
func (d *dialect2) baseReport(p *player, req *request2) statusOnly {
	if req.Base != "FullInventory" && req.Base != "ConfigurationInventory" {
		return status("NotSupported")
	}
	return acceptedIf(p.soon(func(ctx context.Context) error {
		return p.tell(ctx, d.store.report(req.Request, p.nowStamp().Format(stampLayout)))
	}), "Rejected")
}

// answers201 answers the other calls of 2.0.1: the station has no files, no display, no monitors and no certificates.
func answers201(action string) (any, ocpp.ErrorCode) {
	switch action {
	case "ClearCache":
		return status("Accepted"), ""
	case "CostUpdated":
		return struct{}{}, ""
	case "DataTransfer":
		return status("UnknownVendorId"), ""
	case "DeleteCertificate", "GetInstalledCertificateIds":
		return status("NotFound"), ""
	case "ClearDisplayMessage", "GetDisplayMessages":
		return status("Unknown"), ""
	case "GetChargingProfiles":
		return status("NoProfiles"), ""
	case "GetMonitoringReport", "GetReport", "SetMonitoringBase":
		return status("NotSupported"), ""
	case "UnpublishFirmware":
		return status("NoFirmware"), ""
	case "CertificateSigned", "CustomerInformation", "GetCompositeSchedule", "GetLog", "InstallCertificate", "PublishFirmware",
		"SetDisplayMessage", "SetMonitoringLevel", "SetNetworkProfile", "UpdateFirmware":
		return status("Rejected"), ""
	case "ClearVariableMonitoring", "SetVariableMonitoring":
		return nil, ocpp.NotSupported
	}
	return nil, ocpp.NotImplemented
}

// answers21 adds those of 2.1: no tariffs, no event streams, no grid services and no batteries either.
func answers21(action string) (any, ocpp.ErrorCode) {
	switch action {
	case "GetPeriodicEventStream", "NotifyWebPaymentStarted":
		return struct{}{}, ""
	case "ClearDERControl", "GetDERControl", "SetDERControl":
		return status("NotSupported"), ""
	case "GetTariffs":
		return status("NoTariff"), ""
	case "ChangeTransactionTariff":
		return status("TxNotFound"), ""
	case "UsePriorityCharging":
		return status("NoProfile"), ""
	case "AFRRSignal", "AdjustPeriodicEventStream", "NotifyAllowedEnergyTransfer", "RequestBatterySwap", "SetDefaultTariff",
		"UpdateDynamicSchedule":
		return status("Rejected"), ""
	case "ClearTariffs":
		return nil, ocpp.NotSupported
	}
	return answers201(action)
}
