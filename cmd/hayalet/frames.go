package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/journal"
)

// journalQuery is what the commands that read frames have in common.
type journalQuery struct {
	databaseFlags
	station, since, until string
}

func (q *journalQuery) flags(a *app, cmd *cobra.Command) {
	q.databaseFlags.flags(a, cmd)
	q.timeFlags(a, cmd)
	cmd.Flags().StringVar(&q.station, "station", "", a.text.T("flag.station"))
}

func (q *journalQuery) timeFlags(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&q.since, "since", "", a.text.T("flag.since"))
	cmd.Flags().StringVar(&q.until, "until", "", a.text.T("flag.until"))
}

// frames is the question to the journal.
func (q *journalQuery) frames(now time.Time) (hayalet.FrameQuery, error) {
	fq := hayalet.FrameQuery{Station: hayalet.StationID(q.station)}
	var err error
	if fq.Since, err = instantFlag("--since", q.since, now); err != nil {
		return fq, err
	}
	if fq.Until, err = instantFlag("--until", q.until, now); err != nil {
		return fq, err
	}
	if fq.Until != 0 && fq.Until <= fq.Since {
		return fq, hint(fmt.Errorf("--until %s is not after --since %s", q.until, q.since), "exchange them")
	}
	return fq, nil
}

// instantFlag reads a time, or a duration that has passed since.
func instantFlag(flag, text string, now time.Time) (hayalet.Instant, error) {
	if text == "" {
		return 0, nil
	}
	if at, _, ok := hayalet.ParseInstant(text); ok {
		return at, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return hayalet.InstantOf(day), nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return hayalet.InstantOf(now.Add(-ago)), nil
	}
	return 0, hint(fmt.Errorf("%s %q is no time", flag, text), "want 2026-01-05T12:30:00Z, 2026-01-05, or how long ago: 24h")
}

func (a *app) frames() *cobra.Command {
	var q journalQuery
	var output string
	cmd := &cobra.Command{
		Use: "frames", Short: a.text.T("cmd.frames"), Long: a.text.T("cmd.frames.long"), Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runFrames(cmd.Context(), q, output) },
	}
	q.flags(a, cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "jsonl", a.text.T("flag.output.frames"))
	return cmd
}

func (a *app) runFrames(ctx context.Context, q journalQuery, output string) (err error) {
	if output != "jsonl" && output != "trace" {
		return hint(fmt.Errorf("--output %q is not known", output), "want jsonl, trace")
	}
	fq, err := q.frames(time.Now())
	if err != nil {
		return err
	}
	_, s, err := q.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	out := bufio.NewWriter(a.stdout)
	var w frameWriter = capture.NewRecorder(out)
	if output == "trace" {
		w = capture.NewTraceWriter(out)
	}
	err = journal.Replay(ctx, s, fq, w)
	return errors.Join(err, w.Flush(), out.Flush())
}
