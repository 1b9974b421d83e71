package lab_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/lab"
)

// TestOursOnACorpus plays each family under a few seeds, in each version. Those of the published scores are others.
func TestOursOnACorpus(t *testing.T) {
	if underRace {
		t.Skip("run by make test without the race detector")
	}
	const first = 1000
	ours := lab.Ours(detect.Defaults().All)
	for p, seeds := range map[hayalet.Protocol]uint64{hayalet.OCPP16: 2, hayalet.OCPP201: 1, hayalet.OCPP21: 1} {
		told, _ := lab.Told(append(lab.Attacks(), lab.Benign()...), p)
		for _, f := range told {
			t.Run(string(p)+"/"+f.Name, func(t *testing.T) {
				t.Parallel()
				for seed := range seeds {
					tr := lab.Make(&f, first+seed, p)
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
}

func TestTracesCanBeMadeAgain(t *testing.T) {
	for _, f := range every() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			a, b := lab.Make(&f, 7, hayalet.OCPP16), lab.Make(&f, 7, hayalet.OCPP16)
			if !same(&a, &b) {
				t.Error("the same seed gives another trace")
			}
			if c := lab.Make(&f, 8, hayalet.OCPP16); same(&a, &c) {
				t.Error("another seed gives the same trace")
			}
			checkTruth(t, &a)
		})
	}
}

// same compares labels and frames.
func same(a, b *lab.Trace) bool {
	equal := slices.EqualFunc(a.Frames, b.Frames, func(f, g hayalet.Frame) bool {
		data := bytes.Equal(f.Data, g.Data)
		f.Data, g.Data = nil, nil
		return data && reflect.DeepEqual(f, g)
	})
	return equal && reflect.DeepEqual(a.Truth, b.Truth)
}

func every() []lab.Family { return slices.Concat(lab.Attacks(), lab.Benign(), lab.Waiting()) }

// checkTruth holds a trace's label to its frames: where, from when, and enough to be found.
func checkTruth(t *testing.T, tr *lab.Trace) {
	t.Helper()
	truth := &tr.Truth
	if truth.Phantom != tr.Attack {
		t.Errorf("%s: attack %t, truth %+v", tr.Name, tr.Attack, *truth)
	}
	if !tr.Attack {
		return
	}
	first, last := tr.Frames[0].At, tr.Frames[len(tr.Frames)-1].At
	if onset := hayalet.InstantOf(truth.Onset); onset < first || onset > last {
		t.Errorf("%s: the onset %s is not within %s and %s", tr.Name, onset, first, last)
	}
	if truth.Energy < 40*hayalet.WattHour || truth.Connector < 0 || truth.Connector > 4 {
		t.Errorf("%s: nothing to find: %+v", tr.Name, *truth)
	}
}

func TestFamiliesHaveTheirOwnNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range every() {
		if seen[f.Name] {
			t.Errorf("two families %s", f.Name)
		}
		seen[f.Name] = true
	}
}

// TestTruthBeforeTheOutlets wants a truth on connector 0 that the register tells, and nothing of the outlets.
func TestTruthBeforeTheOutlets(t *testing.T) {
	for _, f := range lab.Attacks() {
		if f.Name != "past-outlets-zero" {
			continue
		}
		for seed := range uint64(5) {
			tr := lab.Make(&f, 50+seed, hayalet.OCPP16)
			low, high := (1500 * hayalet.Watt).Over(2*time.Hour), (7700*hayalet.Watt).Over(2*time.Hour)+2*hayalet.KilowattHour
			if tr.Truth.Connector != 0 || tr.Truth.Energy < low || tr.Truth.Energy > high {
				t.Errorf("%s: %+v", tr.Name, tr.Truth)
			}
		}
		return
	}
	t.Error("no such family")
}

// TestWaitingFamiliesWait: a family that today's rules answer belongs to the corpus.
func TestWaitingFamiliesWait(t *testing.T) {
	ours := lab.Ours(detect.Defaults().All)
	for _, f := range lab.Waiting() {
		wrong := 0
		for seed := range uint64(12) {
			tr := lab.Make(&f, 1+seed, hayalet.OCPP16)
			o := lab.Judge(&tr, ours(tr.Frames))
			if o.False > 0 || tr.Attack && !(o.Caught && o.EnergyOK) {
				wrong++
			}
		}
		if wrong == 0 {
			t.Errorf("%s: nothing is wrong with it any more: move it", f.Name)
		}
	}
}

// TestJudgeCanFail holds the judge to what it must refuse.
func TestJudgeCanFail(t *testing.T) {
	f := lab.Attacks()[0]
	tr := lab.Make(&f, 1, hayalet.OCPP16)
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
		"connector 0":     {[]lab.Answer{{Connector: 0, Last: onset + 1}}, false, 1, false},
		"another rule":    {[]lab.Answer{{Rule: "PE-05", Connector: 1, Last: onset + 1, Energy: tr.Truth.Energy}}, true, 0, true},
		"a meter rule":    {[]lab.Answer{{Rule: "MT-03", Connector: 1, Last: onset + 1, Energy: tr.Truth.Energy}}, false, 0, false},
		"two rules, one flow": {[]lab.Answer{
			{Rule: "PE-05", Connector: 1, Last: onset + 1, Energy: 5 * tr.Truth.Energy}, {Rule: tr.Rule, Connector: 1, Last: onset + 1, Energy: tr.Truth.Energy},
		}, true, 0, true},
		"two episodes": {[]lab.Answer{
			{Rule: tr.Rule, Connector: 1, Last: onset + 1, Energy: tr.Truth.Energy / 2}, {Rule: tr.Rule, Connector: 1, Last: onset + 9, Energy: tr.Truth.Energy / 2},
		}, true, 0, true},
	} {
		if o := lab.Judge(&tr, c.answers); o.Caught != c.caught || o.False != c.wrong || o.EnergyOK != c.energy {
			t.Errorf("%s: got %+v", name, o)
		}
	}
}

// TestJudgeOfFurtherConnectors lets alarms be right on connectors that the truth names besides, and on 0 where it says so.
func TestJudgeOfFurtherConnectors(t *testing.T) {
	tr := lab.Trace{Attack: true, Rule: "PE-01", Truth: lab.Truth{Phantom: true, Connector: 0, Also: []int{2}, Onset: time.Unix(1000, 0), Energy: hayalet.KilowattHour}}
	for connector, right := range map[hayalet.ConnectorID]bool{0: true, 1: false, 2: true} {
		o := lab.Judge(&tr, []lab.Answer{{Connector: connector, Last: hayalet.InstantOf(time.Unix(2000, 0))}})
		if o.Caught != right || (o.False == 0) != right || o.EnergyOK {
			t.Errorf("connector %d: %+v", connector, o)
		}
	}
	tr.Truth.Loose = true
	if o := lab.Judge(&tr, []lab.Answer{{Connector: 0, Last: hayalet.InstantOf(time.Unix(2000, 0))}}); !o.EnergyOK {
		t.Error("a loose energy is compared")
	}
}

// TestTally counts by family and by rule, and tells what is not an alarm of phantom energy.
func TestTally(t *testing.T) {
	attack := func(family string, rule hayalet.RuleName) *lab.Trace {
		return &lab.Trace{Family: family, Attack: true, Rule: rule}
	}
	healthy := &lab.Trace{Family: "fine"}
	other := lab.Judge(healthy, []lab.Answer{{Rule: "MT-01", Connector: 1}})
	if other.Other != 1 || other.False != 0 {
		t.Errorf("an alarm of a meter rule: %+v", other)
	}
	s := lab.Tally([]lab.Outcome{
		{Trace: attack("b", "PE-03"), Caught: true},
		{Trace: attack("b", "PE-03")},
		{Trace: attack("a", "PE-01"), Caught: true, False: 1},
		{Trace: healthy, False: 2},
		other,
	})
	var classes, groups []string
	for _, r := range s.Rows {
		classes = append(classes, r.Class)
	}
	for _, r := range s.Groups {
		groups = append(groups, r.Class)
	}
	if !slices.Equal(classes, []string{"a", "b", "fine"}) || !slices.Equal(groups, []string{"PE-01", "PE-03", "benign"}) {
		t.Errorf("rows %v, groups %v", classes, groups)
	}
	a, b, fine := s.Rows[0], s.Rows[1], s.Rows[2]
	if *a.Quality != (lab.Quality{Precision: 0.5, Recall: 1, F1: 2.0 / 3}) || *b.Quality != (lab.Quality{Precision: 1, Recall: 0.5, F1: 2.0 / 3}) {
		t.Errorf("a %+v, b %+v", *a.Quality, *b.Quality)
	}
	if fine.Quality != nil || fine.FalseTraces != 1 || fine.OtherTraces != 1 {
		t.Errorf("fine: %+v", fine)
	}
	if s.Precision != 0.5 || s.Recall != 2.0/3 || s.Total.Missed != 1 {
		t.Errorf("in all: %+v", s.Total)
	}
}
