//go:build linux

package main

import (
	"math/bits"
	"time"
)

// histogram counts times, each to 1 in 64 of itself.
type histogram struct {
	counts  [64 * 59]uint64
	total   uint64
	longest time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.counts[slot(d)]++
	h.total++
	h.longest = max(h.longest, d)
}

// slot counts up by one to 127 ns; from there on each doubling has 64 slots.
func slot(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-7, 0)
	return shift<<6 + int(v>>shift)
}

// quantile is the lower end of the slot that holds it.
func (h *histogram) quantile(q float64) time.Duration {
	want := uint64(q * float64(h.total))
	for i, n := range h.counts {
		if want < n {
			shift := max(i>>6-1, 0)
			return (time.Duration(i-shift<<6) << shift).Round(time.Microsecond)
		}
		want -= n
	}
	return h.longest
}
