package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"hayalet"
)

// The limits of a queue, unless its configuration says otherwise.
const (
	DefaultMaxKeys      = 1024
	DefaultFirstDelay   = time.Second
	DefaultMaxDelay     = 5 * time.Minute
	DefaultMaxAge       = 24 * time.Hour
	DefaultFlushTimeout = 3 * time.Second
)

// doneTimeout is how long Done may take.
const doneTimeout = 2 * time.Second

// QueueConfig bounds a queue. Zero fields take the defaults.
type QueueConfig struct {
	MaxKeys      int           // incidents that wait at the same time
	FirstDelay   time.Duration // after the first failure; it doubles with each further one
	MaxDelay     time.Duration // the longest delay
	MaxAge       time.Duration // from Put to the last try
	FlushTimeout time.Duration // for what still waits when Run ends

	// Done hears of each incident that was delivered, refused or given up, so that nobody is told of it again; nil: nobody.
	// An error of it is logged: somebody may be told twice after a restart.
	Done func(ctx context.Context, inc hayalet.Incident) error
}

func (c QueueConfig) withDefaults() QueueConfig {
	if c.MaxKeys <= 0 {
		c.MaxKeys = DefaultMaxKeys
	}
	for _, d := range []struct {
		to  *time.Duration
		def time.Duration
	}{
		{&c.FirstDelay, DefaultFirstDelay},
		{&c.MaxDelay, DefaultMaxDelay},
		{&c.MaxAge, DefaultMaxAge},
		{&c.FlushTimeout, DefaultFlushTimeout},
	} {
		if *d.to <= 0 {
			*d.to = d.def
		}
	}
	return c
}

// Queue keeps incidents in memory until a notifier has taken them. Of each key only the newest revision waits, so a
// receiver that was away sees where an incident stands, not each step. A delivery may happen twice, never silently not
// at all: what is given up is logged, and what a process could not deliver before its end is put again by the next one,
// which knows from Done what was.
type Queue struct {
	to  hayalet.Notifier
	log *slog.Logger
	cfg QueueConfig

	wake chan struct{} // something new waits

	mu      sync.Mutex
	puts    uint64
	waiting map[string]*letter
}

// letter is one incident on its way.
type letter struct {
	inc   hayalet.Incident
	order uint64    // of the Put of this revision among all
	since time.Time // of that Put
	tries int       // failures of this key so far
	due   time.Time // of the next try
}

// NewQueue returns an empty queue before the notifier. It delivers nothing until Run.
func NewQueue(n hayalet.Notifier, log *slog.Logger, cfg QueueConfig) *Queue {
	return &Queue{to: n, log: log, cfg: cfg.withDefaults(), wake: make(chan struct{}, 1), waiting: make(map[string]*letter)}
}

// Put queues the incident and returns at once. It takes the place of an older revision that waits, and is ignored when
// a newer one does. When the queue is full the oldest incident is dropped with a warning.
func (q *Queue) Put(inc hayalet.Incident) {
	q.warnLost(q.add(inc, time.Now()))
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *Queue) add(inc hayalet.Incident, now time.Time) (lost *letter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.puts++
	l := letter{inc: inc, order: q.puts, since: now, due: now}
	if w := q.waiting[inc.Key]; w != nil {
		if w.inc.Rev > inc.Rev {
			return nil
		}
		l.tries, l.due = w.tries, w.due // the receiver is no better for a newer revision
	}
	return q.keep(&l)
}

// keep adds or replaces a letter and returns the oldest one when that had to go for it. The caller holds mu.
func (q *Queue) keep(l *letter) (lost *letter) {
	q.waiting[l.inc.Key] = l
	if len(q.waiting) <= q.cfg.MaxKeys {
		return nil
	}
	for _, w := range q.waiting {
		if lost == nil || w.order < lost.order {
			lost = w
		}
	}
	delete(q.waiting, lost.inc.Key)
	return lost
}

func (q *Queue) warnLost(l *letter) {
	if l != nil {
		q.log.Warn("notification dropped: the queue is full", "incident", l.inc.Key, "rev", l.inc.Rev, "max_keys", q.cfg.MaxKeys)
	}
}

// Run delivers, one incident at a time, until ctx ends; then it tries what still waits once more, for at most
// FlushTimeout, and returns nil. Call it once.
func (q *Queue) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l, wait := q.next()
		if l != nil {
			q.deliver(ctx, l)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	q.flush(context.WithoutCancel(ctx))
	return nil
}

// next takes out the letter that is due first, or says how long none is.
func (q *Queue) next() (l *letter, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.waiting {
		if l == nil || w.due.Before(l.due) || w.due.Equal(l.due) && w.order < l.order {
			l = w
		}
	}
	if l == nil {
		return nil, time.Hour // Put wakes earlier
	}
	if wait = time.Until(l.due); wait > 0 {
		return nil, wait
	}
	delete(q.waiting, l.inc.Key)
	return l, 0
}

func (q *Queue) deliver(ctx context.Context, l *letter) {
	err := q.to.Notify(ctx, l.inc)
	switch {
	case err == nil:
		q.log.Debug("notification sent", "incident", l.inc.Key, "rev", l.inc.Rev)
		q.done(ctx, l)
	case ctx.Err() != nil:
		q.putBack(l) // interrupted, not refused: the flush tries again
	case errors.Is(err, hayalet.ErrUnavailable):
		q.retry(ctx, l, err)
	default:
		q.log.Error("notification refused", "incident", l.inc.Key, "rev", l.inc.Rev, "error", err)
		q.done(ctx, l)
	}
}

func (q *Queue) done(ctx context.Context, l *letter) {
	if q.cfg.Done == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), doneTimeout) // the end comes after what has happened was noted
	defer cancel()
	if err := q.cfg.Done(ctx, l.inc); err != nil {
		q.log.Error("a notification is not noted; somebody may be told again after a restart", "incident", l.inc.Key, "rev", l.inc.Rev, "error", err)
	}
}

// retry puts the letter back with a delay, or gives it up when it would be too old by then.
func (q *Queue) retry(ctx context.Context, l *letter, cause error) {
	l.tries++
	delay := q.delay(l.tries)
	now := time.Now()
	l.due = now.Add(delay)
	log := q.log.With("incident", l.inc.Key, "rev", l.inc.Rev, "tries", l.tries, "error", cause)
	if age := now.Sub(l.since); age+delay > q.cfg.MaxAge {
		log.Error("notification given up", "age", age)
		q.done(ctx, l)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.handOver(l)
		return
	}
	log.Warn("notification failed, will try again", "in", delay)
	q.putBack(l)
}

// putBack keeps a letter that was not delivered, unless a newer revision came meanwhile.
func (q *Queue) putBack(l *letter) {
	q.mu.Lock()
	var lost *letter
	if !q.handOver(l) {
		lost = q.keep(l)
	}
	q.mu.Unlock()
	q.warnLost(lost)
}

// handOver gives the letter's tries and time to a newer revision that waits, if one does. The caller holds mu.
func (q *Queue) handOver(l *letter) bool {
	w := q.waiting[l.inc.Key]
	if w != nil {
		w.tries, w.due = l.tries, l.due
	}
	return w != nil
}

// delay is half to all of FirstDelay·2^(tries−1), at most MaxDelay: many senders shall not come back in step.
func (q *Queue) delay(tries int) time.Duration {
	d := q.cfg.FirstDelay
	for i := 1; i < tries && d < q.cfg.MaxDelay; i++ {
		d *= 2
	}
	d = min(d, q.cfg.MaxDelay)
	return d/2 + rand.N(d/2+1)
}

// flush tries each letter once, whatever its time, the oldest first.
func (q *Queue) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.FlushTimeout)
	defer cancel()
	rest := q.takeAll()
	for i, l := range rest {
		if ctx.Err() != nil {
			q.log.Warn("notifications lost at shutdown: no time left", "incidents", len(rest)-i)
			return
		}
		if err := q.to.Notify(ctx, l.inc); err != nil {
			q.log.Warn("notification lost at shutdown", "incident", l.inc.Key, "rev", l.inc.Rev, "error", err)
			continue
		}
		q.done(ctx, l)
	}
}

func (q *Queue) takeAll() []*letter {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := slices.SortedFunc(maps.Values(q.waiting), func(a, b *letter) int { return cmp.Compare(a.order, b.order) })
	clear(q.waiting)
	return all
}
