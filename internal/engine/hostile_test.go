package engine_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/session"
)

// TestRestartInEachScriptChangesNothing cuts each script in its middle: the memory of every rule is saved and read again.
func TestRestartInEachScriptChangesNothing(t *testing.T) {
	paths, err := filepath.Glob("testdata/scripts/*/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		st := newStage(t, hayalet.OCPP16)
		for _, line := range readScript(t, path).body {
			st.line(line)
		}
		sameAfterRestart(t, path, st.frames, len(st.frames)/2)
	}
}

// sameAfterRestart compares the incidents of the frames with those of an engine that ends and begins anew at the cut.
func sameAfterRestart(t *testing.T, name string, frames []hayalet.Frame, cut int) {
	t.Helper()
	whole, parts := newMemory(), newMemory()
	through(t, whole, frames)
	through(t, parts, frames[:cut])
	through(t, parts, frames[max(0, cut-2):]) // with some frames said again
	if !reflect.DeepEqual(parts.incidents, whole.incidents) {
		t.Errorf("%s, cut at %d: got %+v, want %+v", name, cut, parts.incidents, whole.incidents)
	}
}

// TestHostileStation plays random messages, many of them absurd: nothing panics, what is kept stays within bounds, no energy
// is below zero, and neither the size of batches nor a restart makes a difference.
func TestHostileStation(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same on each run
		frames := hostile(t, r)
		whole, one := &guard{}, &guard{}
		for heard, batch := range map[*guard]int{whole: 512, one: 1} {
			heard.hear(t, frames, batch)
			if heard.fault != "" {
				t.Errorf("seed %d: %s", seed, heard.fault)
			}
		}
		if !reflect.DeepEqual(one.all(), whole.all()) {
			t.Errorf("seed %d: batches of one give %+v instead of %+v", seed, one.all(), whole.all())
		}
		sameAfterRestart(t, fmt.Sprint("seed ", seed), frames, r.IntN(len(frames)))
	}
}

// guard is an ear that notes what must not be.
type guard struct {
	ear
	fault string
}

func (g *guard) Judged(v hayalet.Verdict) {
	g.ear.Judged(v)
	if min(v.Value, v.Increase, v.Unpaid, v.Excess) < 0 || v.Implied < 0 {
		g.fault = fmt.Sprintf("%+v", v)
	}
}

func (g *guard) Changed(inc hayalet.Incident) {
	g.ear.Changed(inc)
	if min(inc.Energy, inc.Excess) < 0 {
		g.fault = describe(&inc)
	}
}

func (g *guard) Observed(v session.View) {
	if len(v.Connector.Tracks) > session.MaxTracks || len(v.Station.Mains) > session.MaxMains || v.Step.Reading.Increase < 0 {
		g.fault = fmt.Sprintf("%+v", v.Step.Reading)
	}
}

func (g *guard) hear(t *testing.T, frames []hayalet.Frame, batch int) {
	t.Helper()
	feed(t, engine.Config{Rules: detect.Defaults().All, Listeners: []engine.Listener{g}, Shards: 1}, frames, batch)
}

// hostile is a random story of two outlets and the station itself.
func hostile(t *testing.T, r *rand.Rand) []hayalet.Frame {
	t.Helper()
	st := newStage(t, hayalet.OCPP16)
	st.line("+0s open")
	pick := func(words string) string {
		all := strings.Fields(words)
		return all[r.IntN(len(all))]
	}
	registers := [3]int{0, 50_000, 9_000}
	for range 20 + r.IntN(100) {
		c := r.IntN(3)
		number := func() string {
			registers[c] += r.IntN(2) * []int{1, 5, 20, 60, 200, 1000, 10_000}[r.IntN(7)]
			v := registers[c]
			absurd := []int{v, v / 1000, v * 1000, 0, v - 500, v + 1<<32, -v, 999_999_999_999, -999_999_999_999}
			return fmt.Sprint(absurd[max(0, r.IntN(40)-31)])
		}
		power := func() string { return pick("0 0 7400 30 60 -5 3000 22000 999999999999 -999999999999 1e12 0e300") }
		id := func() int { return r.IntN(5) }
		claim := pick("tag=T tag=T tag=T claim=-10m claim=-3h claim=-30s claim=1h stamp=1970-01-01T00:00:00Z stamp=2026-01-05T00:10:00Z")
		line := []string{
			"boot", "open", pick("close gap"), fmt.Sprintf("status %d %s %s", c, pick("Available Charging Preparing Finishing SuspendedEV Faulted"), claim),
			fmt.Sprintf("start %d meter=%s id=%d %s", c, number(), id(), claim), fmt.Sprintf("start %d meter=%s %s", c, number(), claim),
			fmt.Sprintf("stop id=%d meter=%s %s", id(), number(), claim), fmt.Sprintf("electric %d interval=%s %s", c, number(), claim),
			fmt.Sprintf("electric %d power=%s current=%s %s", c, power(), power(), claim),
			fmt.Sprintf("meter %d %s Wh %s power=%s tx=%d ctx=%s", c, number(), claim, power(), id(), pick("Sample.Clock Sample.Periodic Transaction.Begin")),
			fmt.Sprintf("meter %d %s %s %s phase=%s loc=%s", c, number(), pick("Wh kWh"), claim, pick("L1 N L1-L2"), pick("Outlet Inlet EV")),
			fmt.Sprintf("meter %d %s Wh %s", c, number(), claim),
		}[min(11, r.IntN(20))]
		st.line("+" + pick("0s 1s 3s 10s 1m 5m 15m 1h 7h 30h") + " " + line)
	}
	return st.frames
}
