package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/ocpp"
	"hayalet/internal/session"
)

// snapshotVersion changes when state that was saved before can no longer be read as it is now.
const snapshotVersion = 2

// image is a unit as it is saved.
type image struct {
	Version  int
	Station  *session.Station
	Memories map[hayalet.ConnectorID]*detect.Memory
	Kept     []hayalet.Incident
	Latest   hayalet.Instant
	Conns    [4]connSeq
	Pending  []ocpp.PendingStart // of the station's last connection
}

func (u *unit) snapshot(d *ocpp.Decoder) (hayalet.Snapshot, error) {
	memories := make(map[hayalet.ConnectorID]*detect.Memory, len(u.memories))
	for _, m := range u.memories {
		memories[m.connector] = m.of
	}
	img := image{
		Version: snapshotVersion, Station: u.station, Memories: memories, Kept: u.folder.Kept(), Latest: u.latest, Conns: u.conns,
		Pending: d.Pending(u.station.Link.Conn),
	}
	body, err := json.Marshal(img)
	if err != nil {
		return hayalet.Snapshot{}, fmt.Errorf("encode state of %q: %w", u.station.ID, err)
	}
	return hayalet.Snapshot{Station: u.station.ID, Position: u.pos, At: u.latest, Body: body}, nil
}

// restore makes a unit from its snapshot. What a rule remembers is named after it: a rule that is new starts empty.
func (e *Engine) restore(s hayalet.Snapshot, d *ocpp.Decoder) (*unit, error) {
	var img image
	if err := json.Unmarshal(s.Body, &img); err != nil {
		return nil, fmt.Errorf("decode state of %q: %w", s.Station, err)
	}
	if img.Version != snapshotVersion || img.Station == nil {
		return nil, fmt.Errorf("state of %q: version %d is not %d", s.Station, img.Version, snapshotVersion)
	}
	u := newUnit(s.Station, e)
	u.station = img.Station
	u.station.Bind(e.cfg.Profiles)
	u.folder = detect.NewFolder(img.Kept)
	e.saver.know(img.Kept)
	u.latest, u.conns, u.pos = img.Latest, img.Conns, s.Position
	for c, saved := range img.Memories {
		if saved != nil {
			u.memories = append(u.memories, memory{c, saved})
		}
	}
	u.arm()
	u.wake = u.nextWake()
	d.Expect(u.station.Link.Conn, img.Pending)
	return u, nil
}

// Restore loads the state of all stations from the store, and returns the position of the first frame of the journal that
// some of it may not know: frames from there on are to be put again. Call it before Run. A snapshot that cannot be read is
// logged and left out: its station starts as unknown.
func (e *Engine) Restore(ctx context.Context) (from uint64, err error) {
	if e.cfg.Store == nil {
		return 1, nil
	}
	mark, err := e.cfg.Store.LoadState(ctx, func(s hayalet.Snapshot) error {
		shard := e.shardOf(s.Station)
		u, err := e.restore(s, shard.decoder)
		if err != nil {
			e.cfg.Log.Warn("state not restored; the station starts as unknown", "station", s.Station, "error", err)
			return nil
		}
		shard.units[s.Station] = u
		shard.follow(u)
		return nil
	})
	return mark + 1, err
}

// rounds is in how many parts the saving of all that has changed is done, so that it never comes all at once.
const rounds = 8

// snapshotLoop saves the state of changed stations from time to time.
func (e *Engine) snapshotLoop(ctx context.Context) {
	ticker := time.NewTicker(e.cfg.SaveEvery / rounds)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		mark := e.queued.Load() // before the shards are asked: they answer after all frames up to here
		for _, s := range e.shards {
			reply := make(chan saved, 1)
			if s.put(ctx, job{ask: func(s *shard) { reply <- s.changed(rounds - 1) }}) != nil {
				return
			}
			select {
			case part := <-reply:
				mark = min(mark, part.mark)
				e.saver.putStations(part.stations)
			case <-e.done:
				return
			}
		}
		e.saver.putMark(mark)
	}
}

// saved is what a shard has to save, and the position up to which it has nothing else.
type saved struct {
	stations []stationState
	mark     uint64
}

// maxReadings is how many bytes of a station's readings wait for a snapshot before it is made at the next round. That takes
// a station that sends some sixty messages a second: of those that wait, all stations together have no more than what they
// have sent in SaveEvery, 16 bytes a value.
const maxReadings = 32 << 10

// changed takes the snapshots and the readings of the stations that changed at least so many rounds ago.
func (s *shard) changed(age uint64) saved {
	part := saved{mark: math.MaxUint64}
	s.round++
	s.scratch.round = s.round
	for _, u := range s.units {
		if !u.unsaved.is {
			continue
		}
		if s.round-u.unsaved.round <= age && u.readings.Len() < maxReadings {
			part.mark = min(part.mark, max(u.unsaved.pos, 1)-1)
			continue
		}
		snap, err := u.snapshot(s.decoder)
		if err != nil {
			s.engine.cfg.Log.Error("state not saved", "station", u.station.ID, "error", err)
			part.mark = min(part.mark, max(u.unsaved.pos, 1)-1)
			continue
		}
		u.unsaved = change{}
		st := stationState{snapshot: snap}
		if body, from, to := u.readings.Take(); len(body) > 0 {
			st.series = []hayalet.Series{{Station: u.station.ID, From: from, To: to, Body: body}}
		}
		part.stations = append(part.stations, st)
	}
	return part
}

// lastSave is how long the saving at the end may take.
const lastSave = 10 * time.Second

// saveAll saves everything unsaved; the shards have ended. What it cannot save, the journal says again.
func (e *Engine) saveAll(ctx context.Context) {
	mark := e.queued.Load()
	for _, s := range e.shards {
		part := s.changed(0)
		mark = min(mark, part.mark)
		e.saver.putStations(part.stations)
	}
	e.saver.putMark(mark)
	ctx, cancel := context.WithTimeout(ctx, lastSave)
	defer cancel()
	if err := e.saver.flush(ctx); err != nil {
		e.cfg.Log.Error("state not saved at the end; what the journal holds of it is judged again at the next start", "error", err)
	}
}
