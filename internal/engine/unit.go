package engine

import (
	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/series"
	"hayalet/internal/session"
)

// unit is one station in the pipeline: its state, the rules' memories of it, and its running incidents.
type unit struct {
	engine   *Engine
	station  *session.Station
	rules    detect.Set
	memories []memory // few, and looked up at each step
	folder   *detect.Folder
	latest   hayalet.Instant // receipt of the last frame
	wake     hayalet.Instant // the earliest tick that matters; zero: none
	conns    [4]connSeq      // the last connections and how far they were seen
	pos      uint64          // of the last frame; zero for frames of no journal
	readings series.Packer   // since the last snapshot; only where something is saved
	unsaved  change
}

// memory is what the rules remember of one connector.
type memory struct {
	connector hayalet.ConnectorID
	of        *detect.Memory
}

// change is what a snapshot that was saved does not know.
type change struct {
	is    bool
	pos   uint64 // of the first frame that it does not know
	round uint64 // of the shard, when it came
}

// scratch is the room that a shard's units work in, one after another.
type scratch struct {
	event    hayalet.Event
	steps    session.Scratch
	verdicts []hayalet.Verdict
	trace    detect.Trace
	round    uint64 // the shard's
}

type connSeq struct {
	Conn hayalet.ConnID
	Seq  uint64
}

func newUnit(id hayalet.StationID, e *Engine) *unit {
	u := &unit{
		engine: e, station: session.New(id, e.cfg.Profiles),
		folder: detect.NewFolder(nil),
	}
	u.arm()
	return u
}

// arm gives the unit the rules of its station, which may be chosen by its model.
func (u *unit) arm() {
	u.rules = u.engine.cfg.Rules(u.station.ID, u.station.Vendor, u.station.Model)
	for _, m := range u.memories {
		m.of.Keep(u.rules)
	}
	for _, inc := range u.folder.Kept() {
		if inc.Open() && !u.rules.Has(inc.Rule) { // nobody would ever end it
			u.unsaved = change{is: true, pos: u.pos}
			u.conclude(&hayalet.Verdict{
				Rule: inc.Rule, Station: inc.Station, Connector: inc.Connector, Kind: hayalet.Close, At: u.latest, EventAt: u.latest,
				Severity: inc.Severity, Reason: hayalet.ReasonRuleGone,
			})
		}
	}
}

// seen reports whether the frame was delivered before, and remembers it.
func (u *unit) seen(f *hayalet.Frame) bool {
	if f.Pos != 0 {
		if f.Pos <= u.pos {
			return true
		}
		u.pos = f.Pos
	}
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

func (u *unit) apply(e *hayalet.Event, w *scratch) {
	if !u.unsaved.is { // by a sign of life, too: it says until when the link was there
		u.unsaved = change{is: true, pos: u.pos, round: w.round}
	}
	if e.Kind == hayalet.EventOther && u.station.Link.Conn == e.Conn {
		u.station.Apply(e, &w.steps) // nothing to judge
		return
	}
	steps := u.station.Apply(e, &w.steps)
	if e.Kind == hayalet.EventBoot {
		u.arm()
	}
	if len(steps) == 0 {
		return
	}
	for i := range steps {
		u.judge(&steps[i], w)
	}
	u.wake = u.nextWake()
}

// memory of a connector; a new one is empty.
func (u *unit) memory(c hayalet.ConnectorID) *detect.Memory {
	for i := range u.memories {
		if u.memories[i].connector == c {
			return u.memories[i].of
		}
	}
	u.memories = append(u.memories, memory{c, new(detect.Memory)})
	return u.memories[len(u.memories)-1].of
}

func (u *unit) judge(step *session.Step, w *scratch) {
	m := u.memory(step.Connector.ID)
	view := detect.View{View: session.View{Station: u.station, Connector: step.Connector, Step: step}}
	for _, o := range u.engine.observers {
		o.Observed(view.View)
	}
	if len(u.engine.explainers) > 0 {
		w.trace.Rungs = w.trace.Rungs[:0]
		view.Trace = &w.trace
	}
	w.verdicts = w.verdicts[:0]
	for _, rule := range u.rules {
		before := len(w.verdicts)
		rule.Judge(view, m, &w.verdicts)
		for i := before; rule.Shadow && i < len(w.verdicts); i++ {
			w.verdicts[i].Shadow = true
		}
	}
	for i := range w.verdicts {
		u.conclude(&w.verdicts[i])
	}
	for _, x := range u.engine.explainers {
		x.Explained(view.View, w.trace.Rungs, w.verdicts)
	}
	if u.engine.saver != nil {
		u.keepReading(step)
	}
}

// keepReading packs what a step measured: all of it while an incident runs on the connector, else where it changes.
func (u *unit) keepReading(step *session.Step) {
	pt := series.Point{At: step.EventAt, Connector: step.Connector.ID, Active: step.Connector.State == session.Active}
	switch {
	case step.Kind == session.StepReading && step.Reading.Fate != session.FatePending:
		pt.Track, pt.Value = step.Reading.Track, int64(step.Reading.Value)
	case step.Kind == session.StepElectric && step.Electric.HasPower:
		pt.Kind, pt.Value = series.Power, int64(step.Electric.Power)
	default:
		return
	}
	u.readings.Add(pt, u.folder.Running(pt.Connector))
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
	for _, m := range u.memories {
		if w := m.of.Wake(); w != 0 && (next == 0 || w < next) {
			next = w
		}
	}
	return next
}

// runTicks lets the ticks happen that are due up to at. A tick is applied at the first whole ten seconds from its
// deadline on, whenever it is that we get to it: so every route gives the same.
func (u *unit) runTicks(at hayalet.Instant, w *scratch) {
	for u.wake != 0 && ceilTick(u.wake) <= at {
		due := ceilTick(u.wake)
		tick := hayalet.Event{Station: u.station.ID, Kind: hayalet.EventTick, At: due}
		u.apply(&tick, w)
		if u.wake != 0 && ceilTick(u.wake) <= due {
			u.wake = due + 1 // a rule that does not move on must not stop the clock
		}
	}
}
