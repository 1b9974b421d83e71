package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hayalet/internal/backtest"
)

type replayOptions struct {
	journalQuery
	warmUp         time.Duration
	output, failOn string
}

func (a *app) replay() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use: "replay", Short: a.text.T("cmd.replay"), Long: a.text.T("cmd.replay.long"), Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runReplay(cmd.Context(), o) },
	}
	o.flags(a, cmd)
	f := cmd.Flags()
	f.DurationVar(&o.warmUp, "warm-up", backtest.DefaultWarmUp, a.text.T("flag.warm-up"))
	f.StringVarP(&o.output, "output", "o", "text", a.text.T("flag.output.lines"))
	f.StringVar(&o.failOn, "fail-on", "", a.text.T("flag.replay.fail-on"))
	return cmd
}

func (a *app) runReplay(ctx context.Context, o replayOptions) (err error) {
	if err := checkOutput(o.output, "text", "ndjson"); err != nil {
		return err
	}
	fails, err := failingDifferences(o.failOn)
	if err != nil {
		return err
	}
	if o.warmUp < 0 {
		return hint(fmt.Errorf("--warm-up %v is negative", o.warmUp), "want 168h or the like, or 0s")
	}
	query, err := o.frames(time.Now())
	if err != nil {
		return err
	}
	cfg, s, err := o.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	exceptions, err := cfg.exceptionSet()
	if err != nil {
		return usage(err)
	}
	a.text = cfg.named(a.text)
	a.sayBrokenSiteRules(&cfg)
	shown := a.replayProgress()
	begun := time.Now()
	result, err := backtest.Run(ctx, backtest.Config{
		Blocks: s, Incidents: s, Rules: cfg.sets.of, Profiles: cfg.profile, Query: query, WarmUp: o.warmUp, Progress: shown.passed,
	})
	shown.end()
	if err != nil {
		return err
	}
	a.saySiteFaults(&cfg)
	p := replayPage{app: a, result: &result, exceptions: exceptions, took: time.Since(begun)}
	if err := p.print(o.output); err != nil {
		return err
	}
	if slices.ContainsFunc(fails, func(kind string) bool { return p.count(kind) > 0 }) {
		return exitCode{exitAlarms, errSilent}
	}
	return nil
}

// The kinds of differences.
const (
	diffFound   = "found"
	diffSpared  = "spared"
	diffChanged = "changed"
)

// failingDifferences reads --fail-on.
func failingDifferences(text string) ([]string, error) {
	all := []string{diffFound, diffSpared, diffChanged}
	switch text {
	case "":
		return nil, nil
	case "any":
		return all, nil
	}
	kinds := strings.Split(text, ",")
	for _, kind := range kinds {
		if !slices.Contains(all, kind) {
			return nil, hint(fmt.Errorf("--fail-on %q is not known", kind), "want "+strings.Join(all, ", ")+" or any")
		}
	}
	return kinds, nil
}

// replayProgress shows how far a replay has come; nil where nobody would see it.
type replayProgress struct {
	bar   *progressbar.ProgressBar
	begun time.Time
	shown bool
}

func (a *app) replayProgress() *replayProgress {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return newReplayProgress(a.stderr, a.text.T("progress.replaying"))
}

func newReplayProgress(w io.Writer, words string) *replayProgress {
	const often = 200 * time.Millisecond
	return &replayProgress{begun: time.Now(), bar: progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(words), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionThrottle(often), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(false))}
}

func (p *replayProgress) passed(frames, all uint64) {
	if p == nil || !p.shown && time.Since(p.begun) < longWork {
		return
	}
	if !p.shown {
		p.bar.ChangeMax64(int64(all))
		p.shown = true
	}
	_ = p.bar.Set64(int64(frames)) // a terminal that cannot be written to is no reason to stop
}

// end clears the line.
func (p *replayProgress) end() {
	if p != nil && p.shown {
		_ = p.bar.Clear()
	}
}
