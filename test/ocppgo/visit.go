package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	connector   = 1
	power       = 10_000                 // W, which step and interval make
	interval    = 700 * time.Millisecond // between meter values
	step        = 2                      // Wh a meter value
	phantomStep = 5                      // Wh a meter value after the stop: 26 kW, which an AC outlet could deliver
	autoTag     = "AUTO"
)

// visit is what all versions share of one visit of a car.
type visit struct {
	phantom, auto bool
	say           func(line) error
	last          atomic.Value // the action under way, for the message of a time-out
	meter         int          // Wh
}

// flow lets the car charge for four meter values.
func (v *visit) flow(send func() error) error { return v.values(4, step, send) }

// rest is the time after the stop: the register of a healthy station stands still.
func (v *visit) rest(healthy, phantom func() error) error {
	if v.phantom {
		return v.values(10, phantomStep, phantom)
	}
	return v.values(3, 0, healthy)
}

func (v *visit) values(count, growth int, send func() error) error {
	for range count {
		time.Sleep(interval)
		v.meter += growth
		if err := send(); err != nil {
			return err
		}
	}
	return nil
}

// note writes the answer down; err is the library's own verdict on it.
func (v *visit) note(action string, answer any, err error) error {
	v.last.Store(action)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return v.say(line{Event: "answer", Action: action, Answer: answer})
}

// inTurn runs the steps until one fails.
func inTurn(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// offer hands v on unless an earlier one still waits.
func offer[T any](to chan<- T, v T) bool {
	select {
	case to <- v:
		return true
	default:
		return false
	}
}

func await[T any](ctx context.Context, from <-chan T) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
