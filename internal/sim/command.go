package sim

import (
	"cmp"
	"context"

	"hayalet"
)

// What the central system asks for and the station then does. While the script runs, the script alone starts and stops
// transactions, so that the truth stays what it says.

// soon puts off work until the present exchange is over. It is false when too much waits already.
func (p *player) soon(do func(context.Context) error) bool {
	if len(p.todo) == maxTodo {
		return false
	}
	p.todo = append(p.todo, do)
	return true
}

// afterScript puts off work until the script is done.
func (p *player) afterScript(do func(context.Context) error) {
	if !p.scripted {
		p.soon(do)
	} else if len(p.later) < maxTodo {
		p.later = append(p.later, do)
	}
}

// reboot is what follows an accepted Reset [1.6 §5.14].
func (p *player) reboot(ctx context.Context) error {
	p.disconnect()
	if err := p.reconnect(ctx); err != nil {
		return err
	}
	return p.boot(ctx, p.firstBoot())
}

// firstBoot is the script's own boot, or one of the defaults.
func (p *player) firstBoot() *Boot {
	for _, step := range p.o.Scenario.Steps {
		if b, ok := step.Do.(*Boot); ok {
			return b
		}
	}
	def := p.o.Scenario.Defaults
	return &Boot{Vendor: def.Vendor, Model: def.Model, Firmware: def.Firmware, Serial: def.Serial}
}

// trigger answers TriggerMessage, and has the message sent [1.6 §5.17].
func (p *player) trigger(req request) statusOnly {
	if req.Connector < 0 || req.Connector > p.o.Scenario.Connectors {
		return status("Rejected")
	}
	send := p.triggered(req)
	if send == nil {
		return status("NotImplemented")
	}
	return acceptedIf(p.soon(send), "Rejected")
}

func (p *player) triggered(req request) func(context.Context) error {
	plain := func(action string, payload any) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := p.call(ctx, action, payload)
			return err
		}
	}
	switch req.Requested {
	case "Heartbeat":
		return plain("Heartbeat", struct{}{})
	case "BootNotification":
		return func(ctx context.Context) error { return p.boot(ctx, p.firstBoot()) }
	case "DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification":
		return plain(req.Requested, status("Idle"))
	case "StatusNotification":
		return p.eachConnector(req.Connector, p.triggeredStatus)
	case "MeterValues":
		return p.eachConnector(req.Connector, p.triggeredMeter)
	}
	return nil
}

// eachConnector does it for one connector, or for all where none is named.
func (p *player) eachConnector(connector int, do func(context.Context, int) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if connector > 0 {
			return do(ctx, connector)
		}
		for c := range p.o.Scenario.Connectors {
			if err := do(ctx, c+1); err != nil {
				return err
			}
		}
		return nil
	}
}

func (p *player) triggeredStatus(ctx context.Context, connector int) error {
	now := p.status[connector]
	if now == "" && p.running[connector] != nil {
		now = hayalet.Charging.String()
	}
	_, err := p.call(ctx, "StatusNotification", p.statusPayload(connector, cmp.Or(now, hayalet.Available.String()), "NoError", p.nowStamp()))
	return err
}

// triggeredMeter sends the register as it was last sent. It adds no energy, so it is never phantom.
func (p *player) triggeredMeter(ctx context.Context, connector int) error {
	last, ok := p.last[connector]
	if !ok {
		return nil
	}
	a := &Meter{Connector: connector, Unit: last.unit, Context: hayalet.Trigger.String(), Measurand: energyRegister}
	return p.meter(ctx, a, last.value, p.nowStamp())
}

func (p *player) remoteStart(req request) statusOnly {
	connector := cmp.Or(req.Connector, 1)
	if p.scripted || req.IDTag == "" || connector < 0 || connector > p.o.Scenario.Connectors || p.running[connector] != nil {
		return status("Rejected")
	}
	return acceptedIf(p.soon(func(ctx context.Context) error {
		if p.running[connector] != nil {
			return nil // asked for twice
		}
		return p.start(ctx, &Start{Connector: connector, IDTag: req.IDTag, MeterStart: p.register(connector)}, p.nowStamp())
	}), "Rejected")
}

func (p *player) remoteStop(req request) statusOnly {
	for connector, tx := range p.running {
		if p.scripted || tx.id != req.Transaction {
			continue
		}
		return acceptedIf(p.soon(func(ctx context.Context) error {
			if p.running[connector] != tx {
				return nil // asked for twice
			}
			return p.stop(ctx, &Stop{Connector: connector, MeterStop: p.register(connector), Reason: "Remote"}, p.nowStamp())
		}), "Rejected")
	}
	return status("Rejected")
}

// register is the connector's last reading in the unit that the station writes meterStart and meterStop in.
func (p *player) register(connector int) int64 {
	last := p.last[connector]
	energy, _ := last.value.energy(last.unit)
	if p.o.Scenario.Defaults.MeterUnit == unitKWh {
		return int64(energy / hayalet.KilowattHour)
	}
	return int64(energy / hayalet.WattHour)
}

// availability answers ChangeAvailability [1.6 §5.2]; the script goes on in any case.
func (p *player) availability(req request) statusOnly {
	if req.Connector < 0 || req.Connector > p.o.Scenario.Connectors {
		return status("Rejected")
	}
	for connector := range p.running {
		if req.Connector == 0 || req.Connector == connector {
			return status("Scheduled")
		}
	}
	return status("Accepted")
}
