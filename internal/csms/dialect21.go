package csms

import (
	"context"
	"maps"
	"unicode/utf8"

	"hayalet/internal/ocpp"
	"hayalet/internal/ocpp/v201"
	"hayalet/internal/ocpp/v21"
)

// dialect21 is 2.0.1 with what 2.1 adds and says otherwise.
func dialect21() *dialect {
	d := dialect201()
	d.name, d.commands = "2.1", v21.Commands()
	d.sends = []string{v21.NotifyPeriodicEventStream}
	maps.Copy(d.answers, map[string]handler{
		v21.BatterySwap:              noted,
		v21.ClosePeriodicEventStream: noted,

		v21.GetCertificateChainStatus: reads((*Peer).chainStatus),

		v21.NotifyDERAlarm:         noted,
		v21.NotifyDERStartStop:     noted,
		v201.NotifyEVChargingNeeds: says(v201.NotifyEVChargingNeedsResponse{Status: v21.ChargingNeedsNoProfile}),
		v21.NotifyPriorityCharging: noted,
		v21.NotifySettlement:       noted,
		// a station opens a stream that a command has asked for
		v21.OpenPeriodicEventStream: says(v201.GenericResponse{Status: v201.GenericAccepted}),
		// there are no dynamic profiles here
		v21.PullDynamicScheduleUpdate: says(v201.GenericResponse{Status: v201.GenericRejected}),
		v21.ReportDERControl:          noted,
		v21.VatNumberValidation:       reads((*Peer).vatNumber),
	})
	return d
}

// chainStatus says of each certificate that its status could not be obtained. It may be asked again at once.
func (p *Peer) chainStatus(
	_ context.Context, req *v21.GetCertificateChainStatusRequest,
) (resp v21.GetCertificateChainStatusResponse, fault *ocpp.WireError) {
	if n := len(req.Requests); n == 0 || n > v21.MaxChain {
		return resp, &ocpp.WireError{Code: ocpp.OccurenceConstraintViolation, Text: "want one to four certificateStatusRequests"}
	}
	for _, r := range req.Requests {
		hash := r.HashData.Value
		if !v21.IsHashAlgorithm(string(hash.HashAlgorithm)) || !v21.IsStatusSource(string(r.Source)) ||
			longer(string(hash.IssuerNameHash), v21.MaxHash) || longer(string(hash.IssuerKeyHash), v21.MaxHash) ||
			longer(string(hash.SerialNumber), v21.MaxSerialNumber) {
			return resp, &ocpp.WireError{Code: ocpp.PropertyConstraintViolation, Text: "a certificate cannot be named by this"}
		}
		resp.CertificateStatus = append(resp.CertificateStatus, v21.CertificateStatus{
			HashData: hash, Source: r.Source, Status: v21.ChainFailed, NextUpdate: p.csms.wireTime(),
		})
	}
	return resp, nil
}

// vatNumber rejects every number, for it asks nobody who could know.
func (p *Peer) vatNumber(
	_ context.Context, req *v21.VatNumberValidationRequest,
) (v21.VatNumberValidationResponse, *ocpp.WireError) {
	resp := v21.VatNumberValidationResponse{VatNumber: req.VatNumber, Status: v201.GenericRejected}
	if longer(string(req.VatNumber), v21.MaxVatNumber) {
		return resp, &ocpp.WireError{Code: ocpp.PropertyConstraintViolation, Text: "vatNumber has more than 20 characters"}
	}
	if req.EvseID.Valid && req.EvseID.Value >= 0 {
		resp.EvseID = &req.EvseID.Value
	}
	return resp, nil
}

// longer reports whether text has more than most characters.
func longer(text string, most int) bool { return utf8.RuneCountInString(text) > most }
