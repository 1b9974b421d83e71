package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"hayalet"
	"hayalet/internal/capture"
)

// recording appends the traffic to a file. A disk that fails is said once, loudly, and does not stop the stations.
type recording struct {
	*capture.Recorder
	file   *os.File
	log    *slog.Logger
	failed chan struct{} // holds one token once it has failed
}

func newRecording(name string, log *slog.Logger) (*recording, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, hint(fmt.Errorf("open record: %v", err), "give --record a file that can be written")
	}
	return &recording{Recorder: capture.NewRecorder(f), file: f, log: log, failed: make(chan struct{}, 1)}, nil
}

func (r *recording) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	r.report(r.Recorder.PutFrames(ctx, fs))
	return nil
}

func (r *recording) report(err error) {
	if err == nil || errors.Is(err, capture.ErrClosed) {
		return
	}
	select {
	case r.failed <- struct{}{}:
		r.log.Error("recording failed; traffic from here on is not recorded", "file", r.file.Name(), "error", err)
	default:
	}
}

func (r *recording) flushLoop(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.report(r.Flush())
		}
	}
}

func (r *recording) close() {
	r.report(r.Recorder.Close())
	r.report(r.file.Close())
}
