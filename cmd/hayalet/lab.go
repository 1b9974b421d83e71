package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/lab"
	"hayalet/internal/report"
	"hayalet/internal/sim"
)

// The bounds of a live run.
const (
	livePlay  = 10 * time.Second // of one scenario, where no speed is given
	liveSlack = 30 * time.Second // beyond what the longest scenario takes
	liveMax   = 64               // scenarios
)

// The bounds of a run: the score of each trace is kept to its end.
const (
	maxSeeds  = 2000
	maxMonths = 1_000_000
)

// labFlags are the lab's.
type labFlags struct {
	config, base  string
	seeds, months int
	first         uint64
	protocol      hayalet.Protocol // "": 1.6, or with live what the scenario says
	live          bool
	speed         float64
}

func (a *app) lab() *cobra.Command {
	var o labFlags
	cmd := &cobra.Command{
		Use: "lab [--live [FILE...]]", Short: a.text.T("cmd.lab"), Long: a.text.T("cmd.lab.long"), Args: args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, files []string) error { return a.runLab(cmd.Context(), &o, files) },
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", a.text.T("flag.config"))
	f.IntVar(&o.seeds, "seeds", 10, a.text.T("flag.seeds"))
	f.Uint64Var(&o.first, "first", 1, a.text.T("flag.first"))
	f.IntVar(&o.months, "months", 0, a.text.T("flag.months"))
	f.StringVar((*string)(&o.protocol), "protocol", "", a.text.T("flag.protocol.lab"))
	f.BoolVar(&o.live, "live", false, a.text.T("flag.live"))
	f.Float64Var(&o.speed, "speed", 0, a.text.T("flag.speed.lab"))
	f.StringVar(&o.base, "report", "", a.text.T("flag.report"))
	cmd.AddCommand(a.labGenerate())
	return cmd
}

func (a *app) runLab(ctx context.Context, o *labFlags, files []string) error {
	cfg, err := loadConfig(o.config, a.environ)
	if err != nil {
		return usage(err)
	}
	if err := o.validate(files); err != nil {
		return err
	}
	if o.base != "" {
		if err := tryFolder(filepath.Dir(o.base)); err != nil {
			return hint(fmt.Errorf("write report: %v", err), "give a place with --report")
		}
	}
	if o.live {
		return a.runLive(ctx, cfg, o, files)
	}
	ours := lab.Ours(cfg.sets.of)
	spoken := cmp.Or(o.protocol, hayalet.OCPP16)
	played, left := corpus(o.first, o.seeds, spoken)
	result := labResult{Seeds: o.seeds, First: o.first, Protocol: spoken, Left: leftOut(left), Command: o.command()}
	if o.seeds > 0 {
		contestants := []lab.Contestant{
			{Name: "hayalet", Detector: ours}, {Name: "any-increase", Detector: lab.AnyIncrease}, {Name: "any-value", Detector: lab.AnyValue},
		}
		scores, err := lab.Run(ctx, played, contestants)
		if err != nil {
			return err
		}
		for i, score := range scores {
			result.Detectors = append(result.Detectors, labScore{contestants[i].Name, score})
		}
	}
	if o.months > 0 {
		q, err := lab.RunMonths(ctx, o.months, o.first, spoken, ours)
		if err != nil {
			return err
		}
		result.Quiet = &q
	}
	return a.sayLab(&result, o.base)
}

// corpus is what a version can tell of all the families, and those that it cannot.
func corpus(first uint64, seeds int, p hayalet.Protocol) (played lab.Corpus, left []lab.Family) {
	told, left := lab.Told(append(lab.Attacks(), lab.Benign()...), p)
	return lab.Corpus{Families: told, First: first, Seeds: seeds, Protocol: p}, left
}

// command is how the run is made again.
func (o *labFlags) command() string {
	command := fmt.Sprintf("hayalet lab --seeds %d --first %d --months %d", o.seeds, o.first, o.months)
	if o.protocol != "" {
		command += " --protocol " + string(o.protocol)
	}
	return command
}

// knownProtocol refuses a version that nobody speaks.
func knownProtocol(p hayalet.Protocol) error {
	if p != "" && !slices.Contains(hayalet.Protocols(), p) {
		return hint(fmt.Errorf("protocol %q", p), "want ocpp1.6, ocpp2.0.1 or ocpp2.1")
	}
	return nil
}

func (o *labFlags) validate(files []string) error {
	if err := knownProtocol(o.protocol); err != nil {
		return err
	}
	switch {
	case !o.live && len(files) > 0:
		return hint(fmt.Errorf("unexpected argument %q", files[0]), "scenarios are played with --live")
	case o.live && len(files) > liveMax:
		return hint(fmt.Errorf("%d scenarios", len(files)), fmt.Sprintf("want at most %d", liveMax))
	case !(o.speed >= 0 && o.speed <= sim.MaxSpeed): // so that NaN is refused too
		return hint(fmt.Errorf("speed %v", o.speed), fmt.Sprintf("want more than 0 and at most %v", sim.MaxSpeed))
	case !o.live && (o.seeds < 0 || o.months < 0 || o.seeds+o.months == 0):
		return hint(errors.New("nothing to play"), "want --seeds or --months above zero")
	case !o.live && (o.seeds > maxSeeds || o.months > maxMonths):
		return hint(errors.New("too much to play"), fmt.Sprintf("want at most --seeds %d and --months %d", maxSeeds, maxMonths))
	}
	return nil
}

// runLive plays scenarios over sockets, all at once, and scores what the central system says by what was really sent.
func (a *app) runLive(ctx context.Context, cfg config, o *labFlags, files []string) error {
	if len(files) == 0 {
		files = sim.Names()
	}
	options, limit, err := liveOptions(files, o.speed, o.protocol)
	if err != nil {
		return usage(err)
	}
	dir, err := os.MkdirTemp("", "hayalet-lab-")
	if err != nil {
		return fmt.Errorf("make a folder for the lab: %v", err)
	}
	defer os.RemoveAll(dir)
	cfg.private(dir)
	stations := make([]hayalet.StationID, len(options))
	for i := range stations {
		stations[i] = hayalet.StationID(fmt.Sprintf("LAB_%02d", i+1))
	}
	term := newTerminal(a.stdout, a.environ)
	started := func(string) {
		term.print(plainStyle(), a.text.T("lab.playing", len(options), report.Span(a.text, limit.Round(time.Second))))
	}
	ctx, stop := context.WithTimeout(ctx, limit+liveSlack)
	defer stop()
	heard := lab.NewListener()
	results, err := a.play(ctx, cfg, options, stations, started, heard)
	if errors.Is(err, context.Canceled) {
		return nil // the user had enough
	}
	if err != nil {
		return err
	}
	outcomes := make([]lab.Outcome, len(results))
	for i := range results {
		outcomes[i] = liveOutcome(&results[i], heard.Answers(stations[i]))
	}
	score := lab.Tally(outcomes)
	return a.sayLab(&labResult{Live: &score, Command: liveCommand(o, files)}, o.base)
}

// liveOptions loads the scenarios. It also returns how long the longest one takes.
func liveOptions(files []string, speed float64, p hayalet.Protocol) (options []sim.Options, longest time.Duration, err error) {
	for _, name := range files {
		scenario, err := sim.Load(name)
		if err != nil {
			return nil, 0, err
		}
		o := sim.Options{Scenario: scenario, Speed: speed, Protocol: p}
		if speed == 0 {
			o.Speed = min(max(1, float64(scenario.Duration())/float64(livePlay)), sim.MaxSpeed)
		}
		options = append(options, o)
		longest = max(longest, time.Duration(float64(scenario.Duration())/o.Speed))
	}
	return options, longest, nil
}

func liveCommand(o *labFlags, files []string) string {
	command := "hayalet lab --live"
	if o.speed != 0 {
		command += fmt.Sprintf(" --speed %v", o.speed)
	}
	if o.protocol != "" {
		command += " --protocol " + string(o.protocol)
	}
	return command + " " + strings.Join(files, " ")
}

// liveOutcome judges what was said of one station by what it sent. The delay counts from when the first phantom reading
// left the station, by the wall clock.
func liveOutcome(r *sim.Result, answers []lab.Answer) lab.Outcome {
	t := lab.Trace{Name: string(r.Station), Family: r.Scenario, Span: r.EndedAt.Sub(r.StartedAt)}
	if len(r.Phantom) == 0 {
		return lab.Judge(&t, answers)
	}
	first := &r.Phantom[0]
	t.Attack, t.Rule = true, "PE-01"
	t.Truth = lab.Truth{Phantom: true, Connector: r.Connector, Onset: first.ClaimedAt.Time(), Energy: r.PhantomEnergy}
	out := lab.Judge(&t, answers)
	if out.Caught {
		out.Delay -= first.SentAt.Sub(first.ClaimedAt)
	}
	return out
}

func (a *app) labGenerate() *cobra.Command {
	var seeds int
	var first uint64
	var p hayalet.Protocol
	cmd := &cobra.Command{
		Use: "generate DIR", Short: a.text.T("cmd.lab.generate"), Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if seeds < 1 || seeds > maxSeeds {
				return hint(fmt.Errorf("--seeds %d", seeds), fmt.Sprintf("want 1 to %d", maxSeeds))
			}
			if err := knownProtocol(p); err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return usage(err)
			}
			written, _ := corpus(first, seeds, cmp.Or(p, hayalet.OCPP16))
			return generateCorpus(cmd.Context(), args[0], written)
		},
	}
	cmd.Flags().IntVar(&seeds, "seeds", 10, a.text.T("flag.seeds"))
	cmd.Flags().Uint64Var(&first, "first", 1, a.text.T("flag.first"))
	cmd.Flags().StringVar((*string)(&p), "protocol", "", a.text.T("flag.protocol.lab"))
	return cmd
}
