package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/report"
	"hayalet/internal/web"
)

// asking adds the flags of commands that ask the running server, and returns what makes the client of them.
func (a *app) asking(cmd *cobra.Command) func() (*web.Client, error) {
	f := cmd.Flags()
	url := f.String("url", "http://127.0.0.1:8080", a.text.T("flag.url.server"))
	token := f.String("token", "", a.text.T("flag.token"))
	return func() (*web.Client, error) {
		t := *token
		if t == "" {
			var err error
			if t, err = secret("api.token", a.getenv(envPrefix+"API__TOKEN"), a.getenv(envPrefix+"API__TOKEN_FILE")); err != nil {
				return nil, usage(err)
			}
		}
		return &web.Client{Base: *url, Token: t}, nil
	}
}

func (a *app) command() *cobra.Command {
	cmd := &cobra.Command{Use: "command STATION ACTION [JSON]", Short: a.text.T("cmd.command"), Args: args(cobra.RangeArgs(2, 3))}
	client := a.asking(cmd)
	timeout := cmd.Flags().Duration("timeout", 35*time.Second, a.text.T("flag.timeout"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		payload := json.RawMessage("{}")
		if len(args) == 3 {
			payload = json.RawMessage(args[2])
		}
		if !json.Valid(payload) {
			return hint(fmt.Errorf("payload %q is not JSON", args[2]), `write it as one argument, such as '{"type":"Soft"}'`)
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), *timeout)
		defer cancel()
		server, err := client()
		if err != nil {
			return err
		}
		answer, err := server.Command(ctx, hayalet.StationID(args[0]), args[1], payload)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, escaped(answer))
		return err
	}
	return cmd
}

// escaped is JSON in which the control characters that it allows unescaped cannot steer a terminal; it means the same.
func escaped(answer json.RawMessage) string {
	var b strings.Builder
	for _, r := range string(answer) {
		if r >= 0x7f && r < 0xa0 {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (a *app) incidents() *cobra.Command {
	cmd := &cobra.Command{Use: "incidents", Short: a.text.T("cmd.incidents"), Args: noSuchCommand, RunE: help}
	cmd.AddCommand(a.incidentsList(), a.incidentsShow(), a.incidentsHistory())
	return cmd
}

func (a *app) incidentsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: a.text.T("cmd.incidents.list"), Args: args(cobra.NoArgs)}
	client := a.asking(cmd)
	var filter hayalet.IncidentFilter
	f := cmd.Flags()
	output := f.StringP("output", "o", "text", a.text.T("flag.output"))
	station := f.String("station", "", a.text.T("flag.station"))
	severity := f.String("min-severity", "info", a.text.T("flag.min-severity"))
	f.BoolVar(&filter.OpenOnly, "open", false, a.text.T("flag.open"))
	f.IntVar(&filter.Limit, "limit", 0, a.text.T("flag.limit"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output, "text", "json", "ndjson"); err != nil {
			return err
		}
		least, err := hayalet.ParseSeverity(*severity)
		if err != nil {
			return hint(fmt.Errorf("--min-severity: %v", err), "see 'hayalet incidents list --help'")
		}
		filter.Station, filter.MinSeverity = hayalet.StationID(*station), least
		server, err := client()
		if err != nil {
			return err
		}
		found, err := server.Incidents(cmd.Context(), filter)
		if err != nil {
			return err
		}
		switch *output {
		case "json":
			return a.printJSON(found)
		case "ndjson":
			return a.printNDJSON(found)
		}
		return report.List(a.stdout, a.text, found)
	}
	return cmd
}

func (a *app) incidentsShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show KEY", Short: a.text.T("cmd.incidents.show"), Args: args(cobra.ExactArgs(1))}
	client := a.asking(cmd)
	config := cmd.Flags().String("config", "", a.text.T("flag.config"))
	output := cmd.Flags().StringP("output", "o", "text", a.text.T("flag.output"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output, "text", "json"); err != nil {
			return err
		}
		cfg, err := loadConfig(*config, a.environ)
		if err != nil {
			return usage(err)
		}
		a.text = cfg.named(a.text)
		server, err := client()
		if err != nil {
			return err
		}
		inc, err := server.Incident(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if *output == "json" {
			return a.encode(explain(a.text, inc))
		}
		for _, line := range report.Incident(a.text, &inc, cfg.tariff()) {
			fmt.Fprintln(a.stdout, line)
		}
		return nil
	}
	return cmd
}

func (a *app) stations() *cobra.Command {
	cmd := &cobra.Command{Use: "stations", Short: a.text.T("cmd.stations"), Args: args(cobra.NoArgs)}
	client := a.asking(cmd)
	output := cmd.Flags().StringP("output", "o", "text", a.text.T("flag.output"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output, "text", "json", "ndjson"); err != nil {
			return err
		}
		server, err := client()
		if err != nil {
			return err
		}
		all, err := server.Stations(cmd.Context())
		if err != nil {
			return err
		}
		switch *output {
		case "json":
			return a.encode(all)
		case "ndjson":
			return printLines(a.stdout, all)
		}
		return a.printStations(all)
	}
	return cmd
}

func (a *app) printStations(all []web.StationView) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.stdout, a.text.T("stations.none"))
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, a.text.T("stations.header"))
	for i := range all {
		st := &all[i]
		link := a.text.T("stations.offline")
		if st.Connected {
			link = a.text.T("stations.online")
		}
		row := []string{printable([]byte(st.ID)), link, printable([]byte(strings.TrimSpace(st.Vendor + " " + st.Model)))}
		if len(st.Connectors) == 0 {
			fmt.Fprintln(t, strings.Join(append(row, "", "", "", "", "", ""), "\t"))
		}
		for j := range st.Connectors {
			c := &st.Connectors[j]
			state, register := a.text.T("txstate."+c.TransactionState), ""
			if id := c.Transaction.String(); id != "" {
				state += " (" + id + ")"
			}
			if c.Register != nil {
				register = c.Register.KWh(3) + " kWh"
			}
			fmt.Fprintln(t, strings.Join(append(row, strconv.Itoa(int(c.Connector)), c.Status, state, register, c.OpenIncident[:min(12, len(c.OpenIncident))], a.notes(c.Notes)), "\t"))
			row = []string{"", "", ""}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range all {
		if st := &all[i]; st.Gaps > 0 {
			unseen := report.Span(a.text, time.Duration(st.Unseen*float64(time.Second)))
			fmt.Fprintln(a.stdout, a.text.T("analyze.missed", printable([]byte(st.ID)), st.Gaps, unseen))
		}
	}
	return nil
}

// notes writes notes on a connector's data for people.
func (a *app) notes(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = a.text.T("note." + name)
	}
	return strings.Join(words, ", ")
}
