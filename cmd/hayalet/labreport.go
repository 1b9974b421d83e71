package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"hayalet"
	"hayalet/internal/lab"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// labResult is what the lab prints and writes.
type labResult struct {
	Protocol  hayalet.Protocol `json:"protocol,omitempty"`
	Left      []labLeft        `json:"left_out,omitempty"`
	Seeds     int              `json:"seeds,omitempty"`
	First     uint64           `json:"first_seed,omitempty"`
	Detectors []labScore       `json:"detectors,omitempty"`
	Live      *lab.Score       `json:"live,omitempty"` // over sockets, by what was really sent
	Quiet     *lab.Quiet       `json:"quiet,omitempty"`
	Command   string           `json:"command"`
}

// labLeft is a family that the version cannot tell.
type labLeft struct {
	Family string     `json:"family"`
	Reason lab.Reason `json:"reason"`
}

func leftOut(families []lab.Family) []labLeft {
	var left []labLeft
	for _, f := range families {
		left = append(left, labLeft{f.Name, f.Only16})
	}
	return left
}

type labScore struct {
	Name string `json:"name"`
	lab.Score
}

// labTable is a table of the report, in the reader's language. The last rows of it are sums.
type labTable struct {
	Title string
	Head  []string
	Rows  [][]string
	Sums  int
}

// labDocument is the report for every format.
type labDocument struct {
	Lang, Title, Made string
	Tables            []labTable
	Quiet             string
	Traces            []string // with a false alarm in a benign month
}

func (a *app) sayLab(r *labResult, base string) error {
	d := r.document(a.text)
	var text strings.Builder
	d.text(&text)
	if _, err := io.WriteString(a.stdout, text.String()); err != nil {
		return err
	}
	if base == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var page, md strings.Builder
	if err := labPage().Execute(&page, d); err != nil {
		return fmt.Errorf("write report: %v", err)
	}
	d.markdown(&md)
	return errors.Join(
		os.WriteFile(base+".json", append(data, '\n'), 0o644),
		os.WriteFile(base+".md", []byte(md.String()), 0o644),
		os.WriteFile(base+".html", []byte(page.String()), 0o644),
	)
}

func (r *labResult) document(p lang.Printer) *labDocument {
	d := &labDocument{Lang: string(p.Lang()), Title: p.T("lab.title"), Made: r.Command}
	if len(r.Detectors) > 0 {
		ours := &r.Detectors[0].Score
		d.Tables = append(d.Tables,
			scores(p, "lab.by-rule", "lab.rule", ours.Groups, ours.Total).without(1),
			scores(p, "lab.by-class", "lab.class", ours.Rows, ours.Total),
			contest(p, r.Detectors))
		if len(r.Left) > 0 {
			d.Tables = append(d.Tables, missing(p, r.Left))
		}
	}
	if r.Live != nil {
		d.Tables = append(d.Tables, scores(p, "lab.live", "lab.scenario", r.Live.Rows, r.Live.Total))
	}
	if q := r.Quiet; q != nil {
		d.Quiet = p.T("lab.quiet", p.Number(fmt.Sprintf("%.1f", q.ConnectorMonths)), q.FalseAlarms, p.Number(fmt.Sprintf("%.2f", q.Per1000)))
		d.Traces = q.Traces
	}
	return d
}

// scores is a table of rows with their sum.
func scores(p lang.Printer, title, first string, rows []lab.Row, total lab.Row) labTable {
	t := labTable{Title: p.T(title), Sums: 1}
	for _, key := range []string{
		first, "lab.rule", "lab.traces", "lab.caught", "lab.missed", "lab.false", "lab.energy-off", "lab.precision", "lab.recall", "lab.f1",
		"lab.delay", "lab.wh",
	} {
		t.Head = append(t.Head, p.T(key))
	}
	for _, r := range rows {
		t.Rows = append(t.Rows, cells(p, &r))
	}
	t.Rows = append(t.Rows, cells(p, &total))
	return t
}

func cells(p lang.Printer, r *lab.Row) []string {
	c := []string{className(p, r.Class), string(r.Rule), fmt.Sprint(r.Traces), "", "", fmt.Sprint(r.FalseTraces), "", "", "", "", "", ""}
	if !r.Attack {
		return c
	}
	c[3], c[4], c[6] = fmt.Sprint(r.Caught), fmt.Sprint(r.Missed), fmt.Sprint(r.EnergyOff)
	if q := r.Quality; q != nil {
		copy(c[7:], []string{part(p, q.Precision, 3), part(p, q.Recall, 3), part(p, q.F1, 3)})
	}
	if r.Caught > 0 {
		c[10] = report.Span(p, r.DelayMedian) + " / " + report.Span(p, r.DelayP95)
		c[11] = p.Number(report.Wh(whole(r.WhMedian))) + " / " + p.Number(report.Wh(whole(r.WhP95)))
	}
	return c
}

// className is a class as people read it: families and rules by their names, sums in words.
func className(p lang.Printer, class string) string {
	key := "lab.class." + class
	if name := p.T(key); name != key {
		return name
	}
	return class
}

// whole rounds to a Wh.
func whole(e hayalet.Energy) hayalet.Energy {
	return (e + hayalet.WattHour/2) / hayalet.WattHour * hayalet.WattHour
}

// without leaves a column out.
func (t labTable) without(column int) labTable {
	t.Head = slices.Delete(t.Head, column, column+1)
	for i := range t.Rows {
		t.Rows[i] = slices.Delete(t.Rows[i], column, column+1)
	}
	return t
}

func part(p lang.Printer, v float64, decimals int) string {
	return p.Number(fmt.Sprintf("%.*f", decimals, v))
}

// contest is the table of the detectors.
func contest(p lang.Printer, detectors []labScore) labTable {
	t := labTable{Title: p.T("lab.detectors")}
	for _, key := range []string{"lab.detector", "lab.caught", "lab.missed", "lab.false", "lab.precision", "lab.recall", "lab.f1"} {
		t.Head = append(t.Head, p.T(key))
	}
	for _, d := range detectors {
		t.Rows = append(t.Rows, []string{
			d.Name, fmt.Sprint(d.Total.Caught), fmt.Sprint(d.Total.Missed), fmt.Sprint(d.Total.FalseTraces),
			part(p, d.Precision, 4), part(p, d.Recall, 4), part(p, d.F1, 4),
		})
	}
	return t
}

// missing is the table of what the version cannot tell.
func missing(p lang.Printer, left []labLeft) labTable {
	t := labTable{Title: p.T("lab.left"), Head: []string{p.T("lab.class"), p.T("lab.left.why")}}
	for _, f := range left {
		t.Rows = append(t.Rows, []string{f.Family, p.T("lab.left." + string(f.Reason))})
	}
	return t
}

func (d *labDocument) text(w io.Writer) {
	for _, t := range d.Tables {
		fmt.Fprintln(w, t.Title)
		columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range append([][]string{t.Head}, t.Rows...) {
			fmt.Fprintln(columns, strings.Join(row, "\t"))
		}
		_ = columns.Flush()
		fmt.Fprintln(w)
	}
	if d.Quiet != "" {
		fmt.Fprintln(w, d.Quiet)
	}
	for _, name := range d.Traces {
		fmt.Fprintln(w, "  "+name)
	}
}

func (d *labDocument) markdown(w io.Writer) {
	row := func(cells []string) {
		escaped := make([]string, len(cells))
		for i, c := range cells {
			escaped[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintln(w, "| "+strings.Join(escaped, " | ")+" |")
	}
	fmt.Fprintf(w, "# %s\n\n`%s`\n", d.Title, d.Made)
	for _, t := range d.Tables {
		fmt.Fprintf(w, "\n## %s\n\n", t.Title)
		row(t.Head)
		rule := make([]string, len(t.Head))
		for i := range rule {
			rule[i] = "---"
		}
		row(rule)
		for _, r := range t.Rows {
			row(r)
		}
	}
	if d.Quiet != "" {
		fmt.Fprintln(w, "\n"+d.Quiet)
	}
	for _, name := range d.Traces {
		fmt.Fprintln(w, "- `"+name+"`")
	}
}

// labPage is one page that holds all it needs.
func labPage() *template.Template {
	sums := func(t labTable, i int) bool { return i >= len(t.Rows)-t.Sums }
	return template.Must(template.New("lab").Funcs(template.FuncMap{"sum": sums}).Parse(labHTML))
}

const labHTML = `<!doctype html>
<html lang="{{.Lang}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --paper: #fbfcfd; --ink: #1c2630; --soft: #55626e; --rule: #dfe4e9; }
@media (prefers-color-scheme: dark) { :root { --paper: #10151a; --ink: #e6ebf0; --soft: #a3b0bc; --rule: #2c353e; } }
body { margin: 0 auto; max-width: 78rem; padding: 2rem 1.5rem 4rem; background: var(--paper); color: var(--ink); font: .95rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.7rem; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
.soft { color: var(--soft); overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 600; }
.sum td { font-weight: 700; }
</style>
<h1>{{.Title}}</h1>
<p class="soft"><code>{{.Made}}</code></p>
{{range $t := .Tables}}<h2>{{.Title}}</h2>
<div class="wide"><table>
<thead><tr>{{range .Head}}<th>{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range $i, $r := .Rows}}<tr{{if sum $t $i}} class="sum"{{end}}>{{range $r}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody>
</table></div>
{{end}}{{with .Quiet}}<p>{{.}}</p>
{{end}}{{with .Traces}}<ul>{{range .}}<li><code>{{.}}</code></li>{{end}}</ul>
{{end}}</html>
`
