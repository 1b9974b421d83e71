package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/exception"
	"hayalet/internal/lang"
	"hayalet/internal/report"
	"hayalet/internal/web"
)

// exceptionConfig is an exception as it is written. From and until are dates, which mean the beginning of the day in the
// zone, or times with their offset; YAML reads them as times or texts.
type exceptionConfig struct {
	Name        string   `koanf:"name"`
	Station     string   `koanf:"station"`    // pattern: *, ? and [a-z]; empty matches all
	Model       string   `koanf:"model"`      // pattern on the model of BootNotification
	Connectors  []int    `koanf:"connectors"` // empty: all
	Rules       []string `koanf:"rules"`      // empty: all
	From        any      `koanf:"from"`       // empty: always
	Until       any      `koanf:"until"`      // the expiry
	Daily       string   `koanf:"daily"`      // 22:00-06:00
	Zone        string   `koanf:"zone"`       // of daily and of dates; empty: UTC for dates
	MaxSeverity string   `koanf:"max_severity"`
	Reason      string   `koanf:"reason"`
	Owner       string   `koanf:"owner"`
}

// exceptionSet turns what is written into a set. Its error is of type faults.
func exceptionSet(list []exceptionConfig, known func(hayalet.RuleName) bool, now hayalet.Instant) (*exception.Set, error) {
	set := make([]exception.Exception, len(list))
	var all faults
	for i := range list {
		e, err := list[i].exception()
		if err != nil {
			err = fmt.Errorf("exception %q: %w", list[i].Name, err)
		} else {
			err = e.Validate(known, now)
		}
		set[i] = e
		all.join(fmt.Sprintf("exceptions[%d]", i), err)
	}
	if len(all) > 0 {
		return nil, all
	}
	s, err := exception.New(set)
	all.join("exceptions", err)
	return s, all.err()
}

// exception reads one entry and returns what cannot be read of it.
func (c *exceptionConfig) exception() (e exception.Exception, err error) {
	e = exception.Exception{Name: c.Name, Owner: c.Owner, Reason: c.Reason, Station: c.Station, Model: c.Model}
	for _, n := range c.Connectors {
		e.Connectors = append(e.Connectors, hayalet.ConnectorID(n))
	}
	for _, r := range c.Rules {
		e.Rules = append(e.Rules, hayalet.RuleName(r))
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return e, fmt.Errorf("zone %q: %v; write a name such as Europe/Istanbul", c.Zone, err)
	}
	if e.From, err = exceptionInstant(c.From, zone); err != nil {
		return e, fmt.Errorf("from %w", err)
	}
	if e.Until, err = exceptionInstant(c.Until, zone); err != nil {
		return e, fmt.Errorf("until %w", err)
	}
	if e.MaxSeverity, err = exceptionSeverity(c.MaxSeverity); err != nil {
		return e, fmt.Errorf("max_severity %w", err)
	}
	if c.Daily != "" {
		if c.Zone == "" {
			zone = nil // hours of the day in a zone that nobody chose would be the wrong ones
		}
		e.Daily, err = exception.ParseDaily(c.Daily, zone)
	}
	return e, err
}

func exceptionSeverity(text string) (s hayalet.Severity, err error) {
	if text == "" {
		return exception.DefaultMaxSeverity, nil
	}
	if err = s.UnmarshalText([]byte(text)); err == nil && s == hayalet.Info {
		err = errors.New("info: nobody is told of that; want low to critical")
	}
	return s, err
}

// exceptionInstant reads a date or a time. YAML has no dates, only midnights of UTC: those are taken for dates.
func exceptionInstant(v any, zone *time.Location) (hayalet.Instant, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case time.Time:
		if v.UTC().Truncate(24*time.Hour).Equal(v) && v.Location() == time.UTC {
			return hayalet.InstantOf(time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, zone)), nil
		}
		return hayalet.InstantOf(v), nil
	case string:
		if v == "" {
			return 0, nil
		}
		if day, err := time.ParseInLocation(time.DateOnly, v, zone); err == nil {
			return hayalet.InstantOf(day), nil
		}
		if at, zoned, ok := hayalet.ParseInstant(v); ok && zoned {
			return at, nil
		}
	}
	return 0, fmt.Errorf("%q: write a date such as 2026-12-31, or a time such as 2026-12-31T08:00:00+03:00", fmt.Sprint(v))
}

// knowsRule reports whether the catalogue has the rule, be it enabled or not.
func knowsRule(name hayalet.RuleName) bool {
	return slices.ContainsFunc(detect.Catalogue(), func(d detect.Definition) bool { return d.Name == name })
}

// exceptionSet is the set of the configuration.
func (c *config) exceptionSet() (*exception.Set, error) {
	known := func(name hayalet.RuleName) bool { return knowsRule(name) || c.hasSiteRule(name) }
	return exceptionSet(c.Exceptions, known, hayalet.InstantOf(time.Now()))
}

func (a *app) exceptions() *cobra.Command {
	cmd := &cobra.Command{Use: "exceptions", Short: a.text.T("cmd.exceptions"), Long: a.text.T("cmd.exceptions.long"), Args: args(cobra.NoArgs)}
	client := a.asking(cmd)
	file := cmd.Flags().String("config", "", a.text.T("flag.config"))
	output := cmd.Flags().StringP("output", "o", "text", a.text.T("exception.flag.output"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output, "text", "json"); err != nil {
			return err
		}
		cfg, err := loadConfig(*file, a.environ)
		if err != nil {
			return usage(err)
		}
		set, err := cfg.exceptionSet()
		if err != nil {
			return usage(err)
		}
		least, err := hayalet.ParseSeverity(cfg.Webhook.MinSeverity)
		if err != nil {
			return usage(err)
		}
		server, err := client()
		if err != nil {
			return err
		}
		tally := exception.NewTally(set)
		asked := len(set.Exceptions()) > 0
		if asked {
			asked, err = a.tally(cmd.Context(), server, tally, set, least)
		}
		if err != nil {
			return err
		}
		views := exceptionViews(tally.List(hayalet.InstantOf(time.Now())), asked)
		if *output == "json" {
			return a.encode(views)
		}
		return printExceptions(a.stdout, a.text, views)
	}
	return cmd
}

// tally asks the server for the incidents that somebody would be told of, and counts those that are hidden. It says so and
// reports false when there is no server.
func (a *app) tally(ctx context.Context, c *web.Client, t *exception.Tally, set *exception.Set, least hayalet.Severity) (bool, error) {
	stations, err := c.Stations(ctx)
	var incidents []hayalet.Incident
	if err == nil {
		incidents, err = c.Incidents(ctx, hayalet.IncidentFilter{MinSeverity: least, Limit: web.MaxIncidents})
	}
	if errors.Is(err, hayalet.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintln(a.stderr, a.text.T("exception.no-server", oneLine(err)))
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if len(incidents) == web.MaxIncidents {
		fmt.Fprintln(a.stderr, a.text.T("exception.newest", len(incidents)))
	}
	models := make(map[hayalet.StationID]string, len(stations))
	for i := range stations {
		models[stations[i].ID] = stations[i].Model
	}
	for i := range incidents {
		inc := &incidents[i]
		if inc.Shadow {
			continue // nobody would be told of it in any case
		}
		if e, hidden := set.Hides(inc, models[inc.Station], exception.Moment(inc)); hidden {
			t.Add(inc, e)
		}
	}
	return true, nil
}

// exceptionView is one exception with what it hid, for JSON.
type exceptionView struct {
	Name        string                `json:"name"`
	State       exception.State       `json:"state"`
	Expiring    bool                  `json:"expires_soon"`
	Station     string                `json:"station,omitempty"`
	Model       string                `json:"model,omitempty"`
	Connectors  []hayalet.ConnectorID `json:"connectors,omitempty"`
	Rules       []hayalet.RuleName    `json:"rules,omitempty"`
	From        hayalet.Instant       `json:"from"`
	Until       hayalet.Instant       `json:"until"`
	Daily       string                `json:"daily,omitempty"`
	Zone        string                `json:"zone,omitempty"`
	MaxSeverity hayalet.Severity      `json:"max_severity"`
	Reason      string                `json:"reason"`
	Owner       string                `json:"owner"`
	Hid         *hidView              `json:"hid"` // null: there was no server to ask
}

type hidView struct {
	Incidents int             `json:"incidents"`
	Energy    hayalet.Energy  `json:"energy_wh"`
	LastAt    hayalet.Instant `json:"last_at"`
	Keys      []string        `json:"keys"` // the newest
}

func exceptionViews(all []exception.Hidden, asked bool) []exceptionView {
	views := make([]exceptionView, len(all))
	for i, h := range all {
		e := h.Exception
		v := exceptionView{
			Name: e.Name, State: h.State, Expiring: h.Expiring, Station: e.Station, Model: e.Model, Connectors: e.Connectors, Rules: e.Rules,
			From: e.From, Until: e.Until, MaxSeverity: e.MaxSeverity, Reason: e.Reason, Owner: e.Owner,
		}
		if e.Daily != nil {
			v.Daily, v.Zone = e.Daily.String(), e.Daily.Zone.String()
		}
		if asked {
			v.Hid = &hidView{Incidents: h.Incidents, Energy: h.Energy, LastAt: h.LastAt, Keys: h.Keys}
		}
		views[i] = v
	}
	return views
}

func printExceptions(w io.Writer, p lang.Printer, views []exceptionView) error {
	if len(views) == 0 {
		_, err := fmt.Fprintln(w, p.T("exception.none"))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, p.T("exception.header"))
	for i := range views {
		fmt.Fprintln(t, strings.Join(views[i].cells(p), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range views {
		v := &views[i]
		if v.Hid == nil || len(v.Hid.Keys) == 0 {
			continue
		}
		keys := make([]string, len(v.Hid.Keys))
		for i, key := range v.Hid.Keys {
			keys[i] = printable([]byte(key[:min(12, len(key))]))
		}
		fmt.Fprintln(w, p.T("exception.keys", printable([]byte(v.Name)), strings.Join(keys, " ")))
	}
	return nil
}

func (v *exceptionView) cells(p lang.Printer) []string {
	state := p.T("exception.state." + v.State.String())
	if v.Expiring {
		state += " " + p.T("exception.soon")
	}
	hid, energy, last := "?", "?", "?"
	if h := v.Hid; h != nil {
		hid, energy, last = strconv.Itoa(h.Incidents), p.Number(report.Wh(h.Energy))+" Wh", cmp.Or(h.LastAt.String(), "-")
	}
	return []string{
		printable([]byte(v.Name)), state, v.Until.String(), hid, energy, last, printable([]byte(v.Owner)), printable([]byte(v.Reason)),
	}
}
