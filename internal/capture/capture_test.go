package capture_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/capture"
)

// collector keeps copies of the frames and how they came.
type collector struct {
	frames  []hayalet.Frame
	batches []int
	err     error
}

func (c *collector) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	c.batches = append(c.batches, len(fs))
	if c.err != nil {
		return c.err
	}
	for _, f := range fs {
		data := f.Data
		f.Data = bytes.Clone(data)
		for i := range data { // nobody may rely on it later
			data[i] = 'X'
		}
		c.frames = append(c.frames, f)
	}
	return nil
}

// read reads texts as files a.log, b.log and so on.
func read(t *testing.T, opts capture.Options, texts ...string) ([]hayalet.Frame, capture.Stats) {
	t.Helper()
	var inputs []capture.Input
	for i, text := range texts {
		inputs = append(inputs, capture.Input{Name: "logs/" + string(rune('a'+i)) + ".log", R: strings.NewReader(text)})
	}
	var c collector
	stats, err := capture.Read(t.Context(), opts, inputs, &c)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if int(stats.Frames()) != len(c.frames) {
		t.Errorf("stats say %d frames, the sink got %d", stats.Frames(), len(c.frames))
	}
	return c.frames, stats
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func instant(t *testing.T, s string) hayalet.Instant {
	t.Helper()
	if s == "" {
		return 0
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return hayalet.InstantOf(at)
}

// sameFrame compares frames; no data and empty data are the same.
func sameFrame(a, b hayalet.Frame) bool {
	same := bytes.Equal(a.Data, b.Data)
	a.Data, b.Data = nil, nil
	return same && a.Station == b.Station && a.Conn == b.Conn && a.Seq == b.Seq && a.At == b.At && a.Dir == b.Dir &&
		a.Kind == b.Kind && a.Protocol == b.Protocol
}
