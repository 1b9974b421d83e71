// Package frames copies frames: who takes some from a [hayalet.FrameSink]'s caller must not keep their bytes.
package frames

import "hayalet"

// keep is how many bytes of a buffer are kept when it has room for more and needs it no longer.
const keep = 1 << 20

// Batch is frames with their bytes laid one behind the other. The zero value is empty.
type Batch struct {
	frames []hayalet.Frame
	ends   []int // of each frame's bytes in data
	data   []byte
}

// Add appends a copy of the frame.
func (b *Batch) Add(f *hayalet.Frame) {
	b.data = append(b.data, f.Data...)
	b.frames = append(b.frames, *f)
	b.frames[len(b.frames)-1].Data = nil
	b.ends = append(b.ends, len(b.data))
}

// Len is how many frames there are.
func (b *Batch) Len() int { return len(b.frames) }

// Bytes is the size of all messages.
func (b *Batch) Bytes() int { return len(b.data) }

// Frames returns the frames with their bytes. They are good until the next Add or Reset.
func (b *Batch) Frames() []hayalet.Frame {
	start := 0
	for i, end := range b.ends {
		if end > start || b.frames[i].Kind == hayalet.Message {
			b.frames[i].Data = b.data[start:end:end]
		}
		start = end
	}
	return b.frames
}

// Reset empties the batch and gives room back that it did not need.
func (b *Batch) Reset() {
	if cap(b.data) > keep && len(b.data) < keep {
		*b = Batch{}
		return
	}
	clear(b.frames)
	b.frames, b.ends, b.data = b.frames[:0], b.ends[:0], b.data[:0]
}
