package session

import (
	"slices"
	"time"

	"hayalet"
)

// MaxConnectors bounds the connectors kept of one station; messages about further ones change nothing.
const MaxConnectors = 64

// oldMessage is how far behind its receipt a claim must lie to be part of a backlog.
const oldMessage = time.Minute

// Link is the connection of a station.
type Link struct {
	Conn   hayalet.ConnID
	Up     hayalet.Instant // receipt of the first frame of this connection
	Down   hayalet.Instant // last sign of life of the connection before
	LastIn hayalet.Instant // last frame of this connection
	Old    hayalet.Instant // last message of a backlog
}

// Profiles gives the configured profile of a connector.
type Profiles func(st hayalet.StationID, vendor, model string, c hayalet.ConnectorID) Profile

// Station is all that is known of one station. It is used by one goroutine.
type Station struct {
	ID                      hayalet.StationID
	Vendor, Model, Firmware string
	Link                    Link
	Clock                   Clock
	Connectors              []*Connector // in the order of their ids

	profiles Profiles
	steps    []Step
	scratch  []value
}

// New returns a station of which nothing is known.
func New(id hayalet.StationID, profiles Profiles) *Station {
	s := &Station{ID: id}
	s.Bind(profiles)
	return s
}

// Bind gives a station that comes from a snapshot its profiles again.
func (s *Station) Bind(profiles Profiles) {
	s.profiles = profiles
	s.refreshProfiles()
}

func (s *Station) refreshProfiles() {
	if s.profiles == nil {
		return
	}
	for _, c := range s.Connectors {
		c.Profile = s.profiles(s.ID, s.Vendor, s.Model, c.ID)
	}
}

// Connector returns what is known of a connector, or nil.
func (s *Station) Connector(id hayalet.ConnectorID) *Connector {
	for _, c := range s.Connectors {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// connector returns the connector, making it when it is new; nil when the station names too many.
func (s *Station) connector(id hayalet.ConnectorID) *Connector {
	at, found := slices.BinarySearchFunc(s.Connectors, id, func(c *Connector, id hayalet.ConnectorID) int { return int(c.ID - id) })
	if found {
		return s.Connectors[at]
	}
	if len(s.Connectors) >= MaxConnectors {
		return nil
	}
	c := &Connector{ID: id, Tx: Transaction{Track: -1, Scale: 1}}
	if s.profiles != nil {
		c.Profile = s.profiles(s.ID, s.Vendor, s.Model, id)
	}
	s.Connectors = slices.Insert(s.Connectors, at, c)
	return c
}

// Apply takes one event and returns the steps that it took. The slice is good until the next call.
func (s *Station) Apply(e *hayalet.Event) []Step {
	s.steps = s.steps[:0]
	s.link(e)
	switch e.Kind {
	case hayalet.EventBoot:
		s.boot(e)
	case hayalet.EventStatus:
		s.status(e)
	case hayalet.EventStart:
		s.start(e)
	case hayalet.EventStartAnswer:
		s.startAnswer(e)
	case hayalet.EventStop:
		s.stop(e)
	case hayalet.EventMeter:
		s.meter(e)
	case hayalet.EventGap:
		s.lose()
	case hayalet.EventTick:
		for _, c := range s.Connectors {
			s.step(Step{Kind: StepTick, Connector: c, At: e.At, EventAt: e.At})
		}
	}
	return s.steps
}

func (s *Station) step(st Step) { s.steps = append(s.steps, st) }

// link follows the connection and its clock.
func (s *Station) link(e *hayalet.Event) {
	if e.Kind == hayalet.EventTick || e.Dir == hayalet.Out && e.Kind != hayalet.EventClose {
		return
	}
	if e.Conn != s.Link.Conn {
		s.Link = Link{Conn: e.Conn, Up: e.At, Down: s.Link.LastIn}
	}
	s.Link.LastIn = e.At
	if e.ClaimedAt == 0 {
		return
	}
	if e.Kind != hayalet.EventStop { // many stations stamp stops with an earlier time
		s.Clock.learn(e.ClaimedAt, e.At)
	}
	if at, _ := s.Clock.eventTime(e.ClaimedAt, e.At); e.At.Sub(at) > oldMessage {
		s.Link.Old = e.At
	}
}

// lose makes every connector uncertain: something may have happened that we did not see.
func (s *Station) lose() {
	for _, c := range s.Connectors {
		c.State = Unknown
		c.Idle.interrupt()
	}
}

func (s *Station) boot(e *hayalet.Event) {
	s.Vendor, s.Model, s.Firmware = e.Vendor, e.Model, e.Firmware
	s.refreshProfiles()
	for _, c := range s.Connectors {
		if c.State == Active {
			s.end(c, EndedByBoot, e.At, e.At)
		}
		for i := range c.Tracks {
			c.Tracks[i].EpochOpen = true
		}
	}
}

func (s *Station) status(e *hayalet.Event) {
	if !e.HasConnector || e.Connector == 0 {
		return
	}
	c := s.connector(e.Connector)
	if c == nil {
		return
	}
	c.Status = e.Status
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	switch e.Status {
	case hayalet.Available:
		switch c.State {
		case Unknown:
			c.settleKnown(at, e.At)
		case Active:
			s.end(c, EndedByIdle, at, e.At)
		}
	case hayalet.Charging, hayalet.SuspendedEV, hayalet.SuspendedEVSE:
		switch {
		case c.State == Unknown:
			c.adopt(hayalet.TransactionID{}, at, e.At)
		case c.provisional(e.At):
			c.resume()
		case c.State == Inactive:
			c.Notes |= NoteRolledStart
		}
	case hayalet.Preparing, hayalet.Finishing, hayalet.Reserved, hayalet.Unavailable:
		if c.State == Unknown {
			c.settleKnown(at, e.At)
		}
	}
}

func (s *Station) start(e *hayalet.Event) {
	if !e.HasConnector {
		return
	}
	c := s.connector(e.Connector)
	if c == nil {
		return
	}
	key := StartKey{Claim: e.ClaimedAt, Meter: e.Meter, Token: e.Token}
	if e.ClaimedAt != 0 {
		switch {
		case c.HasTx && c.State == Active && c.Tx.key() == key: // said again
			c.Tx.StartSeq, c.Tx.StartConn = e.Seq, e.Conn
			return
		case slices.Contains(c.EndedStarts[:], key): // said again after its stop
			return
		}
	}
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	if c.State == Active {
		s.end(c, EndedByStart, at, e.At)
	}
	since := s.explains(c, at, e)
	c.State, c.HasTx = Active, true
	c.Tx = Transaction{
		Token: e.Token, StartClaim: e.ClaimedAt, Meter: e.Meter, HasMeter: e.HasMeter, StartSeq: e.Seq, StartConn: e.Conn,
		StartedAt: at, StartedRecv: e.At, Track: -1, Scale: 1,
	}
	c.openTracks()
	if e.HasMeter {
		c.placeStart(e.Meter, at, e.At)
	}
	if since != 0 {
		s.step(Step{Kind: StepExplained, Connector: c, At: e.At, EventAt: at, Since: since})
	}
	s.step(Step{Kind: StepStart, Connector: c, At: e.At, EventAt: at})
}

// explains returns the event time from which a start that comes late covers what was read before it: only when the link
// was down at that time, so that the station had to queue it. Zero when it covers nothing.
func (s *Station) explains(c *Connector, at hayalet.Instant, e *hayalet.Event) hayalet.Instant {
	if c.State != Inactive || at >= s.Link.Up || e.At.Sub(at) < oldMessage/6 || s.Link.Down == 0 || at < s.Link.Down.Add(-oldMessage) {
		return 0
	}
	return at
}

func (s *Station) startAnswer(e *hayalet.Event) {
	for _, c := range s.Connectors {
		if c.HasTx && c.Tx.StartSeq == e.CallSeq && c.Tx.StartConn == e.Conn {
			if e.Transaction.IsSet() {
				c.Tx.ID = e.Transaction
			}
			c.Tx.Unauthorised = e.Rejected
		}
	}
}

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
// unambiguous.
func (s *Station) stopped(e *hayalet.Event) *Connector {
	var byID, running, unknown *Connector
	runs, unknowns := 0, 0
	for _, c := range s.Connectors {
		if c.ID == 0 {
			continue
		}
		matches := c.HasTx && c.Tx.ID.IsSet() && c.Tx.ID == e.Transaction
		switch {
		case c.State == Active:
			runs++
			if running == nil || c.Tx.StartedRecv > running.Tx.StartedRecv {
				running = c
			}
			if matches && e.Transaction.Usable() {
				byID = c
			}
		case c.State == Unknown:
			unknowns++
			unknown = c
		case matches && c.Tx.End != Stopped && byID == nil:
			byID = c
		}
	}
	switch {
	case byID != nil:
		return byID
	case runs == 1 && (!e.Transaction.Usable() || !running.Tx.ID.Usable()):
		return running
	case runs == 0 && unknowns == 1:
		return unknown
	}
	return nil
}

// end closes the running transaction of c and makes the values of its tracks the baselines.
func (s *Station) end(c *Connector, how End, at, recv hayalet.Instant) {
	tx := &c.Tx
	tx.End, tx.EndedAt, tx.EndedRecv = how, at, recv
	c.State = Inactive
	c.IdleSince, c.IdleRecv = at, recv
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
		t.Pending, t.Before, t.Jumped = point{}, point{}, false
	}
}
