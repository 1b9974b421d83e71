package socket

import "sync/atomic"

// turn is the right to write, which one has at a time. It is free most often, and then costs no more than a word that
// changes.
type turn struct {
	taken   atomic.Bool
	waiting atomic.Int32  // how many want it
	passed  chan struct{} // holds one token: who wants it may try again
}

// try takes the turn where nobody has it.
func (t *turn) try() bool { return t.taken.CompareAndSwap(false, true) }

// await takes the turn once nobody has it, or returns false after an end.
func (t *turn) await(end, otherEnd <-chan struct{}) bool {
	if t.try() {
		return true
	}
	t.waiting.Add(1)
	defer t.waiting.Add(-1)
	for !t.try() {
		select {
		case <-t.passed:
		case <-end:
			return false
		case <-otherEnd:
			return false
		}
	}
	return true
}

// pass gives the turn back.
func (t *turn) pass() {
	t.taken.Store(false)
	if t.waiting.Load() == 0 {
		return
	}
	select {
	case t.passed <- struct{}{}:
	default:
	}
}
