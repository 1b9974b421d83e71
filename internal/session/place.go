package session

import (
	"hayalet"
)

// newestOf is the track of v's quantity whose samples were read last in a running transaction, or nil: there a session's
// register may pass where another one stands.
func (c *Connector) newestOf(v *value) *Track {
	var newest *Track
	if c.State != Active {
		return nil
	}
	for i := range c.Tracks {
		if t := &c.Tracks[i]; t.same(v) && !t.StopOnly && (newest == nil || t.LastRecv > newest.LastRecv) {
			newest = t
		}
	}
	return newest
}

// candidate finds the track that v carries on, and the factor for its value: 1, or 1000 where the value must be in
// kilowatt-hours whatever its label says. The track's own factor ranks first, then its contexts and whether it was read last, then the nearest value.
func (c *Connector) candidate(v *value, limit hayalet.Power) (best *Track, scale int64) {
	bestRank, bestGap := -1, hayalet.Energy(0)
	newest := c.newestOf(v)
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if !t.same(v) {
			continue
		}
		usual := t.usual(v)
		for _, f := range [...]int64{1, 1000} {
			if f != usual && f == 1000 && !v.mayBeKilo() {
				continue
			}
			sv := v.scaled(f, t)
			if !t.continues(sv.energy, &sv, limit) {
				continue
			}
			rank := 0
			if f == usual {
				rank += 2
			}
			if t.hasContext(v.context) {
				rank++
			}
			if t == newest {
				rank++
			}
			gap := max(sv.energy-t.Last.Value, t.Last.Value-sv.energy)
			if f == 1000 && f != usual && !t.near(gap, &sv) {
				continue
			}
			if rank > bestRank || rank == bestRank && gap < bestGap {
				best, scale, bestRank, bestGap = t, f, rank, gap
			}
		}
	}
	return best, scale
}

// usual is the factor that was found for values such as v on this track.
func (t *Track) usual(v *value) int64 {
	if v.book && t.BookScale != 0 {
		return t.BookScale
	}
	return t.Scale
}

// near reports whether the gap to a value that was taken a thousandfold is so small that no restarted register explains the
// number better: a twentieth of a register worth the name, or one step of the value.
func (t *Track) near(gap hayalet.Energy, v *value) bool {
	return t.Last.Value >= hayalet.KilowattHour && gap <= max(t.Last.Value/20, v.step)
}

// mayBeKilo reports whether the value can have lost a prefix: it was written without one, and with decimals or as a
// whole-number field that some stations fill with kilowatt-hours.
func (v *value) mayBeKilo() bool {
	return v.plain && (v.book || v.quantum < hayalet.WattHour) && v.energy < absurd
}

// scaled is v as a value of the track, f times what it says. A number may have lost its trailing zeros on the way: it was
// written as finely as others of its kind there.
func (v *value) scaled(f int64, t *Track) value {
	sv := *v
	sv.energy *= hayalet.Energy(f)
	sv.quantum *= hayalet.Energy(f)
	sv.step *= hayalet.Energy(f)
	if fine := t.fine(v); v.trimmed && fine != 0 {
		sv.step = min(sv.step, fine)
	}
	return sv
}

// conflicting returns the track of v's own context that v does not carry on, if any.
func (c *Connector) conflicting(v *value) *Track {
	var found *Track
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if t.same(v) && t.Phases == v.phases && (t.hasContext(v.context) || t.StopOnly) && (found == nil || t.LastRecv > found.LastRecv) {
			found = t
		}
	}
	return found
}

// add makes a new track for v; where there are too many, another makes room.
func (c *Connector) add(v *value) *Track {
	if len(c.Tracks) > 0 {
		c.Notes |= NoteTwoBases
	}
	t := Track{
		Location: v.location, Phases: v.phases, Interval: v.interval, Quantum: v.quantum, Step: v.step, Plain: v.plain && !v.book, Scale: 1,
		Contexts: 1 << v.context, Last: point{v.energy, v.at}, LastRecv: v.recv, Anchored: true, Young: true,
	}
	t.Baseline = t.Last
	t.written(v)
	if v.phases == 0 && !v.interval {
		t.Grid = coarsestGrid
	}
	if !v.book {
		t.moved(v.energy, 0, false)
	}
	if len(c.Tracks) < MaxTracks {
		c.Tracks = append(c.Tracks, t)
		return &c.Tracks[len(c.Tracks)-1]
	}
	i := c.victim(v.recv)
	c.Tracks[i] = t
	return &c.Tracks[i]
}

// victim picks the track that makes room for another, by the digits of the receipt time: in an order that a station could
// foresee, registers sent in turns would each be the first of their track for ever. The running transaction's stays.
func (c *Connector) victim(recv hayalet.Instant) int {
	const golden = 0x9e3779b97f4a7c15
	i := int(uint64(recv) * golden >> 32 % MaxTracks)
	if i == int(c.Tx.Track) {
		i = (i + 1) % MaxTracks
	}
	return i
}

func (c *Connector) index(t *Track) int {
	for i := range c.Tracks {
		if &c.Tracks[i] == t {
			return i
		}
	}
	return -1
}

// bookValue is the register at the begin or the end of a transaction, as the event says: a total at the outlet. In 1.6 it is
// written in whole watt-hours.
func bookValue(e *hayalet.Event, at hayalet.Instant, ctx hayalet.Context) value {
	step := min(max(e.MeterStep, 1), hayalet.KilowattHour)
	return value{
		energy: e.Meter, quantum: step, step: step, at: at, recv: e.At, context: ctx, location: hayalet.Outlet,
		plain: !e.MeterPrefixed, book: true, trimmed: e.MeterSampled,
	}
}

// newSession is the most that the register of a session shows at its begin.
const newSession = hayalet.KilowattHour

// placeStart puts meterStart on the track that it continues, on that of the transaction before, whose register begins anew
// with each one, or on one of its own.
func (c *Connector) placeStart(e *hayalet.Event, at hayalet.Instant, before *Track) {
	v := bookValue(e, at, hayalet.TransactionBegin)
	t, scale := c.mislabelled(&v), int64(1)
	if t == nil {
		t, scale = c.candidate(&v, c.limit())
	}
	if t != nil {
		v = v.scaled(scale, t)
	}
	switch own := c.conflicting(&v); {
	case t != nil:
		t.take(v.energy, &v)
	case own != nil && own.StopOnly:
		t = own
		t.restart(v.energy, &v)
	case before != nil && v.energy <= newSession && v.energy < before.Last.Value:
		t = before
		t.restart(v.energy, &v)
	default:
		t = c.add(&v)
		t.StopOnly = true
	}
	if scale == 1000 {
		t.BookScale = scale
		c.Notes |= NoteScaled
	}
	t.EpochOpen = true
	c.Tx.Track, c.Tx.Scale = int8(c.index(t)), max(scale, 1)
	c.Tx.Start = point{v.energy, at}
	t.inside(c.Tx.Start)
}

// sessionTrack is the track of meterStart where that was the begin of a session's register, or nil.
func (c *Connector) sessionTrack() *Track {
	if t := c.startTrack(); t != nil && c.Tx.Start.Value <= newSession {
		return t
	}
	return nil
}

// mislabelled finds the track whose samples must be kilowatt-hours under the label Wh, since meterStart is a thousand
// times as much, and puts it right.
func (c *Connector) mislabelled(v *value) *Track {
	t := c.misread(v)
	if t != nil {
		*t = t.times1000()
		c.Idle.interrupt()
		c.Notes |= NoteScaled
	}
	return t
}

// misread is that track as it is.
func (c *Connector) misread(v *value) *Track {
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if !t.Plain || t.StopOnly || t.Interval || t.Scale != 1 || t.Quantum >= hayalet.WattHour ||
			t.Last.Value < hayalet.WattHour || t.Last.Value > absurd {
			continue
		}
		kilo := t.times1000()
		if kilo.same(v) && kilo.continues(v.energy, v, idleCap) {
			return t
		}
	}
	return nil
}

// placeStop puts meterStop on the track of meterStart, or on the one that it continues. A value that fits nowhere says
// nothing of the registers. It returns what the book says of the transaction.
func (c *Connector) placeStop(e *hayalet.Event, at hayalet.Instant) Book {
	v := bookValue(e, at, hayalet.TransactionEnd)
	book := Book{Start: c.Tx.Meter * hayalet.Energy(c.Tx.Scale), HasStart: c.Tx.HasMeter, Stop: e.Meter * hayalet.Energy(c.Tx.Scale), HasStop: true, Step: v.step}
	t := c.startTrack()
	if t != nil {
		sv := v.scaled(c.Tx.Scale, t)
		if sv.energy >= t.Last.Value-t.tolerance(&sv) && sv.energy <= t.Last.Value+absurd {
			v = sv
		} else {
			book.Last, book.LastAt, book.Step = t.Last.Value, t.Last.At, t.tolerance(&sv)
			t = nil
		}
	}
	if t == nil {
		var scale int64
		if t, scale = c.candidate(&v, c.limit()); t == nil {
			return book
		}
		if v = v.scaled(scale, t); scale != 1 {
			t.BookScale = scale
			c.Notes |= NoteScaled
		}
	}
	if c.Tx.Track < 0 && c.Tx.Untold { // nothing but its end was ever read
		c.Tx.Track, c.Tx.Start = int8(c.index(t)), point{min(v.energy, t.Last.Value), c.Tx.StartedAt}
	}
	book.Stop, book.Step, book.Placed = v.energy, t.tolerance(&v), true
	book.Last, book.LastAt = t.Last.Value, t.Last.At
	book.Scaled = c.Notes&NoteScaled != 0
	t.Slack = c.hidden(t, &v)
	t.take(v.energy, &v)
	return book
}

// coarseBook is the step of a meterStop from which it matters what the step hides: settling covers what is finer.
const coarseBook = 100 * hayalet.WattHour

// hidden is how far above a meterStop that is coarser than the samples the register may have stood: no further than to the
// next step of meterStop, nor than the connector can have delivered since the last sample.
func (c *Connector) hidden(t *Track, v *value) hayalet.Energy {
	if t.StopOnly || v.step <= t.Step || v.step < coarseBook {
		return 0
	}
	most := t.Last.Value + c.delivered().Over(max(0, v.at.Sub(t.Last.At)))
	return max(0, min(most, v.energy+v.step-1)-max(v.energy, t.Last.Value))
}

// carriedOn reports whether the meterStop of e carries on the track of meterStart, or where that was not seen any track.
func (c *Connector) carriedOn(e *hayalet.Event) bool {
	v := bookValue(e, e.At, hayalet.TransactionEnd)
	t := c.startTrack()
	if t == nil { // the start was not seen: any register of its may be it
		t, _ = c.candidate(&v, c.limit())
		return t != nil
	}
	v = v.scaled(c.Tx.Scale, t)
	return t.continues(v.energy, &v, c.limit())
}

// startTrack is the track of meterStart, or nil.
func (c *Connector) startTrack() *Track {
	if c.Tx.Track < 0 || int(c.Tx.Track) >= len(c.Tracks) {
		return nil
	}
	return &c.Tracks[c.Tx.Track]
}
