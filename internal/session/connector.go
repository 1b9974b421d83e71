package session

import (
	"slices"
	"time"

	"hayalet"
)

// minPowerSpan is the shortest span over which a mean power is worth anything: registers step.
const minPowerSpan = 10 * time.Second

// TxState is whether a transaction is active.
type TxState uint8

// The states.
const (
	Unknown  TxState = iota // we joined in the middle, or missed something
	Inactive                // known to be idle
	Active
)

var txStateNames = [...]string{"unknown", "inactive", "active"}

// String is the state's word.
func (s TxState) String() string {
	if int(s) < len(txStateNames) {
		return txStateNames[s]
	}
	return "?"
}

// End is how a transaction's end is known.
type End uint8

// The ways in which a transaction ends.
const (
	NotEnded     End = iota
	Stopped          // StopTransaction
	EndedByBoot      // the station booted and sent no stop
	EndedByIdle      // status Available and no stop
	EndedByStart     // another transaction began
	NeverStarted     // idle from the first that we know
)

// Transaction is the running or the last transaction of a connector.
type Transaction struct {
	ID           hayalet.TransactionID
	Token        string
	StartClaim   hayalet.Instant // as claimed: with Token and Meter the natural key
	Meter        hayalet.Energy  // meterStart as written
	HasMeter     bool
	StartSeq     uint64 // of the frame, to bind the answer
	StartConn    hayalet.ConnID
	StartedAt    hayalet.Instant // event time
	StartedRecv  hayalet.Instant
	EndedAt      hayalet.Instant // event time
	EndedRecv    hayalet.Instant
	End          End
	Unauthorised bool            // the central system refused it, the station charges on
	Failed       bool            // its start was answered with an error: nothing was issued
	Tried        hayalet.Instant // receipt of its start, or of the first of those before it that failed one after another
	Resumed      End             // an inferred end that an id took back: it holds again when the id is gone
	EndedBefore  hayalet.Instant // receipt of that end
	Bare         hayalet.Instant // receipt of the first clock-aligned value without the id since one with it; zero: there was none
	Untold       bool            // its start did not say a register, and the rules do not know of it yet
	Explains     hayalet.Instant // Untold: event time from which it may cover what was read before it came; zero: it covers nothing
	Queued       bool            // its start came out of a queue that an outage filled
	Idle         bool            // it began on a connector that was known to be idle, with no end that may yet be taken back
	SeqNo        int64           // 2.x: of its last event, plus one; zero: none was seen
	Lapsed       bool            // it did so once: an id does not take it back again
	Adopted      bool            // its start was not seen
	Track        int8            // where meterStart lies; −1 where it lies nowhere
	Scale        int64           // of meterStart and meterStop: 1, or 1000 where they were in kilowatt-hours
	Start        point           // meterStart on Track

	Energy hayalet.Energy  // at its end: what its registers moved
	Power  hayalet.Power   // at its end: mean power before it
	Idled  hayalet.Instant // at its end: event time of the last power that was measured, where it was none; else zero
}

// Profile is what the configuration says of a connector. Zero values are unknown.
type Profile struct {
	Rating hayalet.Power
	DC     bool
	AC     bool
	Phases int
}

// Default ratings where the configuration says nothing.
const (
	RatingAC = 43 * hayalet.Kilowatt
	RatingDC = 400 * hayalet.Kilowatt
)

// dcNeeds is how many samples above any AC rating, with power and register agreeing, prove direct current.
const dcNeeds = 3

// Connector is what is known of one connector.
type Connector struct {
	ID      hayalet.ConnectorID
	State   TxState
	Tx      Transaction // running if State is Active, else the last one; zero when none was seen
	HasTx   bool
	Status  hayalet.Status
	Tells   bool   // its status tells of sessions: it has been another than Available
	Plugged uint16 // 2.x: the connectors of the EVSE that are occupied, a bit each
	Profile Profile
	Notes   Note

	Presumed  bool            // inactive because it stood still after a boot: an id or status Charging may prove otherwise
	IdleSince hayalet.Instant // event time from which it is known to be inactive
	IdleRecv  hayalet.Instant // receipt of what told

	Power     hayalet.Power // last measured, all phases; valid when PowerAt is set
	PowerAt   hayalet.Instant
	Current   int64 // last measured, highest phase, mA; valid when CurrentAt is set
	CurrentAt hayalet.Instant

	Tracks []Track
	Idle   Idle

	Weighed hayalet.Energy // its register at the begin of the window that weighs the station's own against the outlets'

	Ended    [4]EndedTx // the last that ended: said again, their starts begin nothing and their stops end nothing
	DCProofs uint8
	Most     [3]hayalet.Power // the highest mean powers of intervals inside transactions, falling
	Seen     uint8            // how many such intervals there were, up to 255
	Heard    hayalet.Instant  // receipt of the last usable register, power or current

	Electric     hayalet.Instant // event time of the last power or current
	ElectricRecv hayalet.Instant // receipt of the first of that time
}

// StartKey is the natural key of a start.
type StartKey struct {
	Claim hayalet.Instant
	Meter hayalet.Energy
	Token string
}

// EndedTx is what is kept of a transaction that ended.
type EndedTx struct {
	Key     StartKey
	ID      hayalet.TransactionID
	Stop    hayalet.Energy // meterStop as written
	HasStop bool
	Energy  hayalet.Energy // that its registers moved
	Power   hayalet.Power  // before its end
}

// ended reports whether a start is one of those that ended.
func (c *Connector) ended(key StartKey) bool {
	for i := range c.Ended {
		if e := &c.Ended[i]; e.Key == key && key != (StartKey{}) {
			return true
		}
	}
	return false
}

// Issued reports whether the id is that of the running transaction, of the last one, or of one that ended not long ago.
func (c *Connector) Issued(id hayalet.TransactionID) bool {
	if c.HasTx && c.Tx.ID == id {
		return true
	}
	for i := range c.Ended {
		if c.Ended[i].ID.IsSet() && c.Ended[i].ID == id {
			return true
		}
	}
	return false
}

// Rating is the most that the connector can deliver, by configuration or by what was proven.
func (c *Connector) Rating() hayalet.Power {
	switch {
	case c.Profile.Rating > 0:
		return c.Profile.Rating
	case c.Profile.DC || !c.Profile.AC && c.DCProofs >= dcNeeds:
		return RatingDC
	}
	return RatingAC
}

// limit bounds how fast a register may rise and still be said to continue.
func (c *Connector) limit() hayalet.Power {
	if c.Profile.Rating > 0 {
		return c.Profile.Rating + c.Profile.Rating/2
	}
	return fastest
}

// delivered bounds the power of the transaction's end where no register was read at the stop: the rating, or what was
// measured where that is more, as at a direct-current outlet of which nothing else is known.
func (c *Connector) delivered() hayalet.Power {
	return min(max(c.Rating(), c.Tx.Power+c.Tx.Power/4), c.limit())
}

// usualNeeds is how many intervals inside transactions tell what a connector delivers.
const usualNeeds = 8

// usual bounds what the connector delivers in a transaction of which nothing was read yet: half as much again as it did three times.
func (c *Connector) usual() hayalet.Power {
	if c.Seen < usualNeeds {
		return c.limit()
	}
	most := c.Most[len(c.Most)-1] // the others may be bursts, made to be believed in later
	return min(max(c.Rating(), most+most/2), c.limit())
}

// Shown is the most that the connector is believed to deliver at a transaction's end: its rating, or where nothing is
// configured a quarter more than it did in three of many intervals inside transactions.
func (c *Connector) Shown() hayalet.Power {
	if c.Profile.Rating > 0 || c.Profile.AC || c.Seen < usualNeeds {
		return c.Rating()
	}
	most := c.Most[len(c.Most)-1]
	return max(c.Rating(), most+most/4)
}

// reached notes the mean power of an interval inside a transaction.
func (c *Connector) reached(p hayalet.Power) {
	p = min(p, c.limit())
	for i := range c.Most {
		c.Most[i], p = max(c.Most[i], p), min(c.Most[i], p)
	}
	c.Seen = min(c.Seen, 254) + 1
}

// drawnIdle bounds what a connector still delivers after a transaction's last power was none, and is that power.
const drawnIdle = 100 * hayalet.Watt

// Register returns the value of the track used last, for display.
func (c *Connector) Register() (hayalet.Energy, bool) {
	if t := c.newestTrack(); t != nil {
		return t.Last.Value, true
	}
	return 0, false
}

func (c *Connector) newestTrack() *Track {
	var newest *Track
	for i := range c.Tracks {
		if t := &c.Tracks[i]; newest == nil || t.LastRecv > newest.LastRecv {
			newest = t
		}
	}
	return newest
}

// newest is the event time of the newest value. A stop that claims to be older does not make the connector idle before it.
func (c *Connector) newest() (at hayalet.Instant) {
	for i := range c.Tracks {
		at = max(at, c.Tracks[i].Last.At)
	}
	return at
}

// outgrown reports whether a start without a usable date must be an old one: its meterStart is not the zero of a session's
// register, and the register has grown since.
func (c *Connector) outgrown(meter hayalet.Energy) bool {
	t := c.startTrack()
	return meter > 0 && t != nil && t.Last.Value > c.Tx.Start.Value
}

// Covered reports whether the last transaction's end lies at or above the register value e on one of its tracks.
func (c *Connector) Covered(e hayalet.Energy) bool {
	t := c.startTrack()
	return c.Tx.End == Stopped && t != nil && t.Baseline.Value >= e
}

// settleKnown makes an unknown connector inactive: a fact says that nothing runs.
func (c *Connector) settleKnown(at, recv hayalet.Instant) {
	c.State, c.Presumed = Inactive, false
	c.IdleSince, c.IdleRecv = at, recv
	if !c.HasTx {
		c.Tx = Transaction{End: NeverStarted, Track: -1, Scale: 1}
	}
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if !t.Anchored || t.Baseline.At < c.IdleSince {
			t.Baseline, t.Anchored = t.Last, false
		}
	}
}

// adopt makes an unknown connector active: a running session shows.
func (c *Connector) adopt(id hayalet.TransactionID, at, recv hayalet.Instant) {
	c.State, c.HasTx, c.Presumed = Active, true, false
	c.Tx = Transaction{ID: id, Adopted: true, Track: -1, Scale: 1, StartedAt: at, StartedRecv: recv}
	c.openTracks()
}

// openTracks prepares the tracks for a transaction.
func (c *Connector) openTracks() {
	for i := range c.Tracks {
		t := &c.Tracks[i]
		t.EpochOpen, t.Slack = true, 0
		t.Older, t.Newer = point{}, point{}
	}
	c.Idle.interrupt()
}

// remember keeps what tells a repetition of the transaction that ended.
func (c *Connector) remember() {
	if !c.HasTx {
		return
	}
	copy(c.Ended[1:], c.Ended[:])
	c.Ended[0] = EndedTx{Key: c.Tx.key(), ID: c.Tx.ID, Energy: c.Tx.Energy, Power: c.Tx.Power}
}

func (t *Transaction) key() StartKey {
	return StartKey{Claim: t.StartClaim, Meter: t.Meter, Token: t.Token}
}

// provisional reports whether the end was inferred from something that a running transaction survives in the field: some
// stations boot in mid-transaction or say Available moments before their stop.
func (c *Connector) provisional(recv hayalet.Instant) bool {
	if c.State != Inactive || !c.HasTx || c.Tx.Lapsed {
		return false
	}
	switch c.Tx.End {
	case EndedByBoot:
		return true
	case EndedByIdle:
		return recv.Sub(c.Tx.EndedRecv) <= idleGrace
	}
	return false
}

// failedGrace is how long after a start that was answered with an error the station may try again.
const failedGrace = 10 * time.Minute

// neverBegan reports whether the running transaction is none: its start was answered with an error and not sent again, and
// the status, which tells of other sessions, has stayed Available.
func (c *Connector) neverBegan(recv hayalet.Instant) bool {
	return c.State == Active && c.Tx.Failed && c.Tells && c.Status == hayalet.Available && recv.Sub(c.Tx.Tried) > failedGrace
}

// idleGrace is how long after status Available a transaction without a stop may still report.
const idleGrace = time.Minute

// resume takes an inferred end back.
func (c *Connector) resume() {
	c.State = Active
	c.Tx.End, c.Tx.EndedAt, c.Tx.EndedRecv = NotEnded, 0, 0
	c.Tx.Resumed, c.Tx.EndedBefore = NotEnded, 0
}

// resumeByID takes an inferred end back for as long as the values carry the id.
func (c *Connector) resumeByID() {
	end, recv := c.Tx.End, c.Tx.EndedRecv
	c.resume()
	c.Tx.Resumed, c.Tx.EndedBefore, c.Tx.Bare = end, recv, 0
}

// lapsed reports whether a transaction that an id had taken up again is over for good: the values that come now carry its
// id no more, or the status has stayed Available for longer than a stop may lag behind.
func (c *Connector) lapsed(e *hayalet.Event) bool {
	switch {
	case c.State != Active || c.Tx.Resumed == NotEnded:
		return false
	case e.Transaction == c.Tx.ID || c.Tx.SeqNo != 0: // in 2.x most values carry no id
		c.Tx.Bare = 0
		return c.Tx.Resumed == EndedByIdle && c.Status == hayalet.Available && e.At.Sub(c.Tx.EndedBefore) > idleGrace
	case e.Transaction.IsSet() || slices.ContainsFunc(e.Samples, func(m hayalet.Sample) bool { return m.Context != hayalet.SampleClock }):
		return true
	case c.Tx.Bare == 0:
		c.Tx.Bare = e.At
	}
	return e.At.Sub(c.Tx.Bare) > bareGrace
}

// bareGrace is how long nothing but clock-aligned values without an id may come between two values of a transaction that an id
// had taken up again: many stations write the id with periodic ones only.
const bareGrace = 15 * time.Minute
