package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
)

// session16 is a visit in OCPP 1.6.
type session16 struct {
	*visit
	cp     ocpp16.ChargePoint
	orders *orders16
}

func newSession16(v *visit, id string) *session16 {
	s := &session16{visit: v, cp: ocpp16.NewChargePoint(id, nil, nil), orders: newOrders16()}
	s.cp.SetCoreHandler(s.orders)
	s.cp.SetRemoteTriggerHandler(s.orders)
	if v.auto {
		offer(s.orders.starts, autoTag)
		offer(s.orders.resets, core.ResetTypeSoft)
	}
	return s
}

func (s *session16) connect(url string) error { return s.cp.Start(url) }

func (s *session16) leave() { s.cp.Stop() }

func (s *session16) run(ctx context.Context) error {
	if err := s.boot(); err != nil {
		return err
	}
	tag, err := await(ctx, s.orders.starts)
	if err != nil {
		return fmt.Errorf("await RemoteStartTransaction: %w", err)
	}
	if err := inTurn(func() error { return s.charge(ctx, tag) }, s.idle); err != nil {
		return err
	}
	if _, err := await(ctx, s.orders.resets); err != nil {
		return fmt.Errorf("await Reset: %w", err)
	}
	return nil
}

func (s *session16) boot() error {
	s.meter = 12_000
	conf, err := s.cp.BootNotification("peer", "ocpp-go")
	if err := s.note("BootNotification", conf, err); err != nil {
		return err
	}
	if conf.Status != core.RegistrationStatusAccepted {
		return fmt.Errorf("BootNotification: status %q", conf.Status)
	}
	return inTurn(
		func() error { return s.status(0, core.ChargePointStatusAvailable) },
		func() error { return s.status(connector, core.ChargePointStatusAvailable) },
		s.heartbeat,
		func() error { return s.say(line{Event: "ready"}) },
	)
}

func (s *session16) charge(ctx context.Context, tag string) error {
	auth, err := s.cp.Authorize(tag)
	if err := s.note("Authorize", auth, err); err != nil {
		return err
	}
	if err := accepted16("Authorize", auth.IdTagInfo); err != nil {
		return err
	}
	if err := s.status(connector, core.ChargePointStatusPreparing); err != nil {
		return err
	}
	start, err := s.cp.StartTransaction(connector, tag, s.meter, types.NewDateTime(time.Now()))
	if err := s.note("StartTransaction", start, err); err != nil {
		return err
	}
	if err := accepted16("StartTransaction", start.IdTagInfo); err != nil {
		return err
	}
	if s.auto {
		offer(s.orders.stops, start.TransactionId)
	}
	return inTurn(
		func() error { return s.status(connector, core.ChargePointStatusCharging) },
		func() error { return s.flow(s.charging(start.TransactionId)) },
		func() error { return s.say(line{Event: "metered", Transaction: start.TransactionId}) },
		func() error { return s.stop(ctx, tag, start.TransactionId) },
	)
}

// charging sends what a connector measures while it charges.
func (s *session16) charging(transaction int) func() error {
	return func() error {
		return s.meterValues(types.ReadingContextSamplePeriodic, power, func(r *core.MeterValuesRequest) { r.TransactionId = &transaction })
	}
}

func (s *session16) stop(ctx context.Context, tag string, transaction int) error {
	asked, err := await(ctx, s.orders.stops)
	if err != nil {
		return fmt.Errorf("await RemoteStopTransaction: %w", err)
	}
	if asked != transaction {
		return fmt.Errorf("RemoteStopTransaction of %d while %d runs", asked, transaction)
	}
	conf, err := s.cp.StopTransaction(s.meter, types.NewDateTime(time.Now()), transaction, func(r *core.StopTransactionRequest) {
		r.IdTag = tag
		r.Reason = core.ReasonRemote
		r.TransactionData = []types.MeterValue{s.reading(types.ReadingContextTransactionEnd, 0)}
	})
	return inTurn(
		func() error { return s.note("StopTransaction", conf, err) },
		func() error { return s.status(connector, core.ChargePointStatusFinishing) },
		func() error { return s.status(connector, core.ChargePointStatusAvailable) },
	)
}

// idle is what a station sends while nobody charges.
func (s *session16) idle() error {
	err := s.rest(
		func() error { return s.meterValues(types.ReadingContextSampleClock, 0) },
		func() error { return s.meterValues(types.ReadingContextSamplePeriodic, power) },
	)
	if err != nil {
		return err
	}
	return inTurn(
		s.notices,
		s.heartbeat,
		func() error { return s.say(line{Event: "idle"}) },
	)
}

func (s *session16) notices() error {
	diagnostics, err := s.cp.DiagnosticsStatusNotification(firmware.DiagnosticsStatusIdle)
	if err := s.note("DiagnosticsStatusNotification", diagnostics, err); err != nil {
		return err
	}
	update, err := s.cp.FirmwareStatusNotification(firmware.FirmwareStatusIdle)
	if err := s.note("FirmwareStatusNotification", update, err); err != nil {
		return err
	}
	data, err := s.cp.DataTransfer("org.example.peer")
	if err := s.note("DataTransfer", data, err); err != nil {
		return err
	}
	event, err := s.cp.SecurityEventNotification("StartupOfTheDevice", types.Now())
	return s.note("SecurityEventNotification", event, err)
}

func (s *session16) status(connector int, status core.ChargePointStatus) error {
	conf, err := s.cp.StatusNotification(connector, core.NoError, status)
	return s.note("StatusNotification", conf, err)
}

func (s *session16) heartbeat() error {
	conf, err := s.cp.Heartbeat()
	return s.note("Heartbeat", conf, err)
}

func (s *session16) meterValues(why types.ReadingContext, watts int, props ...func(*core.MeterValuesRequest)) error {
	conf, err := s.cp.MeterValues(connector, []types.MeterValue{s.reading(why, watts)}, props...)
	return s.note("MeterValues", conf, err)
}

func (s *session16) reading(why types.ReadingContext, watts int) types.MeterValue {
	return types.MeterValue{
		Timestamp: types.NewDateTime(time.Now()),
		SampledValue: []types.SampledValue{
			{
				Value: strconv.Itoa(s.meter), Context: why, Location: types.LocationOutlet,
				Measurand: types.MeasurandEnergyActiveImportRegister, Unit: types.UnitOfMeasureWh,
			},
			{
				Value: strconv.Itoa(watts), Context: why, Location: types.LocationOutlet,
				Measurand: types.MeasurandPowerActiveImport, Unit: types.UnitOfMeasureW,
			},
		},
	}
}

func accepted16(action string, info *types.IdTagInfo) error {
	if info == nil || info.Status != types.AuthorizationStatusAccepted {
		return fmt.Errorf("%s: not accepted: %+v", action, info)
	}
	return nil
}
