package session

import (
	"hayalet"
)

// MaxTracks bounds the register bases that are kept of one connector; one of them makes room for another.
const MaxTracks = 12

// fastest is the power that bounds how fast a register may rise where nothing better is known.
const fastest = 400 * hayalet.Kilowatt

// absurd is a rise that nothing but a broken register writes, even inside a transaction.
const absurd = 1000 * hayalet.KilowattHour

// point is a value at a time.
type point struct {
	Value hayalet.Energy
	At    hayalet.Instant
}

// Track is one register base of a connector.
type Track struct {
	Location  hayalet.Location
	Phases    uint8 // 0: totals only; else the set of phases that were summed, bit 0 is L1
	Interval  bool  // sum of interval values, not a register
	Contexts  uint16
	Quantum   hayalet.Energy // finest step ever written
	Step      hayalet.Energy // how much one writing of its samples may hide; of a sum, the sum of its parts' steps
	Fine      hayalet.Energy // the least that Step was, of its samples and
	BookFine  hayalet.Energy // of meterStart and meterStop; zero: there was none
	Grid      hayalet.Energy // power of ten of which all its samples were multiples; zero: there is none
	Rise      hayalet.Energy // the last rise of its samples
	Turns     uint8          // what proves Grid, up to gridNeeds
	Plain     bool           // its samples carry no prefix in their unit
	BookScale int64          // factor found for meterStart and meterStop where it is another; 0: it is not
	Scale     int64          // factor found for its values: 1, or 1000 for kilowatt-hours labelled as watt-hours

	Last     point           // last good value, event time
	LastRecv hayalet.Instant // its receipt

	Baseline point          // value when the last transaction ended, or the first idle value
	Slack    hayalet.Energy // how far above Baseline the register may have stood at the stop: meterStop was written coarser than samples are
	Anchored bool           // Baseline is known; false from a stop to the first value after it on this track
	Young    bool           // it has one value only
	LastBook bool           // Last is a meterStart or meterStop
	StopOnly bool           // nothing but meterStart and meterStop was ever placed here

	EpochOpen  bool // a start or a boot: the next value may begin a new epoch
	Booted     bool // a boot opened it
	Resets     Resets
	Pending    point // a fall or an impossible jump that waits for a second value; At 0 when there is none
	Aside      bool  // values that continue the track came after Pending: a second one is another register
	Before     point // last good value of the epoch before, or before an impossible jump; At 0 when there is none
	BeforeBase point // the baseline that went with Before
	Jumped     bool  // Before was left by an impossible jump, not by a new epoch
	Anew       bool  // Last is the first value of an epoch that began while nobody charges

	Older, Newer point // values of the running transaction, at least ten seconds apart: for the power before its end
}

// Resets counts, up to 255 of each, what the register did where it could begin anew: how its mode is learnt.
type Resets struct {
	AtStart uint8
	AtBoot  uint8
	Carried uint8 // it went on
}

// Mode is when a register begins anew.
type Mode uint8

// The modes.
const (
	ModeUnknown Mode = iota
	Lifetime         // never
	PerSession       // at each start
	PerBoot          // at each boot
)

var modeNames = [...]string{"unknown", "lifetime", "per-session", "per-boot"}

// String is the mode's word.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "?"
}

// Mode is what the register has been seen to do most often.
func (t *Track) Mode() Mode {
	switch r := &t.Resets; {
	case r.AtStart > 0 && r.AtStart >= max(r.AtBoot, r.Carried):
		return PerSession
	case r.AtBoot > 0 && r.AtBoot >= r.Carried:
		return PerBoot
	case r.Carried > 0:
		return Lifetime
	}
	return ModeUnknown
}

// count notes what the register did with its first value after a start or a boot.
func (t *Track) count(again bool) {
	if !t.EpochOpen {
		return
	}
	n := &t.Resets.Carried
	switch {
	case again && t.Booted:
		n = &t.Resets.AtBoot
	case again:
		n = &t.Resets.AtStart
	}
	if *n < 255 {
		*n++
	}
	t.EpochOpen, t.Booted = false, false
}

// value is a register value on its way to a track.
type value struct {
	energy   hayalet.Energy
	quantum  hayalet.Energy  // step of the last digit; of a sum, the finest of its parts
	step     hayalet.Energy  // how much one writing may hide: of a sum, the sum of its parts' steps
	at       hayalet.Instant // event time
	recv     hayalet.Instant
	context  hayalet.Context
	location hayalet.Location
	phases   uint8
	interval bool
	trimmed  bool // a number without its trailing zeros: it may have been written more finely than it looks
	plain    bool // no prefix in its unit: a factor of 1000 may be missing
	book     bool // meterStart or meterStop
	partial  bool // of a register that had more phases before
}

// tolerance is how far two writings of one value may lie apart: one step of the coarser.
func (t *Track) tolerance(v *value) hayalet.Energy {
	return max(hayalet.WattHour, v.step, min(t.Step, hayalet.KilowattHour))
}

// reach is the highest value that the track can have at v's time.
func (t *Track) reach(from point, fromRecv hayalet.Instant, v *value, limit hayalet.Power) hayalet.Energy {
	elapsed := max(v.at.Sub(from.At), v.recv.Sub(fromRecv))
	return from.Value + limit.Over(elapsed) + t.tolerance(v)
}

// bookRounding is how far meterStart and meterStop may lie above the samples that follow them.
const bookRounding = 10 * hayalet.WattHour

// continues reports whether e, the energy of v perhaps scaled, carries the track on.
func (t *Track) continues(e hayalet.Energy, v *value, limit hayalet.Power) bool {
	below := t.tolerance(v)
	switch {
	case v.book: // cut to whole watt-hours, and by some stations one less
		below += hayalet.WattHour
	case t.LastBook: // which some stations round to ten
		below = max(below, bookRounding)
	}
	return e >= t.Last.Value-below && e <= t.reach(t.Last, t.LastRecv, v, limit)
}

// delivers reports whether v, scaled, can have been reached by its event time, whenever it came.
func (t *Track) delivers(v *value, scale int64, power hayalet.Power) bool {
	sv := v.scaled(scale, t)
	return sv.energy <= t.Last.Value+power.Over(max(0, sv.at.Sub(t.Last.At)))+t.tolerance(&sv)
}

// same reports whether the track is of the same quantity as v. A total may carry on a sum of phases and the other way
// round: meterStart and meterStop are totals beside them.
func (t *Track) same(v *value) bool {
	return t.Location == v.location && t.Interval == v.interval &&
		(t.Phases == v.phases || !v.partial && (t.Phases == 0 || v.phases == 0))
}

func (t *Track) hasContext(c hayalet.Context) bool { return t.Contexts&(1<<c) != 0 }

// take makes v the last good value.
func (t *Track) take(e hayalet.Energy, v *value) {
	t.Last = point{Value: max(e, t.Last.Value), At: max(v.at, t.Last.At)}
	t.LastRecv = v.recv
	t.Contexts |= 1 << v.context
	t.Phases |= v.phases
	t.written(v)
	t.Aside = t.Pending.At != 0
	t.Young, t.LastBook, t.Anew = false, v.book, false
	t.count(false)
}

// wait makes v the value that waits for a second one.
func (t *Track) wait(v *value) { t.Pending, t.Aside = point{v.energy, v.at}, false }

// confirms reports whether v carries on the value that waits.
func (t *Track) confirms(v *value, limit hayalet.Power) bool {
	return t.Pending.At != 0 && v.energy >= t.Pending.Value-t.tolerance(v) && v.energy <= t.reach(t.Pending, v.recv, v, limit)
}

// fine is the finest step of the values of v's kind that were ever written; zero for none.
func (t *Track) fine(v *value) hayalet.Energy {
	if v.book {
		return t.BookFine
	}
	return t.Fine
}

// written notes how finely v was written.
func (t *Track) written(v *value) {
	t.Quantum = min(t.Quantum, v.quantum)
	if fine := t.fine(v); fine == 0 || v.step < fine {
		if v.book {
			t.BookFine = v.step
		} else {
			t.Fine = v.step
		}
	}
	if !v.book || t.StopOnly {
		t.Step = v.step
	}
	if !v.book {
		t.Plain = v.plain
	}
}

// The steps that registers are seen to move in, where they are written more finely.
const (
	coarsestGrid = hayalet.KilowattHour
	finestGrid   = 10 * hayalet.WattHour
)

// What proves a grid: rises that are one step more or less than the one before. Round numbers alone do not, since a constant
// power, read at even times, is a multiple of anything; and where one of the two is none, the car may have paused.
const (
	gridNeeds = 6
	gridTurn  = 3
	gridPause = 1
)

// moved notes a value of the samples and its rise above the one before. In a transaction standing still is a rise too.
func (t *Track) moved(e, rise hayalet.Energy, charging bool) {
	for t.Grid != 0 && e%t.Grid != 0 {
		t.Turns = 0
		if t.Grid /= 10; t.Grid < finestGrid {
			t.Grid = 0
		}
	}
	if rise == 0 && !charging {
		return
	}
	if more := rise - t.Rise; t.Grid != 0 && (more == t.Grid || more == -t.Grid) {
		proof := uint8(gridTurn)
		if rise == 0 || t.Rise == 0 {
			proof = gridPause
		}
		t.Turns = min(t.Turns+proof, gridNeeds)
	}
	t.Rise = rise
}

// grid is the step in which the register is seen to move; zero where none coarser than its writing was proven.
func (t *Track) grid() hayalet.Energy {
	if t.Turns < gridNeeds {
		return 0
	}
	return t.Grid
}

// times1000 is the track with all its values in kilowatt-hours that were taken for watt-hours.
func (t *Track) times1000() Track {
	kilo := *t
	kilo.Scale = 1000
	kilo.Quantum *= 1000
	kilo.Step *= 1000
	kilo.Fine *= 1000
	kilo.Grid *= 1000
	kilo.Rise *= 1000
	for _, p := range []*point{&kilo.Last, &kilo.Baseline, &kilo.Pending, &kilo.Before, &kilo.BeforeBase, &kilo.Older, &kilo.Newer} {
		p.Value *= 1000
	}
	return kilo
}

// restart begins a new epoch at v. The baseline moves with the register, so that what grew before stays grown.
func (t *Track) restart(e hayalet.Energy, v *value) {
	t.Before, t.BeforeBase, t.Jumped = t.Last, t.Baseline, false
	grown := t.Last.Value - t.Baseline.Value
	t.Last = point{Value: e, At: v.at}
	t.Baseline.Value = e - grown
	t.LastRecv = v.recv
	t.LastBook = v.book
	t.Contexts |= 1 << v.context
	t.written(v)
	t.Pending, t.Aside = point{}, false
	t.count(true)
}

// inside notes a value of the running transaction.
func (t *Track) inside(p point) {
	if t.Newer.At == 0 || p.At.Sub(t.Newer.At) >= minPowerSpan {
		t.Older, t.Newer = t.Newer, p
	}
}

// powerBefore is the mean power up to the end p, over the last values at least minPowerSpan apart; zero when there are
// none.
func (t *Track) powerBefore(p point) hayalet.Power {
	for _, from := range []point{t.Newer, t.Older} {
		if from.At != 0 && p.At.Sub(from.At) >= minPowerSpan {
			return hayalet.MeanPower(p.Value-from.Value, p.At.Sub(from.At))
		}
	}
	return 0
}
