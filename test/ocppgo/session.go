package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
)

const (
	connector = 1
	power     = 10_000                 // W, which step and interval make
	interval  = 700 * time.Millisecond // between meter values
	step      = 2                      // Wh a meter value
)

// session is one visit of a car.
type session struct {
	cp     ocpp16.ChargePoint
	orders *orders
	say    func(line) error
	last   atomic.Value // the action under way, for the message of a time-out
	meter  int          // Wh
}

func (s *session) run(ctx context.Context) error {
	if err := s.boot(); err != nil {
		return err
	}
	tag, err := await(ctx, s.orders.starts)
	if err != nil {
		return fmt.Errorf("await RemoteStartTransaction: %w", err)
	}
	if err := s.charge(ctx, tag); err != nil {
		return err
	}
	if err := s.idle(); err != nil {
		return err
	}
	if _, err := await(ctx, s.orders.resets); err != nil {
		return fmt.Errorf("await Reset: %w", err)
	}
	return nil
}

func (s *session) boot() error {
	s.meter = 12_000
	conf, err := s.cp.BootNotification("peer", "ocpp-go")
	if err := s.note("BootNotification", conf, err); err != nil {
		return err
	}
	if conf.Status != core.RegistrationStatusAccepted {
		return fmt.Errorf("BootNotification: status %q", conf.Status)
	}
	return errors.Join(
		s.status(0, core.ChargePointStatusAvailable),
		s.status(connector, core.ChargePointStatusAvailable),
		s.heartbeat(),
		s.say(line{Event: "ready"}),
	)
}

func (s *session) charge(ctx context.Context, tag string) error {
	auth, err := s.cp.Authorize(tag)
	if err := s.note("Authorize", auth, err); err != nil {
		return err
	}
	if err := accepted("Authorize", auth.IdTagInfo); err != nil {
		return err
	}
	if err := s.status(connector, core.ChargePointStatusPreparing); err != nil {
		return err
	}
	start, err := s.cp.StartTransaction(connector, tag, s.meter, types.NewDateTime(time.Now()))
	if err := s.note("StartTransaction", start, err); err != nil {
		return err
	}
	if err := accepted("StartTransaction", start.IdTagInfo); err != nil {
		return err
	}
	if err := s.flow(start.TransactionId); err != nil {
		return err
	}
	if err := s.say(line{Event: "metered", Transaction: start.TransactionId}); err != nil {
		return err
	}
	return s.stop(ctx, tag, start.TransactionId)
}

// flow sends what a connector measures while it charges.
func (s *session) flow(transaction int) error {
	if err := s.status(connector, core.ChargePointStatusCharging); err != nil {
		return err
	}
	for range 4 {
		time.Sleep(interval)
		s.meter += step
		err := s.values(types.ReadingContextSamplePeriodic, power, func(r *core.MeterValuesRequest) { r.TransactionId = &transaction })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) stop(ctx context.Context, tag string, transaction int) error {
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
	if err := s.note("StopTransaction", conf, err); err != nil {
		return err
	}
	return errors.Join(
		s.status(connector, core.ChargePointStatusFinishing),
		s.status(connector, core.ChargePointStatusAvailable),
	)
}

// idle is what a healthy station sends while nobody charges: the register stands still.
func (s *session) idle() error {
	for range 3 {
		time.Sleep(interval)
		if err := s.values(types.ReadingContextSampleClock, 0); err != nil {
			return err
		}
	}
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
	if err := s.note("SecurityEventNotification", event, err); err != nil {
		return err
	}
	return errors.Join(s.heartbeat(), s.say(line{Event: "idle"}))
}

func (s *session) status(connector int, status core.ChargePointStatus) error {
	conf, err := s.cp.StatusNotification(connector, core.NoError, status)
	return s.note("StatusNotification", conf, err)
}

func (s *session) heartbeat() error {
	conf, err := s.cp.Heartbeat()
	return s.note("Heartbeat", conf, err)
}

func (s *session) values(why types.ReadingContext, watts int, props ...func(*core.MeterValuesRequest)) error {
	conf, err := s.cp.MeterValues(connector, []types.MeterValue{s.reading(why, watts)}, props...)
	return s.note("MeterValues", conf, err)
}

func (s *session) reading(why types.ReadingContext, watts int) types.MeterValue {
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

// note writes the answer down; err is the library's own verdict on it.
func (s *session) note(action string, answer any, err error) error {
	s.last.Store(action)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return s.say(line{Event: "answer", Action: action, Answer: answer})
}

func accepted(action string, info *types.IdTagInfo) error {
	if info == nil || info.Status != types.AuthorizationStatusAccepted {
		return fmt.Errorf("%s: not accepted: %+v", action, info)
	}
	return nil
}

func await[T any](ctx context.Context, from <-chan T) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
