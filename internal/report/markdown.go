package report

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"text/template"

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
