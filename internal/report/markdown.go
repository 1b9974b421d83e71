package report

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"hayalet"
	"hayalet/internal/lang"
)

// Markdown writes the report in GitHub's Markdown. Picture is the name of the SVG file beside it; without one the report
// has no picture.
func (d *Demo) Markdown(p lang.Printer, picture string) ([]byte, error) {
	t, err := template.New("report.md").Funcs(template.FuncMap{"t": p.T, "text": markdownText, "fence": fence, "mark": diffMark}).
		ParseFS(templates, "templates/report.md")
	if err != nil {
		return nil, fmt.Errorf("parse report.md: %v", err)
	}
	doc := d.document(p)
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		*document
		Picture, Alt string
	}{doc, (&url.URL{Path: picture}).String(), p.T("report.picture.alt", clean(string(d.Attack.Station)), int(d.Attack.Connector))})
	if err != nil {
		return nil, fmt.Errorf("write report.md: %v", err)
	}
	return b.Bytes(), nil
}

// IncidentMarkdown writes an incident and its turns in GitHub's Markdown. Picture is the name of an SVG file beside it;
// without one there is no picture.
func IncidentMarkdown(p lang.Printer, inc *hayalet.Incident, history []hayalet.Incident, tariff Tariff, picture string) []byte {
	var b bytes.Buffer
	for i, line := range Incident(p, inc, tariff) {
		if i == 0 {
			fmt.Fprintf(&b, "# %s\n\n`%s`\n\n", markdownText(line), inc.Key)
			continue
		}
		fmt.Fprintf(&b, "- %s\n", markdownText(line))
	}
	if picture != "" {
		alt := p.T("report.picture.alt", clean(string(inc.Station)), int(inc.Connector))
		fmt.Fprintf(&b, "\n![%s](%s)\n", markdownText(alt), (&url.URL{Path: picture}).String())
	}
	fmt.Fprintf(&b, "\n| %s |\n|---|---|---|---|---|\n", p.T("incident.turns"))
	for i := range history {
		h := &history[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s Wh |\n", h.UpdatedAt, p.State(h.State), p.Severity(h.Severity), markdownText(p.Cause(h.Cause)), p.Number(Wh(h.Energy)))
	}
	return b.Bytes()
}

// markdownText escapes what would be markup in a paragraph or in a cell of a table.
func markdownText(text string) string {
	return strings.NewReplacer(
		"\\", "\\\\", "`", "\\`", "*", "\\*", "[", "\\[", "]", "\\]", "|", "\\|", "~", "\\~", "!", "\\!", "#", "\\#",
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "\n", " ",
	).Replace(text)
}

// fence returns the marks around a block of code: longer than any in the block.
func fence(l logText) string {
	marks := "```"
	for _, line := range l.Lines {
		for strings.Contains(line.Text, marks) {
			marks += "`"
		}
	}
	return marks
}

// diffMark puts a line into a block of the language "diff", where a reader sees lines that begin with − in red.
func diffMark(l lineText) string {
	prefix := "  "
	if l.Kind == lineKinds[LineAlarm] {
		prefix = "- "
	}
	text := l.Time + " " + l.Text
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix)
}
