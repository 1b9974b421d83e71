package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/sim"
)

func (a *app) simulate() *cobra.Command {
	var o sim.Options
	var truth string
	var quiet bool
	cmd := &cobra.Command{
		Use: "simulate SCENARIO", Short: a.text.T("cmd.simulate"), Args: args(cobra.ExactArgs(1)),
		Long: a.text.T("cmd.simulate.long", strings.Join(sim.Names(), ", ")),
	}
	f := cmd.Flags()
	f.StringVar(&o.URL, "url", "ws://127.0.0.1:9000/CP_1", a.text.T("flag.url.station"))
	f.StringVar(&o.Key, "key", "", a.text.T("flag.key"))
	f.StringVar((*string)(&o.Protocol), "protocol", "", a.text.T("flag.protocol"))
	f.Float64Var(&o.Speed, "speed", 1, a.text.T("flag.speed"))
	f.DurationVar(&o.Stay, "stay", 0, a.text.T("flag.stay"))
	f.DurationVar(&o.Timeout, "timeout", sim.DefaultTimeout, a.text.T("flag.timeout"))
	f.StringVar(&truth, "truth", "", a.text.T("flag.truth"))
	f.BoolVar(&quiet, "quiet", false, a.text.T("flag.quiet"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		scenario, err := sim.Load(args[0])
		if err != nil {
			return usage(err)
		}
		o.Scenario = scenario
		voice := a.voice(newTerminal(a.stdout, a.environ), scenario, stationOf(o.URL))
		voice.quiet = quiet
		o.Listener = voice
		result, err := sim.Play(cmd.Context(), o)
		if errors.Is(err, hayalet.ErrInvalid) {
			return usage(err)
		}
		if truth != "" {
			if werr := writeTruth(truth, &result); werr != nil {
				return errors.Join(err, werr)
			}
		}
		if errors.Is(err, context.Canceled) {
			return nil // the user had enough
		}
		return err
	}
	return cmd
}

// voice is the terminal of a simulated station.
func (a *app) voice(term *terminal, scenario *sim.Scenario, station hayalet.StationID) *stationVoice {
	v := &stationVoice{text: a.text, station: station}
	v.term, v.name, v.style = term, a.text.T("cp.normal"), colour("6")
	if scenario.Truth.Phantom {
		v.name, v.style = a.text.T("cp.attacker"), colour("5")
	}
	return v
}

func stationOf(url string) hayalet.StationID {
	return hayalet.StationID(url[strings.LastIndexByte(url, '/')+1:])
}

func writeTruth(name string, result *sim.Result) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write truth: %v", err)
	}
	return errors.Join(result.Write(f), f.Close())
}
