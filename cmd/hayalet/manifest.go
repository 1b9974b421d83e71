package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hayalet/internal/capture"
	"hayalet/internal/lab"
)

// manifestEntry is the label of one trace; docs/corpus/README.md says what each field means.
type manifestEntry struct {
	lab.Trace
	SHA256 string `json:"sha256"` // of the trace's JSONL
}

// generateCorpus writes each trace as JSONL, and the truth of all of them as manifest.json.
func generateCorpus(ctx context.Context, dir string, c lab.Corpus) error {
	data, err := manifest(ctx, c, func(t *lab.Trace) (io.WriteCloser, error) {
		return os.Create(filepath.Join(dir, t.Name+".jsonl"))
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o644)
}

// manifest writes each trace to what create gives for it, which may be called from several goroutines, and returns the
// manifest: a JSON array with one line a trace.
func manifest(ctx context.Context, c lab.Corpus, create func(*lab.Trace) (io.WriteCloser, error)) ([]byte, error) {
	lines := make([][]byte, c.Len())
	failed := make([]error, c.Len())
	err := c.Each(ctx, func(i int, t *lab.Trace) {
		var sum string
		if sum, failed[i] = writeTrace(ctx, t, create); failed[i] == nil {
			lines[i], failed[i] = json.Marshal(manifestEntry{*t, sum})
		}
	})
	if err := cmp.Or(append(failed, err)...); err != nil { // a full disk fails them all: one tells it
		return nil, err
	}
	return fmt.Appendf(nil, "[\n%s\n]\n", bytes.Join(lines, []byte(",\n"))), nil
}

// writeTrace writes a trace and returns the hash of what was written.
func writeTrace(ctx context.Context, t *lab.Trace, create func(*lab.Trace) (io.WriteCloser, error)) (string, error) {
	f, err := create(t)
	if err != nil {
		return "", err
	}
	w, sum := bufio.NewWriter(f), sha256.New()
	r := capture.NewRecorder(io.MultiWriter(w, sum))
	if err := errors.Join(r.PutFrames(ctx, t.Frames), r.Close(), w.Flush(), f.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
