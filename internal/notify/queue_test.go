package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/notify"
)

// receiver answers as its function says and remembers what it got, and when.
type receiver struct {
	answer func(ctx context.Context, inc hayalet.Incident) error

	mu    sync.Mutex
	got   []string
	times []time.Time
}

func (r *receiver) Notify(ctx context.Context, inc hayalet.Incident) error {
	r.mu.Lock()
	r.got = append(r.got, fmt.Sprintf("%s-%d", inc.Key, inc.Rev))
	r.times = append(r.times, time.Now())
	r.mu.Unlock()
	return r.answer(ctx, inc)
}

func accept(context.Context, hayalet.Incident) error { return nil }

func away(context.Context, hayalet.Incident) error {
	return fmt.Errorf("away: %w", hayalet.ErrUnavailable)
}

func refuse(context.Context, hayalet.Incident) error { return errors.New("refused") }

// running is a queue whose Run has been started in a bubble of synctest.
type running struct {
	*notify.Queue
	to   *receiver
	log  *bytes.Buffer
	stop func()
}

// run starts a queue; it is stopped at the end of the test, at the latest.
func run(t *testing.T, cfg notify.QueueConfig, answer func(context.Context, hayalet.Incident) error) *running {
	t.Helper()
	r := &running{to: &receiver{answer: answer}, log: new(bytes.Buffer)}
	r.Queue = notify.NewQueue(r.to, slog.New(slog.NewTextHandler(r.log, nil)), cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *running) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	if !slices.Equal(r.to.got, want) {
		t.Errorf("delivered %v, want %v", r.to.got, want)
	}
}

func TestQueueDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := run(t, notify.QueueConfig{}, accept)
		q.Put(incident("a", 1))
		q.expect(t, "a-1")
		q.Put(incident("a", 2))
		q.expect(t, "a-1", "a-2")
		time.Sleep(48 * time.Hour)
		q.expect(t, "a-1", "a-2")
	})
}

func TestQueueBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := run(t, notify.QueueConfig{FirstDelay: time.Second, MaxDelay: time.Minute, MaxAge: 10 * time.Minute}, away)
		q.Put(incident("a", 1))
		put := time.Now()
		time.Sleep(time.Hour)
		synctest.Wait()
		full := time.Second
		for i := 1; i < len(q.to.times); i++ {
			delay := q.to.times[i].Sub(q.to.times[i-1])
			if delay < full/2 || delay > full {
				t.Errorf("delay %d is %v, want %v to %v", i, delay, full/2, full)
			}
			full = min(2*full, time.Minute)
		}
		if n := len(q.to.times); n < 13 || n > 30 {
			t.Errorf("%d tries in 10 minutes", n)
		}
		if age := q.to.times[len(q.to.times)-1].Sub(put); age > 10*time.Minute || age < 8*time.Minute {
			t.Errorf("given up after %v, want about 10 minutes", age)
		}
		if !strings.Contains(q.log.String(), `level=ERROR msg="notification given up" incident=a rev=1`) {
			t.Errorf("the log does not say that it gave up:\n%s", q.log)
		}
	})
}

// TestQueueJitter: queues that fail at the same moment do not come back in step.
func TestQueueJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var queues []*running
		for range 20 {
			q := run(t, notify.QueueConfig{MaxAge: 2 * time.Second}, away)
			q.Put(incident("a", 1))
			queues = append(queues, q)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		seen := map[time.Time]bool{}
		for _, q := range queues {
			seen[q.to.times[1]] = true
		}
		if len(seen) < 15 {
			t.Errorf("20 queues came back at only %d moments", len(seen))
		}
	})
}

func TestQueueRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 3
		q := run(t, notify.QueueConfig{}, func(ctx context.Context, inc hayalet.Incident) error {
			if failures--; failures >= 0 {
				return away(ctx, inc)
			}
			return nil
		})
		q.Put(incident("a", 1))
		time.Sleep(time.Hour)
		q.expect(t, "a-1", "a-1", "a-1", "a-1")
	})
}

func TestQueueFinalErrorIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := run(t, notify.QueueConfig{}, refuse)
		q.Put(incident("a", 1))
		time.Sleep(time.Hour)
		q.expect(t, "a-1")
		if !strings.Contains(q.log.String(), "level=ERROR") {
			t.Errorf("the log says nothing:\n%s", q.log)
		}
	})
}

// TestQueueOneSickKey: an incident that the receiver cannot digest does not hold up the others.
func TestQueueOneSickKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := run(t, notify.QueueConfig{FirstDelay: time.Minute}, func(ctx context.Context, inc hayalet.Incident) error {
			if inc.Key == "sick" {
				return away(ctx, inc)
			}
			return nil
		})
		q.Put(incident("sick", 1))
		q.expect(t, "sick-1")
		q.Put(incident("well", 1))
		q.expect(t, "sick-1", "well-1")
	})
}

func TestQueueKeepsNewestRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		q := run(t, notify.QueueConfig{}, func(context.Context, hayalet.Incident) error {
			<-open
			return nil
		})
		q.Put(incident("a", 1))
		q.expect(t, "a-1") // under way
		q.Put(incident("a", 2))
		q.Put(incident("a", 4))
		q.Put(incident("a", 3))
		close(open)
		q.expect(t, "a-1", "a-4")
	})
}

// TestQueueNewerDuringFailure: the revision that failed gives way to the one that came meanwhile, and the delay holds.
func TestQueueNewerDuringFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := make(chan struct{})
		q := run(t, notify.QueueConfig{FirstDelay: time.Minute}, func(ctx context.Context, inc hayalet.Incident) error {
			if inc.Rev == 1 {
				<-fail
				return away(ctx, inc)
			}
			return nil
		})
		q.Put(incident("a", 1))
		q.expect(t, "a-1")
		q.Put(incident("a", 2))
		close(fail)
		time.Sleep(29 * time.Second)
		q.expect(t, "a-1")
		q.Put(incident("a", 3)) // nor does a newer one break the delay
		q.expect(t, "a-1")
		time.Sleep(31 * time.Second)
		q.expect(t, "a-1", "a-3")
	})
}

// TestQueueSaysWhatIsDone: what was delivered, refused or given up is done; what waits or was lost at the end is not.
func TestQueueSaysWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]func(context.Context, hayalet.Incident) error{"a": accept, "b": refuse, "c": away, "d": away}
		var done []string
		cfg := notify.QueueConfig{MaxAge: time.Minute, Done: func(ctx context.Context, inc hayalet.Incident) error {
			done = append(done, inc.Key)
			return ctx.Err()
		}}
		q := run(t, cfg, func(ctx context.Context, inc hayalet.Incident) error { return answers[inc.Key](ctx, inc) })
		for _, key := range []string{"a", "b", "c"} {
			q.Put(incident(key, 1))
		}
		time.Sleep(time.Hour) // c is too old by then
		q.Put(incident("d", 1))
		synctest.Wait()
		q.stop()
		if want := []string{"a", "b", "c"}; !slices.Equal(done, want) {
			t.Errorf("done with %v, want %v", done, want)
		}
		if strings.Contains(q.log.String(), "not noted") {
			t.Errorf("log:\n%s", q.log)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	to, log := &receiver{answer: accept}, new(bytes.Buffer)
	q := notify.NewQueue(to, slog.New(slog.NewTextHandler(log, nil)), notify.QueueConfig{MaxKeys: 3})
	for _, key := range []string{"a", "b", "c"} {
		q.Put(incident(key, 1))
	}
	q.Put(incident("b", 2)) // the key waits already: nobody has to go, and b is newer than c now
	if log.Len() > 0 {
		t.Errorf("a queue that is just full logs:\n%s", log)
	}
	q.Put(incident("d", 1))
	q.Put(incident("e", 1))
	for key, dropped := range map[string]bool{"a": true, "b": false, "c": true, "d": false, "e": false} {
		line := `level=WARN msg="notification dropped: the queue is full" incident=` + key
		if strings.Contains(log.String(), line) != dropped {
			t.Errorf("%s dropped: want %t, log:\n%s", key, dropped, log)
		}
	}
	flush(t, q)
	if want := []string{"b-2", "d-1", "e-1"}; !slices.Equal(to.got, want) {
		t.Errorf("delivered %v, want %v", to.got, want)
	}
}

// flush runs a queue whose time is over.
func flush(t *testing.T, q *notify.Queue) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestQueueFlushesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := false
		q := run(t, notify.QueueConfig{FirstDelay: time.Hour, MaxDelay: time.Hour}, func(ctx context.Context, inc hayalet.Incident) error {
			if up {
				return ctx.Err()
			}
			return away(ctx, inc)
		})
		q.Put(incident("a", 1))
		q.expect(t, "a-1")
		up = true
		q.stop()
		q.expect(t, "a-1", "a-1")
		if strings.Contains(q.log.String(), "lost") {
			t.Errorf("the log speaks of a loss:\n%s", q.log)
		}
	})
}

// TestQueueInterruptedDelivery: a delivery that the shutdown cuts off is tried again, and a receiver that hangs costs
// no more than the flush timeout.
func TestQueueInterruptedDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := run(t, notify.QueueConfig{FlushTimeout: 2 * time.Second}, func(ctx context.Context, _ hayalet.Incident) error {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", hayalet.ErrUnavailable, ctx.Err())
		})
		q.Put(incident("a", 1))
		q.expect(t, "a-1")
		q.Put(incident("b", 1))
		q.Put(incident("c", 1))
		begin := time.Now()
		q.stop()
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("the end took %v, want 2s", took)
		}
		if len(q.to.got) != 2 || !strings.Contains(q.log.String(), "lost at shutdown: no time left\" incidents=2") {
			t.Errorf("delivered %v, log:\n%s", q.to.got, q.log)
		}
	})
}

func TestQueuePutNeverBlocks(t *testing.T) {
	to := &receiver{answer: accept}
	q := notify.NewQueue(to, slog.New(slog.DiscardHandler), notify.QueueConfig{MaxKeys: 10}) // nobody runs it
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for n := range 100 {
				q.Put(incident(fmt.Sprint(g, "-", n), 1))
			}
		})
	}
	all.Wait()
	flush(t, q)
	if len(to.got) != 10 {
		t.Errorf("flushed %d incidents, want the 10 that the queue may hold", len(to.got))
	}
}
