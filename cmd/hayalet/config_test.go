package main

import (
	"reflect"
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
