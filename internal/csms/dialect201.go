package csms

import (
	"context"

	"hayalet"
	"hayalet/internal/ocpp"
	"hayalet/internal/ocpp/tolerant"
	"hayalet/internal/ocpp/v201"
)

func dialect201() *dialect {
	return &dialect{
		name: "2.0.1", commands: v201.Commands(), settings: settings2, booked: []string{v201.BootNotification},
		answers: map[string]handler{
			v201.Authorize:                  reads((*Peer).authorize2),
			v201.BootNotification:           reads((*Peer).boot2),
			v201.ClearedChargingLimit:       noted,
			v201.DataTransfer:               says(v201.DataTransferResponse{Status: v201.DataTransferUnknownVendorID}),
			v201.FirmwareStatusNotification: noted,
			v201.Get15118EVCertificate:      says(v201.Get15118EVCertificateResponse{Status: v201.CertificateFailed}),
			v201.GetCertificateStatus:       says(v201.GetCertificateStatusResponse{Status: v201.CertificateFailed}),
			v201.Heartbeat:                  reads((*Peer).heartbeat2),
			v201.LogStatusNotification:      noted,
			v201.MeterValues:                noted,
			v201.NotifyChargingLimit:        noted,
			v201.NotifyCustomerInformation:  noted,
			v201.NotifyDisplayMessages:      noted,
			// there is nobody who would plan the charging: the vehicle charges without a plan [2.0.1 K15]
			v201.NotifyEVChargingNeeds: says(v201.NotifyEVChargingNeedsResponse{Status: v201.ChargingNeedsRejected}),
			// accepted is the message, not the schedule in it
			v201.NotifyEVChargingSchedule:          says(v201.GenericResponse{Status: v201.GenericAccepted}),
			v201.NotifyEvent:                       noted,
			v201.NotifyMonitoringReport:            noted,
			v201.NotifyReport:                      noted,
			v201.PublishFirmwareStatusNotification: noted,
			v201.ReportChargingProfiles:            noted,
			v201.ReservationStatusUpdate:           noted,
			v201.SecurityEventNotification:         noted,
			v201.SignCertificate:                   says(v201.GenericResponse{Status: v201.GenericRejected}),
			v201.StatusNotification:                noted,
			v201.TransactionEvent:                  reads((*Peer).transactionEvent),
		},
	}
}

// authorize2 answers for the token alone. Contract certificates are not checked here, and no answer may say that they
// were.
func (p *Peer) authorize2(_ context.Context, req *v201.AuthorizeRequest) (v201.AuthorizeResponse, *ocpp.WireError) {
	resp := v201.AuthorizeResponse{IDTokenInfo: p.tokenInfo(req.IDToken)}
	if req.Certificate != "" || len(req.CertificateHashes) > 0 {
		resp.CertificateStatus = v201.NoCertificateAvailable
	}
	return resp, nil
}

// tokenInfo accepts tokens on the list, and the one that says that there is none.
func (p *Peer) tokenInfo(token tolerant.Object[v201.IDToken]) v201.IDTokenInfo {
	t := token.Value
	if t.Type == v201.NoAuthorization && t.IDToken == "" || p.csms.cfg.Tags.Accepts(string(t.IDToken)) {
		return v201.IDTokenInfo{Status: v201.AuthorizationAccepted}
	}
	return v201.IDTokenInfo{Status: v201.AuthorizationUnknown}
}

// boot2 accepts every station [2.0.1 B01].
func (p *Peer) boot2(
	ctx context.Context, req *v201.BootNotificationRequest,
) (v201.BootNotificationResponse, *ocpp.WireError) {
	station := &req.ChargingStation.Value
	fault := p.noteBoot(ctx, hayalet.Station{
		Vendor: string(station.VendorName), Model: string(station.Model), Serial: string(station.SerialNumber),
		Firmware: string(station.FirmwareVersion),
	})
	return v201.BootNotificationResponse{
		CurrentTime: p.csms.wireTime(), Interval: p.csms.cfg.Interval, Status: v201.RegistrationAccepted,
	}, fault
}

func (p *Peer) heartbeat2(context.Context, *struct{}) (v201.HeartbeatResponse, *ocpp.WireError) {
	return v201.HeartbeatResponse{CurrentTime: p.csms.wireTime()}, nil
}

// transactionEvent speaks of a token only to who showed one [2.0.1 E].
func (p *Peer) transactionEvent(
	_ context.Context, req *v201.TransactionEventRequest,
) (v201.TransactionEventResponse, *ocpp.WireError) {
	if !req.IDToken.IsSet {
		return v201.TransactionEventResponse{}, nil
	}
	info := p.tokenInfo(req.IDToken)
	return v201.TransactionEventResponse{IDTokenInfo: &info}, nil
}
