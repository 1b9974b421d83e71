package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/engine"
	"hayalet/internal/report"
)

// follow analyses what the files hold and what is added to them until ctx ends, and tells of alarms as they come, while more
// listen.
func (a *app) follow(
	ctx context.Context, output string, cfg *config, files []string, opts capture.Options, more []engine.Listener,
) (findings, capture.Stats, error) {
	var none findings
	if output == "json" {
		return none, capture.Stats{}, hint(errors.New("--follow cannot print json, which ends with the last incident"), "want --output text or ndjson")
	}
	inputs, written, closeAll, err := a.openToFollow(ctx, files)
	defer closeAll()
	if err != nil {
		return none, capture.Stats{}, err
	}
	heard := &liveVoice{collector: newCollector(), app: a, output: output}
	clock := &logClock{now: time.Now}
	e := engine.New(engine.Config{Rules: cfg.sets.of, Profiles: cfg.profile, Listeners: append(more, heard), Clock: clock.Now})
	done := make(chan error, 1)
	go func() { done <- e.Run(context.WithoutCancel(ctx)) }()
	stats, err := capture.Follow(ctx, opts, capture.DefaultPoll, inputs, tapped(clocked{e, clock}, more), func() { clock.caughtUp(written()) })
	var found findings
	if err == nil {
		found.seen, err = e.Stations(context.WithoutCancel(ctx))
	}
	e.Close()
	if rerr := <-done; err == nil {
		err = rerr
	}
	if err != nil {
		return none, stats, usage(err)
	}
	seen := found.seen
	found = heard.findings()
	found.seen, found.stations = seen, len(seen)
	return found, stats, nil
}

// openToFollow opens files by name, and pipes as they come. written tells when the youngest of the files was written last.
func (a *app) openToFollow(ctx context.Context, files []string) (inputs []capture.Input, written func() time.Time, closeAll func(), err error) {
	var tails []*capture.Tail
	closeAll = func() {
		for _, t := range tails {
			_ = t.Close()
		}
	}
	written = func() (last time.Time) {
		for _, t := range tails {
			if at := t.Written(); at.After(last) {
				last = at
			}
		}
		return last
	}
	for _, name := range files {
		info, err := os.Stat(name)
		switch {
		case name == "-":
			pipe := capture.NewPipe(a.stdin)
			go func() { _ = pipe.Run(ctx) }() // a read that waits cannot be ended; Follow does not wait for it
			inputs = append(inputs, capture.Input{Name: name, R: pipe})
			continue
		case err != nil:
			return nil, nil, closeAll, hint(fmt.Errorf("read %s: %v", name, err), "give files of recorded traffic, or - for standard input")
		case info.IsDir():
			return nil, nil, closeAll, hint(fmt.Errorf("read %s: it is a directory", name), "give the files in it")
		case !info.Mode().IsRegular():
			return nil, nil, closeAll, hint(fmt.Errorf("follow %s: it is no file", name), "give its content on standard input, as -")
		}
		tail, err := capture.OpenTail(name, func(what capture.TailEvent) { a.sayTail(name, what) })
		if err != nil {
			return nil, nil, closeAll, hint(err, "give files of recorded traffic, or - for standard input")
		}
		tails = append(tails, tail)
		inputs = append(inputs, capture.Input{Name: name, R: tail})
	}
	return inputs, written, closeAll, nil
}

func (a *app) sayTail(name string, what capture.TailEvent) {
	key := "follow.replaced"
	if what == capture.TailTruncated {
		key = "follow.truncated"
	}
	fmt.Fprintln(a.stderr, "hayalet:", a.text.T(key, name))
}

// liveVoice tells of what the engine concludes at once, and keeps it for the summary.
type liveVoice struct {
	*collector
	mu     sync.Mutex
	app    *app
	output string
}

// Judged prints a reading alarm.
func (l *liveVoice) Judged(v hayalet.Verdict) {
	l.collector.Judged(v)
	if v.Kind != hayalet.Alarm || l.output != "text" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.app.printAlarm(&v)
}

// Changed prints an incident for machines, each time that it changes: the last line with its key holds.
func (l *liveVoice) Changed(inc hayalet.Incident) {
	before, known := l.was(inc.Key)
	l.collector.Changed(inc)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.output == "ndjson":
		enc := json.NewEncoder(l.app.stdout)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(explain(l.app.text, inc)) // the next write fails as well
	case !known || before.State != inc.State || before.Severity != inc.Severity:
		fmt.Fprintln(l.app.stdout, report.Sentence(l.app.text, &inc))
	}
}

// endFollow prints the summary; for machines all was said.
func (a *app) endFollow(output string, found findings, frames int64, cfg *config) error {
	if output != "text" {
		return nil
	}
	return a.printSummary(found, frames, cfg)
}

// logClock is the time of a log that grows. While it catches up, its time is that of its frames; after that it goes on from the
// last of them as time passes here, so that silence is noticed without a frame, and a zone or a clock that is not ours does no
// harm.
type logClock struct {
	now func() time.Time

	mu     sync.Mutex
	latest hayalet.Instant // of the frames
	since  time.Time       // when latest was written, by our clock; zero: still catching up
	live   bool
}

// saw takes the times of frames that were handed on.
func (c *logClock) saw(fs []hayalet.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.latest
	for i := range fs {
		c.latest = max(c.latest, fs[i].At)
	}
	if c.latest > before {
		c.since = c.now()
	}
}

// caughtUp says that all that was there is read, and when the last of it was written; zero: now.
func (c *logClock) caughtUp(written time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = true
	if now := c.now(); written.IsZero() || written.After(now) {
		c.since = now
	} else {
		c.since = written
	}
}

// Now is the log's time.
func (c *logClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.latest.Time()
	if c.live && !c.latest.IsZero() {
		at = at.Add(c.now().Sub(c.since))
	}
	return at
}

// clocked hands frames on and lets the clock see them after that, so that no tick overtakes them.
type clocked struct {
	to    hayalet.FrameSink
	clock *logClock
}

func (c clocked) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	err := c.to.PutFrames(ctx, fs)
	c.clock.saw(fs)
	return err
}
