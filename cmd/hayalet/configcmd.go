package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) config() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: a.text.T("cmd.config"), Args: noSuchCommand, RunE: help}
	cmd.AddCommand(a.configCheck(), a.configPrint())
	return cmd
}

func (a *app) configCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: a.text.T("cmd.config.check"), Long: a.text.T("cmd.config.check.long"), Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, list []string) error {
			all, err := checkConfig(append(list, "")[0], a.environ)
			if err != nil {
				return usage(err)
			}
			for _, f := range all {
				fmt.Fprintln(a.stdout, printable([]byte(f.Error())))
			}
			if len(all) > 0 {
				return usage(errSilent)
			}
			_, err = fmt.Fprintln(a.stdout, "ok")
			return err
		},
	}
}

// checkConfig finds what is wrong in a configuration, site rules that would be left out included.
func checkConfig(file string, environ []string) (faults, error) {
	cfg, err := loadConfig(file, environ)
	all, faulty := errors.AsType[faults](err)
	if err != nil && !faulty {
		return nil, err
	}
	if cfg.sets == nil { // it is not even YAML
		return all, nil
	}
	return append(all, cfg.brokenSiteRuleFaults()...), nil
}

// brokenSiteRuleFaults are the site rules that will be left out, as faults: a server starts with them.
func (c *config) brokenSiteRuleFaults() (all faults) {
	for i, r := range c.siteRules() {
		if r.Broken != "" {
			key := fmt.Sprintf("site_rules[%d]", i)
			all = append(all, fault{place: c.given.near(key), key: key, err: fmt.Errorf("%s: %s", r.ID, r.Broken)})
		}
	}
	return all
}

func (a *app) configPrint() *cobra.Command {
	cmd := &cobra.Command{Use: "print", Short: a.text.T("cmd.config.print"), Long: a.text.T("cmd.config.print.long"), Args: args(cobra.NoArgs)}
	file := cmd.Flags().String("config", "", a.text.T("flag.config"))
	origin := cmd.Flags().Bool("origin", false, a.text.T("flag.origin"))
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := loadConfig(*file, a.environ)
		if err != nil {
			return usage(err)
		}
		w := configWriter{cfg: &cfg, origin: *origin, hidden: a.text.T("config.hidden"), unset: a.text.T("config.default")}
		text, err := w.yaml()
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(text)
		return err
	}
	return cmd
}
