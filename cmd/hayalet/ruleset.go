package main

import (
	"errors"
	"fmt"
	"maps"
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

// ruleset configures the rules of the catalogue from layers of configuration, the later over the earlier. Its error is of
// type faults.
func ruleset(layers ...map[string]ruleConfig) ([]ruleSettings, error) {
	all := unknownRules(layers)
	var set []ruleSettings
	for _, d := range detect.Catalogue() {
		r := ruleSettings{Definition: d, Settings: d.Defaults(), Mode: modeEnabled}
		key := within("rules", string(d.Name))
		known := len(all)
		for _, layer := range layers {
			for _, name := range slices.Sorted(maps.Keys(layer)) { // pe-01 of the environment after PE-01 of the file
				if strings.EqualFold(string(d.Name), name) {
					all.join(key, layer[name].apply(&r))
				}
			}
		}
		if len(all) == known {
			all.join(key, r.Settings.Validate())
		}
		set = append(set, r)
	}
	return set, all.err()
}

func unknownRules(layers []map[string]ruleConfig) (all faults) {
	for _, layer := range layers {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			if !slices.ContainsFunc(detect.Catalogue(), func(d detect.Definition) bool { return strings.EqualFold(string(d.Name), name) }) {
				all.add(within("rules", name), hint(errors.New("there is no such rule"), "'hayalet rules' lists them"))
			}
		}
	}
	return all
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

// apply sets the mode and the parameters of a rule.
func (c ruleConfig) apply(r *ruleSettings) error {
	var all faults
	fields := r.Settings.Fields()
	for _, key := range slices.Sorted(maps.Keys(c)) {
		value := c[key]
		if value == nil { // a key without a value leaves the default
			continue
		}
		if key == modeKey {
			r.Mode = fmt.Sprint(value)
			all.add(key, validMode(r.Mode))
			continue
		}
		i := slices.IndexFunc(fields, func(f detect.Field) bool { return f.Key == key })
		if i < 0 {
			all.add(key, hint(errors.New("there is no such parameter"), "'hayalet rules show' lists them"))
			continue
		}
		all.add(key, setField(fields[i].At, value))
	}
	return all.err()
}

func validMode(mode string) error {
	if !slices.Contains([]string{modeEnabled, modeShadow, modeDisabled}, mode) {
		return fmt.Errorf("%q: want %s, %s or %s", mode, modeEnabled, modeShadow, modeDisabled)
	}
	return nil
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

// rulesets builds and checks all sets. Its error is of type faults.
func (c *config) rulesets() (*ruleSets, error) {
	var all faults
	s := &ruleSets{tuning: c.Tuning, stations: c.Stations}
	rules, err := ruleset(c.Rules)
	s.all = armed(rules)
	all.join("", err)
	for i, t := range c.Tuning {
		key := fmt.Sprintf("tuning[%d]", i)
		if t.Station == "" && t.Model == "" && t.Tag == "" {
			all.add(key, hint(errors.New("it names no stations"), "give station, model or tag; for all stations, use rules"))
		}
		all.add(within(key, "station"), validPattern(t.Station))
		all.add(within(key, "model"), validPattern(t.Model))
		if err != nil {
			continue // it would be said again of each entry
		}
		tuned, err := ruleset(c.Rules, t.Rules)
		all.join(key, err)
		s.tuned = append(s.tuned, armed(tuned))
	}
	if s.site, err = newSiteRules(c.SiteRules); err != nil {
		all.add("site_rules", err)
	}
	return s, all.err()
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
