package lab

import (
	"context"
	"runtime"
	"sync"
	"time"

	"hayalet"
)

// Corpus names the traces of a run: each family under seeds First to First+Seeds−1, in a version of OCPP.
type Corpus struct {
	Families []Family
	First    uint64
	Seeds    int
	Protocol hayalet.Protocol
}

// Each calls f for every trace, on as many goroutines as there are cores; f may be called from several at once. It
// returns the reason why ctx ended, if it did: then some traces are left out.
func (c Corpus) Each(ctx context.Context, f func(i int, t *Trace)) error {
	type task struct {
		i      int
		family *Family
		seed   uint64
	}
	tasks := make(chan task)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for t := range tasks {
				trace := Make(t.family, t.seed, c.Protocol)
				f(t.i, &trace)
			}
		})
	}
	for i := 0; i < c.Len() && ctx.Err() == nil; i++ {
		tasks <- task{i, &c.Families[i/c.Seeds], c.First + uint64(i%c.Seeds)}
	}
	close(tasks)
	workers.Wait()
	return context.Cause(ctx)
}

// Len is the number of traces.
func (c Corpus) Len() int { return len(c.Families) * c.Seeds }

// Contestant is a detector with its name.
type Contestant struct {
	Name     string
	Detector Detector
}

// Run scores every contestant on every trace of the corpus. The frames of a trace are dropped once all have seen them.
// There is no score when ctx ends.
func Run(ctx context.Context, c Corpus, contestants []Contestant) ([]Score, error) {
	outcomes := make([][]Outcome, len(contestants))
	for i := range outcomes {
		outcomes[i] = make([]Outcome, c.Len())
	}
	err := c.Each(ctx, func(i int, t *Trace) {
		kept := *t
		kept.Frames = nil
		for k, contestant := range contestants {
			o := Judge(t, contestant.Detector(t.Frames))
			o.Trace = &kept
			outcomes[k][i] = o
		}
	})
	if err != nil {
		return nil, err
	}
	scores := make([]Score, len(contestants))
	for i := range scores {
		scores[i] = Tally(outcomes[i])
	}
	return scores, nil
}

// Quiet is what a detector said in benign months.
type Quiet struct {
	ConnectorMonths float64  `json:"connector_months"`
	FalseAlarms     int      `json:"false_alarms"`
	OtherAlarms     int      `json:"other_alarms"` // of rules that do not look for phantom energy
	Per1000         float64  `json:"false_alarms_per_1000_connector_months"`
	Traces          []string `json:"traces,omitempty"` // with a false alarm
}

// RunMonths counts false alarms over at least the given number of connector-months.
func RunMonths(ctx context.Context, months int, first uint64, p hayalet.Protocol, d Detector) (Quiet, error) {
	const outlets = 2
	const month = 30 * 24 * time.Hour
	var mu sync.Mutex
	var q Quiet
	err := Corpus{Families: []Family{Month()}, First: first, Seeds: (months + outlets - 1) / outlets, Protocol: p}.Each(ctx, func(_ int, t *Trace) {
		o := Judge(t, d(t.Frames))
		mu.Lock()
		defer mu.Unlock()
		q.ConnectorMonths += outlets * float64(t.Span) / float64(month)
		q.FalseAlarms += o.False
		q.OtherAlarms += o.Other
		if o.False > 0 && len(q.Traces) < 20 {
			q.Traces = append(q.Traces, t.Name)
		}
	})
	q.Per1000 = float64(q.FalseAlarms) * 1000 / q.ConnectorMonths
	return q, err
}
