package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hayalet/internal/capture"
	"hayalet/internal/lab"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// labResult is what the lab prints and writes.
type labResult struct {
	Seeds     int        `json:"seeds"`
	First     uint64     `json:"first_seed"`
	Detectors []labScore `json:"detectors,omitempty"`
	Quiet     *lab.Quiet `json:"quiet,omitempty"`
	Command   string     `json:"command"`
}

type labScore struct {
	Name string `json:"name"`
	lab.Score
}

func (a *app) lab() *cobra.Command {
	var config, base string
	var seeds, months int
	var first uint64
	cmd := &cobra.Command{
		Use: "lab", Short: a.text.T("cmd.lab"), Long: a.text.T("cmd.lab.long"), Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := loadConfig(config, a.environ)
			if err != nil {
				return usage(err)
			}
			if seeds < 0 || months < 0 || seeds+months == 0 {
				return hint(errors.New("nothing to play"), "want --seeds or --months above zero")
			}
			ours := lab.Ours(cfg.sets.of)
			result := labResult{Seeds: seeds, First: first, Command: fmt.Sprintf("hayalet lab --seeds %d --first %d --months %d", seeds, first, months)}
			if seeds > 0 {
				contestants := []lab.Contestant{
					{Name: "hayalet", Detector: ours}, {Name: "any-increase", Detector: lab.AnyIncrease}, {Name: "any-value", Detector: lab.AnyValue},
				}
				corpus := lab.Corpus{Families: append(lab.Attacks(), lab.Benign()...), First: first, Seeds: seeds}
				for i, score := range lab.Run(corpus, contestants) {
					result.Detectors = append(result.Detectors, labScore{contestants[i].Name, score})
				}
			}
			if months > 0 {
				q := lab.RunMonths(months, first, ours)
				result.Quiet = &q
			}
			return a.sayLab(&result, base)
		},
	}
	f := cmd.Flags()
	f.StringVar(&config, "config", "", a.text.T("flag.config"))
	f.IntVar(&seeds, "seeds", 10, a.text.T("flag.seeds"))
	f.Uint64Var(&first, "first", 1, a.text.T("flag.first"))
	f.IntVar(&months, "months", 0, a.text.T("flag.months"))
	f.StringVar(&base, "report", "", a.text.T("flag.report"))
	cmd.AddCommand(a.labGenerate())
	return cmd
}

func (a *app) sayLab(r *labResult, base string) error {
	writeLab(a.stdout, a.text, r, false)
	if base == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var md strings.Builder
	writeLab(&md, a.text, r, true)
	return errors.Join(os.WriteFile(base+".json", append(data, '\n'), 0o644), os.WriteFile(base+".md", []byte(md.String()), 0o644))
}

// writeLab writes the tables, as columns or as Markdown.
func writeLab(w io.Writer, p lang.Printer, r *labResult, markdown bool) {
	row := func(out io.Writer, cells ...string) {
		if markdown {
			fmt.Fprintln(out, "| "+strings.Join(cells, " | ")+" |")
		} else {
			fmt.Fprintln(out, strings.Join(cells, "\t"))
		}
	}
	head := func(out io.Writer, keys ...string) {
		cells, rule := make([]string, len(keys)), make([]string, len(keys))
		for i, key := range keys {
			cells[i], rule[i] = p.T(key), "---"
		}
		row(out, cells...)
		if markdown {
			row(out, rule...)
		}
	}
	table := func(fill func(out io.Writer)) {
		if markdown {
			fill(w)
		} else {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fill(t)
			_ = t.Flush()
		}
		fmt.Fprintln(w)
	}
	if len(r.Detectors) > 0 {
		table(func(out io.Writer) {
			head(out, "lab.class", "lab.traces", "lab.caught", "lab.missed", "lab.false", "lab.energy-off", "lab.delay", "lab.wh")
			ours := r.Detectors[0]
			for _, c := range append(ours.Rows, ours.Total) {
				cells := []string{c.Class, fmt.Sprint(c.Traces), "", "", fmt.Sprint(c.FalseTraces), "", "", ""}
				if c.Attack {
					cells[2], cells[3], cells[5] = fmt.Sprint(c.Caught), fmt.Sprint(c.Missed), fmt.Sprint(c.EnergyOff)
					cells[6] = report.Span(p, c.DelayMedian) + " / " + report.Span(p, c.DelayP95)
					cells[7] = p.Number(report.Wh(c.WhMedian)) + " / " + p.Number(report.Wh(c.WhP95))
				}
				row(out, cells...)
			}
		})
		table(func(out io.Writer) {
			head(out, "lab.detector", "lab.caught", "lab.missed", "lab.false", "lab.precision", "lab.recall", "lab.f1")
			for _, d := range r.Detectors {
				row(out, d.Name, fmt.Sprint(d.Total.Caught), fmt.Sprint(d.Total.Missed), fmt.Sprint(d.Total.FalseTraces),
					p.Number(fmt.Sprintf("%.4f", d.Precision)), p.Number(fmt.Sprintf("%.4f", d.Recall)), p.Number(fmt.Sprintf("%.4f", d.F1)))
			}
		})
	}
	if q := r.Quiet; q != nil {
		fmt.Fprintln(w, p.T("lab.quiet", p.Number(fmt.Sprintf("%.1f", q.ConnectorMonths)), q.FalseAlarms, p.Number(fmt.Sprintf("%.2f", q.Per1000))))
		for _, name := range q.Traces {
			fmt.Fprintln(w, "  "+name)
		}
	}
}

func (a *app) labGenerate() *cobra.Command {
	var seeds int
	var first uint64
	cmd := &cobra.Command{
		Use: "generate DIR", Short: a.text.T("cmd.lab.generate"), Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return usage(err)
			}
			return generateCorpus(cmd.Context(), args[0], lab.Corpus{Families: append(lab.Attacks(), lab.Benign()...), First: first, Seeds: seeds})
		},
	}
	cmd.Flags().IntVar(&seeds, "seeds", 10, a.text.T("flag.seeds"))
	cmd.Flags().Uint64Var(&first, "first", 1, a.text.T("flag.first"))
	return cmd
}

// generateCorpus writes each trace as JSONL, and the truth of all of them as manifest.json.
func generateCorpus(ctx context.Context, dir string, c lab.Corpus) error {
	manifest := make([]lab.Trace, c.Len())
	failed := make([]error, c.Len())
	c.Each(func(i int, t *lab.Trace) {
		manifest[i] = *t
		failed[i] = writeTrace(ctx, filepath.Join(dir, t.Name+".jsonl"), t)
	})
	if err := errors.Join(failed...); err != nil {
		return err
	}
	data, err := json.MarshalIndent(manifest, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), append(data, '\n'), 0o644)
}

func writeTrace(ctx context.Context, name string, t *lab.Trace) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	r := capture.NewRecorder(w)
	return errors.Join(r.PutFrames(ctx, t.Frames), r.Close(), w.Flush(), f.Close())
}
