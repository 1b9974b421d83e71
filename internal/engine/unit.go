package engine

import (
	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/session"
)

// unit is one station in the pipeline: its state, the rules' memories of it, and its running incidents.
type unit struct {
	engine   *Engine
	station  *session.Station
	memories map[hayalet.ConnectorID][]detect.Memory // by the index of the rule
	folder   *detect.Folder
	latest   hayalet.Instant // receipt of the last frame
	wake     hayalet.Instant // the earliest tick that matters; zero: none
	conns    [4]connSeq      // the last connections and how far they were seen
	dirty    bool
	event    hayalet.Event // scratch
}

type connSeq struct {
	Conn hayalet.ConnID
	Seq  uint64
}

func newUnit(id hayalet.StationID, e *Engine) *unit {
	return &unit{
		engine: e, station: session.New(id, e.cfg.Profiles), memories: make(map[hayalet.ConnectorID][]detect.Memory),
		folder: detect.NewFolder(nil),
	}
}

// seen reports whether the frame was delivered before, and remembers it.
func (u *unit) seen(f *hayalet.Frame) bool {
	if f.Seq == 0 {
		return false
	}
	for i := range u.conns {
		if c := &u.conns[i]; c.Conn == f.Conn {
			if f.Seq <= c.Seq {
				return true
			}
			c.Seq = f.Seq
			return false
		}
	}
	copy(u.conns[1:], u.conns[:])
	u.conns[0] = connSeq{f.Conn, f.Seq}
	return false
}

// timed gives an event of a log without times the station's own time.
func (u *unit) timed(e *hayalet.Event) {
	if e.At == 0 {
		e.At = max(u.latest, e.ClaimedAt)
	}
	u.latest = max(u.latest, e.At)
}

func (u *unit) apply(e *hayalet.Event) {
	if e.Kind == hayalet.EventOther && u.station.Link.Conn == e.Conn {
		u.station.Apply(e) // a sign of life, nothing to judge
		return
	}
	u.dirty = true
	steps := u.station.Apply(e)
	if len(steps) == 0 {
		return
	}
	for i := range steps {
		u.judge(&steps[i], e)
	}
	u.wake = u.nextWake()
}

func (u *unit) judge(step *session.Step, e *hayalet.Event) {
	rules := u.engine.cfg.Rules
	memories := u.memories[step.Connector.ID]
	if memories == nil {
		memories = make([]detect.Memory, len(rules))
		u.memories[step.Connector.ID] = memories
	}
	view := session.View{Station: u.station, Connector: step.Connector, Step: step}
	for _, o := range u.engine.observers {
		o.Observed(view)
	}
	for i, rule := range rules {
		if verdict, ok := rule.Judge(view, &memories[i], e); ok {
			u.conclude(&verdict)
		}
	}
}

func (u *unit) conclude(v *hayalet.Verdict) {
	for _, l := range u.engine.cfg.Listeners {
		l.Judged(*v)
	}
	inc, changed := u.folder.Fold(v)
	if !changed {
		return
	}
	if u.engine.saver != nil {
		u.engine.saver.put(inc)
	}
	for _, l := range u.engine.cfg.Listeners {
		l.Changed(inc)
	}
}

func (u *unit) nextWake() hayalet.Instant {
	var next hayalet.Instant
	for _, memories := range u.memories {
		for i := range memories {
			if w := memories[i].Wake; w != 0 && (next == 0 || w < next) {
				next = w
			}
		}
	}
	return next
}

// runTicks lets the ticks happen that are due up to at. A tick is applied at the first whole ten seconds from its
// deadline on, whenever it is that we get to it: so every route gives the same.
func (u *unit) runTicks(at hayalet.Instant) {
	for u.wake != 0 && ceilTick(u.wake) <= at {
		due := ceilTick(u.wake)
		tick := hayalet.Event{Station: u.station.ID, Kind: hayalet.EventTick, At: due}
		u.apply(&tick)
		if u.wake != 0 && ceilTick(u.wake) <= due {
			u.wake = due + 1 // a rule that does not move on must not stop the clock
		}
	}
}
