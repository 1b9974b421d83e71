package engine_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/series"
)

// journalled gives frames their positions.
func journalled(frames []hayalet.Frame) []hayalet.Frame {
	for i := range frames {
		frames[i].Pos = uint64(i + 1)
	}
	return frames
}

// crash runs frames through an engine whose store is then gone.
func crash(t *testing.T, from *memory, frames []hayalet.Frame) {
	t.Helper()
	lost := newMemory()
	lost.mark = from.mark
	for st, snap := range from.snapshots {
		lost.snapshots[st] = snap
	}
	through(t, lost, frames)
	for key, inc := range lost.incidents { // incidents are written at once, state is not
		from.incidents[key] = inc
	}
	from.history = append(from.history, lost.history...)
}

// turns are the revisions of an incident's history, each once: one that is saved again is the same.
func turns(history []hayalet.Incident) (revs []uint64) {
	for _, inc := range history {
		revs = append(revs, inc.Rev)
	}
	slices.Sort(revs)
	return slices.Compact(revs)
}

// TestCrashAnywhereChangesNothing saves state after some frame, lets the process die after another, and goes on from the
// journal: the incidents are those of an undisturbed run, byte for byte.
func TestCrashAnywhereChangesNothing(t *testing.T) {
	frames := journalled(story(t))
	whole := newMemory()
	through(t, whole, frames)
	if len(whole.incidents) != 1 {
		t.Fatalf("%d incidents", len(whole.incidents))
	}
	for saved := range frames {
		for _, died := range []int{saved, min(saved+1, len(frames)), (saved + len(frames)) / 2, len(frames)} {
			parts := newMemory()
			through(t, parts, frames[:saved])
			if parts.mark != uint64(saved) {
				t.Fatalf("saved after frame %d: the mark is %d", saved, parts.mark)
			}
			crash(t, parts, frames[saved:died])
			again := max(0, int(parts.mark)-3) // what is known already changes nothing
			through(t, parts, frames[again:])
			if !reflect.DeepEqual(parts.incidents, whole.incidents) {
				t.Errorf("saved at %d, died at %d: got %+v, want %+v", saved, died, parts.incidents, whole.incidents)
			}
			if got, want := turns(parts.history), turns(whole.history); !slices.Equal(got, want) {
				t.Errorf("saved at %d, died at %d: turns at revisions %d, want %d", saved, died, got, want)
			}
		}
	}
}

// TestLossIsAGapOfItsStations: a loss says what a gap in its place would say, to those that it is of, once over restarts, and
// those that come behind it go on.
func TestLossIsAGapOfItsStations(t *testing.T) {
	frames := story(t)
	at, other := frames[5].At, frames[5]
	other.Station, other.Conn, other.Seq = "OTHER", "other", 1
	frames = journalled(slices.Concat(frames[:5], []hayalet.Frame{other, {}, {}}, frames[8:])) // 7 and 8 are lost
	first, gap, rest := frames[:6], frames[7], frames[8:]
	gap.Station, gap.Conn, gap.At, gap.Kind = frames[0].Station, frames[0].Conn, at, hayalet.Gap
	want := newMemory()
	through(t, want, slices.Concat(first, []hayalet.Frame{gap}, rest))

	store := newMemory()
	through(t, store, first)
	loss := hayalet.Loss{Block: 1, First: 7, Last: 8, Since: at, Until: at, Of: func(st hayalet.StationID) bool { return st == gap.Station }}
	for again := range 2 {
		e := engine.New(engine.Config{Rules: detect.Defaults().All, Store: store, Shards: 2})
		if _, err := e.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- e.Run(context.Background()) }()
		if err := e.PutLoss(t.Context(), loss); err != nil {
			t.Fatal(err)
		}
		states, err := e.Stations(t.Context())
		if err != nil || len(states) != 2 || states[0].Missed.Gaps != 1 || states[1].Missed.Gaps != 0 {
			t.Errorf("time %d: the stations are %+v, %v; want one gap of the first", again, states, err)
		}
		e.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if store.mark != 8 {
			t.Errorf("the mark is %d, want 8", store.mark)
		}
	}
	through(t, store, rest)
	if !reflect.DeepEqual(store.incidents, want.incidents) || store.mark != want.mark {
		t.Errorf("got %+v up to %d, want %+v up to %d", store.incidents, store.mark, want.incidents, want.mark)
	}
	for id, snap := range want.snapshots {
		if got := store.snapshots[id]; string(got.Body) != string(snap.Body) || got.Position != snap.Position {
			t.Errorf("the state of %s is\n%s\nwant\n%s", id, got.Body, snap.Body)
		}
	}
}

// TestTheMarkFollowsTheSlowestStation: the mark says from where on frames must come again, while one station changes and
// another rests.
func TestTheMarkFollowsTheSlowestStation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		e := engine.New(engine.Config{Rules: detect.Defaults().All, Store: store, Clock: time.Now, SaveEvery: 8 * time.Second})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		pos := uint64(0)
		for second := range 60 {
			for _, station := range []string{"A", "B"} {
				if station == "B" && second%20 > 0 {
					continue
				}
				pos++
				err := e.PutFrames(ctx, []hayalet.Frame{{
					Station: hayalet.StationID(station), Conn: hayalet.ConnID(station), Seq: pos, Pos: pos, At: hayalet.InstantOf(time.Now()), Protocol: hayalet.OCPP16,
					Data: fmt.Appendf(nil, `[2,"m","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"%d"}]}]}]`, time.Now().Format(time.RFC3339), 1000+second/30),
				}})
				if err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
			store.mu.Lock()
			for st, snap := range store.snapshots {
				if snap.Position < store.mark && st == "A" {
					t.Fatalf("second %d: station %s is saved at %d and the mark is %d", second, st, snap.Position, store.mark)
				}
			}
			if behind := pos - store.mark; behind > 12 {
				t.Fatalf("second %d: the mark is %d frames behind", second, behind)
			}
			store.mu.Unlock()
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if store.mark != pos {
			t.Errorf("at the end the mark is %d, want %d", store.mark, pos)
		}
		var values []int64
		for _, s := range store.series {
			if s.Station != "A" {
				continue
			}
			if err := series.Read(s.Body, func(pt series.Point) { values = append(values, pt.Value) }); err != nil {
				t.Fatal(err)
			}
		}
		if want := []int64{1_000_000, 1_000_000, 1_001_000}; !reflect.DeepEqual(values, want) {
			t.Errorf("readings of A: %v, want the first, the last before the change and the one after: %v", values, want)
		}
	})
}

// stuck is a store that does not answer.
type stuck struct{ *memory }

func (stuck) SaveState(ctx context.Context, _ hayalet.State) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestTheLastSavingEnds, after ten seconds, or with the context where that ends before.
func TestTheLastSavingEnds(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Minute: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			e := engine.New(engine.Config{Rules: detect.Defaults().All, Store: stuck{newMemory()}})
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- e.Run(ctx) }()
			if err := e.PutFrames(t.Context(), journalled(story(t))); err != nil {
				t.Fatal(err)
			}
			e.Close()
			begun := time.Now()
			if err := <-done; err != nil || time.Since(begun) != want {
				t.Errorf("limit %v: it took %v, %v; want %v", limit, time.Since(begun), err, want)
			}
		})
	}
}

// TestHistoryKeepsTheTurns: of an incident's revisions those stay at which state, severity or cause changed.
func TestHistoryKeepsTheTurns(t *testing.T) {
	store := newMemory()
	through(t, store, story(t))
	if len(store.history) < 2 {
		t.Fatalf("history: %+v", store.history)
	}
	for i, inc := range store.history[1:] {
		before := store.history[i]
		if inc.State == before.State && inc.Severity == before.Severity && inc.Cause == before.Cause {
			t.Errorf("rev %d is no turn after rev %d", inc.Rev, before.Rev)
		}
		if inc.Rev <= before.Rev {
			t.Errorf("rev %d after rev %d", inc.Rev, before.Rev)
		}
	}
	last := store.history[len(store.history)-1]
	if kept := store.incidents[last.Key]; kept.State != last.State || kept.Severity != last.Severity {
		t.Errorf("the last turn is %s %s, the incident %s %s", last.Severity, last.State, kept.Severity, kept.State)
	}
}

// TestSignsOfLifeAreState: heartbeats alone say until when the link was there, over restarts, too. A start that is dated into
// a time at which it was there explains nothing.
func TestSignsOfLifeAreState(t *testing.T) {
	st := newStage(t, hayalet.OCPP16)
	for _, line := range []string{
		"+0s open", "+1s boot", "+1s status 1 Available", "+15m meter 1 50000 Wh", "+15m meter 1 50000 Wh",
		`x30 +10m raw [2,"h","Heartbeat",{}]`,
		"+1m open", "+1s meter 1 54000 Wh", "+2m start 1 meter=50000 id=7 claim=-3h", "+1h meter 1 54000 Wh",
	} {
		st.line(line)
	}
	frames := journalled(st.frames)
	whole := newMemory()
	through(t, whole, frames)
	for first := 6; first < 30; first += 4 {
		for second := first + 1; second < 36; second += 5 {
			parts := newMemory()
			through(t, parts, frames[:first])
			through(t, parts, frames[first:second])
			through(t, parts, frames[second:])
			if !reflect.DeepEqual(parts.incidents, whole.incidents) {
				t.Fatalf("restarted after %d and %d: got %+v, want %+v", first, second, parts.incidents, whole.incidents)
			}
			for id, snap := range whole.snapshots {
				if string(parts.snapshots[id].Body) != string(snap.Body) {
					t.Fatalf("restarted after %d and %d: the state is\n%s\nwant\n%s", first, second, parts.snapshots[id].Body, snap.Body)
				}
			}
		}
	}
}
