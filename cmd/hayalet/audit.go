package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/lang"
)

func (a *app) audit() *cobra.Command {
	var q journalQuery
	cmd := &cobra.Command{Use: "audit", Short: a.text.T("cmd.audit"), Long: a.text.T("cmd.audit.long"), Args: args(cobra.NoArgs)}
	q.databaseFlags.flags(a, cmd)
	q.timeFlags(a, cmd)
	output := cmd.Flags().StringP("output", "o", "text", a.text.T("flag.output.lines"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output, "text", "ndjson"); err != nil {
			return err
		}
		return a.runAudit(cmd.Context(), q, *output)
	}
	return cmd
}

func (a *app) runAudit(ctx context.Context, q journalQuery, output string) (err error) {
	during, err := q.frames(time.Now())
	if err != nil {
		return err
	}
	_, s, err := q.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	trail, err := s.AuditTrail(ctx, during.Since, during.Until, 0)
	if err != nil {
		return err
	}
	if output == "ndjson" {
		return printLines(a.stdout, trail)
	}
	return printAudit(a.stdout, a.text, trail)
}

// detailWidth is how many characters of a detail the table shows. Rules are longer.
const detailWidth = 160

func beginning(text string) string {
	if all := []rune(text); len(all) > detailWidth {
		return string(all[:detailWidth-1]) + "…"
	}
	return text
}

// printAudit writes the audit log as a table.
func printAudit(w io.Writer, p lang.Printer, trail []hayalet.AuditEntry) error {
	if len(trail) == 0 {
		_, err := fmt.Fprintln(w, p.T("audit.none"))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, p.T("audit.header"))
	for i := range trail {
		e := &trail[i]
		action := e.Action
		if words, key := p.T("audit."+action), "audit."+action; words != key {
			action = words
		}
		row := []string{e.At.String(), e.Actor, action, e.Subject, beginning(e.Detail)}
		for i := range row {
			row[i] = printable([]byte(row[i]))
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}
