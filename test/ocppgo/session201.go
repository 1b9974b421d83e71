package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	ocpp2 "github.com/lorenzodonini/ocpp-go/ocpp2.0.1"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/availability"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/diagnostics"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/provisioning"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/transactions"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/types"
)

const evse = 1

// session201 is a visit in OCPP 2.0.1. Only Started names the EVSE; what follows is bound to it by the transaction's id.
type session201 struct {
	*visit
	cs          ocpp2.ChargingStation
	orders      *orders201
	transaction transactions.Transaction
	seqNo       int
}

func newSession201(v *visit, id string) *session201 {
	s := &session201{visit: v, cs: ocpp2.NewChargingStation(id, nil, nil), orders: newOrders201()}
	s.cs.SetProvisioningHandler(s.orders)
	s.cs.SetRemoteControlHandler(s.orders)
	if v.auto {
		offer(s.orders.starts, start{token: types.IdToken{IdToken: autoTag, Type: types.IdTokenTypeCentral}})
		offer(s.orders.resets, provisioning.ResetTypeOnIdle)
	}
	return s
}

func (s *session201) connect(url string) error { return s.cs.Start(url) }

func (s *session201) leave() { s.cs.Stop() }

func (s *session201) run(ctx context.Context) error {
	if err := s.boot(); err != nil {
		return err
	}
	by, err := await(ctx, s.orders.starts)
	if err != nil {
		return fmt.Errorf("await RequestStartTransaction: %w", err)
	}
	if err := inTurn(func() error { return s.charge(ctx, by) }, s.idle); err != nil {
		return err
	}
	if _, err := await(ctx, s.orders.resets); err != nil {
		return fmt.Errorf("await Reset: %w", err)
	}
	return nil
}

func (s *session201) boot() error {
	s.meter = 21_000
	resp, err := s.cs.BootNotification(provisioning.BootReasonPowerUp, "peer", "ocpp-go")
	if err := s.note("BootNotification", resp, err); err != nil {
		return err
	}
	if resp.Status != provisioning.RegistrationStatusAccepted {
		return fmt.Errorf("BootNotification: status %q", resp.Status)
	}
	return inTurn(
		func() error { return s.status(availability.ConnectorStatusAvailable) },
		s.heartbeat,
		func() error { return s.say(line{Event: "ready"}) },
	)
}

func (s *session201) charge(ctx context.Context, by start) error {
	auth, err := s.cs.Authorize(by.token.IdToken, by.token.Type)
	if err := s.note("Authorize", auth, err); err != nil {
		return err
	}
	if auth.IdTokenInfo.Status != types.AuthorizationStatusAccepted {
		return fmt.Errorf("Authorize: not accepted: %+v", auth.IdTokenInfo)
	}
	s.transaction = transactions.Transaction{TransactionID: rand.Text(), RemoteStartID: &by.id}
	if s.auto {
		s.transaction.RemoteStartID = nil
		offer(s.orders.stops, s.transaction.TransactionID)
	}
	return inTurn(
		func() error { return s.status(availability.ConnectorStatusOccupied) },
		func() error { return s.started(by.token) },
		func() error { return s.flow(s.charging) },
		func() error { return s.say(line{Event: "metered", Transaction: s.transaction.TransactionID}) },
		func() error { return s.stop(ctx) },
	)
}

func (s *session201) started(token types.IdToken) error {
	s.transaction.ChargingState = transactions.ChargingStateCharging
	resp, err := s.event(transactions.TransactionEventStarted, transactions.TriggerReasonRemoteStart, func(r *transactions.TransactionEventRequest) {
		r.Evse = &types.EVSE{ID: evse, ConnectorID: new(connector)}
		r.IDToken = &token
		r.MeterValue = []types.MeterValue{s.reading(types.ReadingContextTransactionBegin, 0)}
	})
	if err != nil {
		return err
	}
	// The library's example CSMS says nothing of the token here.
	if !s.auto && (resp.IDTokenInfo == nil || resp.IDTokenInfo.Status != types.AuthorizationStatusAccepted) {
		return fmt.Errorf("TransactionEvent Started: not accepted: %+v", resp.IDTokenInfo)
	}
	return nil
}

// charging sends what an EVSE measures while it charges.
func (s *session201) charging() error {
	_, err := s.event(transactions.TransactionEventUpdated, transactions.TriggerReasonMeterValuePeriodic, func(r *transactions.TransactionEventRequest) {
		r.MeterValue = []types.MeterValue{s.reading(types.ReadingContextSamplePeriodic, power)}
	})
	return err
}

func (s *session201) stop(ctx context.Context) error {
	asked, err := await(ctx, s.orders.stops)
	if err != nil {
		return fmt.Errorf("await RequestStopTransaction: %w", err)
	}
	if asked != s.transaction.TransactionID {
		return fmt.Errorf("RequestStopTransaction of %s while %s runs", asked, s.transaction.TransactionID)
	}
	s.transaction.ChargingState, s.transaction.StoppedReason = transactions.ChargingStateIdle, transactions.ReasonRemote
	_, err = s.event(transactions.TransactionEventEnded, transactions.TriggerReasonRemoteStop, func(r *transactions.TransactionEventRequest) {
		r.MeterValue = []types.MeterValue{s.reading(types.ReadingContextTransactionEnd, 0)}
	})
	if err != nil {
		return err
	}
	return s.status(availability.ConnectorStatusAvailable)
}

// idle is what a station sends while nobody charges.
func (s *session201) idle() error {
	err := s.rest(
		func() error { return s.meterValues(types.ReadingContextSampleClock, 0) },
		func() error { return s.meterValues(types.ReadingContextSamplePeriodic, power) },
	)
	if err != nil {
		return err
	}
	if !s.auto {
		if err := s.notices(); err != nil {
			return err
		}
	}
	return inTurn(s.heartbeat, func() error { return s.say(line{Event: "idle"}) })
}

func (s *session201) notices() error {
	logs, err := s.cs.LogStatusNotification(diagnostics.UploadLogStatusIdle, 0)
	if err := s.note("LogStatusNotification", logs, err); err != nil {
		return err
	}
	update, err := s.cs.FirmwareStatusNotification(firmware.FirmwareStatusIdle)
	if err := s.note("FirmwareStatusNotification", update, err); err != nil {
		return err
	}
	data, err := s.cs.DataTransfer("org.example.peer")
	if err := s.note("DataTransfer", data, err); err != nil {
		return err
	}
	security, err := s.cs.SecurityEventNotification("StartupOfTheDevice", types.Now())
	return s.note("SecurityEventNotification", security, err)
}

// event sends the next TransactionEvent, with the next number of the transaction.
func (s *session201) event(kind transactions.TransactionEvent, why transactions.TriggerReason, props func(*transactions.TransactionEventRequest)) (*transactions.TransactionEventResponse, error) {
	resp, err := s.cs.TransactionEvent(kind, types.Now(), why, s.seqNo, s.transaction, props)
	s.seqNo++
	return resp, s.note("TransactionEvent "+string(kind), resp, err)
}

func (s *session201) status(status availability.ConnectorStatus) error {
	resp, err := s.cs.StatusNotification(types.Now(), status, evse, connector)
	return s.note("StatusNotification", resp, err)
}

func (s *session201) heartbeat() error {
	resp, err := s.cs.Heartbeat()
	return s.note("Heartbeat", resp, err)
}

func (s *session201) meterValues(why types.ReadingContext, watts int) error {
	resp, err := s.cs.MeterValues(evse, []types.MeterValue{s.reading(why, watts)})
	return s.note("MeterValues", resp, err)
}

// reading says the register in kWh and the power in hundreds of watts.
func (s *session201) reading(why types.ReadingContext, watts int) types.MeterValue {
	return types.MeterValue{
		Timestamp: types.DateTime{Time: time.Now()},
		SampledValue: []types.SampledValue{
			{
				Value: float64(s.meter) / 1000, Context: why, Location: types.LocationOutlet,
				Measurand: types.MeasurandEnergyActiveImportRegister, UnitOfMeasure: &types.UnitOfMeasure{Unit: "kWh"},
			},
			{
				Value: float64(watts) / 100, Context: why, Location: types.LocationOutlet,
				Measurand: types.MeasurandPowerActiveImport, UnitOfMeasure: &types.UnitOfMeasure{Unit: "W", Multiplier: new(2)},
			},
		},
	}
}
