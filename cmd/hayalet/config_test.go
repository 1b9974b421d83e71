package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/session"
)

// TestExampleIsTheDefaults holds the commented sample to the code: it decodes strictly, and where it does not say "example"
// it says the default.
func TestExampleIsTheDefaults(t *testing.T) {
	got, err := loadConfig("../../hayalet.example.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.Tariff.Price, want.Webhook.Timeout = got.Tariff.Price, got.Webhook.Timeout
	want.Stations = got.Stations
	want.sets, want.given, want.Rules, want.Tuning, want.SiteRules = got.sets, got.given, got.Rules, got.Tuning, got.SiteRules
	if broken := got.brokenSiteRules(); len(got.SiteRules) == 0 || len(broken) > 0 {
		t.Errorf("site rules %+v, broken %+v", got.SiteRules, broken)
	}
	defaults, _ := pe01(t)
	if example, _ := pe01(t, got.Rules); *example != *defaults {
		t.Errorf("got  %+v\nwant %+v", example, defaults)
	}
	for _, list := range []*[]string{&got.Sampling.AlignedData, &got.Sampling.SampledData} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(got.Stations) != 2 || got.Tariff.Price != 7_500_000 {
		t.Errorf("stations %+v, price %d", got.Stations, got.Tariff.Price)
	}
}

func TestProfileIsTheFirstThatMatches(t *testing.T) {
	cfg, err := loadConfig("../../hayalet.example.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		station   hayalet.StationID
		model     string
		connector hayalet.ConnectorID
		want      session.Profile
	}{
		{"DC-7", "", 2, session.Profile{Rating: 150 * hayalet.Kilowatt, DC: true}},
		{"CP_1", "HomeBox-7", 1, session.Profile{Rating: 7400 * hayalet.Watt, AC: true, Phases: 1}},
		{"CP_1", "HomeBox-7", 2, session.Profile{}},
		{"CP_1", "", 1, session.Profile{}},
	} {
		if got := cfg.profile(c.station, "", c.model, c.connector); got != c.want {
			t.Errorf("%s %s %d: got %+v, want %+v", c.station, c.model, c.connector, got, c.want)
		}
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	cfg, err := loadConfig("../../hayalet.example.yml", []string{"HAYALET_DB=x.db", "HAYALET_TARIFF__PRICE=3", "HAYALET_LANG=tr", "OTHER=1"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DB != "x.db" || cfg.Tariff.Price != 3_000_000 || cfg.Tariff.Currency != "TRY" {
		t.Errorf("db %q, tariff %+v", cfg.DB, cfg.Tariff)
	}
}

func load(t *testing.T, text string) (config, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadConfig(name, nil)
}

// TestNoValueIsTheDefault: a key whose values are all commented out changes nothing.
func TestNoValueIsTheDefault(t *testing.T) {
	want := defaultConfig()
	for _, text := range []string{
		"", "rules:\n", "rules:\n  PE-01:\n", "rules: {PE-01: {idle: }}", "webhook:", "log:", "listen:", "path_prefixes:", "path_prefixes: []",
	} {
		got, err := load(t, text)
		got.sets, got.given, got.Rules = want.sets, nil, nil // TestRulesetLayers and TestFaults hold them
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v\n got %+v\nwant %+v", text, err, got, want)
		}
	}
	got, err := load(t, "path_prefixes: [/x/]\nrules: {PE-01: {idle: 5W, hold: 0}}")
	if err != nil || !slices.Equal(got.PathPrefixes, []string{"/x/"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOddValuesAreRefused(t *testing.T) {
	for _, text := range []string{
		"rules: {PE-01: {settle_time: 30}}", "webhook: {timeout: 10}", "webhook: {timeout: 1.5}", "heartbeat_interval: 10", // of what?
		"rules: {PE-01: {settle_time: -1s}}", "rules: {PE-01: {close_after: -1h}}", "webhook: {timeout: -1s}",
		"rules: {PE-01: {medium: 0}}", "rules: {PE-01: {medium: 1kWh, high: 10Wh}}", "rules: {PE-01: {critical: 1Wh}}",
		"rules: {PE-01: {settle_min: 60Wh}}",
		"tariff: {price: true}", "tariff: {price: [1]}", "stations: [{rating: 18446744073709551615}]", "stations: [{rating: true}]",
		"listne: x", "- a",
	} {
		if _, err := load(t, text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestEmptySecretIsNone: a secret that was asked for and is not there must not mean that there is no protection.
func TestEmptySecretIsNone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := secret("api.token", "", name); err == nil {
		t.Errorf("got %q", got)
	}
	if err := os.WriteFile(name, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := secret("api.token", "", name); err != nil || got != "s3cret" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := secret("api.token", "x", name); err == nil {
		t.Error("two secrets, and no error")
	}
}

func TestReadKeys(t *testing.T) {
	for text, want := range map[string]map[hayalet.StationID]string{
		"# c\n\nCP_1: k1\r\nCP_2:k2\n": {"CP_1": "k1", "CP_2": "k2"},
		"a:b: k:1\n":                   {"a:b": "k:1"},
		"CP_1: k:1\n":                  {"CP_1": "k:1"},
		"a:b:k\n":                      {"a:b": "k"},
		"CP_1: a\nCP_1: b\n":           nil,
		"CP_1:\n":                      nil,
		": k\n":                        nil,
		"CP_1\n":                       nil,
		"":                             nil,
	} {
		name := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readKeys(name)
		if (err == nil) != (want != nil) || !maps.Equal(got, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestQuantities(t *testing.T) {
	for text, want := range map[string]watts{"22kW": 22_000_000, "7.4 kW": 7_400_000, "50": 50_000, "50W": 50_000, "1MW": 1_000_000_000} {
		var w watts
		if err := w.UnmarshalText([]byte(text)); err != nil || w != want {
			t.Errorf("%s: got %d, %v, want %d", text, w, err, want)
		}
	}
	for _, text := range []string{"", "W", "-5W", "5kWh", "5 horses", "1e30", "NaN", "Inf"} {
		var w watts
		if err := w.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "want a positive number") {
			t.Errorf("%q was read as %d (%v)", text, w, err)
		}
	}
}
