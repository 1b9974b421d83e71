package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"hayalet/internal/lab"
)

var update = flag.Bool("update", false, "write docs/corpus/manifest.json anew")

const (
	publishedManifest = "../../docs/corpus/manifest.json"
	publishedFirst    = 1
	publishedSeeds    = 3
)

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// TestPublishedManifest makes the published corpus again: the same labels, and the same traces to the byte.
func TestPublishedManifest(t *testing.T) {
	got, err := manifest(t.Context(), corpus(publishedFirst, publishedSeeds), func(*lab.Trace) (io.WriteCloser, error) {
		return nowhere{io.Discard}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(publishedManifest, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(publishedManifest)
	if err != nil {
		t.Fatal(err)
	}
	published, made := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	if len(published) != len(made) {
		t.Fatalf("%d lines are published, %d are made; say: go test ./cmd/hayalet -run Manifest -update", len(published), len(made))
	}
	for i := range made {
		if !bytes.Equal(made[i], published[i]) {
			t.Fatalf("line %d\npublished %s\n     made %s\nsay: go test ./cmd/hayalet -run Manifest -update", i+1, published[i], made[i])
		}
	}
}

// TestManifestTellsOneFault: a full disk fails every trace.
func TestManifestTellsOneFault(t *testing.T) {
	_, err := manifest(t.Context(), lab.Corpus{Families: lab.Benign()[:3], First: 1, Seeds: 1}, func(tr *lab.Trace) (io.WriteCloser, error) {
		return nil, errors.New("no room for " + tr.Name)
	})
	if err == nil || strings.Count(err.Error(), "no room") != 1 {
		t.Errorf("got %v", err)
	}
}
