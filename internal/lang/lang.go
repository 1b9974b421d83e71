// Package lang holds every sentence that a person reads, in Turkish and English, in one catalogue.
//
// A [Printer] writes the sentence of a key in its language. The catalogue is a file beside this one, both languages side
// by side; a test holds that every key has both and that both take the same arguments.
package lang

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"hayalet"
)

// Lang is a language.
type Lang string

// The languages.
const (
	EN Lang = "en"
	TR Lang = "tr"
)

// ErrLang is returned for a language that is not there.
var ErrLang = errors.New("want tr or en")

// Parse reads a language's name.
func Parse(s string) (Lang, error) {
	switch l := Lang(strings.ToLower(s)); l {
	case EN, TR:
		return l, nil
	}
	return EN, fmt.Errorf("language %q: %w", s, ErrLang)
}

// FromEnv takes the language from a locale such as tr_TR.UTF-8: Turkish where it says so, else English. The variables
// count in the order of POSIX: LC_ALL, LC_MESSAGES, LANG.
func FromEnv(getenv func(string) string) Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := getenv(name); locale != "" {
			if strings.HasPrefix(strings.ToLower(locale), "tr") {
				return TR
			}
			return EN
		}
	}
	return EN
}

//go:embed *.yml
var catalogues embed.FS

type entry struct {
	EN string `yaml:"en"`
	TR string `yaml:"tr"`
}

// entries decodes the catalogue once.
var entries = sync.OnceValue(func() map[string]entry { //nolint:gochecknoglobals // a constant that is decoded at first use
	m := make(map[string]entry)
	for _, name := range []string{"catalogue.yml", "rules.yml"} {
		data, err := catalogues.ReadFile(name)
		if err == nil {
			err = yaml.Unmarshal(data, &m)
		}
		if err != nil {
			panic("lang: " + name + ": " + err.Error()) // a build that cannot be shipped: the tests decode it
		}
	}
	return m
})

// Printer writes sentences in one language.
type Printer struct {
	lang  Lang
	rules map[hayalet.RuleName]string
}

// New returns a printer for the language.
func New(l Lang) Printer { return Printer{lang: l} }

// Lang is the printer's language.
func (p Printer) Lang() Lang { return p.lang }

// T returns the sentence of key with its arguments. A key that is not there comes back as itself.
func (p Printer) T(key string, args ...any) string {
	e, ok := entries()[key]
	if !ok {
		return key
	}
	text := e.EN
	if p.lang == TR {
		text = e.TR
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Keys returns every key of the catalogue with both texts, for tests and documents.
func Keys() map[string][2]string {
	all := make(map[string][2]string, len(entries()))
	for key, e := range entries() {
		all[key] = [2]string{e.EN, e.TR}
	}
	return all
}

// Number writes a decimal number the way the language does: the Turkish decimal sign is a comma in prose. Values that
// quote a station stay as they are written.
func (p Printer) Number(s string) string {
	if p.lang == TR {
		return strings.Replace(s, ".", ",", 1)
	}
	return s
}

// Reason is the sentence of a reason.
func (p Printer) Reason(r hayalet.Reason) string { return p.T("reason." + string(r)) }

// Severity is the word of a severity.
func (p Printer) Severity(s hayalet.Severity) string { return p.T("severity." + s.String()) }

// State is the word of an incident's state.
func (p Printer) State(s hayalet.IncidentState) string { return p.T("state." + s.String()) }

// Cause is the word of a cause.
func (p Printer) Cause(c hayalet.Cause) string { return p.T("cause." + c.String()) }

// Naming returns a printer that knows these names of the operator's own rules.
func (p Printer) Naming(rules map[hayalet.RuleName]string) Printer {
	p.rules = rules
	return p
}

// Rule is the name of a rule. One of the operator's own that was given none is a site rule.
func (p Printer) Rule(r hayalet.RuleName) string {
	if name := p.rules[r]; name != "" {
		return name
	}
	key := "rule." + string(r) + ".name"
	if name := p.T(key); name != key {
		return name
	}
	return p.T("rule.site.name")
}

// Evidence is the phrase of a piece of evidence.
func (p Printer) Evidence(name string) string { return p.T("evidence." + name) }
