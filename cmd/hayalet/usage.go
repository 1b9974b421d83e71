package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hayalet"
)

// storeCommand holds what is asked of the database itself.
func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: a.text.T("cmd.store"), Args: noSuchCommand, RunE: help}
	cmd.AddCommand(a.storeUsage())
	return cmd
}

func (a *app) storeUsage() *cobra.Command {
	var d databaseFlags
	cmd := &cobra.Command{Use: "usage", Short: a.text.T("cmd.store.usage"), Args: args(cobra.NoArgs)}
	d.flags(a, cmd)
	output := cmd.Flags().StringP("output", "o", "text", a.text.T("flag.output.json"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output, "text", "json"); err != nil {
			return err
		}
		return a.runUsage(cmd.Context(), d, *output)
	}
	return cmd
}

// usageKinds are the store's kinds of records in the order in which they are told, and the sections of the configuration
// that limit them.
func usageKinds() [][2]string {
	return [][2]string{{"frames", "frames"}, {"chain", "headers"}, {"series", "readings"}, {"incidents", "incidents"}, {"transactions", "transactions"}, {"audit", "audit"}}
}

// kindUsage is what one kind takes, for JSON.
type kindUsage struct {
	Kind    string          `json:"kind"`
	Records int64           `json:"records"`
	Bytes   int64           `json:"bytes"`
	Oldest  hayalet.Instant `json:"oldest"`
}

func (a *app) runUsage(ctx context.Context, d databaseFlags, output string) (err error) {
	cfg, s, err := d.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	use, err := s.Use(ctx)
	if err != nil {
		return err
	}
	var all []kindUsage
	for _, kind := range usageKinds() {
		u := use[kind[0]]
		all = append(all, kindUsage{kind[1], u.Records, u.Bytes, u.Oldest})
	}
	if output == "json" {
		return a.encode(all)
	}
	return a.printUsage(all, cfg.Retention.limits())
}

func (a *app) printUsage(all []kindUsage, limits map[string]keep) error {
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, a.text.T("usage.header"))
	for _, u := range all {
		l := limits[u.Kind]
		bounds := slices.DeleteFunc([]string{l.Age.String(), l.Size.String()}, func(s string) bool { return s == "0" })
		if len(bounds) == 0 {
			bounds = []string{a.text.T("usage.unlimited")}
		}
		fmt.Fprintln(t, strings.Join([]string{
			a.text.T("usage.kind." + u.Kind), strconv.FormatInt(u.Records, 10), a.text.Number(inUnit(u.Bytes)), u.Oldest.String(), strings.Join(bounds, ", "),
		}, "\t"))
	}
	return t.Flush()
}

// inUnit writes bytes with the unit that fits, and one decimal.
func inUnit(n int64) string {
	for _, u := range byteUnits() {
		if n >= u.bytes && u.bytes > 1 {
			return hayalet.FormatDecimal(n/(u.bytes/1000), 3, 1) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}
