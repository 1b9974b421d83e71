package session

import (
	"hayalet"
)

// conflict takes a value of a track's own context that does not carry the track on: it fell, or it rose faster than
// anything delivers.
func (s *Station) conflict(c *Connector, t *Track, v *value, r Reading) Reading {
	r.Value, r.Written, r.Track, r.At = v.energy, v.step, c.index(t), v.at
	if v.energy < t.Last.Value {
		return s.fell(c, t, v, r)
	}
	if t.Before.At != 0 && !t.Jumped && v.energy >= t.Before.Value-t.tolerance(v) && v.energy <= t.reach(t.Before, t.LastRecv, v, c.limit()) {
		return s.returned(c, t, v, r) // back on the epoch before
	}
	if c.State == Active && v.energy-t.Last.Value <= absurd {
		r.Since, r.Increase = t.Last.At, v.energy-t.Last.Value
		t.take(v.energy, v)
		return s.counted(c, t, r)
	}
	switch {
	case t.Aside && t.confirms(v, c.limit()):
		return s.beside(c, t, v, r)
	case t.Pending.At != 0 && !t.Aside && v.energy >= t.Pending.Value-t.tolerance(v) && v.energy-t.Pending.Value <= absurd:
		return s.jumped(c, t, v, r)
	}
	t.wait(v)
	r.Fate = FatePending
	return c.withBaseline(r, t)
}

// beside takes a value that carries on one which waits, while others carry on the track: they are two registers, sent in
// turns under one name.
func (s *Station) beside(c *Connector, t *Track, v *value, r Reading) Reading {
	first := *v
	first.energy, first.at = t.Pending.Value, t.Pending.At
	t.Pending, t.Aside = point{}, false
	return s.carryOn(c, c.add(&first), v, r)
}

// jumped takes an impossible rise that a second value confirms.
func (s *Station) jumped(c *Connector, t *Track, v *value, r Reading) Reading {
	before := t.Last
	// The first value ever was a zero, read before the meter answered; or a meter was put in that has counted elsewhere.
	if t.Young && before.Value == 0 || t.EpochOpen && t.Booted && c.State == Inactive && v.energy-before.Value > absurd {
		t.take(v.energy, v)
		t.Pending, t.Aside, t.Baseline = point{}, false, t.Last
		r.Fate = FateFirst
		return c.withBaseline(r, t)
	}
	r.Since, r.Increase, r.OverOutage = before.At, v.energy-before.Value, t.LastRecv < s.Link.Up
	r.Evidence |= hayalet.EvidenceImpossible
	r.Jumped = true
	t.take(v.energy, v)
	t.Pending, t.Aside = point{}, false
	t.Before, t.Jumped = before, true
	return s.counted(c, t, r)
}

// fell takes a value below its track: late, a new epoch, a jump taken back, or a first low value that waits for a second.
func (s *Station) fell(c *Connector, t *Track, v *value, r Reading) Reading {
	switch {
	case t.Jumped && v.energy >= t.Before.Value-t.tolerance(v) && v.energy <= t.reach(t.Before, t.LastRecv, v, c.limit()):
		return s.returned(c, t, v, r)
	case v.at < t.Last.At || c.State == Inactive && c.HasTx && v.at <= c.Tx.EndedAt:
		r.Fate = FateLate
		return c.withBaseline(r, t)
	case !t.EpochOpen && t.Aside && t.confirms(v, c.limit()):
		return s.beside(c, t, v, r)
	case t.EpochOpen, t.Pending.At != 0 && !t.Aside && t.Pending.Value < t.Last.Value && v.energy >= t.Pending.Value-t.tolerance(v):
		if !t.EpochOpen {
			c.Notes |= NoteRollback
		}
		from := c.belowStop(t, t.Pending)
		confirmed := from.At != 0 && !t.EpochOpen
		if !t.EpochOpen {
			r.Fall = t.Last.Value - v.energy
		}
		t.restart(v.energy, v)
		r.Fate = FateFirst
		if confirmed { // the rise between the two low values is a rise
			r.Fate, r.Since, r.Increase = FateCounted, from.At, max(0, v.energy-from.Value)
			t.Baseline.Value -= r.Increase
			t.fromZero(from, v.at, &r)
		} else if c.State == Inactive {
			t.Anew = true
		}
		if c.State == Active {
			t.Older, t.Newer = point{}, t.Last
		}
		return c.withBaseline(r, t)
	}
	t.wait(v)
	r.Fate = FatePending
	return c.withBaseline(r, t)
}

// belowStop is the point from which the register rose, where low is the first value after a stop and lies below its meterStop:
// that stood above the register, which goes on from its last sample and from what can have been delivered up to the stop.
func (c *Connector) belowStop(t *Track, low point) point {
	if low.At == 0 || !t.LastBook || c.State != Inactive || c.Tx.End != Stopped || t.Newer.At < c.Tx.StartedAt || low.Value < t.Newer.Value {
		return low
	}
	end := point{t.Newer.Value + c.Rating().Over(max(0, c.IdleSince.Sub(t.Newer.At))), c.IdleSince}
	if end.Value >= low.Value || low.Value > end.Value+c.limit().Over(low.At.Sub(end.At)) {
		return low
	}
	return end
}

// fromZero adds to the rise r, which follows the first value of an epoch that began while nobody charges, what that value
// itself shows: the register began at zero, where it can have come from there at the pace at which it goes on.
func (t *Track) fromZero(first point, at hayalet.Instant, r *Reading) {
	pace := hayalet.MeanPower(r.Increase, at.Sub(first.At))
	if t.Before.At == 0 || first.Value <= 0 || first.Value > (pace+pace/4).Over(first.At.Sub(t.Before.At)) {
		return
	}
	r.Since, r.Increase = t.Before.At, r.Increase+first.Value
	t.Baseline.Value -= first.Value
}

// returned takes a value that is back on the base before a glitch: only what exceeds the old value is energy.
func (s *Station) returned(c *Connector, t *Track, v *value, r Reading) Reading {
	c.Notes |= NoteGlitch
	old := t.Before
	r.Since, r.Increase = old.At, max(0, v.energy-old.Value)
	t.Last = old
	if !t.Jumped {
		t.Baseline = t.BeforeBase
	}
	t.take(v.energy, v)
	r = s.counted(c, t, r)
	r.TakenBack = t.Jumped
	t.Before, t.Jumped = point{}, false
	return r
}
