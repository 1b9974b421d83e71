package capture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/capture"
)

// gathered is a sink for another goroutine than the test's.
type gathered struct {
	mu    sync.Mutex
	texts []string
}

func (g *gathered) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range fs {
		g.texts = append(g.texts, string(f.Data))
	}
	return nil
}

func (g *gathered) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.texts, " ")
}

// followed follows inputs within a bubble of its own time. step lets it look once more, and checks what came by then.
type followed struct {
	*testing.T
	got    gathered
	cancel context.CancelFunc
	done   chan error
	caught bool
	stats  capture.Stats
}

func follow(t *testing.T, inputs ...capture.Input) *followed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &followed{T: t, cancel: cancel, done: make(chan error, 1)}
	go func() {
		stats, err := capture.Follow(ctx, capture.Options{}, capture.DefaultPoll, inputs, &f.got, func() { f.caught = true })
		f.stats = stats
		f.done <- err
	}()
	synctest.Wait()
	return f
}

func (f *followed) step(want string) {
	f.Helper()
	time.Sleep(capture.DefaultPoll)
	synctest.Wait()
	if got := f.got.String(); got != want {
		f.Errorf("got %q, want %q", got, want)
	}
}

func (f *followed) end(want string) {
	f.Helper()
	f.cancel()
	synctest.Wait()
	if err := <-f.done; err != nil || f.got.String() != want {
		f.Errorf("ended with %v and %q, want %q", err, f.got.String(), want)
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func tail(t *testing.T, name string, noticed func(capture.TailEvent)) capture.Input {
	t.Helper()
	r, err := capture.OpenTail(name, noticed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return capture.Input{Name: name, R: r}
}

func short(n int) string { return fmt.Sprintf(`{"station":"S","direction":"in","frame":[%d]}`, n) }

func TestFollowGrowingFiles(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	appendTo(t, a, short(1)+"\n"+short(2)[:10])
	appendTo(t, b, "")
	synctest.Test(t, func(t *testing.T) {
		var events []capture.TailEvent
		noticed := func(e capture.TailEvent) { events = append(events, e) }
		f := follow(t, tail(t, a, noticed), tail(t, b, noticed))
		if f.step("[1]"); !f.caught {
			t.Error("not caught up")
		}
		appendTo(t, a, short(2)[10:]+"\n")
		appendTo(t, b, short(3)+"\n")
		f.step("[1] [2] [3]")

		// Replaced: what was written to the old one before that is read, and its last line needs no end.
		appendTo(t, a, short(4))
		if err := os.Rename(a, a+".1"); err != nil {
			t.Fatal(err)
		}
		f.step("[1] [2] [3]")
		appendTo(t, a, short(5)+"\n")
		f.step("[1] [2] [3] [4] [5]")

		if err := os.Truncate(b, 0); err != nil {
			t.Fatal(err)
		}
		f.step("[1] [2] [3] [4] [5]")
		appendTo(t, b, short(6)+"\n"+short(7))
		f.step("[1] [2] [3] [4] [5] [6]")
		f.end("[1] [2] [3] [4] [5] [6] [7]")
		if fmt.Sprint(events) != fmt.Sprint([]capture.TailEvent{capture.TailReplaced, capture.TailTruncated}) {
			t.Errorf("events %v", events)
		}
		if got := f.stats.Inputs[0].Frames + f.stats.Inputs[1].Frames; got != 7 {
			t.Errorf("%+v", f.stats)
		}
	})
}

// TestFollowWaitsForTheSide: a log that may be either end's is held until a call shows whose it is.
func TestFollowWaitsForTheSide(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	appendTo(t, name, "S: receive message [3,\"x\",{}]\n")
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, tail(t, name, nil))
		f.step("")
		appendTo(t, name, "S: send [2,\"a\",\"MeterValues\",\n{\"connectorId\":1,\n")
		f.step("")
		appendTo(t, name, "\"meterValue\":[]}]\n")
		f.step("[3,\"x\",{}] [2,\"a\",\"MeterValues\",\n{\"connectorId\":1,\n\"meterValue\":[]}]")
		appendTo(t, name, "S: receive message [2,\"b\",\"Reset\",\n")
		f.step("[3,\"x\",{}] [2,\"a\",\"MeterValues\",\n{\"connectorId\":1,\n\"meterValue\":[]}]")
		f.end("[3,\"x\",{}] [2,\"a\",\"MeterValues\",\n{\"connectorId\":1,\n\"meterValue\":[]}] [2,\"b\",\"Reset\",")
	})
}

func TestFollowPipeUntilItEnds(t *testing.T) {
	for name, pack := range map[string]func(string) string{
		"plain": func(s string) string { return s },
		"gz":    func(s string) string { return gz(t, s) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				pipe := capture.NewPipe(r)
				ran := make(chan error, 1)
				go func() { ran <- pipe.Run(t.Context()) }()
				f := follow(t, capture.Input{Name: "-", R: pipe})
				f.step("")
				if _, err := io.WriteString(w, pack(short(1)+"\n")); err != nil {
					t.Fatal(err)
				}
				if name == "plain" { // the other shows its last bytes at its end
					time.Sleep(capture.DefaultPoll)
					f.step("[1]")
					if _, err := io.WriteString(w, short(2)); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if err := <-f.done; err != nil || <-ran != nil {
					t.Errorf("%v", err)
				}
				if want := map[string]string{"plain": "[1] [2]", "gz": "[1]"}[name]; f.got.String() != want {
					t.Errorf("got %q", f.got.String())
				}
				f.cancel()
			})
		})
	}
}

// TestFollowPipeThatIsFull: a backlog on standard input is read as fast as it comes, not some kilobytes a look.
func TestFollowPipeThatIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lines = 500
		r, w := io.Pipe()
		pipe := capture.NewPipe(r)
		go func() { _ = pipe.Run(t.Context()) }()
		f := follow(t, capture.Input{Name: "-", R: pipe})
		began := time.Now()
		for range lines { // a chunk each
			if _, err := io.WriteString(w, short(1)+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-f.done; err != nil || f.stats.Frames() != lines {
			t.Errorf("%v, %+v", err, f.stats)
		}
		if took := time.Since(began); took > 3*capture.DefaultPoll {
			t.Errorf("took %s", took)
		}
		f.cancel()
	})
}

// TestFollowAFileThatIsStillWrittenTo: rotation makes the new file before who writes turns to it.
func TestFollowAFileThatIsStillWrittenTo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	appendTo(t, name, short(1)+"\n")
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, tail(t, name, func(capture.TailEvent) {}))
		if err := os.Rename(name, name+".1"); err != nil {
			t.Fatal(err)
		}
		appendTo(t, name, "")
		f.step("[1]")
		appendTo(t, name+".1", short(2)+"\n")
		f.step("[1] [2]")
		appendTo(t, name+".1", short(3)+"\n")
		appendTo(t, name, short(4)+"\n")
		f.step("[1] [2] [3] [4]")
		f.end("[1] [2] [3] [4]")
	})
}

func TestFollowTellsOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("cable cut")
		f := follow(t, capture.Input{Name: "x", R: io.MultiReader(strings.NewReader(short(1)+"\n"), failing{broken})})
		if err := <-f.done; err == nil || !strings.Contains(err.Error(), "x: cable cut") || f.got.String() != "[1]" {
			t.Errorf("%v, %q", err, f.got.String())
		}
		f.cancel()
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
