package report

import (
	"bytes"
	"fmt"
	"html/template"

	"hayalet/internal/lang"
)

// HTML writes the report as one page that holds all it needs: no script, and nothing fetched from elsewhere. The picture
// is in it twice, drawn for a page and for a phone; the reader sees the one that fits.
func (d *Demo) HTML(p lang.Printer) ([]byte, error) {
	t, err := template.New("report.html").Funcs(template.FuncMap{"t": p.T}).ParseFS(templates, "templates/report.html")
	if err != nil {
		return nil, fmt.Errorf("parse report.html: %v", err)
	}
	css, err := templates.ReadFile("templates/report.css")
	if err != nil {
		return nil, fmt.Errorf("read report.css: %v", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		*document
		CSS         template.CSS
		Wide, Phone template.HTML
	}{
		d.document(p), template.CSS(css), //nolint:gosec // a file of ours
		template.HTML(d.picture(p, pageWidth)),  //nolint:gosec // escaped where it is drawn
		template.HTML(d.picture(p, phoneWidth)), //nolint:gosec // escaped where it is drawn
	})
	if err != nil {
		return nil, fmt.Errorf("write report.html: %v", err)
	}
	return b.Bytes(), nil
}
