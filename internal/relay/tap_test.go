package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/relay"
)

// stuck is a sink that takes nothing while its gate is shut.
type stuck struct {
	frames
	gate    chan struct{}
	failing atomic.Bool
}

func (s *stuck) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	select {
	case <-s.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.failing.Load() {
		return errors.New("disk on fire")
	}
	return s.frames.PutFrames(ctx, fs)
}

func (s *stuck) String() string {
	var b strings.Builder
	for _, f := range s.list() {
		fmt.Fprintf(&b, "%s%d", f.Conn, f.Seq)
		if f.Kind != hayalet.Message {
			fmt.Fprintf(&b, "(%v)", f.Kind)
		} else if want := fmt.Sprintf("data of %s%d", f.Conn, f.Seq); string(f.Data) != want {
			fmt.Fprintf(&b, "!%s", f.Data)
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func put(t *testing.T, tap *relay.Tap, conn hayalet.ConnID, seqs ...uint64) {
	t.Helper()
	buf := make([]byte, 0, 64)
	for _, seq := range seqs {
		buf = fmt.Appendf(buf[:0], "data of %s%d", conn, seq)
		f := hayalet.Frame{Station: "S", Conn: conn, Seq: seq, At: hayalet.Instant(seq), Data: buf, Protocol: hayalet.OCPP16, Dir: hayalet.Out}
		if err := tap.PutFrames(t.Context(), []hayalet.Frame{f}); err != nil {
			t.Fatal(err)
		}
	}
	clear(buf[:cap(buf)]) // what is lent is taken back
}

func TestTapLosesRatherThanWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		sink := &stuck{gate: make(chan struct{})}
		tap := relay.NewTap(relay.TapConfig{Frames: 5}, sink, slog.New(slog.NewTextHandler(&log, nil)))
		ended := make(chan error, 1)
		put(t, tap, "a", 1)
		go func() { ended <- tap.Run(t.Context()) }()
		synctest.Wait() // a1 is on its way into the sink, which is stuck
		put(t, tap, "a", 2, 3)
		put(t, tap, "b", 1, 2)
		put(t, tap, "a", 4, 5, 6)
		put(t, tap, "b", 3)
		if got := tap.Stats(); got.Dropped != 4 || got.Frames != 9 {
			t.Errorf("got %+v", got)
		}
		close(sink.gate)
		time.Sleep(time.Second) // of the bubble's clock
		put(t, tap, "a", 7)
		put(t, tap, "b", 4)
		time.Sleep(time.Second)
		got := sink.String()
		head, tail, _ := strings.Cut(got, "b2 ")
		if head != "a1 a2 a3 b1 " || !slices.Contains([]string{"a6(gap) b3(gap) a7 b4", "b3(gap) a6(gap) a7 b4"}, tail) {
			t.Errorf("got %s", got)
		}
		for _, f := range sink.list() {
			if f.Kind == hayalet.Gap && (f.Station != "S" || f.Protocol != hayalet.OCPP16 || f.At != hayalet.Instant(f.Seq) || f.Data != nil) {
				t.Errorf("got gap %+v", f)
			}
		}
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "frames_lost=4") || !strings.Contains(text, "gaps=2") {
			t.Errorf("log: %s", text)
		}
		tap.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTapIsBoundedInBytes(t *testing.T) {
	sink := &stuck{gate: make(chan struct{})}
	tap := relay.NewTap(relay.TapConfig{Bytes: 1 << 20}, sink, slog.New(slog.DiscardHandler))
	f := hayalet.Frame{Station: "S", Conn: "a", Data: make([]byte, 100<<10)}
	for f.Seq = 1; f.Seq <= 100; f.Seq++ {
		if err := tap.PutFrames(t.Context(), []hayalet.Frame{f}); err != nil {
			t.Fatal(err)
		}
	}
	if got := tap.Stats(); got.Dropped != 90 || got.DroppedSize != 90*100<<10 {
		t.Errorf("got %+v", got)
	}
	// What waits at the end is handed on.
	close(sink.gate)
	tap.Close()
	if err := tap.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := sink.list()
	if len(got) != 11 || got[10].Kind != hayalet.Gap || got[10].Seq != 100 {
		t.Errorf("got %d frames, last %+v", len(got), got[len(got)-1])
	}
}

// A sink that fails has lost its batch: nothing that comes later overtakes the gap.
func TestTapSinkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &stuck{gate: make(chan struct{})}
		sink.failing.Store(true)
		close(sink.gate)
		tap := relay.NewTap(relay.TapConfig{}, sink, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		put(t, tap, "a", 1, 2)
		put(t, tap, "b", 1)
		go func() { ended <- tap.Run(ctx) }() // its first batch is these three
		synctest.Wait()
		put(t, tap, "a", 3)
		time.Sleep(2500 * time.Millisecond)
		sink.failing.Store(false)
		time.Sleep(2 * time.Second)
		if got := sink.String(); got != "a2(gap) b1(gap) a3" {
			t.Errorf("got %s", got)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A detector that stands still for 30 s holds nobody up.
func TestStuckDetectorDoesNotDelayTheTraffic(t *testing.T) {
	sink := &stuck{gate: make(chan struct{})}
	tap := relay.NewTap(relay.TapConfig{Frames: 50}, sink, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tap.Run(ctx) }()
	u := startUpstream(t, acceptAll, nil)
	s := startRelay(t, relay.Config{Upstreams: []relay.Upstream{{URL: u.url}}}, tap)
	station, csms := s.pair(t, u, nil)
	for i := range 200 {
		write(t, station, fmt.Sprint("call ", i))
		wantText(t, csms, fmt.Sprint("call ", i))
		write(t, csms, fmt.Sprint("answer ", i))
		wantText(t, station, fmt.Sprint("answer ", i))
	}
	if tap.Stats().Dropped == 0 {
		t.Error("the detector was not stuck at all")
	}
	close(sink.gate)
	eventually(t, "the gap is told", func() bool {
		all := sink.list()
		return len(all) > 0 && all[len(all)-1].Seq == 401 // the open, and two frames for each of the 200
	})
	write(t, station, "after")
	wantText(t, csms, "after")
	eventually(t, "detection goes on", func() bool {
		all := sink.list()
		return len(all) > 0 && string(all[len(all)-1].Data) == "after"
	})
	var last uint64
	gaps := 0
	for _, f := range sink.list() {
		if f.Kind == hayalet.Gap {
			gaps++
		} else if f.Seq != last+1 {
			t.Errorf("frame %d follows %d without a gap", f.Seq, last)
		}
		last = f.Seq
	}
	if gaps == 0 || last != 402 {
		t.Errorf("%d gaps, last %d", gaps, last)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The traffic's goroutine copies and goes on: no allocation, no wait.
func BenchmarkTap(b *testing.B) {
	tap := relay.NewTap(relay.TapConfig{}, discard{}, slog.New(slog.DiscardHandler))
	go func() { _ = tap.Run(b.Context()) }()
	fs := []hayalet.Frame{{Station: "CP_1", Conn: "01234567-0123-0123-0123-0123456789ab", Data: make([]byte, 420)}}
	b.ReportAllocs()
	for b.Loop() {
		fs[0].Seq++
		_ = tap.PutFrames(b.Context(), fs)
	}
}

type discard struct{}

func (discard) PutFrames(context.Context, []hayalet.Frame) error { return nil }
