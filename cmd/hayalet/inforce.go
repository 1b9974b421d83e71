package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"hayalet"
)

// inForce is what decides how a server judges. Its audit log keeps that at each start, so that what is told of an incident
// later is told with the rules of its time.
type inForce struct {
	Program   string                `json:"program"` // version: what is not configured has its defaults
	Rules     map[string]ruleConfig `json:"rules,omitempty"`
	Tuning    []tuningConfig        `json:"tuning,omitempty"`
	Stations  []stationConfig       `json:"stations,omitempty"`
	SiteRules []siteRuleConfig      `json:"site_rules,omitempty"`
}

// noteRules writes to the audit log how the server judges from now on.
func (s *server) noteRules(ctx context.Context) {
	c := &s.cfg
	detail, err := json.Marshal(inForce{version, c.Rules, c.Tuning, c.Stations, c.SiteRules})
	if err != nil {
		s.log.Error("not in the audit log", "action", auditRules, "error", err)
		return
	}
	s.note(ctx, "config", auditRules, "", string(detail))
}

// rulesAt finds what the audit log says of how the server judged at an instant. The entry's time is zero when it says nothing.
func rulesAt(ctx context.Context, log hayalet.Audit, at hayalet.Instant) (f inForce, since hayalet.Instant, err error) {
	trail, err := log.AuditTrail(ctx, 0, at+1, 0)
	if err != nil {
		return f, 0, err
	}
	for _, e := range slices.Backward(trail) {
		if e.Action != auditRules {
			continue
		}
		if err := json.Unmarshal([]byte(e.Detail), &f); err != nil {
			return f, 0, fmt.Errorf("read the rules in force at %s: %w", at, err)
		}
		return f, e.At, nil
	}
	return f, 0, nil
}

// judging is the configuration with the rules that were in force. An error says what of them this program does not know any
// more.
func (c config) judging(f *inForce) (config, error) {
	c.Rules, c.Tuning, c.Stations, c.SiteRules = f.Rules, f.Tuning, f.Stations, f.SiteRules
	var err error
	c.sets, err = c.rulesets()
	return c, err
}
