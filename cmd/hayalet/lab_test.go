package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/lab"
	"hayalet/internal/lang"
)

// TestAnalyzeAgreesWithTheLab: what generate writes, analyze judges as the lab does in process, in each version.
func TestAnalyzeAgreesWithTheLab(t *testing.T) {
	if underRace {
		t.Skip("run by make test without the race detector")
	}
	const first, most = 77, 400
	ours := lab.Ours(detect.Defaults().All)
	for _, p := range hayalet.Protocols() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			c, _ := corpus(first, 1, p)
			c.Families = slices.DeleteFunc(c.Families, func(f lab.Family) bool { return len(lab.Make(&f, first, p).Frames) > most })
			if len(c.Families) < 20 {
				t.Fatalf("only %d short stories", len(c.Families))
			}
			dir := t.TempDir()
			if err := generateCorpus(t.Context(), dir, c); err != nil {
				t.Fatal(err)
			}
			alarms := 0
			for i := range c.Families {
				tr := lab.Make(&c.Families[i], first, p)
				var want []string
				for _, a := range ours(tr.Frames) {
					want = append(want, fmt.Sprintf("%s connector=%d %s", a.Rule, a.Connector, a.Energy))
				}
				slices.Sort(want)
				if got := analyzed(t, filepath.Join(dir, tr.Name+".jsonl")); !slices.Equal(got, want) {
					t.Errorf("%s: analyze says %q, the lab %q", tr.Name, got, want)
				}
				alarms += len(want)
			}
			if alarms == 0 {
				t.Error("nothing to compare")
			}
		})
	}
}

// analyzed are the standing alarms that analyze finds in a file.
func analyzed(t *testing.T, file string) []string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"analyze", "-o", "ndjson", file}, nil, strings.NewReader(""), &out, &errs); code != exitOK {
		t.Fatalf("analyze %s: code %d, %s", file, code, errs.String())
	}
	var all []string
	for line := range strings.Lines(out.String()) {
		var inc hayalet.Incident
		if err := json.Unmarshal([]byte(line), &inc); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if inc.Rule != "" && inc.Alarms(hayalet.Medium) {
			all = append(all, fmt.Sprintf("%s connector=%d %s", inc.Rule, inc.Connector, inc.Energy))
		}
	}
	slices.Sort(all)
	return all
}

// TestLabSaysWhatAVersionCannotTell names the families left out, with a reason that has a sentence.
func TestLabSaysWhatAVersionCannotTell(t *testing.T) {
	for p, want := range map[hayalet.Protocol]bool{hayalet.OCPP16: false, hayalet.OCPP201: true} {
		played, left := corpus(1, 1, p)
		if (len(left) > 0) != want || len(played.Families)+len(left) != len(lab.Attacks())+len(lab.Benign()) {
			t.Errorf("%s: %d played, %d left out", p, len(played.Families), len(left))
		}
		r := labSample()
		r.Left = leftOut(left)
		var b strings.Builder
		r.document(lang.New(lang.TR)).text(&b)
		text := b.String()
		for _, f := range left {
			if !strings.Contains(text, f.Name) {
				t.Errorf("no %s in\n%s", f.Name, text)
			}
		}
		if strings.Contains(text, "lab.left") {
			t.Errorf("a reason without a sentence:\n%s", text)
		}
	}
}
