package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/detect"
)

// ruleConfig is what a configuration says of one rule: its mode and its parameters, by their keys.
type ruleConfig map[string]any

// tuningConfig is what some stations' rules have differently. The first entry that matches a station counts.
type tuningConfig struct {
	Station string                `koanf:"station"` // pattern; empty matches all
	Model   string                `koanf:"model"`   // pattern on the model of BootNotification
	Tag     string                `koanf:"tag"`     // that an entry under stations gives the station
	Rules   map[string]ruleConfig `koanf:"rules"`
}

// The modes of a rule.
const (
	modeEnabled  = "enabled"
	modeShadow   = "shadow"
	modeDisabled = "disabled"
)

const modeKey = "mode"

// ruleSettings is a rule as it is configured.
type ruleSettings struct {
	detect.Definition
	Settings detect.Settings
	Mode     string
}

// ruleset configures the rules of the catalogue from layers of configuration, the later over the earlier.
func ruleset(layers ...map[string]ruleConfig) ([]ruleSettings, error) {
	catalogue := detect.Catalogue()
	for _, layer := range layers {
		for name := range layer {
			if !slices.ContainsFunc(catalogue, func(d detect.Definition) bool { return strings.EqualFold(string(d.Name), name) }) {
				return nil, hint(fmt.Errorf("rules: there is no rule %q", name), "'hayalet rules' lists them")
			}
		}
	}
	var set []ruleSettings
	for _, d := range catalogue {
		settings, mode := d.Defaults(), modeEnabled
		for _, layer := range layers {
			for _, name := range slices.Sorted(maps.Keys(layer)) { // pe-01 of the environment after PE-01 of the file
				if !strings.EqualFold(string(d.Name), name) {
					continue
				}
				var err error
				if mode, err = layer[name].apply(settings, mode); err != nil {
					return nil, fmt.Errorf("rules.%s.%v", d.Name, err)
				}
			}
		}
		if err := settings.Validate(); err != nil {
			return nil, fmt.Errorf("rules.%s: %s", d.Name, oneLine(err))
		}
		set = append(set, ruleSettings{Definition: d, Settings: settings, Mode: mode})
	}
	return set, nil
}

// armed is the set without the rules that are disabled.
func armed(rules []ruleSettings) detect.Set {
	var set detect.Set
	for _, r := range rules {
		if r.Mode != modeDisabled {
			set = append(set, detect.Entry{Rule: r.Settings.Rule(), Shadow: r.Mode == modeShadow})
		}
	}
	return set
}

// apply sets the parameters and returns the mode.
func (r ruleConfig) apply(settings detect.Settings, mode string) (string, error) {
	fields := settings.Fields()
	for key, value := range r {
		if value == nil { // a key without a value leaves the default
			continue
		}
		if key == modeKey {
			mode = fmt.Sprint(value)
			if !slices.Contains([]string{modeEnabled, modeShadow, modeDisabled}, mode) {
				return mode, fmt.Errorf("%s %q: want %s, %s or %s", key, mode, modeEnabled, modeShadow, modeDisabled)
			}
			continue
		}
		i := slices.IndexFunc(fields, func(f detect.Field) bool { return f.Key == key })
		if i < 0 {
			return mode, hint(fmt.Errorf("%s: no such parameter", key), "'hayalet rules show' lists them")
		}
		if err := setField(fields[i].At, value); err != nil {
			return mode, fmt.Errorf("%s: %v", key, err)
		}
	}
	return mode, nil
}

// setField sets a parameter from a value of a configuration.
func setField(at, value any) error {
	text := strings.TrimSpace(fmt.Sprint(value))
	if f, ok := value.(float64); ok {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	switch at := at.(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s: want a duration with a unit, such as 30s or 5m", text)
		}
		*at = d
	case *hayalet.Energy:
		return setQuantity(at, text, map[string]int{"": 3, "Wh": 3, "kWh": 6})
	case *hayalet.Power:
		return setQuantity(at, text, map[string]int{"": 3, "W": 3, "kW": 6, "MW": 9})
	case *detect.Milliamps:
		return setQuantity(at, text, map[string]int{"": 3, "A": 3})
	case *detect.Ratio:
		return setQuantity(at, text, map[string]int{"": 3})
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%s: want a whole number", text)
		}
		*at = n
	default:
		return fmt.Errorf("a parameter of type %T cannot be set", at)
	}
	return nil
}

func setQuantity[T ~int64](at *T, text string, units map[string]int) error {
	v, err := quantity(text, units)
	*at = T(v)
	return err
}

// ruleSets are the sets of the configuration: one of the rules section, and one of each entry under tuning.
type ruleSets struct {
	all      detect.Set
	tuned    []detect.Set // by the index of the entry under tuning
	tuning   []tuningConfig
	stations []stationConfig
	site     *siteRules // nil: none
}

// rulesets builds and checks all sets.
func (c *config) rulesets() (*ruleSets, error) {
	s := &ruleSets{tuning: c.Tuning, stations: c.Stations}
	rules, err := ruleset(c.Rules)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	s.all = armed(rules)
	for i, t := range c.Tuning {
		if t.Station == "" && t.Model == "" && t.Tag == "" {
			return nil, hint(fmt.Errorf("configuration: tuning[%d] names no stations", i), "give station, model or tag; for all stations, use rules")
		}
		for _, pattern := range []string{t.Station, t.Model} {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("configuration: tuning[%d]: pattern %q: %v", i, pattern, err)
			}
		}
		rules, err := ruleset(c.Rules, t.Rules)
		if err != nil {
			return nil, fmt.Errorf("configuration: tuning[%d]: %w", i, err)
		}
		s.tuned = append(s.tuned, armed(rules))
	}
	s.site, err = newSiteRules(c.SiteRules)
	return s, err
}

// of is the engine's question: which rules watch this station?
func (s *ruleSets) of(st hayalet.StationID, _, model string) detect.Set {
	set, i := s.all, s.entry(st, model)
	if i >= 0 {
		set = s.tuned[i]
	}
	return s.site.extend(set, i, st, model)
}

// entry is the index of the entry under tuning that counts for a station, or −1.
func (s *ruleSets) entry(st hayalet.StationID, model string) int {
	return slices.IndexFunc(s.tuning, func(t tuningConfig) bool {
		return matches(t.Station, string(st)) && matches(t.Model, model) && (t.Tag == "" || s.tagged(st, model, t.Tag))
	})
}

// tagged reports whether an entry under stations gives the station the tag.
func (s *ruleSets) tagged(st hayalet.StationID, model, tag string) bool {
	return slices.ContainsFunc(s.stations, func(c stationConfig) bool {
		return slices.Contains(c.Tags, tag) && matches(c.Station, string(st)) && matches(c.Model, model)
	})
}
