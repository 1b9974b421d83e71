package sim

import (
	"context"
	"fmt"
	"time"

	"hayalet"
	"hayalet/internal/ocpp"
)

// move does one thing of the script.
func (p *player) move(ctx context.Context, m move) error {
	switch a := m.step.Do.(type) {
	case *Start:
		return p.start(ctx, a, p.stamp(m.at))
	case *Meter:
		return p.meter(ctx, a, m.value, p.stamp(m.at).Add(a.Shift))
	case *Stop:
		return p.stop(ctx, a, p.stamp(m.at))
	case *Disconnect:
		p.disconnect()
		return nil
	case *Reconnect:
		return p.reconnect(ctx)
	case *SetStatus:
		p.status[a.Connector] = a.Status
		return p.online(ctx, "StatusNotification", p.statusPayload(a.Connector, a.Status, a.Error, p.stamp(m.at)))
	case *Boot:
		return p.whileOnline("BootNotification", func() error { return p.boot(ctx, a) })
	case *Authorize:
		return p.online(ctx, "Authorize", authorizePayload{IDTag: a.IDTag})
	case *Heartbeat:
		return p.online(ctx, "Heartbeat", struct{}{})
	case *DataTransfer:
		return p.online(ctx, "DataTransfer", transferPayload{VendorID: a.VendorID, MessageID: a.MessageID, Data: a.Data})
	case *Raw:
		return p.whileOnline("raw", func() error { return p.raw(ctx, a.Text) })
	}
	return fmt.Errorf("step %T: %w", m.step.Do, hayalet.ErrInvalid)
}

// whileOnline does what makes no sense later, or tells that it was left out.
func (p *player) whileOnline(action string, do func() error) error {
	if p.client == nil {
		p.note(Note{Kind: NoteSkipped, Action: action})
		return nil
	}
	return do()
}

func (p *player) online(ctx context.Context, action string, payload any) error {
	return p.whileOnline(action, func() error {
		_, err := p.call(ctx, action, payload)
		return err
	})
}

// deliver does what the central system must learn in any case, now or when the connection is back.
func (p *player) deliver(ctx context.Context, action string, do func(context.Context) error) error {
	if p.client != nil {
		return do(ctx)
	}
	if len(p.queue) == maxQueue {
		p.note(Note{Kind: NoteSkipped, Action: action})
		return nil
	}
	p.note(Note{Kind: NoteQueued, Action: action})
	p.queue = append(p.queue, do)
	return nil
}

// boot asks until it is accepted. The time that refusals take moves the rest of the script.
func (p *player) boot(ctx context.Context, a *Boot) error {
	begun := time.Now()
	payload := bootPayload{Model: a.Model, Serial: a.Serial, Vendor: a.Vendor, Firmware: a.Firmware}
	for try := 1; ; try++ {
		r, err := p.call(ctx, "BootNotification", payload)
		if err != nil {
			return err
		}
		var answer bootAnswer
		if p.decode(r, &answer) && answer.Status == "Accepted" {
			p.beat = seconds(answer.Interval)
			p.note(Note{Kind: NoteBootAccepted})
			if try > 1 {
				p.clock.start = p.clock.start.Add(time.Since(begun))
			}
			return nil
		}
		p.note(Note{Kind: NoteBootRefused, Text: answer.Status})
		if try == bootTries {
			return fmt.Errorf("boot of %s not accepted after %d tries (last status %q): %w", p.addr.station, bootTries, answer.Status, hayalet.ErrUnavailable)
		}
		wait := min(max(seconds(answer.Interval), time.Second), bootWait)
		if err := p.sleep(ctx, time.Now().Add(wait)); err != nil {
			return err
		}
	}
}

// seconds reads an interval of the central system: at most a day, and never negative.
func seconds(n int) time.Duration { return time.Duration(min(max(n, 0), 24*60*60)) * time.Second }

func (p *player) start(ctx context.Context, a *Start, stamp time.Time) error {
	tx := &transaction{id: unanswered}
	p.running[a.Connector] = tx
	payload := startPayload{Connector: a.Connector, IDTag: a.IDTag, Meter: a.MeterStart, Timestamp: stamp.Format(stampLayout)}
	return p.deliver(ctx, "StartTransaction", func(ctx context.Context) error {
		p.tally.start(a.Connector)
		p.note(Note{Kind: NoteChargingStarts, Connector: a.Connector})
		r, err := p.call(ctx, "StartTransaction", payload)
		if err != nil {
			return err
		}
		var answer startAnswer
		if !p.decode(r, &answer) {
			return nil
		}
		if answer.Transaction != nil {
			tx.id = *answer.Transaction
			p.res.Transactions = append(p.res.Transactions, tx.id)
		}
		if answer.Token.Status != "Accepted" {
			p.note(Note{Kind: NoteTokenRefused, Connector: a.Connector, Text: answer.Token.Status})
		}
		return nil
	})
}

func (p *player) stop(ctx context.Context, a *Stop, stamp time.Time) error {
	tx := p.transaction(a.Transaction, a.Connector)
	if running := p.running[a.Connector]; running != nil {
		p.ended[a.Connector] = running
		delete(p.running, a.Connector)
	}
	return p.deliver(ctx, "StopTransaction", func(ctx context.Context) error {
		p.tally.stop(a.Connector, meterField(a.MeterStop, p.o.Scenario.Defaults.MeterUnit))
		p.note(Note{Kind: NoteStopping, Connector: a.Connector})
		payload := stopPayload{Meter: a.MeterStop, Reason: a.Reason, Timestamp: stamp.Format(stampLayout), Transaction: tx.id}
		_, err := p.call(ctx, "StopTransaction", payload)
		if err == nil {
			p.note(Note{Kind: NoteStopped, Connector: a.Connector})
		}
		return err
	})
}

// transaction returns the one that ref names, or nil for none.
func (p *player) transaction(ref TxRef, connector int) *transaction {
	switch ref.kind {
	case txCurrent:
		return p.running[connector]
	case txStale:
		return p.ended[connector]
	case txNumber:
		return &transaction{id: ref.number}
	default:
		return nil
	}
}

func (p *player) meter(ctx context.Context, a *Meter, value Decimal, stamp time.Time) error {
	tx := p.transaction(a.Transaction, a.Connector)
	inside := p.running[a.Connector] != nil
	if a.isEnergy() {
		p.last[a.Connector] = reading{value: value, unit: a.Unit}
	}
	return p.deliver(ctx, "MeterValues", func(ctx context.Context) error {
		note := Note{Kind: NotePhantom, Connector: a.Connector, Value: value.String(), Unit: a.Unit}
		if a.Phantom {
			p.note(note)
		}
		payload := meterPayload{Connector: a.Connector, Values: []meterValue{{Timestamp: stamp.Format(stampLayout), Samples: a.samples(value)}}}
		if tx != nil {
			payload.Transaction = &tx.id
		}
		r, err := p.call(ctx, "MeterValues", payload)
		p.record(a, value, stamp, r)
		if err != nil || a.Phantom {
			return err
		}
		note.Kind = NoteIdleValue
		if inside {
			note.Kind = NoteMetering
		}
		p.note(note)
		return nil
	})
}

// record keeps the truth of a reading, unless it could not be sent.
func (p *player) record(a *Meter, value Decimal, stamp time.Time, r reply) {
	if r.id == "" {
		return
	}
	p.res.Readings++
	if !a.isEnergy() {
		return
	}
	energy, _ := value.energy(a.Unit) // the plan has checked it
	p.tally.reading(a.Connector, energy, a.Phantom)
	if a.Phantom {
		p.res.Phantom = append(p.res.Phantom, PhantomReading{
			Index: p.res.Readings, Connector: a.Connector, Value: value.String(), Unit: a.Unit, Energy: energy,
			ClaimedAt: instant(stamp), SentAt: instant(r.at), MessageID: r.id,
		})
	}
}

// raw sends a text as it is, and waits for an answer where one is due.
func (p *player) raw(ctx context.Context, text string) error {
	m, fault := ocpp.ParseMessage([]byte(text))
	if fault == nil && m.Type == ocpp.Call {
		_, err := p.exchange(ctx, m.ID, m.Action, []byte(text))
		return err
	}
	return p.send([]byte(text))
}

func (p *player) statusPayload(connector int, status, code string, stamp time.Time) statusPayload {
	return statusPayload{Connector: connector, Error: code, Status: status, Timestamp: stamp.Format(stampLayout)}
}
