package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"hayalet"
)

// place names an episode while it runs.
type place struct {
	rule      hayalet.RuleName
	connector hayalet.ConnectorID
}

// Folder folds the verdicts of one station into incidents. Only running incidents are kept.
type Folder struct {
	open map[place]*hayalet.Incident
}

// NewFolder returns a folder that knows the running incidents given.
func NewFolder(running []hayalet.Incident) *Folder {
	f := &Folder{open: make(map[place]*hayalet.Incident, len(running))}
	for _, inc := range running {
		f.open[place{inc.Rule, inc.Connector}] = &inc
	}
	return f
}

// Running returns copies of the running incidents, in the order of their keys.
func (f *Folder) Running() []hayalet.Incident {
	all := make([]hayalet.Incident, 0, len(f.open))
	for _, inc := range f.open {
		all = append(all, copied(inc))
	}
	slices.SortFunc(all, func(a, b hayalet.Incident) int { return compare(a.Key, b.Key) })
	return all
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// copied returns the incident without memory shared with the folder.
func copied(inc *hayalet.Incident) hayalet.Incident {
	c := *inc
	c.Evidence = slices.Clone(inc.Evidence)
	if inc.Peak != nil {
		c.Peak = new(*inc.Peak)
	}
	if inc.Mean != nil {
		c.Mean = new(*inc.Mean)
	}
	return c
}

// Key derives the key of an incident from what opened it.
func Key(rule hayalet.RuleName, st hayalet.StationID, c hayalet.ConnectorID, opened hayalet.Instant) string {
	h := sha256.New()
	for _, part := range []string{string(rule), string(st), strconv.Itoa(int(c)), strconv.FormatInt(int64(opened), 10)} {
		h.Write([]byte(strconv.Itoa(len(part))))
		h.Write([]byte{':'})
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Fold takes a verdict. It returns the incident that it changed, or false when it changed none.
func (f *Folder) Fold(v *hayalet.Verdict) (hayalet.Incident, bool) {
	at := place{v.Rule, v.Connector}
	inc := f.open[at]
	switch v.Kind {
	case hayalet.Alarm:
		if inc == nil {
			inc = open(v)
			f.open[at] = inc
		}
		extend(inc, v)
	case hayalet.Escalate, hayalet.Clear, hayalet.Close:
		if inc == nil {
			return hayalet.Incident{}, false
		}
		weigh(inc, v)
		if v.Kind == hayalet.Escalate {
			inc.Reason = v.Reason
			break
		}
		end(inc, v)
		delete(f.open, at)
	default:
		return hayalet.Incident{}, false
	}
	inc.Rev++
	inc.UpdatedAt = v.At
	return copied(inc), true
}

func open(v *hayalet.Verdict) *hayalet.Incident {
	return &hayalet.Incident{
		Key: Key(v.Rule, v.Station, v.Connector, v.At), Rule: v.Rule, Station: v.Station, Connector: v.Connector,
		Transaction: v.Transaction, OpenedAt: v.At, FirstAt: v.EventAt,
		BaselineAt: v.BaselineAt, Baseline: v.Baseline, Reason: v.Reason, Evidence: []string{},
	}
}

func extend(inc *hayalet.Incident, v *hayalet.Verdict) {
	inc.Readings += v.Readings
	inc.LastAt = max(inc.LastAt, v.EventAt)
	inc.Last = v.Value
	inc.Energy = v.Value - inc.Baseline
	inc.Mean = new(hayalet.MeanPower(inc.Energy, inc.Duration()))
	if peak := max(v.Implied, v.Measured); inc.Peak == nil || peak > *inc.Peak {
		inc.Peak = new(peak)
	}
	if v.Cause != hayalet.Undetermined {
		inc.Cause = v.Cause
	}
	if inc.Reason == hayalet.ReasonHeld {
		inc.Reason = v.Reason
	}
	for _, name := range v.Evidence.Names() {
		if !slices.Contains(inc.Evidence, name) {
			inc.Evidence = append(inc.Evidence, name)
		}
	}
	slices.Sort(inc.Evidence)
	weigh(inc, v)
}

func weigh(inc *hayalet.Incident, v *hayalet.Verdict) {
	inc.Excess = max(inc.Excess, v.Excess)
	inc.Severity = max(inc.Severity, v.Severity)
	if v.Confirmed && inc.State == hayalet.Suspected {
		inc.State = hayalet.Confirmed
	}
}

func end(inc *hayalet.Incident, v *hayalet.Verdict) {
	inc.State, inc.EndedAt, inc.Outcome = hayalet.Closed, v.At, v.Reason
	if v.Kind == hayalet.Clear {
		inc.State = hayalet.Cleared
	}
}
