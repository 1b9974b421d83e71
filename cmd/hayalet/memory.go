package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	quietFor   = 30 * time.Second // without a garbage collection: nothing is going on
	worthwhile = 16 << 20         // bytes
)

// giveBack returns memory to the system while nothing is going on. What 19 000 stations need to come in is twice what
// they need to be there, and without new garbage the old would be held until the next rush. It ends with ctx.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(quietFor)
	defer tick.Stop()
	var m runtime.MemStats
	var least uint64 // what was held when all that could be had been given back
	for {
		before := m.NumGC
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		runtime.ReadMemStats(&m)
		if m.NumGC == before && m.Sys-m.HeapReleased > least+least/4+worthwhile {
			debug.FreeOSMemory()
			runtime.ReadMemStats(&m)
			least = m.Sys - m.HeapReleased
		}
	}
}
