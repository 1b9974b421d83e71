package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/lang"
)

// Rule is a rule of the catalogue as it is configured. [Rule.Worded] fills in its texts.
type Rule struct {
	ID        hayalet.RuleName `json:"id"`
	Name      string           `json:"name"`
	Severity  hayalet.Severity `json:"severity"` // the highest that its incidents reach
	Mode      string           `json:"mode"`     // enabled, shadow or disabled
	What      string           `json:"what"`
	Versions  []string         `json:"versions"` // of OCPP, that it can be judged by
	Clauses   []string         `json:"clauses"`  // of the standard, each with its version
	Technique Technique        `json:"technique"`
	Params    []Param          `json:"parameters"`
	False     string           `json:"known_false_positives"`
	Do        string           `json:"what_to_do"`
}

// Technique is one of MITRE ATT&CK for ICS.
type Technique struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int    `json:"attack_version"`
}

// Param is a parameter of a rule.
type Param struct {
	Key     string `json:"key"`
	Unit    string `json:"unit"` // "" of a bare number
	Default string `json:"default"`
	Value   string `json:"value"` // as configured
	What    string `json:"what"`
}

// Worded is the rule with its texts in the language of p.
func (r Rule) Worded(p lang.Printer) Rule {
	key := "rule." + string(r.ID)
	r.Name, r.What, r.False, r.Do = p.Rule(r.ID), p.T(key+".what"), p.T(key+".false"), p.T(key+".do")
	if name := "technique." + r.Technique.ID; r.Technique.ID != "" && p.T(name) != name {
		r.Technique.Name = p.T(name)
	}
	params := make([]Param, len(r.Params))
	for i, param := range r.Params {
		own := key + ".param." + param.Key
		if param.What = p.T(own); param.What == own {
			param.What = p.T("param." + param.Key)
		}
		params[i] = param
	}
	r.Params = params
	return r
}

// RuleTable writes rules as a table.
func RuleTable(w io.Writer, p lang.Printer, rules []Rule) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, p.T("rules.header"))
	for _, r := range rules {
		r = r.Worded(p)
		fmt.Fprintln(t, strings.Join([]string{string(r.ID), r.Name, p.Severity(r.Severity), p.T("rules.mode." + r.Mode)}, "\t"))
	}
	return t.Flush()
}

// columns is how wide running text is set for a terminal.
const columns = 100

// RuleText writes all that there is to say of one rule.
func RuleText(w io.Writer, p lang.Printer, r Rule) error {
	r = r.Worded(p)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n", r.ID, r.Name)
	hang(&b, "", r.What)
	b.WriteByte('\n')
	facts := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(facts, "%s\t%s\n", p.T("rules.severity"), p.T("rules.upto", p.Severity(r.Severity)))
	fmt.Fprintf(facts, "%s\t%s\n", p.T("rules.mode"), p.T("rules.mode."+r.Mode)+modeNote(p, r.Mode))
	fmt.Fprintf(facts, "%s\tOCPP %s\n", p.T("rules.versions"), strings.Join(r.Versions, ", "))
	fmt.Fprintf(facts, "%s\t%s\n", p.T("rules.clauses"), strings.Join(r.Clauses, "; "))
	fmt.Fprintf(facts, "%s\t%s\n", p.T("rules.technique"), r.Technique.text(p))
	_ = facts.Flush() // into memory
	b.WriteString("\n" + p.T("rules.parameters") + "\n")
	r.params(&b, p)
	b.WriteString("\n" + p.T("rules.false") + "\n")
	hang(&b, "  ", r.False)
	b.WriteString("\n" + p.T("rules.do") + "\n")
	hang(&b, "  ", r.Do)
	_, err := io.WriteString(w, b.String())
	return err
}

func modeNote(p lang.Printer, mode string) string {
	if mode == "enabled" {
		return ""
	}
	return ": " + p.T("rules.mode."+mode+".note")
}

func (t *Technique) text(p lang.Printer) string {
	return p.T("rules.attack", t.ID, t.Name, t.Version)
}

// params lists the parameters. Values stand as a configuration has them.
func (r *Rule) params(b *strings.Builder, p lang.Printer) {
	if len(r.Params) == 0 {
		b.WriteString("  " + p.T("rules.parameters.none") + "\n")
		return
	}
	values := make([]string, len(r.Params))
	keys, width := 0, 0
	for i, param := range r.Params {
		values[i] = param.Value
		if param.Value != param.Default {
			values[i] = p.T("rules.configured", param.Value, param.Default)
		}
		keys, width = max(keys, len(param.Key)), max(width, utf8.RuneCountInString(values[i]))
	}
	for i, param := range r.Params {
		hang(b, fmt.Sprintf("  %-*s  %s  ", keys, param.Key, pad(values[i], width)), param.What)
	}
}

// pad fills a text up with blanks to the width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// hang sets running text behind its head; further lines stand below the first one's text.
func hang(b *strings.Builder, head, text string) {
	indent := utf8.RuneCountInString(head)
	for i, line := range wrap(text, max(columns-indent, 24)) {
		if i > 0 {
			head = strings.Repeat(" ", indent)
		}
		b.WriteString(head + line + "\n")
	}
}

// wrap breaks a text into lines of at most width letters, at blanks.
func wrap(text string, width int) (lines []string) {
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if used > 0 && used+1+n > width {
			lines, line, used = append(lines, line), "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}

// RulesMarkdown is the document of all rules. Configured values are not in it.
func RulesMarkdown(p lang.Printer, rules []Rule) string {
	var b strings.Builder
	b.WriteString("# " + p.T("rules.doc.title") + "\n\n" + p.T("rules.doc.made") + "\n\n" + p.T("rules.doc.intro") + "\n\n")
	b.WriteString("| " + p.T("rules.doc.columns") + " |\n|---|---|---|---|\n")
	for _, r := range rules {
		r = r.Worded(p)
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", r.ID, anchor(&r), r.Name, p.Severity(r.Severity), strings.Join(r.Clauses, "; "))
	}
	for _, r := range rules {
		r.Worded(p).markdown(&b, p)
	}
	return b.String()
}

// anchor is what a heading is linked by: small letters, digits and hyphens.
func anchor(r *Rule) string {
	return strings.ReplaceAll(strings.ToLower(string(r.ID)+" "+r.Name), " ", "-")
}

func (r Rule) markdown(b *strings.Builder, p lang.Printer) {
	fmt.Fprintf(b, "\n## %s %s\n\n%s\n\n", r.ID, r.Name, r.What)
	fmt.Fprintf(b, "- **%s**: %s\n", p.T("rules.severity"), p.T("rules.upto", p.Severity(r.Severity)))
	fmt.Fprintf(b, "- **%s**: OCPP %s\n", p.T("rules.versions"), strings.Join(r.Versions, ", "))
	fmt.Fprintf(b, "- **%s**: %s\n", p.T("rules.clauses"), strings.Join(r.Clauses, "; "))
	fmt.Fprintf(b, "- **%s**: %s\n\n", p.T("rules.technique"), r.Technique.text(p))
	if len(r.Params) == 0 {
		b.WriteString(p.T("rules.parameters.none") + "\n")
	} else {
		b.WriteString("| " + p.T("rules.doc.params") + " |\n|---|---|---|---|\n")
		for _, param := range r.Params {
			unit := param.Unit
			if unit == "" {
				unit = "–"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", param.Key, unit, param.Default, param.What)
		}
	}
	fmt.Fprintf(b, "\n**%s** %s\n\n**%s** %s\n", p.T("rules.false"), r.False, p.T("rules.do"), r.Do)
}
