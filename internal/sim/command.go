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

// reboot is what follows an accepted Reset [1.6 §5.14, 2.x B11].
func (p *player) reboot(ctx context.Context) error {
	p.disconnect()
	if err := p.reconnect(ctx); err != nil {
		return err
	}
	return p.boot(ctx, p.firstBoot(), remoteReset)
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

// trigger answers TriggerMessage, and has the message sent [1.6 §5.17, 2.x F06].
func (p *player) trigger(connector int, send func(context.Context) error) statusOnly {
	if !p.station.has(connector) {
		return status("Rejected")
	}
	if send == nil {
		return status("NotImplemented")
	}
	return acceptedIf(p.soon(send), "Rejected")
}

// triggered returns what sends the message that is asked for, or nil.
func (p *player) triggered(action string, connector int) func(context.Context) error {
	plain := func(m message) func(context.Context) error {
		return func(ctx context.Context) error { return p.tell(ctx, m) }
	}
	switch action {
	case "Heartbeat":
		return plain(heartbeat())
	case "BootNotification":
		return func(ctx context.Context) error { return p.boot(ctx, p.firstBoot(), triggered) }
	case "DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification":
		return plain(message{action: action, payload: status("Idle")})
	case "StatusNotification":
		return p.eachConnector(connector, p.triggeredStatus)
	case "MeterValues":
		return p.eachConnector(connector, func(ctx context.Context, c int) error { return p.triggeredMeter(ctx, c, TxRef{}) })
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
	s := p.situation(connector, p.running[connector], p.nowStamp())
	if s.status == "" && s.own {
		s.status = hayalet.Charging.String()
	}
	s.status = cmp.Or(s.status, hayalet.Available.String())
	return p.tell(ctx, p.dialect.status(s, "NoError"))
}

// triggeredMeter sends the register as it was last sent. It adds no energy, so it is never phantom.
func (p *player) triggeredMeter(ctx context.Context, connector int, tx TxRef) error {
	last, ok := p.last[connector]
	if !ok {
		return nil
	}
	a := &Meter{Connector: connector, Unit: last.unit, Context: hayalet.Trigger.String(), Measurand: energyRegister, Transaction: tx}
	return p.meter(ctx, a, last.value, p.nowStamp())
}

// remoteStart takes an order to start; its register is the last one that was sent.
func (p *player) remoteStart(a *Start) statusOnly {
	if p.scripted || a.IDTag == "" || a.Connector < 1 || !p.station.has(a.Connector) || p.running[a.Connector] != nil {
		return status("Rejected")
	}
	return acceptedIf(p.soon(func(ctx context.Context) error {
		if p.running[a.Connector] != nil {
			return nil // asked for twice
		}
		a.MeterStart = p.register(a.Connector)
		return p.start(ctx, a, p.nowStamp())
	}), "Rejected")
}

func (p *player) remoteStop(id hayalet.TransactionID) statusOnly {
	for connector, tx := range p.running {
		if p.scripted || tx.id != id {
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

// availability answers ChangeAvailability [1.6 §5.2, 2.x G03]; the script goes on in any case.
func (p *player) availability(connector int) statusOnly {
	if !p.station.has(connector) {
		return status("Rejected")
	}
	for c := range p.running {
		if connector == 0 || connector == c {
			return status("Scheduled")
		}
	}
	return status("Accepted")
}
