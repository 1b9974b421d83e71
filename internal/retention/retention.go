// Package retention takes away what is old, or more than there is to be room for, and gives the room back to the disk.
//
// It goes in small steps, each one short commit, with a pause between them: stations never wait for it. It leaves three
// things alone, whatever the limits say: incidents that are open, frames and readings that are evidence of an incident that
// is kept (see [Evidence]), and frames that the engine's state does not hold yet, without which a restart would lose them.
// Of blocks it drops the bodies first. The headers, which are the chain, stay longer, and go by whole runs that have no body
// and lie between two anchors: those stay, and a signed statement of what went bridges the hole.
package retention

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"hayalet"
)

// Defaults of Config.
const (
	DefaultEvery = 10 * time.Minute
	DefaultPause = 50 * time.Millisecond
)

const (
	rowsAStep = 500 // bounds a commit that drops rows
	rest      = 4   // times as long as a step took others may write: few of their commits meet one
)

// Limit is what is kept of one kind. Zero is no limit.
type Limit struct {
	Age  time.Duration
	Size int64 // bytes, as Use counts them
}

// Limits are what is kept of all kinds.
type Limits struct {
	Frames, Headers, Readings, Incidents, Transactions, Audit Limit
}

// Config says what is kept. A zero Every or Pause takes its default; a negative Pause is none.
type Config struct {
	Limits Limits
	Every  time.Duration      // from the end of one sweep to the next
	Pause  time.Duration      // after each step, at least
	Key    ed25519.PrivateKey // the server's, which anchors the journal and signs what goes of it; without it no header does
}

// Store is what a keeper needs of a store.
type Store interface {
	hayalet.Retention
	hayalet.Blocks
	hayalet.Anchors
	hayalet.Holes
	LoadState(ctx context.Context, to func(hayalet.Snapshot) error) (mark uint64, err error)
	PutAudit(ctx context.Context, e hayalet.AuditEntry) error
}

// Keeper sweeps a store from time to time. One goroutine uses it.
type Keeper struct {
	store Store
	cfg   Config
	now   func() time.Time
	log   *slog.Logger
	room  bool // there may be some to give back: of this sweep's, of one that failed, of an earlier process's
}

// New returns a keeper that does nothing until Run or Sweep.
func New(store Store, cfg Config, now func() time.Time, log *slog.Logger) *Keeper {
	if cfg.Every <= 0 {
		cfg.Every = DefaultEvery
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	return &Keeper{store: store, cfg: cfg, now: now, log: log, room: true}
}

// Run sweeps until ctx ends, and returns nil then. A sweep that fails is logged; the next one goes on where it ended.
func (k *Keeper) Run(ctx context.Context) error {
	for k.wait(ctx, k.cfg.Every) {
		if _, err := k.Sweep(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("retention: what is old stays for now", "error", err, "again_in", k.cfg.Every)
		}
	}
	return nil
}

func (k *Keeper) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// step does something short, and lets others write afterwards.
func (k *Keeper) step(ctx context.Context, do func() error) error {
	begun := k.now()
	if err := do(); err != nil {
		return err
	}
	if k.cfg.Pause > 0 {
		k.wait(ctx, max(k.cfg.Pause, rest*k.now().Sub(begun)))
	}
	return ctx.Err()
}

// noteTimeout is how long the audit log is waited for, also by a server that ends.
const noteTimeout = 2 * time.Second

func (k *Keeper) note(ctx context.Context, e hayalet.AuditEntry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	return k.store.PutAudit(ctx, e)
}

// Dropped counts what a sweep took away.
type Dropped struct {
	Frames, Headers, Readings, Incidents, Transactions, Audit int
}

// String names the kinds of which something went; "" is none.
func (d Dropped) String() string {
	var parts []string
	for _, kind := range []struct {
		n    int
		name string
	}{{d.Frames, "frames"}, {d.Headers, "headers"}, {d.Readings, "readings"}, {d.Incidents, "incidents"}, {d.Transactions, "transactions"}, {d.Audit, "audit entries"}} {
		if kind.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", kind.n, kind.name))
		}
	}
	return strings.Join(parts, ", ")
}

// Sweep takes away all that may go now, gives the room back, and writes into the log and the audit log what went. With an
// error, what it returns went nevertheless.
func (k *Keeper) Sweep(ctx context.Context) (Dropped, error) {
	begun := k.now()
	gone, err := k.sweep(ctx, hayalet.InstantOf(begun))
	k.room = k.room || gone != Dropped{}
	if err == nil && k.room {
		err = k.compact(ctx)
		k.room = err != nil
	}
	if what := gone.String(); what != "" {
		k.log.Info("retention: dropped what is old", "what", what, "took", k.now().Sub(begun).Round(time.Millisecond))
		entry := hayalet.AuditEntry{At: hayalet.InstantOf(k.now()), Actor: "retention", Action: "dropped", Detail: what}
		if aerr := k.note(ctx, entry); err == nil {
			err = aerr
		}
	}
	return gone, err
}

// sweep begins with the incidents: what was evidence of those that go may go, too.
func (k *Keeper) sweep(ctx context.Context, now hayalet.Instant) (gone Dropped, err error) {
	l := &k.cfg.Limits
	if gone.Incidents, err = k.rows(ctx, now, "incidents", l.Incidents, k.store.DropIncidents); err != nil {
		return gone, err
	}
	kept, err := k.store.IncidentSpans(ctx)
	if err != nil {
		return gone, err
	}
	keep := evidenceOf(kept)
	if gone.Frames, err = k.frames(ctx, now, l.Frames, keep); err != nil {
		return gone, err
	}
	if gone.Headers, err = k.headers(ctx, now, l.Headers); err != nil {
		return gone, err
	}
	readings := func(ctx context.Context, before hayalet.Instant, limit int) (int, error) {
		return k.store.DropSeries(ctx, before, keep, limit)
	}
	if gone.Readings, err = k.rows(ctx, now, "series", l.Readings, readings); err != nil {
		return gone, err
	}
	if gone.Transactions, err = k.rows(ctx, now, "transactions", l.Transactions, k.store.DropTransactions); err != nil {
		return gone, err
	}
	gone.Audit, err = k.rows(ctx, now, "audit", l.Audit, k.store.DropAudit)
	return gone, err
}

// compact gives room back until there is no more.
func (k *Keeper) compact(ctx context.Context) error {
	for more := true; more; {
		err := k.step(ctx, func() (err error) {
			more, err = k.store.Compact(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// drop is one of the store's: it takes at most limit rows that ended before an instant.
type drop func(ctx context.Context, before hayalet.Instant, limit int) (int, error)

// rows keeps a kind within its limit.
func (k *Keeper) rows(ctx context.Context, now hayalet.Instant, kind string, l Limit, drop drop) (gone int, err error) {
	if l.Age > 0 {
		gone, err = k.drain(ctx, now.Add(-l.Age), drop)
	}
	if err != nil || l.Size <= 0 {
		return gone, err
	}
	n, err := k.shrink(ctx, now, kind, l.Size, drop)
	return gone + n, err
}

// drain drops until no more qualify.
func (k *Keeper) drain(ctx context.Context, before hayalet.Instant, drop drop) (gone int, err error) {
	for n := rowsAStep; n == rowsAStep; {
		err := k.step(ctx, func() (err error) {
			n, err = drop(ctx, before, rowsAStep)
			gone += n
			return err
		})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// shrinks is in how many steps of time a kind that is too large is shortened.
const shrinks = 64

// shrink drops the oldest, a step of time after the other, until the kind is no larger than size.
func (k *Keeper) shrink(ctx context.Context, now hayalet.Instant, kind string, size int64, drop drop) (gone int, err error) {
	var before, step hayalet.Instant
	for {
		all, err := k.store.Use(ctx, kind)
		if err != nil || all[kind].Bytes <= size || before >= now {
			return gone, err
		}
		if step == 0 {
			before = all[kind].Oldest
			step = max((now-before)/shrinks, 1)
		}
		before = min(before+step, now)
		n, err := k.drain(ctx, before, drop)
		gone += n
		if err != nil {
			return gone, err
		}
	}
}
