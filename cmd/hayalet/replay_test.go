package main

import (
	"strings"
	"testing"
	"time"
)

func TestReplayProgress(t *testing.T) {
	var none *replayProgress // nobody would see it
	none.passed(1, 2)
	none.end()
	var out strings.Builder
	p := newReplayProgress(&out, "replaying")
	p.passed(1, 1000)
	p.end()
	if out.Len() > 0 {
		t.Errorf("shown at once: %q", out.String())
	}
	p.begun = p.begun.Add(-2 * time.Second)
	for n := range uint64(500) {
		p.passed(n, 1000)
	}
	shown := out.String()
	p.end()
	if !strings.Contains(shown, "replaying") || !strings.Contains(shown, "/1000") || out.Len() == len(shown) {
		t.Errorf("shown %q, then %q", shown, out.String()[len(shown):])
	}
}
