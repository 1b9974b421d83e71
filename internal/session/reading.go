package session

import (
	"time"

	"hayalet"
)

// maxValues bounds the register values that are read from one group of samples. It is far above what a station has, so
// that old values cannot push the true one out.
const maxValues = 256

// meter takes a MeterValues message: group by group in the order of the message, a group being the samples of one stamp.
func (s *Station) meter(e *hayalet.Event) {
	s.land(e)
	c := s.metered(e)
	if c == nil {
		return
	}
	if e.Flaws != 0 {
		c.Notes |= NoteMalformed
	}
	if c.lapsed(e) {
		c.Tx.Lapsed = true
		s.end(c, c.Tx.Resumed, c.newest(), e.At, Book{})
	}
	if c.neverBegan(e.At) {
		s.unbegin(c, e.At)
	}
	s.hint(c, e)
	c.told(e)
	for first := 0; first < len(e.Samples); {
		last := first + 1
		for last < len(e.Samples) && e.Samples[last].ClaimedAt == e.Samples[first].ClaimedAt {
			last++
		}
		s.group(c, e, e.Samples[first:last])
		first = last
	}
}

// unbegin ends a transaction that never began: what has flowed since its start is no transaction's. Its start may yet come
// again.
func (s *Station) unbegin(c *Connector, recv hayalet.Instant) {
	t := c.startTrack()
	s.end(c, EndedByIdle, c.newest(), recv, Book{})
	c.Tx.Lapsed, c.Ended[0].Key = true, StartKey{}
	if t != nil {
		t.Baseline, t.Anchored = c.Tx.Start, true
	}
}

// metered returns the connector that meter values speak of: in a TransactionEvent without an EVSE that of the transaction.
// Else, without a usable connectorId, it is the only outlet, if there is only one: a broken message must not hide a reading.
func (s *Station) metered(e *hayalet.Event) *Connector {
	if e.HasConnector {
		s.note(e)
		return s.connector(e.Connector)
	}
	if c := s.bound(e); c != nil {
		return c
	}
	var only *Connector
	for _, c := range s.Connectors {
		if c.ID == 0 {
			continue
		}
		if only != nil {
			return nil
		}
		only = c
	}
	return only
}

// hint weighs the id of a meter value: it may show a running session to a connector of which nothing is known, and takes
// an inferred end back; it never wakes a connector that is known to be idle.
func (s *Station) hint(c *Connector, e *hayalet.Event) {
	if !e.Transaction.Usable() || c.ID == 0 {
		return
	}
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	switch {
	case e.Running && c.names(e) && c.State == Inactive && c.Tx.End == EndedByIdle && c.Plugged != 0: // plugged in again [2.0.1 E10]
		c.resume()
	case (c.State == Unknown || c.Presumed) && !(c.HasTx && c.Tx.End == Stopped && c.Tx.ID == e.Transaction):
		c.adopt(e.Transaction, at, e.At)
	case c.State == Active && c.Tx.Adopted && !c.Tx.ID.IsSet():
		c.Tx.ID = e.Transaction
	case c.provisional(e.At) && c.Tx.ID == e.Transaction && at > c.Tx.EndedAt: // what was taken before the end tells nothing of it
		c.resumeByID()
	}
}

// group takes the samples of one stamp.
func (s *Station) group(c *Connector, e *hayalet.Event, samples []hayalet.Sample) {
	at, suspect := s.Clock.eventTime(samples[0].ClaimedAt, e.At)
	if suspect {
		c.Notes |= NoteClock
	}
	electric, ok := s.measure(c, e, samples, at)
	belated := false
	s.work.values = registers(s.work.values[:0], samples, at, e.At)
	for i := range s.work.values {
		v := &s.work.values[i]
		if upstream(c, v) {
			s.upstreamStep(c, v, e)
			continue
		}
		c.Heard = e.At
		s.tell(c, v)
		r := s.place(c, v, e, len(s.work.values))
		if suspect {
			r.Evidence |= hayalet.EvidenceClockSuspect
		}
		belated = belated || r.Fate == FateLate && r.At <= c.IdleSince
		if r.TakenBack {
			s.step(Step{Kind: StepRetracted, Connector: c, At: e.At, EventAt: r.At, Reading: r})
		}
		s.step(Step{Kind: StepReading, Connector: c, At: e.At, EventAt: r.At, Reading: r})
	}
	if ok {
		s.measured(c, e, electric, belated)
	}
}

// registers reduces the samples of one stamp to one value for each location and context: the total, or the sum over the
// phases where no total was sent. Intervals count only where there is no register.
func registers(dst []value, samples []hayalet.Sample, at, recv hayalet.Instant) []value {
	hasRegister := false
	for i := range samples {
		m := &samples[i]
		hasRegister = hasRegister || m.Measurand == hayalet.EnergyImportRegister && m.Usable() && !beforeOutlet(m.Location)
	}
	for i := range samples {
		m := &samples[i]
		interval := m.Measurand == hayalet.EnergyImportInterval
		if !m.Usable() || m.Value < 0 || m.Phase == hayalet.PhaseN || m.Measurand != hayalet.EnergyImportRegister && (!interval || hasRegister) {
			continue // no register of imported energy is below zero
		}
		step := min(hayalet.Energy(m.Quantum), hayalet.KilowattHour) // an exponent makes no register coarser
		v := value{
			energy: hayalet.Energy(m.Value), quantum: step, step: step, at: at, recv: recv, context: m.Context,
			location: m.Location, interval: interval, plain: !m.Prefixed, trimmed: m.Trimmed,
		}
		switch {
		case m.Phase == hayalet.PhaseOther:
			v.phases = otherPhase
		case m.Phase != hayalet.PhaseNone:
			v.phases = 1 << (m.Phase - 1)
		}
		dst = merge(dst, v)
	}
	return dst
}

// otherPhase is the bit of a phase that cannot be added to the others: line to line, or a name that nobody knows.
const otherPhase = 1 << 3

// merge adds a value to those of its group: a total replaces the sum of phases, a phase adds to it.
func merge(dst []value, v value) []value {
	for i := range dst {
		d := &dst[i]
		if d.location != v.location || d.context != v.context || d.interval != v.interval {
			continue
		}
		switch {
		case d.phases == 0 && v.phases != 0:
			return dst // the total is there
		case d.phases != 0 && v.phases == 0:
			*d = v
			return dst
		case d.phases == v.phases && d.energy == v.energy:
			return dst // said twice
		case d.phases&v.phases == 0 && v.phases != 0 && (d.phases|v.phases)&otherPhase == 0:
			d.energy += v.energy
			d.quantum = min(d.quantum, v.quantum)
			d.step += v.step
			d.phases |= v.phases
			return dst
		}
	}
	if len(dst) >= maxValues {
		return dst
	}
	return append(dst, v)
}

// place finds out what a register value means, puts it where it belongs and says what became of it.
func (s *Station) place(c *Connector, v *value, e *hayalet.Event, together int) Reading {
	r := Reading{Value: v.energy, Quantum: v.quantum, Written: v.step, At: v.at, Since: v.at, Context: v.context, ID: e.Transaction, Track: -1}
	switch {
	case v.context == hayalet.TransactionBegin && (together > 1 && c.State != Inactive || c.restated(v)):
		r.Fate = FateRestated
		return r
	case v.interval:
		return s.placeInterval(c, v, r)
	}
	v.partial = c.partial(v)
	if t := c.belated(v); t != nil {
		r.Fate, r.Track = FateLate, c.index(t)
		return c.withBaseline(r, t)
	}
	if s.queued(c, v, e) {
		t, scale := c.candidate(v, c.limit())
		if t != nil && t.delivers(v, scale, c.usual()) {
			sv := v.scaled(scale, t)
			t.take(sv.energy, &sv)
			t.Baseline = t.Last
			r.Fate, r.Track = FateLate, c.index(t)
			return c.withBaseline(r, t)
		}
	}
	if t := s.beforeUs(c, v); t != nil {
		r.Fate, r.Track = FateLate, c.index(t)
		return c.withBaseline(r, t)
	}
	if t := c.glitched(v); t != nil {
		sv := v.scaled(t.Scale, t)
		r.Value, r.Written, r.Track = sv.energy, sv.step, c.index(t)
		return s.returned(c, t, &sv, r)
	}
	limit := c.limit()
	t, scale := c.candidate(v, limit)
	if t == nil {
		t, scale = c.rescaled(v, limit)
	}
	if t != nil {
		if scale != t.Scale {
			t.Scale = scale
			c.Notes |= NoteScaled
		}
		sv := v.scaled(scale, t)
		return s.carryOn(c, t, &sv, r)
	}
	if t = c.conflicting(v); t != nil {
		sv := v.scaled(t.Scale, t)
		return s.conflict(c, t, &sv, r)
	}
	v.at = max(v.at, s.oldest())
	t = c.add(v)
	r.Fate, r.Track = FateFirst, c.index(t)
	if c.State == Active {
		t.inside(t.Last)
	}
	return c.withBaseline(r, t)
}

// belated returns the track of the transaction that was stopped where v belongs to it by both time and value: taken inside
// it, delivered after its stop.
func (c *Connector) belated(v *value) *Track {
	t := c.startTrack()
	if c.State != Inactive || c.Tx.End != Stopped || t == nil || !t.same(v) || v.at < c.Tx.StartedAt || v.at > c.Tx.EndedAt {
		return nil
	}
	sv := v.scaled(t.Scale, t)
	if sv.energy < c.Tx.Start.Value || sv.energy > t.Baseline.Value {
		return nil
	}
	return t
}

// backlogTime is how long after our first contact with a station the values of a session before it may still arrive.
const backlogTime = time.Hour

// beforeUs returns the register that v is an older value of, where it was taken before the connector became known to us:
// the backlog of a session that we did not see.
func (s *Station) beforeUs(c *Connector, v *value) *Track {
	if c.State != Inactive || c.Tx.End != NeverStarted || s.Link.Down != 0 || v.at >= c.IdleSince || v.recv.Sub(s.Link.Up) > backlogTime {
		return nil
	}
	for i := range c.Tracks {
		t := &c.Tracks[i]
		sv := v.scaled(t.Scale, t)
		if !t.same(v) || sv.energy > t.Last.Value && t.Last.At >= c.IdleSince {
			continue
		}
		if sv.energy > t.Last.Value { // all of it is from before: it moves the register and its baseline
			t.take(sv.energy, &sv)
			t.Baseline = t.Last
		}
		return t
	}
	return nil
}

// glitched finds the track of an idle connector whose register fell, stayed down and is back now where it was: what lies
// between is no energy, even if an outlet could have delivered it.
func (c *Connector) glitched(v *value) *Track {
	if c.State != Inactive {
		return nil
	}
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if t.Before.At == 0 || t.Jumped || !t.same(v) || !t.hasContext(v.context) || t.Last.Value >= t.Before.Value/2 {
			continue
		}
		sv := v.scaled(t.Scale, t)
		most := t.tolerance(&sv) + idleCap.Over(max(0, sv.at.Sub(t.Before.At)))
		if gap := sv.energy - t.Before.Value; gap >= -t.tolerance(&sv) && gap <= most {
			return t
		}
	}
	return nil
}

// partial reports whether v lacks phases that the same register had before: it can only be compared with such another.
func (c *Connector) partial(v *value) bool {
	if v.phases == 0 {
		return false
	}
	for i := range c.Tracks {
		if t := &c.Tracks[i]; t.Location == v.location && t.Phases != v.phases && t.Phases&v.phases == v.phases {
			return true
		}
	}
	return false
}

// restated reports whether v only says again what a track knew at the transaction's begin.
func (c *Connector) restated(v *value) bool {
	for i := range c.Tracks {
		if t := &c.Tracks[i]; t.same(v) && v.energy <= t.Last.Value {
			return true
		}
	}
	return false
}

// rescaled finds the track of a meterStart that must have been in kilowatt-hours, and puts it right.
func (c *Connector) rescaled(v *value, limit hayalet.Power) (*Track, int64) {
	t := c.startTrack()
	if t == nil || !t.StopOnly || c.Tx.Scale != 1 || !t.same(v) || t.Last.Value > absurd {
		return nil, 0
	}
	kilo := *t
	kilo.Last.Value *= 1000
	kilo.Quantum, kilo.Step, kilo.BookFine = kilo.Quantum*1000, kilo.Step*1000, kilo.BookFine*1000
	if !kilo.continues(v.energy, v, limit) || v.energy < kilo.Last.Value-v.quantum {
		return nil, 0
	}
	t.Last, t.Quantum, t.Step, t.BookFine = kilo.Last, kilo.Quantum, kilo.Step, kilo.BookFine
	t.Baseline.Value *= 1000
	t.Newer.Value *= 1000
	c.Tx.Scale, c.Tx.Start.Value = 1000, c.Tx.Start.Value*1000
	t.BookScale = 1000
	c.Notes |= NoteScaled
	return t, t.Scale
}

// carryOn takes a value that continues its track.
func (s *Station) carryOn(c *Connector, t *Track, v *value, r Reading) Reading {
	r.Value, r.Written, r.Track = v.energy, v.step, c.index(t)
	if v.at < t.Last.At && v.energy <= t.Last.Value {
		r.Fate = FateLate
		return c.withBaseline(r, t)
	}
	if c.State == Inactive && v.energy > t.Last.Value {
		s.bringForward(c, t, v, &r)
	}
	r.At, r.Since = v.at, t.Last.At
	r.OverOutage = t.LastRecv < s.Link.Up
	r.Increase = max(0, v.energy-t.Last.Value)
	t.moved(v.energy, r.Increase, c.State == Active)
	r.Moves = t.grid()
	t.StopOnly = t.StopOnly && v.book
	if c.State == Inactive && !t.Anchored {
		return s.anchor(c, t, v, r)
	}
	if t.Anew && c.State == Inactive {
		t.fromZero(t.Last, v.at, &r)
	}
	t.take(v.energy, v)
	r = s.counted(c, t, r)
	if c.State == Unknown && s.Whole && !c.HasTx && r.Increase == 0 && r.Elapsed() >= standstill {
		c.settleKnown(r.At, v.recv)
		c.Presumed = true
	}
	return r
}

// standstill is how long the register must stand still after a boot before a connector of which we know nothing else is
// presumed to be idle. Of one that grows from the first, a session may have survived the boot.
const standstill = time.Minute

// bringForward gives a rise a time that it can have had. A stamp inside the ended transaction does not explain a value
// above its stop, and a register cannot have risen before it was lower: such a value is of the time at which it came.
func (s *Station) bringForward(c *Connector, t *Track, v *value, r *Reading) {
	switch {
	case t.Anchored && c.HasTx && v.at < c.IdleSince:
		r.Evidence |= hayalet.EvidenceBackdated
		v.at = v.recv
	case v.at < t.Last.At:
		r.Evidence |= hayalet.EvidenceClockSuspect
		v.at = v.recv
	}
}

// anchor takes the first value after a stop on a track that was not read at the stop: what the connector can have
// delivered up to the stop is the transaction's, only the rest counts.
func (s *Station) anchor(c *Connector, t *Track, v *value, r Reading) Reading {
	free := c.free(t) + t.tolerance(v)
	t.Slack = 0
	s.OutletGrowth += r.Increase
	r.Increase = max(0, r.Increase-free)
	base := v.energy - r.Increase
	t.take(v.energy, v)
	t.Baseline, t.Anchored = point{base, c.IdleSince}, true
	if r.Since < c.IdleSince {
		r.Since = min(c.IdleSince, r.At)
	}
	r.Fate = FateAnchor
	if r.Increase > 0 {
		r.Fate = FateCounted
	}
	return c.withBaseline(r, t)
}

// free is what the transaction may have delivered between a track's last value and its end.
func (c *Connector) free(t *Track) hayalet.Energy {
	if t.Slack > 0 {
		return t.Slack
	}
	return c.share(t)
}

// share is the most that a track which was not read at the stop can have grown before it: what the transaction can have
// delivered, or did where meterStart and meterStop tell, and the standby before it.
func (c *Connector) share(t *Track) hayalet.Energy {
	from, standby := t.Last.At, hayalet.Energy(0)
	if began := c.Tx.since(); !c.Tx.Adopted && began > from {
		standby = idleCap.Over(began.Sub(from))
		from = began
	}
	power := c.delivered()
	if c.Tx.Idled != 0 && t.Last.At >= c.Tx.Idled { // it was read when nothing flowed any more
		power = drawnIdle
	}
	most := power.Over(c.IdleSince.Sub(from))
	if own := c.startTrack(); own != nil && own.Anchored && own.Baseline.Value > c.Tx.Start.Value {
		most = min(most, own.Baseline.Value-c.Tx.Start.Value)
	}
	return most + standby
}

// counted finishes a reading that was placed: inside a transaction it feeds the power before the end and the proof of
// direct current, outside it the idle allowance.
func (s *Station) counted(c *Connector, t *Track, r Reading) Reading {
	r.Fate = FateCounted
	implied := hayalet.MeanPower(r.Increase, r.Elapsed())
	if r.Increase > t.Quantum && implied > c.Rating() {
		r.Evidence |= hayalet.EvidenceImpossible
		c.Notes |= NoteImpossible
	}
	switch c.State {
	case Active:
		t.inside(t.Last)
		if r.Elapsed() >= minPowerSpan {
			c.reached(implied)
		}
		if implied > RatingAC && c.DCProofs < dcNeeds && c.PowerAt == r.At && c.Power > implied*4/5 && c.Power < implied*6/5 {
			c.DCProofs++
		}
	case Inactive:
		s.OutletGrowth += r.Increase
		c.Idle.observe(t.Last, max(t.Quantum, t.Step, t.grid()))
	}
	return c.withBaseline(r, t)
}

func (c *Connector) withBaseline(r Reading, t *Track) Reading {
	r.Baseline, r.BaselineAt = t.Baseline.Value, t.Baseline.At
	r.Quantum = max(t.Quantum, t.grid())
	return r
}

// placeInterval adds an interval's energy to a register of our own.
func (s *Station) placeInterval(c *Connector, v *value, r Reading) Reading {
	var t *Track
	for i := range c.Tracks {
		if c.Tracks[i].same(v) {
			t = &c.Tracks[i]
		}
	}
	if t == nil && c.State == Inactive {
		t = c.addInterval(v, s.oldest())
	}
	if t == nil {
		first := *v
		first.energy = 0
		t = c.add(&first)
		r.Fate, r.Track = FateFirst, c.index(t)
		return c.withBaseline(r, t)
	}
	if v.at <= t.Last.At { // the same interval again, or an older one
		r.Fate, r.Track = FateLate, c.index(t)
		return c.withBaseline(r, t)
	}
	sum := *v
	sum.energy = t.Last.Value + max(0, v.energy)
	return s.carryOn(c, t, &sum, r)
}

// addInterval makes the register of intervals of an idle connector, so that the first one counts from the stop. Part of it
// may be the transaction's.
func (c *Connector) addInterval(v *value, oldest hayalet.Instant) *Track {
	first := *v
	first.energy, first.at = 0, max(c.IdleSince, oldest)
	if c.HasTx {
		first.at = max(c.Tx.StartedAt, oldest)
	}
	if first.at >= v.at {
		return nil
	}
	t := c.add(&first)
	t.Anchored = !c.HasTx
	return t
}

// transactionData takes the register at the end of a transaction out of its stop: it anchors tracks on which meterStop
// does not lie.
func (s *Station) transactionData(c *Connector, e *hayalet.Event, at hayalet.Instant) {
	if c.State != Active {
		return
	}
	s.work.values = registers(s.work.values[:0], e.Samples, at, e.At)
	for i := range s.work.values {
		v := &s.work.values[i]
		own := e.MeterSampled && v.energy == e.Meter && !beforeOutlet(v.location) // it is meterStop, which comes next
		if v.context == hayalet.TransactionEnd && !own && !upstream(c, v) {
			s.place(c, v, e, 1)
		}
	}
}
