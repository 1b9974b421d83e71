package siterule_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/siterule"
)

// story writes OCPP frames of one connector in time steps.
type story struct {
	now    time.Time
	frames []hayalet.Frame
}

func newStory() *story {
	s := &story{now: time.Date(2026, 1, 5, 22, 0, 0, 0, time.UTC)}
	s.call(0, "BootNotification", `{"chargePointVendor":"V","chargePointModel":"M"}`)
	s.call(0, "StatusNotification", `{"connectorId":1,"errorCode":"NoError","status":"Available"}`)
	return s
}

func (s *story) frame(dir hayalet.Direction, text string) {
	s.frames = append(s.frames, hayalet.Frame{
		Station: "CP_1", Conn: "c", Seq: uint64(len(s.frames) + 1), At: hayalet.InstantOf(s.now), Dir: dir, Protocol: hayalet.OCPP16, Data: []byte(text),
	})
}

func (s *story) call(after time.Duration, action, payload string) *story {
	s.now = s.now.Add(after)
	s.frame(hayalet.In, fmt.Sprintf(`[2,"m%d",%q,%s]`, len(s.frames), action, payload))
	return s
}

// meter sends a register, in Wh, and a power, in W; a negative one is left out.
func (s *story) meter(after time.Duration, wh, watts int) *story {
	s.now = s.now.Add(after)
	var samples []string
	if wh >= 0 {
		samples = append(samples, fmt.Sprintf(`{"value":"%d","measurand":"Energy.Active.Import.Register","unit":"Wh"}`, wh))
	}
	if watts >= 0 {
		samples = append(samples, fmt.Sprintf(`{"value":"%d","measurand":"Power.Active.Import","unit":"W"}`, watts))
	}
	return s.call(0, "MeterValues", fmt.Sprintf(`{"connectorId":1,"meterValue":[{"timestamp":%q,"sampledValue":[%s]}]}`,
		s.now.Format(time.RFC3339), strings.Join(samples, ",")))
}

func (s *story) start(after time.Duration, wh int) *story {
	s.call(after, "StartTransaction", fmt.Sprintf(`{"connectorId":1,"idTag":"T","meterStart":%d,"timestamp":%q}`, wh, s.now.Add(after).Format(time.RFC3339)))
	s.frame(hayalet.Out, fmt.Sprintf(`[3,"m%d",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]`, len(s.frames)-1))
	return s
}

func (s *story) stop(after time.Duration, wh int) *story {
	return s.call(after, "StopTransaction", fmt.Sprintf(`{"transactionId":7,"meterStop":%d,"timestamp":%q}`, wh, s.now.Add(after).Format(time.RFC3339)))
}

// wait lets time pass: another station speaks.
func (s *story) wait(after time.Duration) *story {
	s.call(after, "Heartbeat", "{}")
	s.frames[len(s.frames)-1].Station, s.frames[len(s.frames)-1].Conn = "OTHER", "o"
	return s
}

// ear keeps the last state of each incident, in the order in which they opened.
type ear struct {
	mu     sync.Mutex
	order  []string
	last   map[string]hayalet.Incident
	alarms int
}

func (e *ear) Judged(v hayalet.Verdict) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v.Kind == hayalet.Alarm {
		e.alarms++
	}
}

func (e *ear) Changed(inc hayalet.Incident) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		e.last = make(map[string]hayalet.Incident)
	}
	if _, known := e.last[inc.Key]; !known {
		e.order = append(e.order, inc.Key)
	}
	e.last[inc.Key] = inc
}

func (e *ear) incidents() []hayalet.Incident {
	var all []hayalet.Incident
	for _, key := range e.order {
		all = append(all, e.last[key])
	}
	return all
}

// play runs frames through an engine with these rules and returns what it heard. With a store, state comes from it and
// goes back to it.
func play(t *testing.T, set detect.Set, store hayalet.States, frames []hayalet.Frame, batch int) *ear {
	t.Helper()
	heard := new(ear)
	e := engine.New(engine.Config{Rules: set.All, Listeners: []engine.Listener{heard}, Shards: 1, Store: store})
	if _, err := e.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- e.Run(context.Background()) }()
	for part := range slices.Chunk(frames, batch) {
		if err := e.PutFrames(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	e.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return heard
}

func compile(t *testing.T, s siterule.Spec, failed func(hayalet.RuleName, error)) *siterule.Rule {
	t.Helper()
	c, err := siterule.NewCompiler(failed)
	if err != nil {
		t.Fatal(err)
	}
	rule, err := c.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// store keeps snapshots in memory.
type store struct {
	mu    sync.Mutex
	snaps map[hayalet.StationID]hayalet.Snapshot
}

func newStore() *store { return &store{snaps: make(map[hayalet.StationID]hayalet.Snapshot)} }

func (s *store) SaveState(_ context.Context, st hayalet.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range st.Snapshots {
		s.snaps[snap.Station] = snap
	}
	return nil
}

func (s *store) LoadState(_ context.Context, to func(hayalet.Snapshot) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range s.snaps {
		if err := to(snap); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func (s *store) ReadSeries(context.Context, hayalet.StationID, hayalet.Instant, hayalet.Instant, func(hayalet.Series) error) error {
	return nil
}

// mentions counts a word in the station's snapshot.
func (s *store) mentions(word string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(string(s.snaps["CP_1"].Body), `"`+word+`"`)
}
