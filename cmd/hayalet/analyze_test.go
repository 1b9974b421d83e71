package main

import (
	"context"
	"io"
	"testing"
	"time"
)

// TestAnalyzeEndsAtASignal: a read that waits for a pipe or a person does not hold up the end.
func TestAnalyzeEndsAtASignal(t *testing.T) {
	stdin, silent := io.Pipe()
	defer silent.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"analyze", "-"}, nil, stdin, io.Discard, io.Discard) }()
	if _, err := silent.Write([]byte("a line\n")); err != nil { // returns when it is being read
		t.Fatal(err)
	}
	stop()
	select {
	case code := <-ended:
		if code != exitError {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on waiting for input")
	}
}
