// Package exception holds what operators know better: a heater on an outlet, a meter under repair, a night of tests.
//
// An [Exception] names connectors, rules and a time, and keeps people from being told of what happens there. It touches
// nothing else: state, evidence and the incident itself stay as they are, and the incident is kept. It has a reason, an
// owner and an end, and a [Tally] says what it hid. A [Set] answers for all of them:
//
//	set, err := exception.New(list)
//	if err != nil {
//		return err
//	}
//	if e, hidden := set.Hides(&inc, model, exception.Moment(&inc)); hidden {
//		tally.Add(&inc, e)
//	}
//
// There is no clock in here: whoever asks says when, with the receipt times of the frames, so that recorded traffic gets
// the answers that live traffic got.
package exception

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"hayalet"
)

// MaxTerm is how long an exception may stand: what is wanted for longer is to be thought over again each year.
const MaxTerm = 366 * 24 * time.Hour

// DefaultMaxSeverity is the highest severity that an exception hides which does not say so: a critical incident is told.
const DefaultMaxSeverity = hayalet.High

// Exception says which incidents nobody is told of. The conditions count together, and an empty one matches everything.
type Exception struct {
	Name  string // unique in its set
	Owner string // who answers for it; required

	// Station and Model are patterns of [path.Match]. Model is what the station said of itself when it booted, and any
	// station may say anything: where that matters, name the stations.
	Station, Model string
	Connectors     []hayalet.ConnectorID
	Rules          []hayalet.RuleName

	// From and Until are the window in receipt time: from the first on (zero: always), up to and without the last, which is
	// the expiry and required.
	From, Until hayalet.Instant
	Daily       *Daily // hours of the day within it; nil: the whole day

	// MaxSeverity is the highest severity that is hidden. The zero value stands for [DefaultMaxSeverity].
	MaxSeverity hayalet.Severity

	Reason string // why; required
}

// Validate returns one line for each fault, joined as by [errors.Join]: where, what, and what to do. With known, a rule
// that it does not know is a fault; now, unless zero, is where the term of an exception without From is counted from.
func (e *Exception) Validate(known func(hayalet.RuleName) bool, now hayalet.Instant) error {
	faults := slices.Concat(e.missing(), e.badPatterns(), e.badWindow(now), e.unknownRules(known))
	for i, fault := range faults {
		faults[i] = fmt.Errorf("exception %q: %w", e.Name, fault)
	}
	return errors.Join(faults...)
}

func (e *Exception) missing() (faults []error) {
	for _, field := range []struct{ value, fault string }{
		{e.Name, "no name: give it one to be told by"},
		{e.Reason, "no reason: say why this is to be expected"},
		{e.Owner, "no owner: say who answers for it"},
	} {
		if field.value == "" {
			faults = append(faults, errors.New(field.fault))
		}
	}
	if e.MaxSeverity > hayalet.Critical {
		faults = append(faults, fmt.Errorf("max_severity %d: want low to critical", e.MaxSeverity))
	}
	for _, c := range e.Connectors {
		if c < 0 {
			faults = append(faults, fmt.Errorf("connector %d: want 0, the station itself, or above", c))
		}
	}
	return faults
}

func (e *Exception) badPatterns() (faults []error) {
	for _, p := range []struct{ field, pattern string }{{"station", e.Station}, {"model", e.Model}} {
		if _, err := path.Match(p.pattern, ""); err != nil {
			faults = append(faults, fmt.Errorf("%s pattern %q: write *, ? and [a-z], each [ with its ]", p.field, p.pattern))
		}
	}
	return faults
}

func (e *Exception) badWindow(now hayalet.Instant) (faults []error) {
	start := e.From
	if start.IsZero() {
		start = now
	}
	switch {
	case e.Until.IsZero():
		faults = append(faults, errors.New("no expiry: say with until when it ends"))
	case e.From != 0 && e.Until <= e.From:
		faults = append(faults, fmt.Errorf("until %v is not after from %v: give a later end", e.Until, e.From))
	case start != 0 && e.Until.Sub(start) > MaxTerm:
		faults = append(faults, fmt.Errorf("until %v is more than %d days after %v: end it by %v, and renew it then",
			e.Until, MaxTerm/(24*time.Hour), start, start.Add(MaxTerm)))
	}
	if e.Daily != nil {
		if err := e.Daily.validate(); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

func (e *Exception) unknownRules(known func(hayalet.RuleName) bool) (faults []error) {
	for _, r := range e.Rules {
		if known != nil && !known(r) {
			faults = append(faults, fmt.Errorf("rule %q is not in the catalogue: correct it or take it out", r))
		}
	}
	return faults
}

// State is where an exception stands at an instant.
type State uint8

// The states of an exception.
const (
	Pending State = iota // its time has not come
	Active
	Expired
)

var stateNames = [...]string{"pending", "active", "expired"}

// String is the state's word.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "?"
}

// MarshalText writes the state's word.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// At returns the state at an instant. The hours of the day do not count: an exception for the nights is active at noon.
func (e *Exception) At(now hayalet.Instant) State {
	switch {
	case now >= e.Until:
		return Expired
	case now < e.From:
		return Pending
	}
	return Active
}

// concerns reports whether the exception is about such an incident, whenever it is.
func (e *Exception) concerns(inc *hayalet.Incident, model string) bool {
	most := e.MaxSeverity
	if most == hayalet.Info {
		most = DefaultMaxSeverity
	}
	return inc.Severity <= most && has(e.Connectors, inc.Connector) && has(e.Rules, inc.Rule) &&
		matches(e.Station, string(inc.Station)) && matches(e.Model, model)
}

// covers reports whether both instants, and all between them, lie in one window.
func (e *Exception) covers(from, to hayalet.Instant) bool {
	return from >= e.From && to < e.Until && (e.Daily == nil || e.Daily.covers(from, to))
}

func has[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == "" || ok && err == nil
}
