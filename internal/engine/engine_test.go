package engine_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/session"
)

// story is a session with a phantom after it, a quiet hour and a half, and a sign of life.
func story(t *testing.T) []hayalet.Frame {
	st := newStage(t, hayalet.OCPP16)
	for _, line := range []string{
		"+0s open", "+1s boot", "+1s status 1 Available", "+1s start 1 meter=50000 id=3", "+5m meter 1 50500 Wh tx=3", "+5m stop id=3 meter=51000",
		"+1m meter 1 51060 Wh", "+1m meter 1 51120 Wh", "+1m meter 1 51125 Wh", "+1m meter 1 51130 Wh", "x10 +10m meter 1 51130 Wh", "+1m status 1 Available",
	} {
		st.line(line)
	}
	return st.frames
}

func TestFramesDeliveredTwiceChangeNothing(t *testing.T) {
	frames := story(t)
	want := play(t, session.Profile{}, frames, 512)
	var twice []hayalet.Frame
	for i := range frames {
		twice = append(twice, frames[max(0, i-3):i+1]...)
	}
	got := play(t, session.Profile{}, twice, 7)
	if !reflect.DeepEqual(got.all(), want.all()) || len(got.verdicts) != len(want.verdicts) {
		t.Errorf("got %+v, want %+v", got.all(), want.all())
	}
}

func TestLogsWithoutTimesUseTheStationsOwn(t *testing.T) {
	frames := story(t)
	want := play(t, session.Profile{}, frames, 512).all()
	for i := range frames {
		frames[i].At = 0
	}
	got := play(t, session.Profile{}, frames, 512).all()
	if len(got) != len(want) || got[0].Energy != want[0].Energy || got[0].FirstAt != want[0].FirstAt || got[0].State != want[0].State {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// memory is a store in memory that can fail.
type memory struct {
	mu        sync.Mutex
	fail      bool
	incidents map[string]hayalet.Incident
	snapshots map[hayalet.StationID]hayalet.Snapshot
	history   []hayalet.Incident
	series    []hayalet.Series
	mark      uint64
}

func newMemory() *memory {
	return &memory{incidents: make(map[string]hayalet.Incident), snapshots: make(map[hayalet.StationID]hayalet.Snapshot)}
}

var errDisk = errors.New("disk full")

func (m *memory) SaveState(_ context.Context, st hayalet.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail {
		return errDisk
	}
	for _, inc := range st.Incidents {
		if m.incidents[inc.Key].Rev <= inc.Rev {
			m.incidents[inc.Key] = inc
		}
	}
	for _, s := range st.Snapshots {
		m.snapshots[s.Station] = s
	}
	m.history = append(m.history, st.History...)
	m.series = append(m.series, st.Series...)
	m.mark = max(m.mark, st.Mark)
	return nil
}

func (m *memory) LoadState(_ context.Context, to func(hayalet.Snapshot) error) (uint64, error) {
	for _, s := range m.snapshots {
		if err := to(s); err != nil {
			return 0, err
		}
	}
	return m.mark, nil
}

func (m *memory) ReadSeries(context.Context, hayalet.StationID, hayalet.Instant, hayalet.Instant, func(hayalet.Series) error) error {
	return nil
}

func (m *memory) setFail(fail bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) saved() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.incidents)
}

// through runs frames through an engine with a store, to its end.
func through(t *testing.T, store hayalet.States, frames []hayalet.Frame) {
	t.Helper()
	feed(t, engine.Config{Rules: detect.Defaults().All, Store: store, Shards: 2}, frames, max(1, len(frames)))
}

// TestRestartAnywhereChangesNothing cuts the story at every frame: the state that was saved carries on to the same
// incidents, byte for byte.
func TestRestartAnywhereChangesNothing(t *testing.T) {
	frames := story(t)
	whole := newMemory()
	through(t, whole, frames)
	if len(whole.incidents) != 1 {
		t.Fatalf("%d incidents", len(whole.incidents))
	}
	for cut := range frames {
		parts := newMemory()
		through(t, parts, frames[:cut])
		through(t, parts, frames[max(0, cut-2):]) // with some frames said again
		if !reflect.DeepEqual(parts.incidents, whole.incidents) {
			t.Errorf("cut at %d: got %+v, want %+v", cut, parts.incidents, whole.incidents)
		}
	}
}

func TestUnreadableSnapshotIsLeftOut(t *testing.T) {
	store := newMemory()
	store.snapshots["CP_1"] = hayalet.Snapshot{Station: "CP_1", Body: []byte("{")}
	store.snapshots["CP_2"] = hayalet.Snapshot{Station: "CP_2", Body: []byte(`{"Version":99}`)}
	through(t, store, story(t))
	if len(store.incidents) != 1 {
		t.Errorf("%d incidents", len(store.incidents))
	}
}

// TestStoreThatFailsLosesNothing lets the disk fail for a while: the engine goes on, and what waits is written later.
func TestStoreThatFailsLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		store.setFail(true)
		e := engine.New(engine.Config{Rules: detect.Defaults().All, Store: store})
		done := make(chan error, 1)
		go func() { done <- e.Run(context.Background()) }()
		if err := e.PutFrames(t.Context(), story(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if store.saved() != 0 {
			t.Fatal("saved on a disk that fails")
		}
		store.setFail(false)
		time.Sleep(time.Minute)
		if store.saved() != 1 || len(store.snapshots) != 1 {
			t.Errorf("%d incidents, %d snapshots", store.saved(), len(store.snapshots))
		}
		e.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// TestLiveTicksAreTheRecordsTicks closes an episode by the wall clock, and again from the record of the same frames: the
// incidents are equal, although the station said nothing in between.
func TestLiveTicksAreTheRecordsTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := new(ear)
		e := engine.New(engine.Config{Rules: detect.Defaults().All, Listeners: []engine.Listener{live}, Clock: time.Now})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		st := newStage(t, hayalet.OCPP16)
		st.now = time.Now()
		for _, line := range []string{
			"+3s open", "+1s status 1 Available", "+1s meter 1 1000 Wh", "+77s meter 1 1100 Wh", "+81s meter 1 1200 Wh", "+3h open", "+1s status 1 Available",
		} {
			before := len(st.frames)
			st.line(line)
			time.Sleep(time.Until(st.now))
			if err := e.PutFrames(ctx, st.frames[before:]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		recorded := play(t, session.Profile{}, st.frames, 3)
		if len(live.all()) != 1 || live.all()[0].State != hayalet.Closed {
			t.Fatalf("live: %+v", live.all())
		}
		if a, b := fmt.Sprintf("%+v", deref(live.all())), fmt.Sprintf("%+v", deref(recorded.all())); a != b {
			t.Errorf("live     %s\nrecorded %s", a, b)
		}
	})
}

// deref replaces pointers by what they point to.
func deref(all []hayalet.Incident) []any {
	var out []any
	for _, inc := range all {
		mean, peak := inc.Mean, inc.Peak
		inc.Mean, inc.Peak = nil, nil
		out = append(out, inc, *mean, *peak)
	}
	return out
}

func TestPutFramesAfterTheEndFails(t *testing.T) {
	e := engine.New(engine.Config{Rules: detect.Defaults().All})
	e.Close()
	if err := e.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 1000 { // the queue takes some
		if err = e.PutFrames(t.Context(), story(t)); err != nil {
			break
		}
	}
	if !errors.Is(err, engine.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestRuleThatLeavesEndsItsIncidents: a station that boots as another model, which its rules do not watch, keeps no
// incident open for ever.
func TestRuleThatLeavesEndsItsIncidents(t *testing.T) {
	st := newStage(t, hayalet.OCPP16)
	for _, line := range []string{
		"+0s boot", "+1s status 1 Available", "+15m meter 1 50000 Wh", "+15m meter 1 50500 Wh",
		`+1m raw [2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"Other"}]`, "+15m meter 1 51000 Wh",
	} {
		st.line(line)
	}
	heard := new(ear)
	feed(t, engine.Config{Listeners: []engine.Listener{heard}, Rules: func(_ hayalet.StationID, _, model string) detect.Set {
		if model == "Other" {
			return nil
		}
		return detect.Defaults()
	}}, st.frames, len(st.frames))
	all := heard.all()
	if len(all) != 1 || all[0].State != hayalet.Closed || all[0].Outcome != hayalet.ReasonRuleGone || all[0].Severity != hayalet.High {
		t.Errorf("got %+v", all)
	}
}
