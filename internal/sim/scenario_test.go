package sim_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/sim"
)

func TestShippedScenarios(t *testing.T) {
	want := map[string]struct {
		phantom  bool
		energy   hayalet.Energy
		duration time.Duration
	}{
		"normal":             {false, 0, 12500 * time.Millisecond},
		"s1-delayed":         {true, 615 * hayalet.WattHour, 40*time.Minute + 25*time.Second},
		"s1-drip":            {true, 100 * hayalet.WattHour, 70*time.Minute + 30*time.Second},
		"s1-phantom-current": {true, 50 * hayalet.WattHour, 13 * time.Second},
		"s1-stale-id":        {true, 619 * hayalet.WattHour, 9*time.Minute + 20*time.Second},
	}
	if names := sim.Names(); len(names) != len(want) || !slices.IsSorted(names) {
		t.Errorf("names: %v", names)
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			s, err := sim.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != name || s.Truth.Phantom != w.phantom || s.Truth.Energy != w.energy || s.Protocol != hayalet.OCPP16 {
				t.Errorf("%+v", s)
			}
			if s.Duration() != w.duration {
				t.Errorf("takes %v, want %v", s.Duration(), w.duration)
			}
			if s.Title.In("tr") == s.Title.In("en") || s.Title.In("de") != s.Title.EN {
				t.Errorf("title %+v", s.Title)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	if _, err := sim.Load("nowhere"); !errors.Is(err, hayalet.ErrNotFound) || !strings.Contains(err.Error(), "s1-drip") {
		t.Errorf("an unknown name: %v", err)
	}
	file := filepath.Join(t.TempDir(), "mine.yml")
	if err := os.WriteFile(file, []byte("name: mine\ntilte: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var bad *sim.ScenarioError
	if _, err := sim.Load(file); !errors.As(err, &bad) || bad.File != file || bad.Line != 2 || !errors.Is(err, hayalet.ErrInvalid) {
		t.Errorf("a bad file: %v", err)
	}
	if _, err := sim.Load(t.TempDir()); err == nil {
		t.Error("a directory was read as a scenario")
	}
}

const head = "name: x\ntitle: {en: a, tr: b}\ndescription: {en: a, tr: b}\n" // three lines

func TestBadScenarios(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
		says       string // of problem and hint
	}{
		{"empty", "", 0, "empty"},
		{"not YAML", head + "steps: [", 0, "line"},
		{"a list", "- boot: {}", 1, "not a mapping"},
		{"two documents", head + "---\na: b\n", 4, "second"},
		{"unknown key", head + "step: []", 4, `unknown key "step"`},
		{"key twice", head + "name: y", 4, "twice"},
		{"no name", "title: {en: a, tr: b}", 1, "no name"},
		{"no title", "name: x", 1, "no title"},
		{"one language", "name: x\ntitle: {en: a}", 2, "both"},
		{"no steps", head, 1, "no list of steps"},
		{"steps no list", head + "steps: {boot: {}}", 1, "no list of steps"},
		{"no truth", head + "steps: [{boot: {}}]", 1, "no truth"},
		{"protocol", head + "protocol: ocpp2.0", 4, "ocpp2.1, ocpp2.0.1, ocpp1.6"},
		{"measurand that 2.x has not", head + "protocol: ocpp2.1\nsteps:\n  - meter: {value: 1, measurand: Temperature, unit: Celsius}", 6, "ocpp2.1 has no measurand Temperature"},
		{"multiplier", head + "steps:\n  - meter: {value: 1, multiplier: 7}", 5, "multiplier"},
		{"multiplier of a long value", head + "steps:\n  - meter: {value: 123456789012345, multiplier: -3}", 5, "too many digits"},
		{"multiplier of a long register", head + "defaults: {multiplier: 6}\nsteps:\n  - start: {meter_start: 1, id_tag: x}\n  - meter: {value: 1.0000000001}", 7, "too many digits"},
		{"connectors", head + "connectors: 0\nsteps: [{boot: {}}]", 1, "connectors"},
		{"connectors not a number", head + "connectors: one", 4, "whole number"},
		{"default unit", head + "defaults:\n  unit: KWH", 5, `unknown unit "KWH"`},
		{"alias", head + "defaults: &d {unit: Wh}\nsteps: *d", 1, "list of steps"},
		{"alias as value", head + "defaults: {unit: &u Wh, vendor: *u}", 4, "alias"},
		{"step without key", head + "steps:\n  - boot", 5, "exactly one key"},
		{"step with two keys", head + "steps:\n  - boot: {}\n    wait: 1s", 5, "exactly one key"},
		{"unknown step", head + "steps:\n  - boot: {}\n  - metre: {}", 6, `unknown step "metre"`},
		{"unknown key of a step", head + "steps:\n  - meter: {val: 1}", 5, `unknown key "val" in meter`},
		{"key of a step without keys", head + "steps:\n  - heartbeat: {x: 1}", 5, "no key"},
		{"duration without unit", head + "steps:\n  - wait: 5", 5, "500ms"},
		{"negative wait", head + "steps:\n  - wait: -5s", 5, "positive"},
		{"too long", head + "steps:\n  - wait: 9000h", 5, "366 days"},
		{"too long by count", head + "steps:\n  - meter: {value: 1, count: 1000, every: 1000000h}", 5, "366 days"},
		{"value in words", head + "steps:\n  - meter:\n      value: many", 6, "decimal"},
		{"value with exponent", head + "steps:\n  - meter: {value: 1e3}", 5, "decimal"},
		{"value too long", head + "steps:\n  - meter: {value: 1234567890123456}", 5, "decimal"},
		{"value too fine", head + "steps:\n  - meter: {value: 1.2345}", 5, "milliwatt-hours"},
		{"no value", head + "steps:\n  - meter: {increment: 1}", 5, "no value"},
		{"value and energy", head + "steps:\n  - meter: {value: 1, energy: 1}", 5, "both value and energy"},
		{"count without every", head + "steps:\n  - meter: {value: 1, count: 5}", 5, "every"},
		{"count too large", head + "steps:\n  - meter: {value: 1, count: 1000000, every: 1s}", 5, "count"},
		{"counts too large together", head + "steps:\n  - meter: {value: 1, count: 60000, every: 1s}\n  - meter: {value: 1, count: 60000, every: 1s}", 6, "100000"},
		{"energy of a voltage", head + "steps:\n  - meter: {energy: 1, measurand: Voltage, unit: V}", 5, "energy register"},
		{"connector", head + "steps:\n  - meter: {value: 1, connector: 2}", 5, "connector 2"},
		{"start of the station", head + "steps:\n  - start: {connector: 0, id_tag: x}", 5, "connector 0"},
		{"start without token", head + "steps:\n  - start: {meter_start: 1}", 5, "id_tag"},
		{"register too large", head + "steps:\n  - start: {meter_start: 9000000000000000, id_tag: x}", 5, "too large"},
		{"stop of nothing", head + "steps:\n  - stop: {meter_stop: 1}", 5, "no transaction runs"},
		{"stop without name", head + "steps:\n  - stop: {id: none}", 5, "name a transaction"},
		{"stale of nothing", head + "steps:\n  - meter: {value: 1, transaction: stale}", 5, "has ended"},
		{"stale after a foreign stop", head + "steps:\n  - stop: {id: 5}\n  - stop: {id: stale}", 6, "has ended"},
		{"transaction", head + "steps:\n  - meter: {value: 1, transaction: old}", 5, "stale"},
		{"status", head + "steps:\n  - status: {status: Broken}", 5, "Available"},
		{"status without status", head + "steps:\n  - status: {}", 5, "no status"},
		{"reconnect", head + "steps:\n  - reconnect: {}", 5, "while connected"},
		{"disconnect twice", head + "steps:\n  - disconnect: {}\n  - disconnect: {}", 6, "while disconnected"},
		{"disconnected at the end", head + "steps:\n  - disconnect: {}", 5, "ends disconnected"},
		{"data transfer", head + "steps:\n  - data_transfer: {}", 5, "vendor_id"},
		{"phantom inside", head + "steps:\n  - start: {id_tag: x}\n  - meter: {value: 1, phantom: true}", 6, "inside a transaction"},
		{"phantom from nothing", head + "steps:\n  - meter: {value: 1, phantom: true}", 5, "count the phantom"},
		{
			"phantoms on two connectors", head + "connectors: 2\nsteps:\n  - meter: {value: 1}\n  - meter: {value: 2, phantom: true}\n" +
				"  - meter: {value: 1, connector: 2}\n  - meter: {value: 2, connector: 2, phantom: true}\ntruth: {phantom: true}", 10, "more than one",
		},
		{"untrue", head + "steps:\n  - meter: {value: 1}\n  - meter: {value: 2.5, phantom: true}\ntruth: {phantom: true, connector: 1, energy_wh: 2}", 7, "energy_wh: 1.5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sim.Parse("bad.yml", []byte(tt.text))
			var bad *sim.ScenarioError
			if !errors.As(err, &bad) || !errors.Is(err, hayalet.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if bad.Line != tt.line || !strings.Contains(err.Error(), tt.says) || bad.Hint == "" || strings.Contains(err.Error(), "\n") {
				t.Errorf("line %d, want %d: %v", bad.Line, tt.line, err)
			}
		})
	}
}

func TestTruthOfSeveralEpisodes(t *testing.T) {
	s, err := sim.Parse("x.yml", []byte(head+`
defaults: {id_tag: T, unit: kWh}
steps:
  - start: {meter_start: 1000}
  - stop: {meter_stop: 2000}
  - meter: {value: 2.001}
  - meter: {value: 2.010, phantom: true}
  - start: {meter_start: 2010}
  - stop: {meter_stop: 3000}
  - meter: {energy: 3005, phantom: true}
truth: {phantom: true, connector: 1, energy_wh: 15}
`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Truth.Energy != 15*hayalet.WattHour {
		t.Errorf("truth %+v", s.Truth)
	}
}

// FuzzScenarioNeverPanics: whatever the file holds, Parse returns a scenario that agrees with its own truth, or an
// error that names the file.
func FuzzScenarioNeverPanics(f *testing.F) {
	for _, name := range sim.Names() {
		data, err := os.ReadFile(filepath.Join("scenarios", name+".yml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(head + "steps: [{meter: {value: 1, count: 3, every: 1s}}, {disconnect: {for: 1s}}, {raw: '[2'}]\ntruth:"))
	f.Add([]byte(head + "defaults: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := sim.Parse("fuzz.yml", data)
		var bad *sim.ScenarioError
		switch {
		case err == nil && (s == nil || s.Duration() < 0 || len(s.Steps) == 0 || s.Truth.Phantom != (s.Truth.Connector > 0)):
			t.Errorf("accepted: %+v", s)
		case err != nil && (!errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "fuzz.yml:")):
			t.Errorf("error %v", err)
		}
	})
}
