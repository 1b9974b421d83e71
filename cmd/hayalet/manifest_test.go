package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/lab"
)

var update = flag.Bool("update", false, "write the manifests of docs/corpus anew")

// published are the manifests that can be made again.
var published = []struct {
	file     string
	protocol hayalet.Protocol
	seeds    int
}{
	{"../../docs/corpus/manifest.json", hayalet.OCPP16, 3},
	{"../../docs/corpus/manifest-2.0.1.json", hayalet.OCPP201, 1},
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// TestPublishedManifest makes the published corpora again: the same labels, and the same traces to the byte.
func TestPublishedManifest(t *testing.T) {
	if underRace {
		t.Skip("run by make test without the race detector")
	}
	for _, p := range published {
		t.Run(string(p.protocol), func(t *testing.T) {
			again, _ := corpus(1, p.seeds, p.protocol)
			got, err := manifest(t.Context(), again, func(*lab.Trace) (io.WriteCloser, error) { return nowhere{io.Discard}, nil })
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(p.file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(p.file)
			if err != nil {
				t.Fatal(err)
			}
			sameLines(t, got, want)
		})
	}
}

func sameLines(t *testing.T, got, want []byte) {
	t.Helper()
	const say = "say: go test ./cmd/hayalet -run Manifest -update"
	lines, made := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	if len(lines) != len(made) {
		t.Fatalf("%d lines are published, %d are made; %s", len(lines), len(made), say)
	}
	for i := range made {
		if !bytes.Equal(made[i], lines[i]) {
			t.Fatalf("line %d\npublished %s\n     made %s\n%s", i+1, lines[i], made[i], say)
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
