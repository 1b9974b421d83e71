package report

import (
	"fmt"
	"html/template"
	"io"
	"strings"

	"hayalet/internal/lang"
)

// HTML writes the analysis as one page that holds all it needs: no script, and nothing fetched from elsewhere. Both
// languages are in it, the main one first; a switch without a script shows one of them, and paper shows that one too. What
// it shows is bounded: 40 incidents with pictures, 1 000 further ones as lines, 500 stations and connectors each; what it
// leaves out it counts.
func (a *Analysis) HTML(w io.Writer) error {
	t, err := template.New("analysis.html").ParseFS(templates, "templates/analysis.html")
	if err != nil {
		return fmt.Errorf("parse analysis.html: %v", err)
	}
	var css strings.Builder
	for _, name := range []string{"report.css", "analysis.css", "picture.css"} {
		part, err := templates.ReadFile("templates/" + name)
		if err != nil {
			return fmt.Errorf("read %s: %v", name, err)
		}
		css.Write(part)
	}
	s := a.sum()
	other := lang.EN
	if a.Main == lang.EN {
		other = lang.TR
	}
	pages := []*pageText{a.page(a.Main, s), a.page(other, s)}
	if err := t.Execute(w, struct {
		CSS   template.CSS
		Pages []*pageText
	}{template.CSS(css.String()), pages}); err != nil { //nolint:gosec // files of ours
		return fmt.Errorf("write analysis.html: %w", err)
	}
	return nil
}
