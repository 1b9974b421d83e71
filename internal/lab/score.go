package lab

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hayalet"
)

// Answer is one alarm of a detector.
type Answer struct {
	Rule      hayalet.RuleName // "" where the detector has one rule only
	Connector hayalet.ConnectorID
	Last      hayalet.Instant // event time of the last reading that it is about
	Opened    hayalet.Instant // receipt time at which it was raised at alarm level
	Energy    hayalet.Energy
	AtAlarm   hayalet.Energy // energy counted when it was raised at alarm level
}

// phantom reports whether the answer says that energy flowed without a transaction. Rules that watch meters and
// transactions say other things.
func (a *Answer) phantom() bool { return a.Rule == "" || strings.HasPrefix(string(a.Rule), "PE-") }

// Detector answers a trace with its standing alarms: medium and up, not cleared.
type Detector func(frames []hayalet.Frame) []Answer

// Outcome is a detector's result on one trace.
type Outcome struct {
	Trace    *Trace
	Caught   bool             // an attack with a standing alarm on the right connector, not over before the onset
	Rule     hayalet.RuleName // that was first to catch it
	False    int              // alarms on a benign trace, on a wrong connector, or over before the onset
	Other    int              // alarms of rules that do not look for phantom energy, on a benign trace
	Delay    time.Duration    // from the onset to the alarm
	AtAlarm  hayalet.Energy
	Energy   hayalet.Energy // that the detector counted
	EnergyOK bool           // within 3 % or 15 Wh of the truth, or not compared
}

// Judge compares answers with the truth of a trace. Several rules may see one flow; its energy is that of the rule which
// is meant to find it, else of the rule that counted most.
func Judge(t *Trace, answers []Answer) Outcome {
	out := Outcome{Trace: t}
	onset := hayalet.InstantOf(t.Truth.Onset)
	counted := make(map[hayalet.RuleName]hayalet.Energy)
	for i := range answers {
		a := &answers[i]
		switch {
		case !a.phantom():
			if !t.Attack {
				out.Other++
			}
			continue
		case !t.Attack || !t.Truth.on(a.Connector) || a.Last < onset:
			out.False++
			continue
		}
		if delay := a.Opened.Sub(onset); !out.Caught || delay < out.Delay {
			out.Delay, out.AtAlarm, out.Rule = delay, a.AtAlarm, a.Rule
		}
		out.Caught = true
		counted[a.Rule] += a.Energy
	}
	meant, ok := counted[t.Rule]
	if out.Energy = meant; !ok {
		for _, e := range counted {
			out.Energy = max(out.Energy, e)
		}
	}
	out.EnergyOK = !t.Attack || out.Caught && (t.Truth.Loose || near(out.Energy, t.Truth.Energy))
	return out
}

// near is within 3 % or 15 Wh.
func near(e, truth hayalet.Energy) bool {
	diff := max(e-truth, truth-e)
	return diff <= 15*hayalet.WattHour || diff <= truth*3/100
}

// Row is the score of one class of traces.
type Row struct {
	Class       string           `json:"class"`
	Rule        hayalet.RuleName `json:"rule,omitempty"` // that is meant to find it
	Attack      bool             `json:"attack"`
	Traces      int              `json:"traces"`
	Caught      int              `json:"caught"`
	Missed      int              `json:"missed"`
	FalseTraces int              `json:"false_alarm_traces"`
	OtherTraces int              `json:"other_alarm_traces"` // benign ones with an alarm of a rule that does not look for phantom energy
	EnergyOff   int              `json:"energy_off"`
	DelayMedian time.Duration    `json:"delay_median"`
	DelayP95    time.Duration    `json:"delay_p95"`
	WhMedian    hayalet.Energy   `json:"wh_at_alarm_median"`
	WhP95       hayalet.Energy   `json:"wh_at_alarm_p95"`
	Quality     *Quality         `json:"quality,omitempty"` // nil where there was nothing to catch
}

// Quality is how good a detector is on traces of which some are attacks.
type Quality struct {
	Precision float64 `json:"precision"` // of traces with an alarm, those that are right
	Recall    float64 `json:"recall"`    // of attacks, those caught
	F1        float64 `json:"f1"`
}

func (r *Row) quality() Quality {
	q := Quality{Precision: ratio(r.Caught, r.Caught+r.FalseTraces), Recall: ratio(r.Caught, r.Caught+r.Missed)}
	if q.Precision+q.Recall > 0 {
		q.F1 = 2 * q.Precision * q.Recall / (q.Precision + q.Recall)
	}
	return q
}

// Score is a detector's score on a corpus.
type Score struct {
	Rows   []Row `json:"rows"`   // the families, the attacks by rule, then the benign ones
	Groups []Row `json:"groups"` // the attacks by rule, then the benign traces
	Total  Row   `json:"total"`
	Quality
}

// Tally counts outcomes by family and by rule.
func Tally(outcomes []Outcome) Score {
	var s Score
	s.Rows = rows(outcomes, func(t *Trace) string { return t.Family })
	s.Groups = rows(outcomes, func(t *Trace) string {
		if t.Attack {
			return string(t.Rule)
		}
		return "benign"
	})
	s.Total = row("all", outcomes)
	s.Total.Rule = ""
	s.Quality = s.Total.quality()
	s.Total.Quality = &s.Quality
	return s
}

// rows makes a row of each class, attacks before benign ones, the attacks by rule, else as they come.
func rows(outcomes []Outcome, class func(*Trace) string) []Row {
	byClass := make(map[string][]Outcome)
	var order []string
	for _, o := range outcomes {
		name := class(o.Trace)
		if _, ok := byClass[name]; !ok {
			order = append(order, name)
		}
		byClass[name] = append(byClass[name], o)
	}
	all := make([]Row, len(order))
	for i, name := range order {
		all[i] = row(name, byClass[name])
	}
	slices.SortStableFunc(all, func(a, b Row) int {
		switch {
		case a.Attack == b.Attack:
			return cmp.Compare(a.Rule, b.Rule)
		case a.Attack:
			return -1
		}
		return 1
	})
	return all
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func row(class string, outcomes []Outcome) Row {
	r := Row{Class: class}
	var delays []time.Duration
	var energies []hayalet.Energy
	for _, o := range outcomes {
		r.Traces++
		if o.Trace.Attack {
			r.Attack, r.Rule = true, o.Trace.Rule
		}
		if o.False > 0 {
			r.FalseTraces++
		}
		if o.Other > 0 {
			r.OtherTraces++
		}
		switch {
		case o.Caught:
			r.Caught++
			delays = append(delays, o.Delay)
			energies = append(energies, o.AtAlarm)
			if !o.EnergyOK {
				r.EnergyOff++
			}
		case o.Trace.Attack:
			r.Missed++
		}
	}
	r.DelayMedian, r.DelayP95 = quantiles(delays)
	r.WhMedian, r.WhP95 = quantiles(energies)
	if r.Attack {
		r.Quality = new(r.quality())
	}
	return r
}

// quantiles returns the median and the 95th percentile, by nearest rank; zeros where there is nothing.
func quantiles[T time.Duration | hayalet.Energy](values []T) (median, p95 T) {
	if len(values) == 0 {
		return 0, 0
	}
	slices.Sort(values)
	return values[(len(values)-1)/2], values[(len(values)*95+99)/100-1]
}
