package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/engine"
	"hayalet/internal/lang"
	"hayalet/internal/report"
	"hayalet/internal/session"
)

// recordTrails is of how many connectors the register is remembered, so that their incidents have pictures: 40 MB.
const recordTrails = 10_000

// reportRecord gathers what a report needs while the engine runs. It is a listener of the engine, and stands before it as a
// sink to see the frames. What it keeps is bounded by the stations and connectors there are, of which the engine keeps more
// (some 300 bytes each), by recordTrails registers of 4 KB, and by report.EpisodesKept incidents of 48 KB: 52 MB and the
// incidents themselves, however long the record is.
type reportRecord struct {
	frames sync.Mutex // for met; PutFrames has no part in the rest
	met    map[hayalet.StationID]*report.Presence

	mu       sync.Mutex
	places   map[place]*recorded
	trails   int
	episodes map[string]*episode
	weakest  hayalet.Severity // of the episodes, once there are as many as are kept
}

// place is one connector.
type place struct {
	station   hayalet.StationID
	connector hayalet.ConnectorID
}

// recorded is what is remembered of a connector.
type recorded struct {
	cover    report.Coverage
	trail    *report.Trail // nil: too many are there
	episodes []*episode    // that still want readings
	alarm    hayalet.Verdict
}

// episode is an incident that is followed.
type episode struct {
	*report.Episode
	place place
}

// newReportRecord returns the record of a report that is to be written to a file, or nil where none is. It says before the
// analysis, not after it, that the file cannot be written.
func newReportRecord(name string) (*reportRecord, error) {
	if name == "" {
		return nil, nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, hint(fmt.Errorf("write report: %s is a directory", name), "give the name of a file with --report")
	}
	if info, err := os.Lstat(name); err != nil || info.Mode().IsRegular() { // else it is written to as it is
		if err := tryFolder(filepath.Dir(name)); err != nil {
			return nil, hint(fmt.Errorf("write report: %v", err), "give a place with --report")
		}
	}
	return newRecord(), nil
}

func newRecord() *reportRecord {
	return &reportRecord{
		met: make(map[hayalet.StationID]*report.Presence), places: make(map[place]*recorded), episodes: make(map[string]*episode),
	}
}

// listeners are the record, if there is one.
func (r *reportRecord) listeners() []engine.Listener {
	if r == nil {
		return nil
	}
	return []engine.Listener{r}
}

// tapped returns the sink that frames go to: a record among the listeners sees them too.
func tapped(next hayalet.FrameSink, heard []engine.Listener) hayalet.FrameSink {
	for _, l := range heard {
		if r, ok := l.(*reportRecord); ok {
			next = watched{r, next}
		}
	}
	return next
}

// watched passes frames on to next and notes when each station was seen.
type watched struct {
	record *reportRecord
	next   hayalet.FrameSink
}

// PutFrames passes frames on.
func (w watched) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	if err := w.next.PutFrames(ctx, fs); err != nil {
		return err
	}
	w.record.frames.Lock()
	defer w.record.frames.Unlock()
	var p *report.Presence
	for i := range fs {
		f := &fs[i]
		if i == 0 || f.Station != fs[i-1].Station {
			p = w.record.presence(f.Station)
		}
		p.Frame(f.At, f.Dir, f.Kind)
	}
	return nil
}

func (r *reportRecord) presence(st hayalet.StationID) *report.Presence {
	p := r.met[st]
	if p == nil {
		p = new(report.Presence)
		r.met[hayalet.StationID(strings.Clone(string(st)))] = p
	}
	return p
}

func (r *reportRecord) at(p place) *recorded {
	c := r.places[p]
	if c == nil {
		c = &recorded{cover: report.Coverage{Station: p.station, Connector: p.connector}}
		if r.trails < recordTrails {
			r.trails++
			c.trail = new(report.Trail)
		}
		r.places[p] = c
	}
	return c
}

// Observed follows registers, transactions and what else there is to judge by.
func (r *reportRecord) Observed(v session.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, step := r.at(place{v.Station.ID, v.Connector.ID}), v.Step
	now, since := doing(v.Connector)
	c.cover.Until(step.At, now, since)
	active := v.Connector.State == session.Active
	switch step.Kind {
	case session.StepReading:
		c.reading(&step.Reading, active)
	case session.StepElectric:
		if active {
			c.cover.ChargeFlows++
		} else if v.Connector.State == session.Inactive {
			c.cover.IdleFlows++
		}
	case session.StepStart:
		c.cover.Starts++
		if step.HasGap {
			c.cover.Compared++
			c.point(&step.Reading, false)
		}
		c.mark(step.EventAt, report.MarkStart)
	case session.StepStop:
		c.mark(step.EventAt, report.MarkStop)
	case session.StepUnknownStop:
		if step.HasGap {
			c.point(&step.Reading, false)
		}
	}
	if !c.cover.QuietDay {
		c.cover.QuietDay = v.Connector.Idle.Ready()
	}
}

// doing is what a connector does, and the receipt since which it does.
func doing(c *session.Connector) (report.Doing, hayalet.Instant) {
	switch c.State {
	case session.Inactive:
		return report.DoingIdle, c.IdleRecv
	case session.Active:
		return report.DoingCharge, c.Tx.StartedRecv
	}
	return report.DoingUnknown, 0
}

func (c *recorded) reading(rd *session.Reading, active bool) {
	switch rd.Fate {
	case session.FatePending, session.FateRestated:
		return
	}
	if active {
		c.cover.ChargeValues++
	} else if c.cover.Doing() == report.DoingIdle && rd.Fate != session.FateLate {
		c.cover.IdleValues++
	}
	c.point(rd, active)
}

func (c *recorded) point(rd *session.Reading, active bool) {
	p := report.Point{At: rd.At, Value: rd.Value, InTransaction: active, Track: int8(min(rd.Track, 100))}
	if c.trail != nil {
		c.trail.Add(p)
	}
	c.episodes = slices.DeleteFunc(c.episodes, func(e *episode) bool { return !e.Add(p) })
}

func (c *recorded) mark(at hayalet.Instant, kind report.MarkKind) {
	if c.trail != nil {
		c.trail.Mark(at, kind)
	}
	for _, e := range c.episodes {
		e.Mark(at, kind)
	}
}

// Judged keeps a reading alarm for the incident that it changes, of which Changed tells right after it.
func (r *reportRecord) Judged(v hayalet.Verdict) {
	if v.Kind != hayalet.Alarm && v.Kind != hayalet.Found {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at(place{v.Station, v.Connector}).alarm = v
}

// Changed follows the incidents that weigh most.
func (r *reportRecord) Changed(inc hayalet.Incident) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.at(place{inc.Station, inc.Connector})
	e := r.episodes[inc.Key]
	if e == nil {
		if e = r.follow(inc, c); e == nil {
			return
		}
	}
	e.Incident = inc
	if c.alarm.Kind == hayalet.Alarm || c.alarm.Kind == hayalet.Found {
		if c.alarm.Rule == inc.Rule {
			e.Alarm(&c.alarm)
		}
		c.alarm = hayalet.Verdict{}
	}
}

// follow begins an episode if there is room, or if another weighs less.
func (r *reportRecord) follow(inc hayalet.Incident, c *recorded) *episode {
	if c.trail == nil {
		return nil
	}
	if len(r.episodes) >= report.EpisodesKept {
		if inc.Severity <= r.weakest || !r.drop(inc.Severity) {
			return nil
		}
	}
	e := &episode{report.NewEpisode(inc, c.trail), place{inc.Station, inc.Connector}}
	r.episodes[inc.Key] = e
	c.episodes = append(c.episodes, e)
	return e
}

// expect follows an incident that is known already from the first frame on, however it stands.
func (r *reportRecord) expect(inc hayalet.Incident) *episode {
	running := inc
	running.State = hayalet.Confirmed // so that it wants every reading
	e := &episode{report.NewEpisode(running, new(report.Trail)), place{inc.Station, inc.Connector}}
	c := r.at(e.place)
	c.episodes = append(c.episodes, e)
	r.episodes[inc.Key] = e
	return e
}

// settle gives an incident that was expected the alarms of the one that was found in its stead, where that bears another
// key, and lets it be what it was known to be.
func (r *reportRecord) settle(e *episode, inc hayalet.Incident) {
	for _, key := range slices.Sorted(maps.Keys(r.episodes)) {
		other := r.episodes[key]
		if len(e.Alarms) == 0 && other.place == e.place && other.Incident.Rule == inc.Rule {
			e.Alarms = other.Alarms
		}
	}
	e.Incident = inc
}

// drop makes room by the episode that weighs least, if that is less than the severity.
func (r *reportRecord) drop(below hayalet.Severity) bool {
	var least *episode
	for _, e := range r.episodes {
		if least == nil || report.Weightier(&least.Incident, &e.Incident) < 0 {
			least = e
		}
	}
	r.weakest = least.Incident.Severity
	if least.Incident.State == hayalet.Cleared {
		r.weakest = hayalet.Info
	}
	if r.weakest >= below {
		return false
	}
	delete(r.episodes, least.Incident.Key)
	c := r.places[least.place]
	c.episodes = slices.DeleteFunc(c.episodes, func(e *episode) bool { return e == least })
	return true
}

// writeReport writes the page of an analysis to a file: all of it or nothing.
func (a *app) writeReport(name string, record *reportRecord, found findings, stats capture.Stats, cfg *config, zone *time.Location) error {
	analysis := report.Analysis{
		Version: version, Main: a.text.Lang(), Zone: zone, Tariff: cfg.tariff(), Incidents: found.incidents, Sources: sources(stats),
		Printer: func(l lang.Lang) lang.Printer { return cfg.named(lang.New(l)) }, Stations: record.stations(found.seen), Episodes: make(map[string]*report.Episode),
	}
	for key, e := range record.episodes {
		analysis.Episodes[key] = e.Episode
	}
	var err error
	if a.isStdout(name) {
		err = analysis.HTML(a.stdout)
	} else {
		err = writeWhole(name, analysis.HTML)
	}
	if err != nil {
		return hint(fmt.Errorf("write report: %v", err), "give the name of a file with --report")
	}
	return nil
}

// stations joins what was seen of the stations with how they stood at the end, in the order of their ids.
func (r *reportRecord) stations(seen []engine.StationState) []report.StationPart {
	parts := make(map[hayalet.StationID]*report.StationPart, len(r.met))
	for id, p := range r.met {
		parts[id] = &report.StationPart{Station: id, Presence: *p}
	}
	for i := range seen {
		st := &seen[i]
		part := parts[st.Station]
		if part == nil {
			part = &report.StationPart{Station: st.Station}
			parts[st.Station] = part
		}
		part.Vendor, part.Model, part.Firmware = st.Vendor, st.Model, st.Firmware
		for k := range st.Connectors {
			part.Connectors = append(part.Connectors, r.coverage(st, &st.Connectors[k]))
		}
	}
	all := make([]report.StationPart, 0, len(parts))
	for _, part := range parts {
		all = append(all, *part)
	}
	slices.SortFunc(all, func(a, b report.StationPart) int { return cmp.Compare(a.Station, b.Station) })
	return all
}

func (r *reportRecord) coverage(st *engine.StationState, c *engine.ConnectorState) report.Coverage {
	cover := report.Coverage{Station: st.Station, Connector: c.Connector}
	if known := r.places[place{st.Station, c.Connector}]; known != nil {
		cover = known.cover
	}
	if cover.Stepped() {
		cover.Until(st.LastFrame, cover.Doing(), 0)
	}
	cover.Notes = c.Notes
	return cover
}

func sources(stats capture.Stats) []report.Source {
	all := make([]report.Source, len(stats.Inputs))
	for i := range stats.Inputs {
		in := &stats.Inputs[i]
		all[i] = report.Source{Name: in.Name, Lines: in.Lines, Frames: in.Frames}
		for _, p := range in.Problems {
			all[i].Unread = append(all[i].Unread, report.Unread{Kind: string(p.Kind), Count: p.Count, Line: p.Line, Example: p.Example})
		}
	}
	return all
}

// writeWhole writes a file so that its reader sees the old content or the new. What is there and no plain file, a device or a
// link, is written to as it is.
func writeWhole(name string, write func(io.Writer) error) (err error) {
	var f *os.File
	if info, serr := os.Lstat(name); serr == nil && !info.Mode().IsRegular() {
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // a page is to be read
	} else if f, err = os.CreateTemp(filepath.Dir(name), ".hayalet-report-"); err == nil {
		temporary := f.Name()
		defer func() {
			if err == nil {
				err = os.Rename(temporary, name)
			}
			if err != nil {
				_ = os.Remove(temporary)
			}
		}()
		err = f.Chmod(0o644) //nolint:gosec // a page is to be read
	}
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	return errors.Join(write(w), w.Flush(), f.Close())
}
