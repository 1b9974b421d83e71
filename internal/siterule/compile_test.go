package siterule_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/siterule"
)

func TestCompileRefuses(t *testing.T) {
	c, err := siterule.NewCompiler(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		spec siterule.Spec
		want string // a part of the error
	}{
		{"syntax", siterule.Spec{When: "power_w >"}, "1:10: Syntax error"},
		{"second line", siterule.Spec{When: "power_w > 1.0\n&& pwr > 2"}, "2:4: undeclared reference to 'pwr'"},
		{"unknown", siterule.Spec{When: "temperature > 5"}, "docs/site-rules.md"},
		{"misspelt", siterule.Spec{When: "!tx_actve"}, "did you mean 'tx_active'?"},
		{"types", siterule.Spec{When: `power_w > "500"`}, "1:9: found no matching overload"},
		{"whole number", siterule.Spec{When: `power_w * 2 > 500.0`}, "with a point"},
		{"no bool", siterule.Spec{When: "power_w + 1.0"}, "type double: want bool"},
		{"dyn", siterule.Spec{When: "dyn(power_w)"}, "want bool"},
		{"pattern", siterule.Spec{When: `model.matches("[")`}, "1:15"},
		{"duration", siterule.Spec{When: `at + duration("x") > at`}, "1:15"},
		{"empty", siterule.Spec{When: " "}, "when is empty"},
		{"cost", siterule.Spec{When: `[0,1,2,3,4,5,6,7,8,9].all(x, [0,1,2,3,4,5,6,7,8,9].all(y, [0,1,2,3].size() > x - y))`}, "may cost"},
		{"nesting", siterule.Spec{When: `[1].all(x, [1].all(y, [1].all(z, true)))`}, "nest"},
		{"length", siterule.Spec{When: strings.Repeat("true && ", 1000) + "true"}, "size exceeds limit"},
		{"depth", siterule.Spec{When: strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100)}, "recursion"},
		{"hold", siterule.Spec{When: "true", For: -1}, "for -1ns"},
		{"connector", siterule.Spec{When: "true", Connectors: []hayalet.ConnectorID{-1}}, "connectors"},
		{"reserved", siterule.Spec{ID: "PE-99", When: "true"}, "PE-"},
		{"id", siterule.Spec{ID: "night flow", When: "true"}, "id"},
		{"long id", siterule.Spec{ID: hayalet.RuleName(strings.Repeat("A", 41)), When: "true"}, "id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.spec.ID == "" {
				tc.spec.ID = "SITE-1"
			}
			_, err := c.Compile(tc.spec)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "container") {
				t.Errorf("error %v, want %q in one line", err, tc.want)
			}
		})
	}
}

func TestCompileTakes(t *testing.T) {
	c, err := siterule.NewCompiler(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{
		`power_w > 500`, `hour in [22, 23, 0, 1]`, `notes.exists(n, n == "glitch")`, `station.matches("^DEPOT-[0-9]+$")`, `at.getHours("Europe/Istanbul") >= 22`,
		`status in ["Available", "Preparing"] ? delta_wh > 1.0 : false`,
	} {
		if _, err := c.Compile(siterule.Spec{ID: "SITE-1", When: when}); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// TestDocumented holds the table of docs/site-rules.md to the observations, and its examples to the compiler.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/site-rules.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, o := range siterule.Names() {
		row := fmt.Sprintf("\n| `%s` | %s | ", o[0], o[1])
		if !strings.Contains(string(page), row) {
			t.Errorf("no row %q", strings.TrimSpace(row))
		}
		rows++
	}
	_, table, _ := strings.Cut(string(page), "## Observations")
	table, examples, _ := strings.Cut(table, "## Examples")
	if n := strings.Count(table, "\n| `"); n != rows {
		t.Errorf("the table has %d rows for %d observations", n, rows)
	}
	c, err := siterule.NewCompiler(nil)
	if err != nil {
		t.Fatal(err)
	}
	whens := regexp.MustCompile(`when: '([^\n]*?)'[,}]`).FindAllStringSubmatch(examples, -1)
	if len(whens) < 4 {
		t.Errorf("%d examples", len(whens))
	}
	for _, when := range whens {
		if _, err := c.Compile(siterule.Spec{ID: "SITE-1", When: when[1]}); err != nil {
			t.Errorf("%s: %v", when[1], err)
		}
	}
}
