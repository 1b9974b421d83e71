package lab

import (
	"context"
	"sync"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
)

// Ours runs a trace through the engine that serve and analyze run.
func Ours(rules detect.Sets) Detector {
	return func(frames []hayalet.Frame) []Answer {
		heard := &listener{level: make(map[string]hayalet.Incident), last: make(map[string]hayalet.Incident)}
		e := engine.New(engine.Config{Rules: rules, Listeners: []engine.Listener{heard}, Shards: 1})
		var done sync.WaitGroup
		done.Go(func() { _ = e.Run(context.Background()) }) // ends with nil after Close
		for len(frames) > 0 {
			n := min(len(frames), 512)
			if e.PutFrames(context.Background(), frames[:n]) != nil {
				break // the engine ends only after Close
			}
			frames = frames[n:]
		}
		e.Close()
		done.Wait()
		return heard.answers()
	}
}

// listener keeps each incident's last state and the state in which it first was an alarm.
type listener struct {
	order []string
	level map[string]hayalet.Incident
	last  map[string]hayalet.Incident
}

func (l *listener) Judged(hayalet.Verdict) {}

func (l *listener) Changed(inc hayalet.Incident) {
	if _, ok := l.last[inc.Key]; !ok {
		l.order = append(l.order, inc.Key)
	}
	l.last[inc.Key] = inc
	if _, ok := l.level[inc.Key]; !ok && inc.Severity >= hayalet.Medium {
		l.level[inc.Key] = inc
	}
}

func (l *listener) answers() []Answer {
	var all []Answer
	for _, key := range l.order {
		inc := l.last[key]
		if !inc.Alarms(hayalet.Medium) {
			continue
		}
		at := l.level[key]
		all = append(all, Answer{
			Connector: inc.Connector, Last: inc.LastAt, Opened: at.UpdatedAt, Energy: inc.Energy, AtAlarm: at.Energy,
		})
	}
	return all
}
