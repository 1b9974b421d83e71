package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hayalet"
)

// BenchmarkAppendBlock commits blocks of the sizes that a busy server and an idle one write, each size in a store of its own.
func BenchmarkAppendBlock(b *testing.B, open func(*testing.B) hayalet.Store) {
	b.Run("512 frames of 60 kB", func(b *testing.B) { appendBlocks(b, open(b), 512, 60_000) })
	b.Run("2 frames of 300 B", func(b *testing.B) { appendBlocks(b, open(b), 2, 300) })
}

func appendBlocks(b *testing.B, s hayalet.Store, frames, body int) {
	blk := hayalet.Block{Frames: frames, Header: noise(112), Stations: noise(4 * min(frames/2, 250)), Body: noise(body)}
	b.SetBytes(int64(body))
	b.ReportAllocs()
	for b.Loop() {
		blk.Number++
		blk.First += uint64(frames)
		blk.FirstAt += 5000
		blk.LastAt = blk.FirstAt + 4000
		if err := s.AppendBlock(b.Context(), blk); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*frames)/b.Elapsed().Seconds(), "frames/s")
}

// BenchmarkReadBlocks reads two hundred blocks with their bodies of 60 kB.
func BenchmarkReadBlocks(b *testing.B, s hayalet.Store) {
	const blocks, body = 200, 60_000
	for n := range uint64(blocks) {
		if err := s.AppendBlock(b.Context(), hayalet.Block{Number: n + 1, First: n + 1, Frames: 1, Body: noise(body)}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(blocks * body)
	b.ReportAllocs()
	for b.Loop() {
		read := 0
		err := s.ReadBlocks(b.Context(), hayalet.BlockQuery{Bodies: true}, func(hayalet.Block) error { read++; return nil })
		if err != nil || read != blocks {
			b.Fatalf("%d blocks, error %v", read, err)
		}
	}
}

// BenchmarkSaveState saves a thousand stations, each with a snapshot of 3 kB and a stretch of readings.
func BenchmarkSaveState(b *testing.B, s hayalet.Store) {
	const stations = 1000
	st := hayalet.State{Snapshots: make([]hayalet.Snapshot, stations), Series: make([]hayalet.Series, stations)}
	for n := range stations {
		id := hayalet.StationID(fmt.Sprintf("STATION-%05d", n))
		st.Snapshots[n] = hayalet.Snapshot{Station: id, Body: noise(3000)}
		st.Series[n] = hayalet.Series{Station: id, Body: noise(120)}
	}
	b.ReportAllocs()
	for b.Loop() {
		st.Mark++
		for n := range stations {
			st.Snapshots[n].Position = st.Mark
			st.Series[n].From = hayalet.Instant(st.Mark*60_000_000 + uint64(n)*60_000)
			st.Series[n].To = st.Series[n].From + 50_000_000
		}
		if err := s.SaveState(b.Context(), st); err != nil {
			b.Fatal(err)
		}
	}
}

// noise is bytes that do not compress.
func noise(size int) []byte {
	b := make([]byte, size)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(source.Uint32())
	}
	return b
}
