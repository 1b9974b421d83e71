package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/lang"
	"hayalet/internal/siterule"
)

// siteRuleConfig is a rule of the operator's own, as it is written. What is wrong in one leaves that one out.
type siteRuleConfig struct {
	ID         string            `koanf:"id"`
	Name       map[string]string `koanf:"name"` // by language: en, tr
	When       string            `koanf:"when"` // the condition, in CEL
	For        any               `koanf:"for"`  // a duration
	Severity   string            `koanf:"severity"`
	Mode       string            `koanf:"mode"`
	Station    string            `koanf:"station"` // pattern: *, ? and [a-z]; empty matches all
	Model      string            `koanf:"model"`   // pattern on the model of BootNotification
	Connectors []int             `koanf:"connectors"`
}

// maxSiteRules bounds what every reading may be judged by.
const maxSiteRules = 64

// siteRule is a site rule as it was understood.
type siteRule struct {
	siterule.Spec
	Names          map[lang.Lang]string // empty where the operator gave none
	Mode           string
	Station, Model string
	Rule           *siterule.Rule // nil if it is broken
	Broken         string         // one line: where, what, and what to do; empty if it is not
}

// siteRules are those of a configuration, and what becomes of them.
type siteRules struct {
	list   []siteRule
	faults siteFaults
	sets   sync.Map // siteSet: detect.Set; stations under the same rules share one set
}

// siteSet names a set: the index of the entry under tuning, and the site rules at its end, as bits.
type siteSet struct {
	entry int
	rules uint64
}

// newSiteRules compiles site rules. A broken one keeps its place and its error; the second of one id is broken.
func newSiteRules(configs []siteRuleConfig) (*siteRules, error) {
	s := &siteRules{list: make([]siteRule, len(configs))}
	if len(configs) == 0 {
		return s, nil
	}
	compiler, err := siterule.NewCompiler(s.faults.add)
	if err != nil {
		return nil, err
	}
	for i := range configs {
		r, err := configs[i].read()
		switch {
		case slices.ContainsFunc(s.list[:i], func(other siteRule) bool { return other.ID == r.ID }):
			err = errors.New("another site rule has this id: give it one of its own")
		case i >= maxSiteRules:
			err = fmt.Errorf("there are more than %d site rules: join some of them with ||", maxSiteRules)
		case err == nil:
			r.Rule, err = compiler.Compile(r.Spec)
		}
		if err != nil {
			r.Broken = oneLine(err)
		}
		s.list[i] = r
	}
	return s, nil
}

// read takes in what is written, but for the condition.
func (c *siteRuleConfig) read() (siteRule, error) {
	r := siteRule{
		Spec:  siterule.Spec{ID: hayalet.RuleName(c.ID), When: c.When},
		Names: make(map[lang.Lang]string), Mode: cmp.Or(c.Mode, modeEnabled), Station: c.Station, Model: c.Model,
	}
	for _, n := range c.Connectors {
		r.Connectors = append(r.Connectors, hayalet.ConnectorID(n))
	}
	var err error
	if r.Severity, err = hayalet.ParseSeverity(cmp.Or(c.Severity, hayalet.Low.String())); err != nil {
		return r, err
	}
	if c.For != nil {
		if r.For, err = time.ParseDuration(fmt.Sprint(c.For)); err != nil {
			return r, fmt.Errorf("for %v: want a duration with a unit, such as 30s or 10m", c.For)
		}
	}
	if err := validMode(r.Mode); err != nil {
		return r, fmt.Errorf("mode %v", err)
	}
	for _, pattern := range []string{r.Station, r.Model} {
		if _, err := path.Match(pattern, ""); err != nil {
			return r, fmt.Errorf("pattern %q: %v", pattern, err)
		}
	}
	for name, text := range c.Name {
		l, err := lang.Parse(name)
		if err != nil {
			return r, fmt.Errorf("name: %v", err)
		}
		r.Names[l] = printable([]byte(text))
	}
	return r, nil
}

// extend puts the site rules of a station at the end of its set; entry names the set.
func (s *siteRules) extend(set detect.Set, entry int, st hayalet.StationID, model string) detect.Set {
	if s == nil {
		return set
	}
	key := siteSet{entry: entry}
	for i := range s.list {
		if r := &s.list[i]; r.Rule != nil && r.Mode != modeDisabled && matches(r.Station, string(st)) && matches(r.Model, model) {
			key.rules |= 1 << i
		}
	}
	if key.rules == 0 {
		return set
	}
	if known, ok := s.sets.Load(key); ok {
		return known.(detect.Set)
	}
	set = slices.Clone(set)
	for i := range s.list {
		if r := &s.list[i]; key.rules&(1<<i) != 0 {
			set = append(set, detect.Entry{Rule: r.Rule, Shadow: r.Mode == modeShadow})
		}
	}
	known, _ := s.sets.LoadOrStore(key, set)
	return known.(detect.Set)
}

// siteRules are the site rules of the configuration in their order, broken ones included.
func (c *config) siteRules() []siteRule {
	if c.sets.site == nil {
		return nil
	}
	return c.sets.site.list
}

// named returns a printer that calls site rules by the names that the operator gave them: in its language, else in the
// other one.
func (c *config) named(p lang.Printer) lang.Printer {
	names := make(map[hayalet.RuleName]string)
	for _, r := range c.siteRules() {
		if r.Broken == "" {
			names[r.ID] = cmp.Or(r.Names[p.Lang()], r.Names[lang.EN], r.Names[lang.TR])
		}
	}
	return p.Naming(names)
}

// brokenSiteRules are those that were left out.
func (c *config) brokenSiteRules() []siteRule {
	return slices.DeleteFunc(slices.Clone(c.siteRules()), func(r siteRule) bool { return r.Broken == "" })
}

// hasSiteRule reports whether the configuration has a site rule of that id, broken or not.
func (c *config) hasSiteRule(id hayalet.RuleName) bool {
	return slices.ContainsFunc(c.SiteRules, func(r siteRuleConfig) bool { return r.ID == string(id) })
}

// siteFault is how often a condition could not be evaluated.
type siteFault struct {
	rule  hayalet.RuleName
	count int
	first string // its error
}

// siteFaults counts them. The engine's goroutines add to it at once.
type siteFaults struct {
	mu   sync.Mutex
	all  []siteFault
	heed func(siteFault) // is told of the first of each rule; may be nil
}

func (f *siteFaults) add(rule hayalet.RuleName, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.all, func(other siteFault) bool { return other.rule == rule })
	if at >= 0 {
		f.all[at].count++
		return
	}
	f.all = append(f.all, siteFault{rule: rule, count: 1, first: oneLine(err)})
	if f.heed != nil {
		f.heed(f.all[len(f.all)-1])
	}
}

// list is what was counted, by rule.
func (f *siteFaults) list() []siteFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Clone(f.all)
	slices.SortFunc(all, func(a, b siteFault) int { return strings.Compare(string(a.rule), string(b.rule)) })
	return all
}

// sayBrokenSiteRules prints a line for each site rule that was left out.
func (a *app) sayBrokenSiteRules(cfg *config) {
	for _, r := range cfg.brokenSiteRules() {
		fmt.Fprintln(a.stderr, "hayalet:", a.text.T("siterule.broken", printable([]byte(r.ID)), printable([]byte(r.Broken))))
	}
}

// saySiteFaults prints a line for each site rule that could not always be evaluated.
func (a *app) saySiteFaults(cfg *config) {
	if cfg.sets.site == nil {
		return
	}
	for _, f := range cfg.sets.site.faults.list() {
		fmt.Fprintln(a.stderr, "hayalet:", a.text.T("siterule.fault", string(f.rule), f.count, printable([]byte(f.first))))
	}
}

// logSiteRules writes broken site rules into the log, and the first fault of each other one. What it returns writes how
// many there were.
func (c *config) logSiteRules(log *slog.Logger) (atEnd func()) {
	for _, r := range c.brokenSiteRules() {
		log.Warn("site rule left out", "rule", r.ID, "error", r.Broken)
	}
	if c.sets.site == nil {
		return func() {}
	}
	faults := &c.sets.site.faults
	faults.heed = func(f siteFault) {
		log.Warn("site rule cannot be evaluated; its condition does not hold", "rule", f.rule, "error", f.first)
	}
	return func() {
		for _, f := range faults.list() {
			log.Info("site rule could not be evaluated", "rule", f.rule, "times", f.count, "first", f.first)
		}
	}
}
