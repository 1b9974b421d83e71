package lab_test

import (
	"reflect"
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/lab"
)

// TestOursOnACorpus plays each family under a few seeds. Those of the published scores are others.
func TestOursOnACorpus(t *testing.T) {
	const first, seeds = 1000, 6
	ours := lab.Ours(detect.Defaults().All)
	for _, f := range append(lab.Attacks(), lab.Benign()...) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seeds) {
				tr := lab.Make(&f, first+seed)
				o := lab.Judge(&tr, ours(tr.Frames))
				switch {
				case f.Attack() && !o.Caught:
					t.Errorf("%s: missed; truth %+v", tr.Name, tr.Truth)
				case o.False > 0:
					t.Errorf("%s: %d false alarms", tr.Name, o.False)
				case !o.EnergyOK:
					t.Errorf("%s: counted %s, truth %s", tr.Name, o.Energy, tr.Truth.Energy)
				}
			}
		})
	}
}

func TestTracesCanBeMadeAgain(t *testing.T) {
	for _, f := range append(lab.Attacks(), lab.Benign()...) {
		a, b := lab.Make(&f, 7), lab.Make(&f, 7)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: the same seed gives other frames", f.Name)
		}
		if c := lab.Make(&f, 8); reflect.DeepEqual(a.Frames, c.Frames) {
			t.Errorf("%s: another seed gives the same frames", f.Name)
		}
		if a.Attack && (a.Truth.Energy <= 0 || a.Truth.Connector == 0) {
			t.Errorf("%s: an attack without a truth: %+v", f.Name, a.Truth)
		}
	}
}

// TestJudgeCanFail holds the judge to what it must refuse.
func TestJudgeCanFail(t *testing.T) {
	f := lab.Attacks()[0]
	tr := lab.Make(&f, 1)
	onset := hayalet.InstantOf(tr.Truth.Onset)
	right := lab.Answer{Connector: 1, Last: onset + 1, Opened: onset + 5, Energy: tr.Truth.Energy}
	for name, c := range map[string]struct {
		answers []lab.Answer
		caught  bool
		wrong   int
		energy  bool
	}{
		"silent":          {nil, false, 0, false},
		"right":           {[]lab.Answer{right}, true, 0, true},
		"wrong connector": {[]lab.Answer{{Connector: 2, Last: onset + 1}}, false, 1, false},
		"over before":     {[]lab.Answer{{Connector: 1, Last: onset - 1}}, false, 1, false},
		"half the energy": {[]lab.Answer{{Connector: 1, Last: onset + 1, Energy: tr.Truth.Energy / 2}}, true, 0, false},
	} {
		if o := lab.Judge(&tr, c.answers); o.Caught != c.caught || o.False != c.wrong || o.EnergyOK != c.energy {
			t.Errorf("%s: got %+v", name, o)
		}
	}
}
