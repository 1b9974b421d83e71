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
		return p.setStatus(ctx, a, p.stamp(m.at))
	case *Boot:
		return p.whileOnline("BootNotification", func() error { return p.boot(ctx, a, powerUp) })
	case *Authorize:
		return p.send(ctx, p.dialect.authorize(a.IDTag))
	case *Heartbeat:
		return p.send(ctx, heartbeat())
	case *DataTransfer:
		return p.send(ctx, transfer(a))
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

// send is a call that nothing follows from.
func (p *player) send(ctx context.Context, m message) error {
	return p.deliver(ctx, m, func(ctx context.Context) error { return p.tell(ctx, m) })
}

// deliver does what sends a message, now or, where it is of use later, when the connection is back.
func (p *player) deliver(ctx context.Context, m message, do func(context.Context) error) error {
	if p.client != nil {
		return do(ctx)
	}
	if !m.late || len(p.queue) == maxQueue {
		p.note(Note{Kind: NoteSkipped, Action: m.action})
		return nil
	}
	p.note(Note{Kind: NoteQueued, Action: m.action})
	p.queue = append(p.queue, do)
	return nil
}

// situation is what holds now; tx may be nil.
func (p *player) situation(connector int, tx *transaction, stamp time.Time) situation {
	return situation{
		connector: connector, tx: tx, own: tx != nil && tx == p.running[connector], status: p.status[connector],
		stamp: stamp, offline: p.client == nil,
	}
}

// boot asks until it is accepted. The time that refusals take moves the rest of the script.
func (p *player) boot(ctx context.Context, a *Boot, why bootReason) error {
	begun := time.Now()
	m := p.dialect.boot(a, why)
	for try := 1; ; try++ {
		r, err := p.call(ctx, m)
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

func (p *player) setStatus(ctx context.Context, a *SetStatus, stamp time.Time) error {
	p.status[a.Connector] = a.Status
	for _, m := range p.dialect.statusChange(p.situation(a.Connector, p.running[a.Connector], stamp), a.Error) {
		if err := p.send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) start(ctx context.Context, a *Start, stamp time.Time) error {
	tx := &transaction{}
	p.running[a.Connector] = tx
	m := p.dialect.start(p.situation(a.Connector, tx, stamp), a)
	return p.deliver(ctx, m, func(ctx context.Context) error {
		p.tally.start(a.Connector)
		p.note(Note{Kind: NoteChargingStarts, Connector: a.Connector})
		r, err := p.call(ctx, m)
		if err != nil || !r.ok {
			return err
		}
		verdict, err := p.dialect.started(tx, r.payload)
		if err != nil {
			p.res.CallErrors++
			return nil
		}
		if tx.named {
			p.res.Transactions = append(p.res.Transactions, tx.id)
		}
		if verdict != "" && verdict != "Accepted" {
			p.note(Note{Kind: NoteTokenRefused, Connector: a.Connector, Text: verdict})
		}
		return nil
	})
}

func (p *player) stop(ctx context.Context, a *Stop, stamp time.Time) error {
	m := p.dialect.stop(p.situation(a.Connector, p.transaction(a.Transaction, a.Connector), stamp), a)
	if running := p.running[a.Connector]; running != nil {
		p.ended[a.Connector] = running
		delete(p.running, a.Connector)
	}
	return p.deliver(ctx, m, func(ctx context.Context) error {
		p.tally.stop(a.Connector, meterField(a.MeterStop, p.o.Scenario.Defaults.MeterUnit))
		p.note(Note{Kind: NoteStopping, Connector: a.Connector, Action: m.action})
		err := p.tell(ctx, m)
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
		if p.made[ref.number] == nil {
			p.made[ref.number] = &transaction{id: hayalet.NumericTransaction(ref.number)}
		}
		return p.made[ref.number]
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
	m := p.dialect.meter(p.situation(a.Connector, tx, stamp), a, value)
	return p.deliver(ctx, m, func(ctx context.Context) error {
		note := Note{Kind: NotePhantom, Connector: a.Connector, Value: value.String(), Unit: a.Unit}
		if a.Phantom {
			p.note(note)
		}
		r, err := p.call(ctx, m)
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
	return p.write([]byte(text))
}
