package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/capture"
)

type convertOptions struct {
	out, to, zone, station string
}

func (a *app) convert() *cobra.Command {
	var o convertOptions
	cmd := &cobra.Command{
		Use: "convert FILE... | -", Short: a.text.T("cmd.convert"), Long: a.text.T("cmd.convert.long"), Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			return untilDone(cmd.Context(), func() error { return a.runConvert(cmd.Context(), o, files) })
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "out", "o", "-", a.text.T("flag.convert.out"))
	f.StringVar(&o.to, "to", "jsonl", a.text.T("flag.convert.to"))
	f.StringVar(&o.zone, "tz", "UTC", a.text.T("flag.tz"))
	f.StringVar(&o.station, "station", "", a.text.T("flag.station.unnamed"))
	return cmd
}

// frameWriter writes frames in one of our formats.
type frameWriter interface {
	hayalet.FrameSink
	Flush() error
	Lost() []capture.LossCount
}

func (a *app) runConvert(ctx context.Context, o convertOptions, files []string) error {
	if o.to != "jsonl" && o.to != "trace" {
		return hint(fmt.Errorf("--to %q is not known", o.to), "want jsonl, trace")
	}
	opts, err := readOptions(o.zone, o.station)
	if err != nil {
		return err
	}
	inputs, closeAll, err := a.open(files)
	defer closeAll()
	if err != nil {
		return err
	}
	out, finish, err := a.create(o.out, inputs)
	if err != nil {
		return err
	}
	var w frameWriter = capture.NewRecorder(out)
	if o.to == "trace" {
		w = capture.NewTraceWriter(out)
	}
	stats, err := capture.Read(ctx, opts, inputs, w)
	if err := errors.Join(err, w.Flush(), finish()); err != nil {
		return usage(err)
	}
	a.sayUnread(stats)
	a.sayConverted(stats.Frames(), w.Lost())
	return nil
}

// create opens the file to write, which must be none that is read.
func (a *app) create(name string, inputs []capture.Input) (out io.Writer, finish func() error, err error) {
	if name == "-" || a.isStdout(name) {
		b := bufio.NewWriter(a.stdout)
		return b, b.Flush, nil
	}
	if info, err := os.Stat(name); err == nil {
		for i := range inputs {
			if own, err := os.Stat(inputs[i].Name); err == nil && os.SameFile(own, info) {
				return nil, nil, hint(fmt.Errorf("write %s: it is one of the files to read", name), "give another name")
			}
		}
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("write %s: %v", name, err))
	}
	return f, f.Close, nil
}

// isStdout reports whether a name stands for standard output, as /dev/stdout does: opened by that name it would lose what
// was written to it before.
func (a *app) isStdout(name string) bool {
	f, ok := a.stdout.(*os.File)
	if !ok {
		return false
	}
	own, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(name)
	return err == nil && os.SameFile(own, named)
}

// sayConverted says how much was written, and what the format could not carry.
func (a *app) sayConverted(frames int64, losses []capture.LossCount) {
	lost := int64(0)
	var kinds []string
	for _, l := range losses {
		lost += l.Count
		kinds = append(kinds, a.text.T("convert.lost.kind", l.Count, string(l.Loss), l.Example))
	}
	fmt.Fprintln(a.stderr, "hayalet:", a.text.T("convert.summary", frames-lost))
	if lost > 0 {
		fmt.Fprintln(a.stderr, "hayalet:", a.text.T("convert.lost", lost, strings.Join(kinds, "; ")))
	}
}
