package csms

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hayalet"
)

// After a write that failed, the next one comes after a pause that doubles.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

// book writes into the ledger. What it cannot write it tries again, and the station is not answered meanwhile: an error
// would make some stations forget what they had to tell.
type book struct {
	hayalet.Ledger
	log *slog.Logger

	mu      sync.Mutex
	waiting int   // writers
	trouble error // why they wait; nil when none does
}

// write does until it works, finds that there is nothing to write to, or ctx ends.
func (b *book) write(ctx context.Context, do func(context.Context) error) error {
	err := do(ctx)
	if written(err) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	defer b.settle()
	b.wait(err)
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err = do(ctx); written(err) {
			return err
		}
	}
}

// written reports whether another try would end as this one did.
func written(err error) bool {
	return err == nil || errors.Is(err, hayalet.ErrNotFound) || errors.Is(err, hayalet.ErrInvalid)
}

func (b *book) wait(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting++; b.trouble == nil {
		b.trouble = err
		b.log.Error("cannot write the book; stations are not answered until it works again", "error", err)
	}
}

func (b *book) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting--; b.waiting == 0 {
		b.trouble = nil
	}
}

// Ready says why stations wait for an answer at present, or nil.
func (c *CSMS) Ready() error {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	return c.book.trouble
}
