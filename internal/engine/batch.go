package engine

import (
	"sync"

	"hayalet"
)

// batch is a copy of frames on their way to a shard: a sink must not keep the caller's bytes.
type batch struct {
	frames []hayalet.Frame
	data   []byte
	ends   []int // end of each frame's bytes in data
}

// batches are reused between senders and shards.
var batches = sync.Pool{New: func() any { return new(batch) }} //nolint:gochecknoglobals // a pool has no state that anybody could see

func newBatch() *batch {
	b := batches.Get().(*batch)
	b.frames, b.data, b.ends = b.frames[:0], b.data[:0], b.ends[:0]
	return b
}

func (b *batch) add(f *hayalet.Frame) {
	b.frames = append(b.frames, *f)
	b.data = append(b.data, f.Data...)
	b.ends = append(b.ends, len(b.data))
}

// frame returns the i-th frame with its copied bytes.
func (b *batch) frame(i int) *hayalet.Frame {
	start := 0
	if i > 0 {
		start = b.ends[i-1]
	}
	f := &b.frames[i]
	f.Data = b.data[start:b.ends[i]]
	return f
}

// release gives the batch back. Oversized ones are left to the collector.
func (b *batch) release() {
	if cap(b.data) > 4<<20 {
		return
	}
	clear(b.frames)
	batches.Put(b)
}
