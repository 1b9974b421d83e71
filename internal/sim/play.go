package sim

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"hayalet"
)

// The defaults and limits of a play.
const (
	DefaultTimeout = 10 * time.Second
	MaxSpeed       = 100_000.0

	bootTries  = 5
	bootWait   = 30 * time.Second // at most, whatever interval a refusal names
	dialTries  = 5
	dialWait   = time.Second
	maxQueue   = 10_000
	maxTodo    = 16
	unanswered = -1 // the transaction id of a start that was not answered
)

// Options says what to play and against whom. Scenario and URL are required.
type Options struct {
	Scenario *Scenario
	Protocol hayalet.Protocol // to speak instead of the scenario's; may be ""
	// URL is ws://host:port/…/station or wss://…; the last element of its path is the station's identity. User
	// information in it becomes a Basic authorization.
	URL     string
	Key     string        // the station's key, for a URL without user information
	Speed   float64       // scenario seconds a wall second; 0 means 1
	Timeout time.Duration // for each answer, by the wall clock; 0 means DefaultTimeout
	// Stay is how long the station stays connected after the last step, by the wall clock: it sends heartbeats and
	// answers calls. Negative means until ctx ends.
	Stay     time.Duration
	Listener Listener                                                          // may be nil
	TLS      *tls.Config                                                       // for wss; may be nil
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // nil means TCP
}

// Play follows the scenario to its end and returns what was sent. It returns when the connection is closed and nothing
// of it runs any more. The result is good, as far as the play came, beside any error but hayalet.ErrInvalid.
//
// A call that is answered with an error or not at all is counted and told, and the play goes on. Errors are: a
// connection that cannot be made or is lost other than by the scenario, a boot that is never accepted
// (hayalet.ErrUnavailable), and the end of ctx before the last step.
func Play(ctx context.Context, o Options) (Result, error) {
	p, err := newPlayer(o)
	if err != nil {
		return Result{}, err
	}
	err = p.play(ctx)
	if p.client != nil {
		p.client.leave()
	}
	return p.finish(), err
}

// player is one station at play. One goroutine owns it.
type player struct {
	o        Options
	addr     address
	listener Listener
	clock    clock
	client   *client // nil while disconnected
	dialect  dialect
	station  *station
	running  map[int]*transaction
	ended    map[int]*transaction
	made     map[int64]*transaction // that the scenario gives a number of its own
	last     map[int]reading        // the energy register of each connector
	status   map[int]string
	queue    []func(context.Context) error // what waits for a connection
	todo     []func(context.Context) error // what the central system asked for
	later    []func(context.Context) error // the same, but for when the script is done
	scripted bool                          // the script still runs
	beat     time.Duration                 // the heartbeat interval
	tally    *tally
	res      Result
}

func newPlayer(o Options) (*player, error) {
	if o.Scenario == nil {
		return nil, fmt.Errorf("play: no scenario: %w", hayalet.ErrInvalid)
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if !(o.Speed > 0 && o.Speed <= MaxSpeed) {
		return nil, fmt.Errorf("speed %v: want more than 0 and at most %v: %w", o.Speed, MaxSpeed, hayalet.ErrInvalid)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	o.Protocol = cmp.Or(o.Protocol, o.Scenario.Protocol)
	d := newDialect(o.Protocol, o.Scenario)
	if d == nil {
		return nil, fmt.Errorf("unknown protocol %.40q: write one of %s: %w", o.Protocol, strings.Join(protocols(), ", "), hayalet.ErrInvalid)
	}
	for _, step := range o.Scenario.Steps {
		if word := unspeakable(o.Protocol, step.Do); word != "" {
			return nil, fmt.Errorf("scenario %s, line %d: %s has no %s: %w", o.Scenario.Name, step.Line, o.Protocol, word, hayalet.ErrInvalid)
		}
	}
	addr, err := parseAddress(o.URL, o.Key)
	if err != nil {
		return nil, err
	}
	addr.dial, addr.tls = o.Dial, o.TLS
	p := &player{
		o: o, addr: addr, listener: o.Listener, dialect: d, station: newStation(o.Scenario.Connectors),
		running: map[int]*transaction{}, ended: map[int]*transaction{}, made: map[int64]*transaction{},
		last: map[int]reading{}, status: map[int]string{}, scripted: true, tally: newTally(),
	}
	if p.listener == nil {
		p.listener = silence{}
	}
	p.res = Result{
		Scenario: o.Scenario.Name, Station: addr.station, Protocol: o.Protocol, Speed: o.Speed,
		Phantom: []PhantomReading{}, Transactions: []hayalet.TransactionID{},
	}
	return p, nil
}

func (p *player) play(ctx context.Context) error {
	p.res.StartedAt = instant(time.Now())
	c, err := connect(ctx, p.addr, p.o.Protocol)
	if err != nil {
		return err
	}
	p.client = c
	p.note(Note{Kind: NoteConnected, Text: p.addr.url})
	p.clock = clock{start: time.Now(), total: p.o.Scenario.total, speed: p.o.Speed}
	if err := p.script(ctx); err != nil {
		return err
	}
	p.res.Complete = true
	p.note(Note{Kind: NoteFinished})
	err = p.stay(ctx)
	if ctx.Err() != nil {
		return nil // that is how a stay ends
	}
	return err
}

func (p *player) script(ctx context.Context) error {
	moves := p.o.Scenario.moves
	attacked := false
	for i, m := range moves {
		if err := p.sleep(ctx, p.clock.wall(m.at)); err != nil {
			return err
		}
		if m.phantom() && !attacked {
			p.attack(&attacked)
		}
		if err := p.move(ctx, m); err != nil {
			return err
		}
		if i+1 < len(moves) && moves[i+1].phantom() && !attacked {
			p.attack(&attacked)
		}
	}
	return p.sleep(ctx, p.clock.wall(p.clock.total))
}

func (p *player) attack(begun *bool) {
	*begun = true
	p.note(Note{Kind: NoteAttackBegins})
}

// stay keeps the connection after the script, as a station does that nobody uses.
func (p *player) stay(ctx context.Context) error {
	p.scripted = false
	if p.o.Stay == 0 {
		return nil
	}
	p.todo, p.later = append(p.todo, p.later...), nil
	end := time.Now().Add(p.o.Stay)
	for {
		until := time.Now().Add(p.beat)
		if p.beat <= 0 {
			until = time.Now().Add(time.Hour)
		}
		if p.o.Stay > 0 && !until.Before(end) {
			return p.sleep(ctx, end)
		}
		if err := p.sleep(ctx, until); err != nil {
			return err
		}
		if p.beat > 0 {
			if err := p.tell(ctx, heartbeat()); err != nil {
				return err
			}
		}
	}
}

func (p *player) finish() Result {
	p.res.EndedAt = instant(time.Now())
	p.res.PhantomEnergy = p.tally.energy()
	p.res.Connector, _ = p.tally.connector()
	return p.res
}

func (p *player) note(n Note) { p.listener.Note(time.Now(), n) }

// stamp is the station's time for scenario time t.
func (p *player) stamp(t time.Duration) time.Time { return p.clock.claimed(t, time.Now()) }

// nowStamp is the station's time for what the script does not plan.
func (p *player) nowStamp() time.Time { return p.stamp(p.clock.scenario(time.Now())) }
