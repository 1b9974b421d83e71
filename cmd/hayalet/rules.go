package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/report"
)

// attackVersion is the version of MITRE ATT&CK that the catalogue's techniques are of.
const attackVersion = 16

type rulesOptions struct{ config, output, station, model string }

func (a *app) rules() *cobra.Command {
	var o rulesOptions
	cmd := &cobra.Command{
		Use: "rules", Short: a.text.T("cmd.rules"), Long: a.text.T("cmd.rules.long"), Args: noSuchCommand,
		RunE: func(*cobra.Command, []string) error { return a.runRules(o) },
	}
	f := cmd.PersistentFlags()
	f.StringVar(&o.config, "config", "", a.text.T("flag.config"))
	f.StringVarP(&o.output, "output", "o", "text", a.text.T("flag.output.json"))
	f.StringVar(&o.station, "station", "", a.text.T("flag.rules.station"))
	f.StringVar(&o.model, "model", "", a.text.T("flag.rules.model"))
	cmd.AddCommand(a.rulesShow(&o), a.rulesDoc())
	return cmd
}

func (a *app) rulesShow(o *rulesOptions) *cobra.Command {
	return &cobra.Command{
		Use: "show RULE", Short: a.text.T("cmd.rules.show"), Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, list []string) error { return a.runRulesShow(*o, list[0]) },
	}
}

// rulesDoc writes the page of all rules; a test holds that the pages in docs are what it writes.
func (a *app) rulesDoc() *cobra.Command {
	return &cobra.Command{
		Use: "doc", Hidden: true, Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			rules, err := ruleset()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.stdout, report.RulesMarkdown(a.text, described(rules)))
			return err
		},
	}
}

func (a *app) configuredRules(o rulesOptions) ([]report.Rule, *config, error) {
	if err := checkOutput(o.output, "text", "json"); err != nil {
		return nil, nil, err
	}
	cfg, err := loadConfig(o.config, a.environ)
	if err != nil {
		return nil, nil, usage(err)
	}
	rules, err := cfg.rulesOf(hayalet.StationID(o.station), o.model)
	if err != nil {
		return nil, nil, usage(err)
	}
	return described(rules), &cfg, nil
}

func (a *app) runRules(o rulesOptions) error {
	rules, cfg, err := a.configuredRules(o)
	if err != nil {
		return err
	}
	if o.output == "json" {
		for i := range rules {
			rules[i] = rules[i].Worded(a.text)
		}
		return a.encode(rules)
	}
	if err := report.RuleTable(a.stdout, a.text, rules); err != nil {
		return err
	}
	for _, r := range cfg.siteRules() {
		mode := a.text.T("rules.mode." + r.Mode)
		if r.Broken != "" {
			mode = a.text.T("rules.site.broken")
		}
		fmt.Fprintln(a.stdout, a.text.T("rules.site", printable([]byte(r.ID)), a.text.Severity(r.Severity), mode, printable([]byte(r.When))))
	}
	a.sayBrokenSiteRules(cfg)
	return nil
}

func (a *app) runRulesShow(o rulesOptions, name string) error {
	rules, _, err := a.configuredRules(o)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rules, func(r report.Rule) bool { return strings.EqualFold(string(r.ID), name) })
	if at < 0 {
		return hint(fmt.Errorf("there is no rule %q", name), "'hayalet rules' lists them")
	}
	if o.output == "json" {
		return a.encode(rules[at].Worded(a.text))
	}
	return report.RuleText(a.stdout, a.text, rules[at])
}

// rulesOf are the rules of a station as they are configured; of no station in particular, those of the rules section.
func (c *config) rulesOf(st hayalet.StationID, model string) ([]ruleSettings, error) {
	layers := []map[string]ruleConfig{c.Rules}
	if i := c.sets.entry(st, model); i >= 0 && (st != "" || model != "") {
		layers = append(layers, c.Tuning[i].Rules)
	}
	return ruleset(layers...)
}

// described turns rules into what is reported of them, in the order of their names.
func described(rules []ruleSettings) []report.Rule {
	all := make([]report.Rule, len(rules))
	for i, r := range rules {
		all[i] = report.Rule{
			ID: r.Name, Severity: r.Severity, Mode: r.Mode, Clauses: clauses(r.Clauses), Params: params(r),
			Technique: report.Technique{ID: r.Technique, Version: attackVersion},
			Versions:  readVersions(),
		}
	}
	slices.SortFunc(all, func(a, b report.Rule) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

// readVersions are the versions of OCPP that a rule can judge by: all that are decoded.
func readVersions() []string {
	var all []string
	for _, p := range slices.Backward(hayalet.Protocols()) {
		all = append(all, strings.TrimPrefix(string(p), "ocpp"))
	}
	return all
}

// clauses are a definition's, each with the name of its standard.
func clauses(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, "; ") {
		all = append(all, "OCPP "+part)
	}
	return all
}

func params(r ruleSettings) []report.Param {
	usual, now := r.Defaults().Fields(), r.Settings.Fields()
	all := make([]report.Param, len(now))
	for i, f := range now {
		value, unit := written(f.At)
		all[i] = report.Param{Key: f.Key, Unit: unit, Value: value}
		all[i].Default, _ = written(usual[i].At)
	}
	return all
}

// written writes a parameter as a configuration has it, and the unit that it is in.
func written(at any) (value, unit string) {
	switch at := at.(type) {
	case *time.Duration:
		text := at.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text, "h, m, s"
	case *hayalet.Energy:
		return at.String(), "Wh"
	case *hayalet.Power:
		return at.String(), "W"
	case *detect.Milliamps:
		return milli(int64(*at)) + " A", "A"
	case *detect.Ratio:
		return milli(int64(*at)), ""
	case *int:
		return fmt.Sprint(*at), ""
	}
	return fmt.Sprint(at), ""
}

// milli writes thousandths as a decimal number.
func milli(v int64) string { return decimal(v, 3) }

// decimal writes v·10^−scale with as many decimals as it needs.
func decimal(v int64, scale int) string {
	return strings.TrimRight(strings.TrimRight(hayalet.FormatDecimal(v, scale, scale), "0"), ".")
}
