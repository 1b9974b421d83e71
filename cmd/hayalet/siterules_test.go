package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/siterule"
)

// names are those of a set's rules beyond the catalogue's, in shadow with a mark.
func names(set detect.Set) string {
	var list []string
	for _, e := range set {
		name := string(e.Name())
		if _, ours := e.Rule.(*siterule.Rule); !ours {
			continue
		}
		if e.Shadow {
			name += "~"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func TestSiteRulesOfAStation(t *testing.T) {
	cfg, err := load(t, `
site_rules:
  - {id: A, when: "true"}
  - {id: B, when: "tru"}
  - {id: C, when: "true", station: "DEPOT-*", mode: shadow}
  - {id: D, when: "true", model: "Home*"}
  - {id: E, when: "true", mode: disabled}
  - {id: A, when: "true", station: "DEPOT-*"}
tuning: [{station: "DEPOT-2", rules: {PE-05: {mode: disabled}}}]
`)
	if err != nil {
		t.Fatal(err)
	}
	all := len(detect.Catalogue())
	for _, tc := range []struct {
		station hayalet.StationID
		model   string
		want    string
		ours    int // of the catalogue
	}{
		{"CP_1", "", "A", all}, {"CP_1", "HomeBox", "A D", all}, {"DEPOT-1", "", "A C~", all}, {"DEPOT-2", "HomeBox", "A C~ D", all - 1}, {"DEPOT-3", "", "A C~", all},
	} {
		set := cfg.sets.of(tc.station, "", tc.model)
		if got := names(set); got != tc.want || len(set)-len(strings.Fields(got)) != tc.ours {
			t.Errorf("%s %q: %s of %d rules, want %s and %d of the catalogue", tc.station, tc.model, got, len(set), tc.want, tc.ours)
		}
	}
	broken := cfg.brokenSiteRules()
	if len(broken) != 2 || broken[0].ID != "B" || broken[1].ID != "A" || len(cfg.siteRules()) != 6 {
		t.Errorf("broken: %+v", broken)
	}
}

func TestBrokenSiteRules(t *testing.T) {
	many := "site_rules:\n"
	for i := range maxSiteRules + 1 {
		many += fmt.Sprintf("  - {id: R%d, when: \"true\"}\n", i)
	}
	for text, word := range map[string]string{
		`site_rules: [{id: A, when: "true", severity: huge}]`:                   "huge",
		`site_rules: [{id: A, when: "true", mode: quiet}]`:                      "quiet",
		`site_rules: [{id: A, when: "true", station: "["}]`:                     "pattern",
		`site_rules: [{id: A, when: "true", name: {de: "x"}}]`:                  "de",
		`site_rules: [{id: A, when: "true", for: soon}]`:                        "soon",
		`site_rules: [{id: A, when: "true", for: -1m}]`:                         "for",
		`site_rules: [{when: "true"}]`:                                          "id",
		`site_rules: [{id: A, when: "true", mode: shadow}, {id: A, when: "1"}]`: "another",
		many: "more than",
	} {
		cfg, err := load(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if broken := cfg.brokenSiteRules(); len(broken) != 1 || !strings.Contains(broken[0].Broken, word) {
			t.Errorf("%q: broken %+v, want one that says %s", text, broken, word)
		}
	}
	if _, err := load(t, `site_rules: [{id: A, wen: "true"}]`); err == nil || !strings.Contains(err.Error(), "wen") {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestSiteFaultsAreToldOnce(t *testing.T) {
	var told []siteFault
	f := siteFaults{heed: func(one siteFault) { told = append(told, one) }}
	for range 3 {
		f.add("B", errors.New("no\nsuch"))
	}
	f.add("A", errors.New("other"))
	if len(told) != 2 || told[0].rule != "B" || told[0].first != "no such" {
		t.Errorf("told %+v", told)
	}
	if list := f.list(); len(list) != 2 || list[0].rule != "A" || list[1].count != 3 {
		t.Errorf("counted %+v", list)
	}
}
