package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// TestRulesDocument holds that the pages of rules are what the catalogue and its texts say.
func TestRulesDocument(t *testing.T) {
	for language, page := range map[string]string{"en": "../../docs/rules.md", "tr": "../../docs/rules.tr.md"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"--lang", language, "rules", "doc"}, nil, strings.NewReader(""), &stdout, &stderr); code != exitOK {
			t.Fatalf("rules doc: code %d, %s", code, stderr.String())
		}
		have, err := os.ReadFile(page)
		if err != nil || !bytes.Equal(have, stdout.Bytes()) {
			t.Errorf("%s is not what the catalogue says (%v): write it anew with 'make docs'", page, err)
		}
	}
}

// TestEveryRuleIsTold holds that each rule of the catalogue and each of its parameters has all its texts.
func TestEveryRuleIsTold(t *testing.T) {
	rules, err := ruleset()
	if err != nil {
		t.Fatal(err)
	}
	keys := lang.Keys()
	for _, r := range described(rules) {
		for _, key := range []string{"rule." + string(r.ID) + ".name", "rule." + string(r.ID) + ".what", "rule." + string(r.ID) + ".false", "rule." + string(r.ID) + ".do", "technique." + r.Technique.ID} {
			if _, ok := keys[key]; !ok {
				t.Errorf("there is no text %s", key)
			}
		}
		for _, l := range []lang.Lang{lang.EN, lang.TR} {
			for _, p := range r.Worded(lang.New(l)).Params {
				if p.What == "" || strings.HasPrefix(p.What, "param.") {
					t.Errorf("%s: parameter %s has no text in %s: write param.%[2]s or rule.%[1]s.param.%[2]s", r.ID, p.Key, l)
				}
				if p.Default == "" || strings.Contains(p.Default, "0x") {
					t.Errorf("%s: the value of parameter %s is written as %q", r.ID, p.Key, p.Default)
				}
			}
		}
	}
	if len(rules) != len(detect.Catalogue()) {
		t.Errorf("%d rules of %d", len(rules), len(detect.Catalogue()))
	}
}

// TestEveryRungIsTold holds that each code of a rung has a text, and each text of a rung a code.
func TestEveryRungIsTold(t *testing.T) {
	files, err := filepath.Glob("../../internal/*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	code := regexp.MustCompile(`Code:\s*"([^"]+)"`)
	chosen := regexp.MustCompile(`"((?:settle|idle)-[a-z]+)"`) // by PE-01, before they are used
	keys, used := lang.Keys(), make(map[string]bool)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := code.FindAllStringSubmatch(string(text), -1)
		if filepath.Base(file) == "pe01.go" {
			found = append(found, chosen.FindAllStringSubmatch(string(text), -1)...)
		}
		for _, m := range found {
			used["rung."+m[1]] = true
		}
	}
	for key := range used {
		texts, ok := keys[key]
		if !ok || !strings.Contains(texts[0], "\t") || !strings.Contains(texts[1], "\t") {
			t.Errorf("%s is no text with a name, a tabulator and a sentence: %q", key, texts)
		}
	}
	for key := range keys {
		if strings.HasPrefix(key, "rung.") && !used[key] {
			t.Errorf("no rule has the rung of %s", key)
		}
	}
}

// TestParametersAsWritten holds that what is shown of a parameter can be written into a configuration.
func TestParametersAsWritten(t *testing.T) {
	for _, d := range detect.Catalogue() {
		settings := d.Defaults()
		for _, f := range settings.Fields() {
			value, _ := written(f.At)
			if err := setField(f.At, value); err != nil {
				t.Errorf("%s.%s: %q cannot be read again: %v", d.Name, f.Key, value, err)
			}
			if again, _ := written(f.At); again != value {
				t.Errorf("%s.%s: %q is read as %q", d.Name, f.Key, value, again)
			}
		}
	}
}

func TestRulesOfAStation(t *testing.T) {
	cfg, err := load(t, `
rules: {PE-01: {idle: 5W}, pe-05: {mode: disabled}}
tuning: [{station: "A*", rules: {PE-01: {idle: 12.5W, mode: shadow}}}]
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ station, idle, mode string }{{"", "5 W", modeEnabled}, {"B1", "5 W", modeEnabled}, {"A1", "12.5 W", modeShadow}} {
		rules, err := cfg.rulesOf(hayalet.StationID(tc.station), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range described(rules) {
			if r.ID == "PE-05" && r.Mode != modeDisabled {
				t.Errorf("station %q: PE-05 is %s", tc.station, r.Mode)
			}
			if r.ID == detect.PE01Name && (r.Mode != tc.mode || idleOf(&r) != tc.idle) {
				t.Errorf("station %q: mode %s, idle %s; want %s, %s", tc.station, r.Mode, idleOf(&r), tc.mode, tc.idle)
			}
		}
	}
}

func idleOf(r *report.Rule) string {
	for _, p := range r.Params {
		if p.Key == "idle" {
			return p.Value
		}
	}
	return ""
}
