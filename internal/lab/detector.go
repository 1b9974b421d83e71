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
		heard := NewListener()
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
		return heard.Answers("")
	}
}

// Listener keeps the state of each incident, as it is now and as it first was an alarm. It is safe for use by several
// goroutines.
type Listener struct {
	mu    sync.Mutex
	order []string
	level map[string]hayalet.Incident
	last  map[string]hayalet.Incident
}

// NewListener returns a listener that has heard nothing.
func NewListener() *Listener {
	return &Listener{level: make(map[string]hayalet.Incident), last: make(map[string]hayalet.Incident)}
}

// Judged takes no notice of single verdicts.
func (l *Listener) Judged(hayalet.Verdict) {}

// Changed keeps what is new.
func (l *Listener) Changed(inc hayalet.Incident) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.last[inc.Key]; !ok {
		l.order = append(l.order, inc.Key)
	}
	l.last[inc.Key] = inc
	if _, ok := l.level[inc.Key]; !ok && inc.Severity >= hayalet.Medium {
		l.level[inc.Key] = inc
	}
}

// Answers are the standing alarms on a station, or on all for "".
func (l *Listener) Answers(station hayalet.StationID) []Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Answer
	for _, key := range l.order {
		inc := l.last[key]
		if !inc.Alarms(hayalet.Medium) || station != "" && inc.Station != station {
			continue
		}
		at := l.level[key]
		all = append(all, Answer{
			Rule: inc.Rule, Connector: inc.Connector, Last: inc.LastAt, Opened: at.UpdatedAt, Energy: inc.Energy, AtAlarm: at.Energy,
		})
	}
	return all
}
