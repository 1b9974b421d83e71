package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	quietFor  = 30 * time.Second // without a garbage collection: nothing is going on
	heldAtAll = 16 << 20         // bytes that are not worth it
)

// giveBack returns memory to the system while nothing is going on. What 19 000 stations need to come in is twice what
// they need to be there, and without garbage nothing is collected: it would be held until the next rush. It ends with ctx.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(quietFor)
	defer tick.Stop()
	var m runtime.MemStats
	for runtime.ReadMemStats(&m); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		before := m.NumGC
		runtime.ReadMemStats(&m)
		if held := m.HeapIdle - m.HeapReleased; m.NumGC == before && held > max(heldAtAll, m.HeapInuse/4) {
			debug.FreeOSMemory()
			runtime.ReadMemStats(&m)
		}
	}
}
