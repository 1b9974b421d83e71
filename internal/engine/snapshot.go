package engine

import (
	"context"
	"encoding/json"
	"fmt"
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
	img := image{
		Version: snapshotVersion, Station: u.station, Memories: u.memories, Kept: u.folder.Kept(), Latest: u.latest, Conns: u.conns,
		Pending: d.Pending(u.station.Link.Conn),
	}
	body, err := json.Marshal(img)
	if err != nil {
		return hayalet.Snapshot{}, fmt.Errorf("encode state of %q: %w", u.station.ID, err)
	}
	return hayalet.Snapshot{Station: u.station.ID, At: u.latest, Body: body}, nil
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
	u.latest, u.conns = img.Latest, img.Conns
	for c, saved := range img.Memories {
		if saved != nil {
			u.memories[c] = saved
		}
	}
	u.arm()
	u.wake = u.nextWake()
	d.Expect(u.station.Link.Conn, img.Pending)
	return u, nil
}

// Restore loads the state of all stations from the store. Call it before Run. A snapshot that cannot be read is logged
// and left out: its station starts as unknown.
func (e *Engine) Restore(ctx context.Context) error {
	if e.cfg.Store == nil {
		return nil
	}
	return e.cfg.Store.LoadSnapshots(ctx, func(s hayalet.Snapshot) error {
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
}

// snapshotLoop saves the state of changed stations from time to time.
func (e *Engine) snapshotLoop(ctx context.Context) {
	ticker := time.NewTicker(e.cfg.SaveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, s := range e.shards {
			reply := make(chan []hayalet.Snapshot, 1)
			if s.put(ctx, job{ask: func(s *shard) { reply <- s.changed() }}) != nil {
				return
			}
			select {
			case ss := <-reply:
				e.saver.putSnapshots(ss)
			case <-e.done:
				return
			}
		}
	}
}

// changed takes the snapshots of the stations that changed since the last time.
func (s *shard) changed() []hayalet.Snapshot {
	var ss []hayalet.Snapshot
	for _, u := range s.units {
		if !u.dirty {
			continue
		}
		snap, err := u.snapshot(s.decoder)
		if err != nil {
			s.engine.cfg.Log.Error("state not saved", "station", u.station.ID, "error", err)
			continue
		}
		u.dirty = false
		ss = append(ss, snap)
	}
	return ss
}

// saveAll saves everything unsaved; the shards have ended.
func (e *Engine) saveAll() {
	for _, s := range e.shards {
		e.saver.putSnapshots(s.changed())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.saver.flush(ctx); err != nil {
		e.cfg.Log.Error("state not saved at the end", "error", err)
	}
}
