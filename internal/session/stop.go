package session

import (
	"time"

	"hayalet"
)

func (s *Station) stop(e *hayalet.Event) {
	c := s.stopped(e)
	if c == nil {
		return
	}
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	if len(e.Samples) > 0 {
		s.transactionData(c, e, at)
	}
	switch c.State {
	case Active:
		if e.HasMeter {
			c.placeStop(e.Meter, at, e.At)
		}
		s.end(c, Stopped, at, e.At)
	case Inactive: // its end was inferred: the stop makes it certain, and its register the baseline
		if e.HasMeter {
			c.placeStop(e.Meter, at, e.At)
			c.rebase()
		}
		c.Tx.End, c.Tx.EndedAt, c.Tx.EndedRecv = Stopped, at, e.At
		s.step(Step{Kind: StepStop, Connector: c, At: e.At, EventAt: at})
	case Unknown:
		if e.HasMeter {
			c.placeStop(e.Meter, at, e.At)
		}
		c.HasTx = true
		c.Tx.ID = e.Transaction
		s.end(c, Stopped, at, e.At)
	}
}

// stopped finds the connector whose transaction a stop ends. The id leads; without a usable one the stop must be
// unambiguous. A stop said again ends nothing.
func (s *Station) stopped(e *hayalet.Event) *Connector {
	named := func(c *Connector) bool { return c.HasTx && c.Tx.ID.IsSet() && c.Tx.ID == e.Transaction }
	usable := e.Transaction.Usable()
	if c := s.only(e, func(c *Connector) bool { return usable && c.State == Active && named(c) }); c != nil {
		return c
	}
	if c := s.only(e, func(c *Connector) bool { return c.State == Inactive && named(c) && c.Tx.End != Stopped }); c != nil {
		return c
	}
	if c := s.only(e, func(c *Connector) bool { return c.State == Active && !(usable && c.Tx.ID.Usable()) }); c != nil {
		return c
	}
	for _, c := range s.Connectors {
		if c.State == Active || usable && named(c) {
			return nil
		}
	}
	return s.only(e, func(c *Connector) bool { return c.State == Unknown })
}

// only returns the one outlet that matches, or of several the one whose register meterStop carries on; nil where that is
// none or more than one.
func (s *Station) only(e *hayalet.Event, match func(*Connector) bool) *Connector {
	var one, fit *Connector
	matches, fits := 0, 0
	for _, c := range s.Connectors {
		if c.ID == 0 || !match(c) {
			continue
		}
		one, matches = c, matches+1
		if e.HasMeter && c.carriedOn(e.Meter, e.At) {
			fit, fits = c, fits+1
		}
	}
	switch {
	case matches == 1:
		return one
	case fits == 1:
		return fit
	}
	return nil
}

// end closes the running transaction of c and makes the values of its tracks the baselines.
func (s *Station) end(c *Connector, how End, at, recv hayalet.Instant) {
	tx := &c.Tx
	tx.End, tx.EndedAt, tx.EndedRecv = how, at, recv
	c.State = Inactive
	c.IdleSince, c.IdleRecv = max(at, c.newest()), recv
	tx.Energy, tx.Power = 0, 0
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if p := t.powerBefore(point{t.Last.Value, max(at, t.Last.At)}); t.Last.At >= tx.StartedAt {
			tx.Power = max(tx.Power, p)
		}
		if t.Newer.At != 0 {
			first := t.Older
			if first.At == 0 {
				first = t.Newer
			}
			tx.Energy = max(tx.Energy, t.Last.Value-first.Value)
		}
	}
	if t := c.startTrack(); t != nil {
		tx.Energy = max(tx.Energy, t.Last.Value-tx.Start.Value)
		if tx.Power == 0 {
			tx.Power = hayalet.MeanPower(tx.Energy, at.Sub(tx.StartedAt))
		}
	}
	c.rebase()
	c.remember()
	c.Idle.interrupt()
	s.step(Step{Kind: StepStop, Connector: c, At: recv, EventAt: at})
}

// rebase makes the last values the baselines. A track whose last value lies well before the end is not anchored: part of
// its next increase belongs to the transaction.
func (c *Connector) rebase() {
	for i := range c.Tracks {
		t := &c.Tracks[i]
		t.Baseline = point{t.Last.Value, max(c.Tx.EndedAt, t.Last.At)}
		t.Anchored = c.Tx.EndedAt.Sub(t.Last.At) <= time.Second
		t.Pending, t.Before, t.Jumped, t.Aside = point{}, point{}, false, false
	}
}
