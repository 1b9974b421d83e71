package session

import "hayalet"

// tell says to the rules that the running transaction has begun, where its start did not say at which register it did: with
// its first value, which is that register and what can have been delivered since. A value older than what the register has
// shown already is of a queue that was overtaken: then the end tells.
func (s *Station) tell(c *Connector, v *value) {
	tx := &c.Tx
	if c.State != Active || !tx.Untold {
		return
	}
	gap, ok := s.before(c, *v)
	if tx.Track < 0 && (ok || c.newest() > tx.StartedAt) {
		return
	}
	tx.Untold = false
	s.OutletGrowth += gap.Increase
	s.step(Step{Kind: StepStart, Connector: c, At: v.recv, EventAt: tx.StartedAt, Reading: gap, HasGap: ok})
}

// tellAtEnd does so for a transaction that ended before it had a value, or whose values came late.
func (s *Station) tellAtEnd(c *Connector, recv hayalet.Instant) {
	tx := &c.Tx
	if !tx.Untold {
		return
	}
	tx.Untold = false
	if tx.Explains != 0 {
		s.step(Step{Kind: StepExplained, Connector: c, At: recv, EventAt: tx.StartedAt, Since: tx.Explains})
	}
	s.step(Step{Kind: StepStart, Connector: c, At: recv, EventAt: tx.StartedAt})
}

// before is the growth up to the start of the running transaction, as its first value v shows it. Where the start comes out
// of a queue, a register that was read since shows nothing of it, and the transaction has no track; else the start claims to
// be older than it can be.
func (s *Station) before(c *Connector, v value) (Reading, bool) {
	r, t, ok := s.growth(c, &v)
	if !ok {
		r, t, ok = s.leap(c, &v)
	}
	if !ok || t.Last.At > c.Tx.StartedAt && c.Tx.Explains != 0 {
		return Reading{}, ok
	}
	own := hayalet.Energy(0)
	if v.context != hayalet.TransactionBegin {
		own = min(r.Increase, c.usual().Over(max(0, v.at.Sub(max(c.Tx.since(), t.Last.At)))))
	}
	r.Increase -= own
	r.Value = v.energy - own
	r.At = max(r.Since, min(r.At, c.Tx.StartedAt))
	c.Tx.Track, c.Tx.Start = int8(c.index(t)), point{r.Value, c.Tx.StartedAt}
	return r, c.Tx.Idle
}

// leap is the growth up to v where nothing can deliver it since the register was last read: then it stood still in what we
// were told, and not in truth.
func (s *Station) leap(c *Connector, v *value) (r Reading, t *Track, ok bool) {
	t = c.conflicting(v)
	if t == nil || t.StopOnly {
		return r, nil, false
	}
	if rise := v.scaled(t.Scale, t).energy - t.Last.Value; rise <= 0 || rise > absurd {
		return r, nil, false
	}
	r = s.grown(c, t, t.Scale, v)
	r.Evidence |= hayalet.EvidenceImpossible
	return r, t, true
}

// since is when the transaction can have begun: its start was sent soon after, or waited for the link.
func (t *Transaction) since() hayalet.Instant {
	if t.Queued {
		return t.StartedAt
	}
	return max(t.StartedAt, t.StartedRecv.Add(-oldMessage))
}

// queued reports whether v belongs to a transaction that was only inferred to have ended, since the station said Available
// before it sent what it had queued: it was taken while the link was down or before.
func (s *Station) queued(c *Connector, v *value, e *hayalet.Event) bool {
	tx := &c.Tx
	return c.State == Inactive && tx.End == EndedByIdle && c.names(e) && s.Link.Down != 0 && tx.EndedRecv >= s.Link.Up &&
		v.at >= tx.StartedAt && v.at <= min(s.Link.Up, tx.EndedAt) && v.recv.Sub(s.Link.Up) <= backlogTime
}
