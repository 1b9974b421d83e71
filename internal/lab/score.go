package lab

import (
	"slices"
	"time"

	"hayalet"
)

// Answer is one alarm of a detector.
type Answer struct {
	Connector hayalet.ConnectorID
	Last      hayalet.Instant // event time of the last reading that it is about
	Opened    hayalet.Instant // receipt time at which it was raised at alarm level
	Energy    hayalet.Energy
	AtAlarm   hayalet.Energy // energy counted when it was raised at alarm level
}

// Detector answers a trace with its standing alarms: medium and up, not cleared.
type Detector func(frames []hayalet.Frame) []Answer

// Outcome is a detector's result on one trace.
type Outcome struct {
	Trace    *Trace
	Caught   bool          // an attack with a standing alarm on the right connector, not over before the onset
	False    int           // alarms on a benign trace, on a wrong connector, or before the onset
	Delay    time.Duration // from the onset to the alarm
	AtAlarm  hayalet.Energy
	Energy   hayalet.Energy // that the detector counted
	EnergyOK bool           // within 3 % or 15 Wh of the truth
}

// Judge compares answers with the truth of a trace.
func Judge(t *Trace, answers []Answer) Outcome {
	out := Outcome{Trace: t}
	onset := hayalet.InstantOf(t.Truth.Onset)
	for _, a := range answers {
		right := t.Attack && int(a.Connector) == t.Truth.Connector && a.Last >= onset
		if !right {
			out.False++
			continue
		}
		if delay := a.Opened.Sub(onset); !out.Caught || delay < out.Delay {
			out.Delay, out.AtAlarm = delay, a.AtAlarm
		}
		out.Caught = true
		out.Energy += a.Energy
	}
	diff := (out.Energy - t.Truth.Energy)
	diff = max(diff, -diff)
	out.EnergyOK = !t.Attack || out.Caught && (diff <= 15*hayalet.WattHour || diff <= t.Truth.Energy*3/100)
	return out
}

// Row is the score of one class of traces.
type Row struct {
	Class       string         `json:"class"`
	Attack      bool           `json:"attack"`
	Traces      int            `json:"traces"`
	Caught      int            `json:"caught"`
	Missed      int            `json:"missed"`
	FalseTraces int            `json:"false_alarm_traces"`
	EnergyOff   int            `json:"energy_off"`
	DelayMedian time.Duration  `json:"delay_median"`
	DelayP95    time.Duration  `json:"delay_p95"`
	WhMedian    hayalet.Energy `json:"wh_at_alarm_median"`
	WhP95       hayalet.Energy `json:"wh_at_alarm_p95"`
}

// Score is a detector's score on a corpus.
type Score struct {
	Rows      []Row   `json:"rows"`
	Total     Row     `json:"total"`
	Precision float64 `json:"precision"` // of traces with an alarm, those that are right
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// Tally counts outcomes by family, in the order in which families first come.
func Tally(outcomes []Outcome) Score {
	var s Score
	byClass := make(map[string][]Outcome)
	var order []string
	for _, o := range outcomes {
		if _, ok := byClass[o.Trace.Family]; !ok {
			order = append(order, o.Trace.Family)
		}
		byClass[o.Trace.Family] = append(byClass[o.Trace.Family], o)
	}
	for _, class := range order {
		s.Rows = append(s.Rows, row(class, byClass[class]))
	}
	s.Total = row("all", outcomes)
	alarmed := s.Total.Caught + s.Total.FalseTraces
	s.Precision = ratio(s.Total.Caught, alarmed)
	s.Recall = ratio(s.Total.Caught, s.Total.Caught+s.Total.Missed)
	if s.Precision+s.Recall > 0 {
		s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	}
	return s
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
		r.Attack = r.Attack || o.Trace.Attack
		if o.False > 0 {
			r.FalseTraces++
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
