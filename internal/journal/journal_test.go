package journal_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/journal"
)

// sink collects what it is given, with copies of the messages.
type sink struct {
	mu     sync.Mutex
	frames []hayalet.Frame
	gate   chan struct{} // where it is not nil, each call waits for a token
}

func (s *sink) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fs {
		f.Data = slices.Clone(f.Data)
		s.frames = append(s.frames, f)
	}
	return nil
}

func (s *sink) all() []hayalet.Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames)
}

// exchange is a call and its answer on a connection.
func exchange(conn string, seq uint64) []hayalet.Frame {
	at := hayalet.Instant(1_767_571_200_000_000 + 1000*seq)
	f := hayalet.Frame{Station: hayalet.StationID("CP " + conn), Conn: hayalet.ConnID(conn), Protocol: hayalet.OCPP16}
	in, out := f, f
	in.Seq, in.At, in.Data = seq, at, fmt.Appendf(nil, `[2,"%s-%d","Heartbeat",{}]`, conn, seq)
	out.Seq, out.At, out.Dir, out.Data = seq+1, at+1, hayalet.Out, fmt.Appendf(nil, `[3,"%s-%d",{"currentTime":"2026-01-05T00:00:00Z"}]`, conn, seq)
	return []hayalet.Frame{in, out}
}

// running opens a journal and runs it until the test ends or stop is called, which waits for its end.
func running(t *testing.T, s hayalet.Blocks, cfg journal.Config) (j *journal.Journal, stop func()) {
	t.Helper()
	j, err := journal.Open(t.Context(), s, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	stop = sync.OnceFunc(func() {
		j.Close()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return j, stop
}

func put(t *testing.T, j *journal.Journal, fs []hayalet.Frame) {
	t.Helper()
	if err := j.PutFrames(t.Context(), fs); err != nil {
		t.Fatal(err)
	}
}

func replay(t *testing.T, s hayalet.Blocks, q hayalet.FrameQuery) []hayalet.Frame {
	t.Helper()
	var to sink
	if err := journal.Replay(t.Context(), s, q, &to); err != nil {
		t.Fatal(err)
	}
	return to.all()
}

// bare is frames without their positions.
func bare(fs []hayalet.Frame) []hayalet.Frame {
	fs = slices.Clone(fs)
	for i := range fs {
		fs[i].Pos = 0
	}
	return fs
}

func TestWhatWasPutIsReplayed(t *testing.T) {
	var s store
	var next sink
	var want []hayalet.Frame
	for restart := range 3 {
		j, stop := running(t, &s, journal.Config{Next: &next, From: uint64(len(want) + 1)})
		conn := fmt.Sprint("c", restart)
		opened := []hayalet.Frame{{Station: "CP", Conn: hayalet.ConnID(conn), Seq: 1, At: 1, Kind: hayalet.ConnOpen, Protocol: hayalet.OCPP201}}
		odd := []hayalet.Frame{
			{Station: "CP", Conn: hayalet.ConnID(conn), Seq: 2, At: -5, Kind: hayalet.Message, Protocol: hayalet.OCPP201, Data: []byte{}},
			{Station: "CP", Conn: hayalet.ConnID(conn), Seq: 9, At: 7, Kind: hayalet.Gap, Protocol: hayalet.OCPP201},
			{Station: "CP", Conn: hayalet.ConnID(conn), Seq: 10, At: 8, Kind: hayalet.Message, Protocol: hayalet.OCPP201, Data: []byte("\xff\x00 no JSON")},
			{Station: "CP", Conn: hayalet.ConnID(conn), Seq: 11, At: 9, Kind: hayalet.ConnClose, Protocol: hayalet.OCPP201},
		}
		for _, fs := range [][]hayalet.Frame{opened, odd, exchange(conn+"x", 1), exchange(conn+"x", 3)} {
			put(t, j, fs)
			want = append(want, fs...)
		}
		stop()
	}
	got := replay(t, &s, hayalet.FrameQuery{})
	if !reflect.DeepEqual(bare(got), want) {
		t.Errorf("replayed\n%+v, want\n%+v", got, want)
	}
	for i := range got {
		if got[i].Pos != uint64(i+1) {
			t.Errorf("frame %d is at position %d", i+1, got[i].Pos)
		}
	}
	if !reflect.DeepEqual(next.all(), got) {
		t.Errorf("handed on\n%+v, want\n%+v", next.all(), got)
	}
}

func TestAFrameIsKeptOnce(t *testing.T) {
	var s store
	j, stop := running(t, &s, journal.Config{})
	first, second := exchange("c", 1), exchange("c", 3)
	put(t, j, first)
	put(t, j, first)
	put(t, j, slices.Concat(first, second))
	last := []hayalet.Frame{{Station: "CP c", Conn: "c", Seq: 5, Kind: hayalet.ConnClose, Protocol: hayalet.OCPP16}}
	put(t, j, last)
	put(t, j, slices.Concat(second, last))
	stop()
	if got, want := bare(replay(t, &s, hayalet.FrameQuery{})), slices.Concat(first, second, last); !reflect.DeepEqual(got, want) {
		t.Errorf("kept\n%+v, want\n%+v", got, want)
	}
}

// TestManyShareACommit: the frames of connections that wait at the same time go to disk together, each exchange whole and
// in its order.
func TestManyShareACommit(t *testing.T) {
	const conns, each = 50, 20
	s := store{appended: make(chan struct{}, conns*each)}
	j, stop := running(t, &s, journal.Config{MaxFrames: 64, Linger: 2 * time.Millisecond})
	var all sync.WaitGroup
	for c := range conns {
		all.Go(func() {
			for n := range uint64(each) {
				put(t, j, exchange(fmt.Sprint("c", c), 2*n+1))
			}
		})
	}
	all.Wait()
	stop()
	if n := len(s.all()); n > conns*each/4 {
		t.Errorf("%d commits for %d exchanges", n, conns*each)
	}
	last := map[hayalet.ConnID]uint64{}
	got := replay(t, &s, hayalet.FrameQuery{})
	for i := 0; i+1 < len(got); i += 2 {
		in, out := got[i], got[i+1]
		if in.Conn != out.Conn || out.Seq != in.Seq+1 || in.Seq != last[in.Conn]+1 {
			t.Fatalf("frames %d and %d are %s %d and %s %d, after %d", i, i+1, in.Conn, in.Seq, out.Conn, out.Seq, last[in.Conn])
		}
		last[in.Conn] = out.Seq
	}
	if len(got) != conns*each*2 {
		t.Errorf("%d frames, want %d", len(got), conns*each*2)
	}
	for _, b := range s.all() {
		if b.Frames > 64 {
			t.Errorf("block %d has %d frames, want at most 64", b.Number, b.Frames)
		}
	}
}

// TestNothingIsAnsweredWhileTheDiskRefuses: the caller waits until the frames are on disk, and they are there once.
func TestNothingIsAnsweredWhileTheDiskRefuses(t *testing.T) {
	s := store{appended: make(chan struct{}, 100), fail: errDisk}
	j, stop := running(t, &s, journal.Config{})
	answered := make(chan error, 1)
	go func() { answered <- j.PutFrames(t.Context(), exchange("c", 1)) }()
	for range 3 {
		<-s.appended
	}
	select {
	case err := <-answered:
		t.Fatalf("answered before it was on disk: %v", err)
	default:
	}
	if err := j.Ready(); !errors.Is(err, errDisk) {
		t.Errorf("ready: %v, want the disk's error", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.PutFrames(gone, exchange("d", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has gone: %v", err)
	}
	if at, now := j.Horizon(time.Unix(2_000_000_000, 0)), exchange("c", 1)[0].At; hayalet.InstantOf(at) != now {
		t.Errorf("the horizon is %v, want the receipt of what waits, %v", at, now)
	}
	s.breaks(nil)
	if err := <-answered; err != nil {
		t.Errorf("after the disk works again: %v", err)
	}
	stop()
	if err := j.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	if got, want := bare(replay(t, &s, hayalet.FrameQuery{})), slices.Concat(exchange("c", 1), exchange("d", 1)); !reflect.DeepEqual(got, want) {
		t.Errorf("kept\n%+v, want\n%+v", got, want)
	}
	if err := j.PutFrames(t.Context(), exchange("c", 3)); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after the end: %v, want ErrClosed", err)
	}
}

// TestAnEndLeavesNobodyWaiting: when the journal must end while the disk refuses, callers hear of it.
func TestAnEndLeavesNobodyWaiting(t *testing.T) {
	s := store{appended: make(chan struct{}, 100), fail: errDisk}
	j, err := journal.Open(t.Context(), &s, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	answered := make(chan error, 2)
	go func() { answered <- j.PutFrames(t.Context(), exchange("c", 1)) }()
	<-s.appended
	go func() { answered <- j.PutFrames(t.Context(), exchange("d", 1)) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !errors.Is(err, journal.ErrUnkept) {
		t.Errorf("run: %v, want ErrUnkept", err)
	}
	for range 2 {
		if err := <-answered; err == nil {
			t.Error("answered although nothing is kept")
		}
	}
}

// TestAnEndWithNothingToKeep is no ErrUnkept, also where the sink has not come to the end.
func TestAnEndWithNothingToKeep(t *testing.T) {
	for name, next := range map[string]hayalet.FrameSink{"no sink": nil, "a sink that stands still": &sink{gate: make(chan struct{})}} {
		var s store
		j, err := journal.Open(t.Context(), &s, journal.Config{Next: next}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- j.Run(ctx) }()
		put(t, j, exchange("c", 1))
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, journal.ErrUnkept) {
			t.Errorf("%s: run: %v", name, err)
		}
	}
}

// TestMoreThanABlockHolds: what is put at once goes into as many blocks as it needs, a message and its answer never apart.
func TestMoreThanABlockHolds(t *testing.T) {
	for _, cfg := range []journal.Config{
		{MaxFrames: 10, MaxBytes: 200}, {MaxFrames: 10}, {MaxFrames: 5}, {MaxFrames: 1}, {MaxBytes: 120}, {MaxBytes: 140}, {MaxBytes: 1},
	} {
		t.Run(fmt.Sprintf("%d frames, %d bytes", cfg.MaxFrames, cfg.MaxBytes), func(t *testing.T) {
			var s store
			j, stop := running(t, &s, cfg)
			var all []hayalet.Frame
			for n := range uint64(50) {
				all = append(all, exchange("c", 2*n+1)...)
			}
			put(t, j, all)
			stop()
			if got := bare(replay(t, &s, hayalet.FrameQuery{})); !reflect.DeepEqual(got, all) {
				t.Errorf("kept %d frames, want %d in order", len(got), len(all))
			}
			for _, b := range s.all() {
				if most := max(2, cmp.Or(cfg.MaxFrames, len(all))); b.Frames > most || b.Frames%2 != 0 {
					t.Errorf("block %d has %d frames", b.Number, b.Frames)
				}
			}
		})
	}
}

func TestTwoWritersAreRefused(t *testing.T) {
	var s store
	a, _ := running(t, &s, journal.Config{})
	b, err := journal.Open(t.Context(), &s, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, exchange("a", 1))
	done := make(chan error, 1)
	go func() { done <- b.Run(t.Context()) }()
	if err := b.PutFrames(t.Context(), exchange("b", 1)); !errors.Is(err, hayalet.ErrConflict) {
		t.Errorf("put: %v, want ErrConflict", err)
	}
	if err := <-done; !errors.Is(err, hayalet.ErrConflict) {
		t.Errorf("run: %v, want ErrConflict", err)
	}
}

// TestTheDiskDoesNotWaitForDetection: a sink that stands still holds nobody up, and misses nothing.
func TestTheDiskDoesNotWaitForDetection(t *testing.T) {
	var s store
	slow := sink{gate: make(chan struct{})}
	j, stop := running(t, &s, journal.Config{Next: &slow})
	var want []hayalet.Frame
	for n := range uint64(200) {
		fs := exchange("c", 2*n+1)
		put(t, j, fs)
		want = append(want, fs...)
	}
	now := time.Unix(2_000_000_000, 0)
	if at := j.Horizon(now); !at.Before(now) {
		t.Error("the horizon is now, although frames are on their way")
	}
	close(slow.gate)
	stop()
	if got := slow.all(); !reflect.DeepEqual(bare(got), want) {
		t.Errorf("handed on %d frames, want %d in order", len(got), len(want))
	}
	if at := j.Horizon(now); !at.Equal(now) {
		t.Errorf("the horizon is %v, although nothing is on its way", at)
	}
}

func TestReplaySelects(t *testing.T) {
	var s store
	j, stop := running(t, &s, journal.Config{})
	for n := range uint64(10) {
		put(t, j, exchange([]string{"a", "b"}[n%2], 2*n+1))
	}
	stop()
	all := replay(t, &s, hayalet.FrameQuery{})
	for _, q := range []hayalet.FrameQuery{
		{Station: "CP a"},
		{Station: "nobody"},
		{From: 7},
		{Since: all[4].At, Until: all[9].At},
		{Station: "CP b", From: 4, Since: all[6].At, Until: all[18].At},
	} {
		var want []hayalet.Frame
		for _, f := range all {
			if (q.Station == "" || f.Station == q.Station) && f.Pos >= q.From && f.At >= q.Since && (q.Until == 0 || f.At < q.Until) {
				want = append(want, f)
			}
		}
		if got := replay(t, &s, q); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: got %d frames, want %d", q, len(got), len(want))
		}
	}
	if err := s.DropBodies(t.Context(), []uint64{1, 2}); err != nil {
		t.Fatal(err)
	}
	if got := replay(t, &s, hayalet.FrameQuery{}); !reflect.DeepEqual(got, all[4:]) {
		t.Errorf("after two bodies were dropped: %d frames, want %d", len(got), len(all)-4)
	}
}

// lossy is a sink that is told of what it will not get.
type lossy struct {
	sink
	losses []hayalet.Loss
}

func (s *lossy) PutLoss(_ context.Context, l hayalet.Loss) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses = append(s.losses, l)
	return nil
}

// logLines runs do with a log and returns the lines that it has in the end.
func logLines(do func(*slog.Logger)) []string {
	var b strings.Builder
	do(slog.New(slog.NewTextHandler(&b, nil)))
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// TestADamagedBlockIsPassedOver, at start and while the sink is behind: it is said once, the sink is told what it misses and
// gets the rest, and the block stays as it is.
func TestADamagedBlockIsPassedOver(t *testing.T) {
	for _, tc := range []struct {
		name   string
		blocks []uint64 // that are damaged
		change func(b *hayalet.Block)
		first  uint64 // position that the sink gets first
		all    bool   // every station may have lost something
	}{
		{"the body", []uint64{3}, func(b *hayalet.Block) { b.Body = b.Body[:len(b.Body)/2] }, 1, false},
		{"two bodies", []uint64{3, 4}, func(b *hayalet.Block) { b.Body = []byte("no block") }, 1, false},
		{"the first body", []uint64{1}, func(b *hayalet.Block) { b.Body = b.Body[:3] }, 1, false},
		{"the last body", []uint64{6}, func(b *hayalet.Block) { b.Body = b.Body[:3] }, 1, false},
		{"a body that was begun", []uint64{2}, func(b *hayalet.Block) { b.Body = b.Body[:3] }, 4, false},
		{"the index, too", []uint64{3}, func(b *hayalet.Block) { b.Body, b.Stations = b.Body[:3], b.Stations[:3] }, 1, true},
		{"too few frames", []uint64{3}, func(b *hayalet.Block) { b.Frames = 1 }, 1, false},
		{"too many frames", []uint64{6}, func(b *hayalet.Block) { b.Frames = 1 << 30 }, 1, false},
		{"too many frames, and others behind them", []uint64{3}, func(b *hayalet.Block) { b.Frames = 1 << 30 }, 1, false},
		{"the body and where it stands", []uint64{3}, func(b *hayalet.Block) { b.Body, b.First = b.Body[:3], 1<<40 }, 1, false},
		{"the body and the header", []uint64{3}, func(b *hayalet.Block) { b.Body, b.Header = b.Body[:3], b.Header[:50] }, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s store
				j, stop := running(t, &s, journal.Config{})
				for n := range uint64(6) {
					put(t, j, exchange(fmt.Sprint("c", n+1), 1))
				}
				stop()
				want := slices.DeleteFunc(replay(t, &s, hayalet.FrameQuery{From: tc.first}), func(f hayalet.Frame) bool {
					return slices.Contains(tc.blocks, (f.Pos+1)/2)
				})
				var before []hayalet.Block
				for _, n := range tc.blocks {
					tc.change(&s.blocks[n-1])
				}
				before = s.all()

				var next lossy
				lines := logLines(func(log *slog.Logger) {
					j, err := journal.Open(t.Context(), &s, journal.Config{Next: &next, From: tc.first}, log)
					if err != nil {
						t.Fatal(err)
					}
					ended := make(chan error, 1)
					go func() { ended <- j.Run(t.Context()) }()
					put(t, j, exchange("new", 1))
					time.Sleep(time.Minute)
					if now := time.Now(); !j.Horizon(now).Equal(now) {
						t.Errorf("the horizon is %v, although nothing is on its way", j.Horizon(now))
					}
					j.Close()
					if err := <-ended; err != nil {
						t.Error(err)
					}
				})
				for i, f := range exchange("new", 1) {
					f.Pos = uint64(13 + i)
					want = append(want, f)
				}
				if got := next.all(); !reflect.DeepEqual(got, want) {
					t.Errorf("handed on\n%+v, want\n%+v", got, want)
				}
				if len(lines) != len(tc.blocks) || len(next.losses) != len(tc.blocks) {
					t.Fatalf("%d losses, %d lines: %q", len(next.losses), len(lines), lines)
				}
				for i, n := range tc.blocks {
					l, last := next.losses[i], 2*n
					if l.Block != n || l.First != 2*n-1 || l.Last != last || l.Since != before[n-1].FirstAt || l.Until != before[n-1].LastAt {
						t.Errorf("loss %+v, want that of block %d", l, n)
					}
					if own, other := l.Of(hayalet.StationID(fmt.Sprint("CP c", n))), l.Of("CP c5"); !own || other != tc.all {
						t.Errorf("block %d: of its station: %v; of another: %v", n, own, other)
					}
					if want := fmt.Sprintf("block=%d first=%d last=%d ", n, 2*n-1, last); !strings.Contains(lines[i], "level=ERROR") || !strings.Contains(lines[i], want) {
						t.Errorf("the log says %q, want %q", lines[i], want)
					}
				}
				if got := s.all()[:6]; !reflect.DeepEqual(got, before) {
					t.Error("the journal was changed")
				}
			})
		})
	}
}

// TestDamageThatTheSinkIsPast: a block that says that it reaches further than it does is no loss once its frames were handed on.
func TestDamageThatTheSinkIsPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s store
		j, stop := running(t, &s, journal.Config{})
		for n := range uint64(6) {
			put(t, j, exchange("c", 2*n+1))
		}
		stop()
		want := replay(t, &s, hayalet.FrameQuery{From: 9})
		s.blocks[2].Frames = 1 << 30
		var next lossy
		_, stop = running(t, &s, journal.Config{Next: &next, From: 9})
		stop()
		if got := next.all(); !reflect.DeepEqual(got, want) || len(next.losses) != 0 {
			t.Errorf("handed on %+v, want %+v; losses %+v", got, want, next.losses)
		}
	})
}

// TestDamageBehindASlowSink: a block that is damaged after it was kept and before the sink has come to it.
func TestDamageBehindASlowSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s store
		next := lossy{sink: sink{gate: make(chan struct{})}}
		j, stop := running(t, &s, journal.Config{Next: &next})
		for n := range uint64(100) {
			put(t, j, exchange("c", 2*n+1))
		}
		want := slices.DeleteFunc(replay(t, &s, hayalet.FrameQuery{}), func(f hayalet.Frame) bool { return (f.Pos+1)/2 == 50 })
		s.mu.Lock()
		s.blocks[49].Body = s.blocks[49].Body[:5]
		s.mu.Unlock()
		close(next.gate)
		stop()
		if got := next.all(); !reflect.DeepEqual(got, want) || len(next.losses) != 1 || next.losses[0].Block != 50 {
			t.Errorf("handed on %d frames, want %d; losses %+v", len(got), len(want), next.losses)
		}
	})
}

// flaky is a store whose reads fail for a while, or give a damaged body.
type flaky struct {
	*store
	reads int
	fault func(read int, b *hayalet.Block) error
}

func (f *flaky) ReadBlocks(ctx context.Context, q hayalet.BlockQuery, to func(hayalet.Block) error) error {
	f.reads++
	return f.store.ReadBlocks(ctx, q, func(b hayalet.Block) error {
		if err := f.fault(f.reads, &b); err != nil {
			return err
		}
		return to(b)
	})
}

// TestWhatCanBeReadLaterIsNotLost: neither a database that is away for an hour, nor a body that was read wrongly.
func TestWhatCanBeReadLaterIsNotLost(t *testing.T) {
	for name, tc := range map[string]struct {
		fault func(read int, b *hayalet.Block) error
		lines int
	}{
		"database away": {func(read int, b *hayalet.Block) error {
			if b.Number == 3 && read < 3600 {
				return errDisk
			}
			return nil
		}, 3599},
		"read wrongly": {func(read int, b *hayalet.Block) error {
			if b.Number == 3 && read < 5 {
				b.Body = b.Body[:5]
			}
			return nil
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s store
				j, stop := running(t, &s, journal.Config{})
				for n := range uint64(6) {
					put(t, j, exchange("c", 2*n+1))
				}
				stop()
				var next lossy
				j, stop = running(t, &flaky{store: &s, fault: tc.fault}, journal.Config{Next: &next})
				put(t, j, exchange("d", 1))
				stop()
				if got, want := next.all(), replay(t, &s, hayalet.FrameQuery{}); !reflect.DeepEqual(got, want) || len(next.losses) != 0 {
					t.Errorf("handed on %d frames, want %d; losses %+v", len(got), len(want), next.losses)
				}
			})
		})
	}
}
