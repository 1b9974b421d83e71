package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hayalet"
)

// DefaultPoll is how often Follow looks for more.
const DefaultPoll = 250 * time.Millisecond

// Follow reads as [Read] does what the inputs hold, calls caughtUp, and goes on with what is added to them until ctx ends or
// all inputs have: that is no error. Readers return io.EOF at the end of what is there ([Tail], [Pipe]); one with a
// method Ended that reports true is read no more, and one with a method Full is read before its time when that gives a
// value (the first such one). A line that is not finished waits for its end, and is taken as it is
// when the work ends; so is a log that has not shown yet whose it is.
//
// Inputs are merged by time among what one look finds, not over looks. The work on frames is not interrupted when ctx ends.
func Follow(ctx context.Context, opts Options, every time.Duration, inputs []Input, to hayalet.FrameSink, caughtUp func()) (Stats, error) {
	work := context.WithoutCancel(ctx)
	opts.live = true
	m := newMerger(work, opts, inputs, to)
	err := m.follow(ctx, work, every, caughtUp)
	return m.stats(), err
}

func (m *merger) follow(ctx, work context.Context, every time.Duration, caughtUp func()) error {
	if err := m.run(work); err != nil {
		return err
	}
	caughtUp()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	full := m.full()
	for !m.ended() {
		select {
		case <-ticker.C:
		case <-full:
		case <-ctx.Done():
			return m.last(work)
		}
		if err := m.run(work); err != nil {
			return err
		}
	}
	return m.last(work)
}

// last takes what waits for more to come.
func (m *merger) last(ctx context.Context) error {
	for _, in := range m.inputs {
		in.lines.live = false
	}
	return m.run(ctx)
}

// full is nil, which never gives a value, where no input says when it is full.
func (m *merger) full() <-chan struct{} {
	for _, in := range m.inputs {
		if f, ok := in.from.(interface{ Full() <-chan struct{} }); ok {
			return f.Full()
		}
	}
	return nil
}

func (m *merger) ended() bool {
	for _, in := range m.inputs {
		e, ok := in.from.(interface{ Ended() bool })
		if !ok || !e.Ended() {
			return false
		}
	}
	return true
}

// begin fills the heap with the inputs that have a record.
func (m *merger) begin() error {
	m.heap = m.heap[:0]
	for _, in := range m.inputs {
		if err := in.next(); err == nil {
			m.heap = append(m.heap, in)
		} else if !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", in.stats.Name, err)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return nil
}
