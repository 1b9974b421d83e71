package report_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// TestEpisodePicture draws incidents of several kinds.
func TestEpisodePicture(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(a *report.Analysis)
		want   []string
		not    []string
	}{
		{
			"after a stop", func(*report.Analysis) {},
			[]string{"StartTransaction", "StopTransaction", "at the stop: 12.00 kWh", "+50 Wh", "outside the transaction, enlarged", `class="alarm"`},
			nil,
		},
		{
			"contested", func(a *report.Analysis) { rule(a, "MT-01") },
			[]string{`class="alarm"`, "It is about 45"},
			[]string{"outside a transaction</text>", "+50 Wh", "enlarged"},
		},
		{
			"nothing read", func(a *report.Analysis) {
				inc := a.Incidents[0]
				a.Episodes[inc.Key] = report.NewEpisode(inc, new(report.Trail))
			},
			[]string{"No picture: the register was read less than twice"},
			[]string{"<svg"},
		},
		{
			"not followed", func(a *report.Analysis) { a.Episodes = nil },
			[]string{"No picture: more incidents ran at once"},
			[]string{"<svg"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := analysis(lang.EN)
			c.change(a)
			text := page(t, html(t, a), lang.EN)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not have %q", want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("the page has %q", not)
				}
			}
		})
	}
}

func rule(a *report.Analysis, r hayalet.RuleName) {
	a.Incidents[0].Rule = r
	a.Episodes[a.Incidents[0].Key].Incident.Rule = r
}

// TestEpisodeOfTwoRegisters draws the register that the incident is about, not the other one beside it.
func TestEpisodeOfTwoRegisters(t *testing.T) {
	a := analysis(lang.EN)
	inc := a.Incidents[0]
	var trail report.Trail
	for i := range 40 {
		trail.Add(report.Point{At: after(time.Duration(i) * 20 * time.Second), Value: 900_000_000_000, Track: 1})
	}
	trail.Add(report.Point{At: inc.BaselineAt, Value: inc.Baseline})
	trail.Add(report.Point{At: inc.LastAt, Value: inc.Last})
	a.Episodes[inc.Key] = report.NewEpisode(inc, &trail)
	text := page(t, html(t, a), lang.EN)
	if strings.Contains(text, "900000") {
		t.Error("the other register is drawn")
	}
	if !regexp.MustCompile(`\+50 Wh</text>`).MatchString(text) {
		t.Error("the incident's register is not drawn")
	}
}
