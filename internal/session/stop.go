package session

import (
	"time"

	"hayalet"
)

func (s *Station) stop(e *hayalet.Event) {
	s.land(e)
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	c := s.stopped(e)
	if c == nil {
		s.unbound(e, at)
		return
	}
	if len(e.Samples) > 0 {
		s.transactionData(c, e, at)
	}
	var book Book
	if e.HasMeter {
		book = c.placeStop(e, at)
	}
	switch c.State {
	case Active:
		s.end(c, Stopped, at, e.At, book)
	case Inactive: // its end was inferred: the stop makes it certain, and its register the baseline
		if e.HasMeter {
			c.rebase()
		}
		c.Tx.End, c.Tx.EndedAt, c.Tx.EndedRecv = Stopped, at, e.At
		s.step(Step{Kind: StepStop, Connector: c, At: e.At, EventAt: at, Book: book})
	case Unknown:
		c.HasTx = true
		c.Tx.ID = e.Transaction
		s.end(c, Stopped, at, e.At, book)
	}
	c.stoppedWith(e)
	c.told(e)
}

// stoppedWith keeps the meterStop of the transaction that ended, so that another one is seen to differ.
func (c *Connector) stoppedWith(e *hayalet.Event) {
	for i := range c.Ended {
		if last := &c.Ended[i]; last.Key == c.Tx.key() {
			last.ID, last.Stop, last.HasStop = c.Tx.ID, e.Meter, e.HasMeter
			return
		}
	}
}

// unbound takes a stop that ends nothing: one that came before, or one of a transaction whose start was never seen.
func (s *Station) unbound(e *hayalet.Event, at hayalet.Instant) {
	if !e.HasMeter {
		return
	}
	if c, last := s.endedWith(e); last != nil {
		s.step(Step{
			Kind: StepRestop, Connector: c, At: e.At, EventAt: at, ID: e.Transaction,
			Book: Book{Stop: e.Meter, HasStop: true, Was: last.Stop, HasWas: last.HasStop},
		})
		return
	}
	c := s.only(e, func(c *Connector) bool { return c.State == Inactive && !c.provisional(e.At) })
	if c == nil {
		return
	}
	v := bookValue(e, at, hayalet.TransactionEnd)
	r, t, ok := s.growth(c, &v)
	if !ok || r.Increase == 0 {
		return
	}
	t.take(r.Value, &v)
	s.OutletGrowth += r.Increase
	r.ID = e.Transaction
	s.step(Step{Kind: StepUnknownStop, Connector: c, At: e.At, EventAt: r.At, Reading: r, ID: e.Transaction})
}

// endedWith finds the transaction that ended under the id of a stop, the one with its meterStop before others: some stations
// use an id again.
func (s *Station) endedWith(e *hayalet.Event) (of *Connector, last *EndedTx) {
	if !e.Transaction.Usable() {
		return nil, nil
	}
	for _, c := range s.Connectors {
		for i := range c.Ended {
			tx := &c.Ended[i]
			switch {
			case tx.ID != e.Transaction:
			case tx.HasStop && tx.Stop == e.Meter:
				return c, tx
			case last == nil:
				of, last = c, tx
			}
		}
	}
	return of, last
}

// gap is the growth from the register's last value to the meterStart of a start, where the connector was known to be idle.
func (s *Station) gap(c *Connector, e *hayalet.Event, at hayalet.Instant) (Reading, bool) {
	if c.State != Inactive || !e.HasMeter || c.Tx.End == EndedByIdle && c.provisional(e.At) {
		return Reading{}, false
	}
	v := bookValue(e, at, hayalet.TransactionBegin)
	if c.misread(&v) != nil {
		return Reading{}, false
	}
	r, _, ok := s.growth(c, &v)
	return r, ok
}

// growth tells how far a value of the station's book lies above the register that it carries on. What the transaction before
// can have delivered after the register's last value is no growth. The register is left as it was.
func (s *Station) growth(c *Connector, v *value) (r Reading, t *Track, ok bool) {
	v.at = max(v.at, s.oldest())
	if t, scale := c.candidate(v, c.limit()); t != nil {
		return s.grown(c, t, scale, v), t, true
	}
	if t = c.bookTrack(v); t == nil {
		return r, nil, false
	}
	r = s.grown(c, t, c.Tx.Scale, v)
	r.Evidence |= hayalet.EvidenceImpossible
	return r, t, true
}

// bookTrack is the track of the last meterStop where v, of the same book, lies above it by what the connector can have
// delivered since, though not since the last sample: the register stood still in what the samples said, and not in truth.
func (c *Connector) bookTrack(v *value) *Track {
	t := c.startTrack()
	if t == nil || !v.book || c.Tx.End != Stopped || !t.Anchored || t.BookFine == 0 || t.EpochOpen || !t.same(v) {
		return nil
	}
	sv := v.scaled(c.Tx.Scale, t)
	if sv.energy < t.Last.Value || sv.energy > t.reach(t.Baseline, c.Tx.EndedRecv, &sv, c.usual()) {
		return nil
	}
	return t
}

// grown is how far v, scaled, lies above the track.
func (s *Station) grown(c *Connector, t *Track, scale int64, v *value) (r Reading) {
	*v = v.scaled(scale, t)
	r = Reading{
		Value: v.energy, Written: t.tolerance(v), Quantum: v.quantum, Since: t.Last.At, At: max(v.at, t.Last.At), Context: v.context, Track: c.index(t),
		OverOutage: t.LastRecv < s.Link.Up, Increase: max(0, v.energy-t.Last.Value), Fate: FateCounted,
	}
	r.Baseline, r.BaselineAt = t.Baseline.Value, t.Baseline.At
	if t.LastBook { // two values of the book, whatever the samples' steps are
		r.Written = max(hayalet.WattHour, v.step)
	}
	if !t.Anchored {
		r.Increase = max(0, r.Increase-c.free(t)-t.tolerance(v))
		r.Baseline, r.BaselineAt = v.energy-r.Increase, c.IdleSince
		r.Since = min(max(r.Since, c.IdleSince), r.At)
	}
	return r
}

// stopped finds the connector whose transaction a stop ends. The id leads; without a usable one the stop must be
// unambiguous. A stop said again ends nothing.
func (s *Station) stopped(e *hayalet.Event) *Connector {
	named := func(c *Connector) bool { return c.HasTx && c.Tx.ID.IsSet() && c.Tx.ID == e.Transaction }
	usable := e.Transaction.Usable()
	running := func(c *Connector) bool { return usable && c.State == Active && named(c) }
	if c := s.only(e, running); c != nil {
		return c
	}
	if c := s.misplaced(e, running); c != nil {
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

// misplaced finds the transaction of a stop that names an EVSE where its id never was: the central system ends it by the id.
func (s *Station) misplaced(e *hayalet.Event, running func(*Connector) bool) *Connector {
	if !e.HasConnector {
		return nil
	}
	if c := s.Connector(e.Connector); c != nil && c.Issued(e.Transaction) {
		return nil
	}
	anywhere := *e
	anywhere.HasConnector = false
	return s.only(&anywhere, running)
}

// only returns the one outlet that matches, or of several the one whose register meterStop carries on; nil where that is
// none or more than one.
func (s *Station) only(e *hayalet.Event, match func(*Connector) bool) *Connector {
	var one, fit *Connector
	matches, fits := 0, 0
	for _, c := range s.Connectors {
		if c.ID == 0 || e.HasConnector && c.ID != e.Connector || !match(c) {
			continue
		}
		one, matches = c, matches+1
		if e.HasMeter && c.carriedOn(e) {
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
func (s *Station) end(c *Connector, how End, at, recv hayalet.Instant, book Book) {
	tx := &c.Tx
	tx.End, tx.EndedAt, tx.EndedRecv = how, at, recv
	c.State = Inactive
	c.IdleSince, c.IdleRecv = max(at, c.newest()), recv
	tx.Energy, tx.Power = 0, 0
	tx.Idled = 0
	if c.PowerAt >= tx.StartedAt && c.PowerAt >= c.newest() && c.Power < drawnIdle {
		tx.Idled = c.PowerAt
	}
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
	s.tellAtEnd(c, recv)
	s.step(Step{Kind: StepStop, Connector: c, At: recv, EventAt: at, Book: book})
}

// rebase makes the last values the baselines. A track whose last value lies well before the end is not anchored: part of
// its next increase belongs to the transaction.
func (c *Connector) rebase() {
	for i := range c.Tracks {
		t := &c.Tracks[i]
		t.Baseline = point{t.Last.Value, max(c.Tx.EndedAt, t.Last.At)}
		t.Anchored = c.Tx.EndedAt.Sub(t.Last.At) <= time.Second && t.Slack == 0
		t.Pending, t.Aside = point{}, false
		if said := i == int(c.Tx.Track) && t.LastBook && c.Tx.End != Stopped; !said { // else nothing but a meterStart speaks for its fall
			t.Before, t.Jumped = point{}, false
		}
	}
}
