package session

import (
	"slices"
	"time"

	"hayalet"
)

// MaxConnectors bounds the connectors kept of one station: those with the lowest ids, since outlets are numbered from 1.
// Messages about further ones change nothing.
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
	Quiet  Span            // the longest time of late in which nothing came through this connection
}

// Span is a stretch of time.
type Span struct{ From, To hayalet.Instant }

// Missed is what was lost before it could be kept.
type Missed struct {
	Gaps int
	Time time.Duration   // from the last frame before each gap to the gap
	Last hayalet.Instant // receipt of the last gap
}

// Profiles gives the configured profile of a connector.
type Profiles func(st hayalet.StationID, vendor, model string, c hayalet.ConnectorID) Profile

// Station is all that is known of one station. It is used by one goroutine.
type Station struct {
	ID                      hayalet.StationID
	Vendor, Model, Firmware string
	Link                    Link
	Clock                   Clock
	Connectors              []*Connector   // in the order of their ids
	Booted                  bool           // we saw it boot
	Whole                   bool           // and have missed nothing since
	Mains                   []Main         // registers before the outlets
	OutletGrowth            hayalet.Energy // all that the outlets' registers have shown outside transactions
	Missed                  Missed
	Floating                []hayalet.Event // starts of 2.x whose EVSE is not told yet, the oldest first
	Noted                   []Noted         // 2.x: ids whose start was not seen, the oldest first

	profiles Profiles
	work     *Scratch // during Apply
}

// Scratch is the room that Apply works in. Stations of one goroutine share one: it is worth more than a station's state.
type Scratch struct {
	steps  []Step
	values []value
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
		if at == MaxConnectors {
			return nil
		}
		s.Connectors = s.Connectors[:MaxConnectors-1]
	}
	c := &Connector{ID: id, Tx: Transaction{Track: -1, Scale: 1}}
	if s.profiles != nil {
		c.Profile = s.profiles(s.ID, s.Vendor, s.Model, id)
	}
	s.Connectors = slices.Insert(s.Connectors, at, c)
	return c
}

// Apply takes one event and returns the steps that it took. They lie in w and are good until its next use.
func (s *Station) Apply(e *hayalet.Event, w *Scratch) []Step {
	s.work = w
	w.steps = w.steps[:0]
	if e.Kind == hayalet.EventGap {
		s.miss(e)
	}
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
	s.work = nil
	return w.steps
}

func (s *Station) step(st Step) { s.work.steps = append(s.work.steps, st) }

// link follows the connection and its clock.
func (s *Station) link(e *hayalet.Event) {
	if e.Kind == hayalet.EventTick || e.Dir == hayalet.Out && e.Kind != hayalet.EventClose {
		return
	}
	if e.Conn != s.Link.Conn {
		if e.Kind == hayalet.EventClose { // an older connection's late end
			return
		}
		s.Link = Link{Conn: e.Conn, Up: e.At, Down: s.Link.LastIn}
	}
	s.Link.heard(e.At)
	if e.ClaimedAt == 0 {
		return
	}
	if e.Kind != hayalet.EventStop { // many stations stamp stops with an earlier time
		s.Clock.learn(e.ClaimedAt, e.At)
	}
	if at, _ := s.Clock.eventTime(e.ClaimedAt, e.At); e.Offline || e.At.Sub(at) > oldMessage {
		s.Link.Old = e.At
	}
}

// heard notes a frame of the station, and how long none came before it.
func (l *Link) heard(at hayalet.Instant) {
	quiet := Span{l.LastIn, at}
	if old := at.Sub(l.Quiet.To) > lateQueue; l.LastIn != 0 && (old || quiet.To.Sub(quiet.From) >= l.Quiet.To.Sub(l.Quiet.From)) {
		l.Quiet = quiet
	}
	l.LastIn = at
}

// firstContact is how far back a station that we never saw before is believed to have stood as it stands.
const firstContact = 24 * time.Hour

// oldest is the earliest time at which a register may begin for us: the last sign of life before this connection. A claim
// before that may be honest, but time that we were told of only afterwards must not earn idle allowance.
func (s *Station) oldest() hayalet.Instant {
	if s.Link.Down != 0 {
		return s.Link.Down
	}
	return s.Link.Up.Add(-firstContact)
}

// miss notes how long we saw nothing of the station.
func (s *Station) miss(e *hayalet.Event) {
	s.Missed.Gaps++
	s.Missed.Last = e.At
	if s.Link.LastIn != 0 {
		s.Missed.Time += max(0, e.At.Sub(s.Link.LastIn))
	}
}

// lose makes every connector uncertain: something may have happened that we did not see.
func (s *Station) lose() {
	s.Whole = false
	for _, c := range s.Connectors {
		c.State, c.Presumed = Unknown, false
		c.Idle.interrupt()
	}
}

func (s *Station) boot(e *hayalet.Event) {
	s.Booted, s.Whole = true, true
	s.Vendor, s.Model, s.Firmware = e.Vendor, e.Model, e.Firmware
	s.refreshProfiles()
	for _, c := range s.Connectors {
		if c.State == Active {
			s.end(c, EndedByBoot, e.At, e.At, Book{})
		}
		for i := range c.Tracks {
			c.Tracks[i].EpochOpen, c.Tracks[i].Booted = true, true
		}
	}
}

func (s *Station) status(e *hayalet.Event) {
	if e.HasConnector {
		s.report(e, hayalet.StatusReport{Connector: e.Connector, Plug: e.Plug, Status: e.Status})
	}
	for _, r := range e.More {
		s.report(e, r)
	}
}

// report takes the status of one connector. Of an EVSE with several, as 2.x has them, one that is occupied outweighs the
// others.
func (s *Station) report(e *hayalet.Event, r hayalet.StatusReport) {
	if r.Connector == 0 {
		return
	}
	c := s.connector(r.Connector)
	if c == nil {
		return
	}
	if c.plug(r); r.Status != hayalet.Occupied && c.Plugged != 0 {
		return
	}
	before := c.Status
	c.Status = r.Status
	c.Tells = c.Tells || r.Status == hayalet.Preparing || r.Status == hayalet.Charging
	open := c.State == Unknown || c.Presumed // a fact may settle it
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	switch r.Status {
	case hayalet.Available:
		switch c.State {
		case Unknown:
			c.settleKnown(at, e.At)
		case Active:
			if r.Plug != 0 && before == hayalet.Available && !c.moved() { // in 2.x a transaction may begin before the cable is plugged in
				return
			}
			s.end(c, EndedByIdle, at, e.At, Book{})
		case Inactive:
			c.Presumed = false
			if c.Tx.End == EndedByBoot { // it did not go on after the boot
				c.Tx.End, c.Tx.EndedRecv = EndedByIdle, e.At
			}
		}
	case hayalet.Charging, hayalet.SuspendedEV, hayalet.SuspendedEVSE:
		switch {
		case open:
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
		s.float(e)
		return
	}
	c := s.connector(e.Connector)
	if c == nil {
		return
	}
	key := StartKey{Claim: e.ClaimedAt, Meter: e.Meter, Token: e.Token}
	switch {
	case e.ClaimedAt != 0 && c.HasTx && c.State == Active && c.Tx.key() == key: // said again
		c.Tx.StartSeq, c.Tx.StartConn = e.Seq, e.Conn
		return
	case c.ended(key) && (e.ClaimedAt != 0 || c.outgrown(e.Meter)): // said again after its stop
		return
	}
	at, _ := s.Clock.eventTime(e.ClaimedAt, e.At)
	gap, hasGap := s.gap(c, e, at)
	s.OutletGrowth += gap.Increase
	idle := c.State == Inactive && !(c.Tx.End == EndedByIdle && c.provisional(e.At))
	if c.State == Active {
		s.end(c, EndedByStart, at, e.At, Book{})
	}
	since := s.explains(c, at, e)
	before := c.sessionTrack()
	tried := e.At
	if c.Tx.Failed {
		tried = c.Tx.Tried
	}
	c.State, c.HasTx, c.Presumed = Active, true, false
	c.Tx = Transaction{
		ID: e.Transaction, Token: e.Token, StartClaim: e.ClaimedAt, Meter: e.Meter, HasMeter: e.HasMeter, StartSeq: e.Seq, StartConn: e.Conn,
		StartedAt: at, StartedRecv: e.At, Tried: tried, Track: -1, Scale: 1, Idle: idle, Untold: !e.HasMeter && e.Transaction.IsSet(),
		Queued: s.offline(at),
	}
	c.openTracks()
	if e.HasMeter {
		c.placeStart(e, max(at, s.oldest()), before)
	}
	switch {
	case c.Tx.Untold:
		c.Tx.Explains = since
	case since != 0:
		s.step(Step{Kind: StepExplained, Connector: c, At: e.At, EventAt: at, Since: since})
	}
	if !c.Tx.Untold {
		s.step(Step{Kind: StepStart, Connector: c, At: e.At, EventAt: at, Reading: gap, HasGap: hasGap})
	}
	s.busy(e, at, since)
	c.told(e)
}

// explains returns the event time from which a start that comes late covers what was read before it: only when the link
// was down at that time, so that the station had to queue it, and is not back for so long that any queue has come. Zero when
// it covers nothing.
func (s *Station) explains(c *Connector, at hayalet.Instant, e *hayalet.Event) hayalet.Instant {
	back := s.Link.Up
	if s.unheard(at) {
		back = s.Link.Quiet.To
	}
	if c.State != Inactive || !s.offline(at) || e.At.Sub(back) > lateQueue || e.At.Sub(at) < oldMessage/6 {
		return 0
	}
	return at
}

// offline reports whether the station had no connection at the event time at, so that it had to queue what it says of it.
func (s *Station) offline(at hayalet.Instant) bool {
	return s.Link.Down != 0 && at < s.Link.Up && at >= s.Link.Down.Add(-oldMessage) || s.unheard(at)
}

// unheard reports whether the event time at lies in a silence of the station that was longer than a live message takes: most
// logs do not tell of connections, and there it is all that shows of an outage.
func (s *Station) unheard(at hayalet.Instant) bool {
	q := &s.Link.Quiet
	return q.To.Sub(q.From) > oldMessage && at < q.To && at >= q.From.Add(-oldMessage)
}

func (s *Station) startAnswer(e *hayalet.Event) {
	for _, c := range s.Connectors {
		if bySeq := c.Tx.StartSeq == e.CallSeq && c.Tx.StartConn == e.Conn; c.HasTx && (bySeq || (e.Connector == c.ID || e.Connector == 0) && c.names(e)) {
			if e.Transaction.IsSet() {
				c.Tx.ID = e.Transaction
			}
			c.Tx.Unauthorised = e.Rejected
			c.Tx.Failed = e.Rejected && !e.Transaction.IsSet()
		}
	}
}
