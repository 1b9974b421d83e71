package csms

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strings"

	"hayalet"
	"hayalet/internal/ocpp"
	"hayalet/internal/ocpp/tolerant"
	"hayalet/internal/ocpp/v16"
)

// firstYear is the first year that a clock can mean: OCPP is not older.
const firstYear = 2010

func dialect16() *dialect {
	return &dialect{
		name: "1.6", commands: v16.Commands(), settings: settings16,
		booked: []string{v16.BootNotification, v16.StartTransaction, v16.StopTransaction},
		answers: map[string]handler{
			v16.Authorize:                        reads((*Peer).authorize16),
			v16.BootNotification:                 reads((*Peer).boot16),
			v16.DataTransfer:                     says(v16.DataTransferResponse{Status: v16.DataTransferUnknownVendorID}),
			v16.DiagnosticsStatusNotification:    noted,
			v16.FirmwareStatusNotification:       noted,
			v16.Heartbeat:                        reads((*Peer).heartbeat16),
			v16.LogStatusNotification:            noted,
			v16.MeterValues:                      noted,
			v16.SecurityEventNotification:        noted,
			v16.SignCertificate:                  says(v16.SignCertificateResponse{Status: v16.GenericRejected}),
			v16.SignedFirmwareStatusNotification: noted,
			v16.StartTransaction:                 reads((*Peer).start),
			v16.StatusNotification:               noted,
			v16.StopTransaction:                  reads((*Peer).stop),
		},
	}
}

func (p *Peer) authorize16(_ context.Context, req *v16.AuthorizeRequest) (v16.AuthorizeResponse, *ocpp.WireError) {
	return v16.AuthorizeResponse{IDTagInfo: p.tagInfo(req.IDTag)}, nil
}

func (p *Peer) heartbeat16(context.Context, *struct{}) (v16.HeartbeatResponse, *ocpp.WireError) {
	return v16.HeartbeatResponse{CurrentTime: p.csms.wireTime()}, nil
}

func (p *Peer) tagInfo(tag tolerant.Text) v16.IDTagInfo {
	if p.csms.cfg.Tags.Accepts(string(tag)) {
		return v16.IDTagInfo{Status: v16.AuthorizationAccepted}
	}
	return v16.IDTagInfo{Status: v16.AuthorizationInvalid}
}

// boot16 accepts every station [1.6 §4.2].
func (p *Peer) boot16(
	ctx context.Context, req *v16.BootNotificationRequest,
) (v16.BootNotificationResponse, *ocpp.WireError) {
	fault := p.noteBoot(ctx, hayalet.Station{
		Vendor: string(req.ChargePointVendor), Model: string(req.ChargePointModel),
		Serial:   string(cmp.Or(req.ChargePointSerialNumber, req.ChargeBoxSerialNumber)),
		Firmware: string(req.FirmwareVersion),
	})
	return v16.BootNotificationResponse{
		CurrentTime: p.csms.wireTime(), Interval: p.csms.cfg.Interval, Status: v16.RegistrationAccepted,
	}, fault
}

// start opens a transaction, for a refused tag too: its response carries an id in any case [1.6 §4.8].
func (p *Peer) start(
	ctx context.Context, req *v16.StartTransactionRequest,
) (v16.StartTransactionResponse, *ocpp.WireError) {
	connector := req.ConnectorID
	if !connector.Valid || connector.Value < 0 || connector.Value > math.MaxInt32 {
		return v16.StartTransactionResponse{}, &ocpp.WireError{
			Code: ocpp.OccurenceConstraintViolation, Text: "connectorId is missing or no whole number",
		}
	}
	start := hayalet.Start{
		Station: p.link.Station(), Connector: hayalet.ConnectorID(connector.Value), Token: tokenOf(req.IDTag),
		Meter: req.MeterStart.Value, ClaimedAt: claimOf(req.Timestamp), At: p.csms.now(),
	}
	var id int64
	err := p.csms.book.write(ctx, func(ctx context.Context) (err error) {
		id, err = p.csms.book.Begin(ctx, start)
		return err
	})
	return v16.StartTransactionResponse{IDTagInfo: p.tagInfo(req.IDTag), TransactionID: id}, p.unwritten("begin a transaction", err)
}

// claimOf is the time of a start where it tells one start from another, else "". A clock that was never set says the same
// at every start; with a meter that counts each session from zero, the next customer's start would be taken for the last
// one sent again, and get its ended id back.
func claimOf(timestamp tolerant.Text) string {
	at, _, ok := hayalet.ParseInstant(timestamp)
	switch {
	case !ok || at.Time().Year() < firstYear:
		return ""
	case len(timestamp) > maxClaim:
		return at.String()
	}
	return string(timestamp)
}

// What the book keeps of what a station may write at any length; it is part of a key there.
const (
	maxToken = 255 // bytes; a token of the standard has 20 characters, one of 2.x 255
	maxClaim = 64
)

// tokenOf is the token, or one of a bounded length that stands for it.
func tokenOf(tag tolerant.Text) string {
	if len(tag) <= maxToken {
		return string(tag)
	}
	return fmt.Sprintf("%s…%x", strings.ToValidUTF8(string(tag[:64]), ""), sha256.Sum256([]byte(tag)))
}

// stop notes the end of a transaction. A stop is never refused [1.6 §4.10]; one of an unknown id is logged.
func (p *Peer) stop(
	ctx context.Context, req *v16.StopTransactionRequest,
) (v16.StopTransactionResponse, *ocpp.WireError) {
	resp := v16.StopTransactionResponse{IDTagInfo: v16.IDTagInfo{Status: v16.AuthorizationAccepted}}
	if req.IDTag != "" {
		resp.IDTagInfo = p.tagInfo(req.IDTag)
	}
	if !req.TransactionID.Valid {
		p.log().Warn("stop without a readable transaction id")
		return resp, nil
	}
	stop := hayalet.Stop{
		Station: p.link.Station(), Transaction: req.TransactionID.Value, Meter: req.MeterStop.Value,
		ClaimedAt: string(req.Timestamp), Reason: string(req.Reason), At: p.csms.now(),
	}
	err := p.csms.book.write(ctx, func(ctx context.Context) error { return p.csms.book.End(ctx, stop) })
	if errors.Is(err, hayalet.ErrNotFound) {
		p.log().Warn("stop of an unknown transaction", "transaction", req.TransactionID.Value)
		return resp, nil
	}
	return resp, p.unwritten("end a transaction", err)
}
