package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/report"
)

// pe01 returns the parameters of PE-01 and its mode.
func pe01(t *testing.T, layers ...map[string]ruleConfig) (*detect.PE01Params, string) {
	t.Helper()
	rules, err := ruleset(layers...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if r.Name == detect.PE01Name {
			return r.Settings.(*detect.PE01Params), r.Mode
		}
	}
	t.Fatal("no PE-01")
	return nil, ""
}

func TestRulesetLayers(t *testing.T) {
	cfg, err := load(t, `
rules: {PE-01: {idle: 5W, hold: 0s, medium: }, pe-05: {mode: disabled}}
stations: [{station: "DEPOT-*", tags: [depot]}]
tuning:
  - {tag: depot, rules: {PE-01: {idle: 12.5W, mode: shadow, current_floor: 0.75A}}}
  - {model: "Home*", rules: {PE-05: {mode: enabled, share: 0.5}}}
`)
	if err != nil {
		t.Fatal(err)
	}
	base, mode := pe01(t, cfg.Rules)
	if base.Idle != 5*hayalet.Watt || base.Hold != 0 || base.Medium != 30*hayalet.WattHour || mode != modeEnabled {
		t.Errorf("base %+v, %s", base, mode)
	}
	tuned, mode := pe01(t, cfg.Rules, cfg.Tuning[0].Rules)
	if tuned.Idle != 12*hayalet.Watt+500 || tuned.Hold != 0 || tuned.HoldMax != time.Hour || tuned.Floor != 750 || mode != modeShadow {
		t.Errorf("tuned %+v, %s", tuned, mode)
	}
	shadows := func(st hayalet.StationID, model string) (n, rules int) {
		set := cfg.sets.of(st, "", model)
		for _, e := range set {
			if e.Shadow {
				n++
			}
		}
		return n, len(set)
	}
	all := len(detect.Catalogue())
	for _, tc := range []struct {
		station hayalet.StationID
		model   string
		shadows int
		rules   int
	}{{"DEPOT-1", "", 1, all - 1}, {"CP_1", "", 0, all - 1}, {"CP_1", "HomeBox", 0, all}, {"DEPOT-1", "HomeBox", 1, all - 1}} {
		if n, rules := shadows(tc.station, tc.model); n != tc.shadows || rules != tc.rules {
			t.Errorf("%s %q: %d rules, %d in shadow; want %d and %d", tc.station, tc.model, rules, n, tc.rules, tc.shadows)
		}
	}
}

func TestRulesetRefuses(t *testing.T) {
	for text, word := range map[string]string{
		"rules: {PE-99: {mode: shadow}}":                             "PE-99",
		"rules: {PE-01: {ilde: 5W}}":                                 "ilde",
		"rules: {PE-01: {mode: quiet}}":                              "quiet",
		"rules: {PE-01: {hold: 5}}":                                  "hold",
		"rules: {PE-02: {gaps: 1.5}}":                                "gaps",
		"rules: {PE-02: {margin: 0}}":                                "margin",
		"rules: {PE-05: {share: -1}}":                                "share",
		"tuning: [{rules: {PE-01: {idle: 5W}}}]":                     "tuning[0]",
		"tuning: [{station: a, rules: {PE-01: {medium: 5kWh}}}]":     "tuning[0]",
		"tuning: [{station: '[', rules: {PE-01: {medium: 5Wh}}}]":    "tuning[0]",
		"tuning: [{station: a, rules: {PE-01: {settle_min: 2kWh}}}]": "settle",
		"tuning: [{station: a, rule: {PE-01: {settle_min: 2kWh}}}]":  "rule",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v does not say %q in one line", text, err, word)
		}
	}
}

// TestEnvironmentIsOverTheFile whatever the letters of the rule's name are: those of the environment are small.
func TestEnvironmentIsOverTheFile(t *testing.T) {
	for range 20 { // maps have no order
		rules, err := ruleset(map[string]ruleConfig{"PE-01": {"idle": "20W"}, "pe-01": {"idle": "7W"}})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(rules, func(r ruleSettings) bool { return r.Name == detect.PE01Name })
		if p := params(rules[at]); !slices.ContainsFunc(p, func(p report.Param) bool { return p.Key == "idle" && p.Value == "7 W" }) {
			t.Fatalf("got %+v", p)
		}
	}
}
