package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/report"
)

func (a *app) incidentsHistory() *cobra.Command {
	cmd := &cobra.Command{Use: "history KEY", Short: a.text.T("cmd.incidents.history"), Long: a.text.T("cmd.incidents.history.long"), Args: args(cobra.ExactArgs(1))}
	client := a.asking(cmd)
	var d databaseFlags
	d.flags(a, cmd)
	output := cmd.Flags().StringP("output", "o", "text", a.text.T("flag.output"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output, "text", "json", "ndjson"); err != nil {
			return err
		}
		var turns []hayalet.Incident
		if d.db != "" || d.config != "" {
			var err error
			if turns, err = a.storedHistory(cmd.Context(), d, args[0]); err != nil {
				return err
			}
		} else {
			server, err := client()
			if err != nil {
				return err
			}
			if turns, err = server.History(cmd.Context(), args[0]); err != nil {
				return err
			}
		}
		switch *output {
		case "json":
			return a.printJSON(turns)
		case "ndjson":
			return a.printNDJSON(turns)
		}
		return report.History(a.stdout, a.text, turns)
	}
	return cmd
}

// storedHistory reads the turns from the database, without a server.
func (a *app) storedHistory(ctx context.Context, d databaseFlags, key string) (turns []hayalet.Incident, err error) {
	_, s, err := d.open(ctx, a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	inc, err := findIncident(ctx, s, key)
	if err != nil {
		return nil, err
	}
	return s.History(ctx, inc.Key)
}
