package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"hayalet"
)

// place names an episode while it runs.
type place struct {
	rule      hayalet.RuleName
	connector hayalet.ConnectorID
}

// Reopen is how long after its end, by receipt, a flow that comes back is the same episode.
const Reopen = 12 * time.Hour

// Folder folds the verdicts of one station into incidents. It keeps the running incident of each rule and connector, or
// the last one whose flow ended.
type Folder struct {
	last map[place]*hayalet.Incident // nil until there is one: most stations never have any
}

// NewFolder returns a folder that knows the incidents given, as Kept returned them.
func NewFolder(kept []hayalet.Incident) *Folder {
	f := new(Folder)
	for _, inc := range kept {
		f.keep(place{inc.Rule, inc.Connector}, &inc)
	}
	return f
}

func (f *Folder) keep(at place, inc *hayalet.Incident) {
	if f.last == nil {
		f.last = make(map[place]*hayalet.Incident)
	}
	f.last[at] = inc
}

// Kept returns copies of the incidents that the folder still needs, in the order of their keys.
func (f *Folder) Kept() []hayalet.Incident {
	all := make([]hayalet.Incident, 0, len(f.last))
	for _, inc := range f.last {
		all = append(all, copied(inc))
	}
	slices.SortFunc(all, func(a, b hayalet.Incident) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// Running reports whether an incident runs on the connector.
func (f *Folder) Running(c hayalet.ConnectorID) bool {
	for at, inc := range f.last {
		if at.connector == c && inc.Open() {
			return true
		}
	}
	return false
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
	inc := f.last[at]
	running := inc != nil && inc.Open()
	switch v.Kind {
	case hayalet.Alarm, hayalet.Found:
		switch {
		case running:
		case inc != nil && comesBack(inc, v):
			reopen(inc)
		default:
			inc = open(v)
			f.keep(at, inc)
		}
		extend(inc, v)
		if v.Kind == hayalet.Found {
			end(inc, v, v.Outcome)
		}
	case hayalet.Escalate, hayalet.Clear, hayalet.Close:
		if !running {
			return hayalet.Incident{}, false
		}
		weigh(inc, v)
		if v.Kind == hayalet.Escalate {
			inc.Reason = v.Reason
			correct(inc, v)
			break
		}
		end(inc, v, v.Reason)
		if v.Reason != hayalet.ReasonFlowEnded {
			delete(f.last, at)
		}
	default:
		if !running || v.Value <= inc.Last || v.Connector == 0 { // a station's standby is no part of what flows past its outlets
			return hayalet.Incident{}, false
		}
		grow(inc, v) // paid for, and yet part of what flowed
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
		Shadow: v.Shadow,
	}
}

// comesBack reports whether an alarm carries on an episode whose flow had ended: in the same idle period, and soon.
func comesBack(inc *hayalet.Incident, v *hayalet.Verdict) bool {
	return inc.Baseline == v.Baseline && inc.BaselineAt == v.BaselineAt && v.At.Sub(inc.EndedAt) <= Reopen
}

func reopen(inc *hayalet.Incident) {
	inc.State, inc.EndedAt, inc.Outcome = hayalet.Suspected, 0, ""
	if inc.Severity >= hayalet.Medium {
		inc.State = hayalet.Confirmed
	}
}

func extend(inc *hayalet.Incident, v *hayalet.Verdict) {
	inc.Shadow = inc.Shadow && v.Shadow // a rule that came out of the shadow may wake somebody
	inc.Readings += v.Readings
	grow(inc, v)
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

func grow(inc *hayalet.Incident, v *hayalet.Verdict) {
	inc.LastAt = max(inc.LastAt, v.EventAt)
	inc.Last = v.Value
	inc.Energy = max(inc.Energy, v.Value-v.Baseline) // each register against its own baseline
	inc.Mean = new(hayalet.MeanPower(inc.Energy, inc.Duration()))
}

// correct takes back what a glitch of the register added.
func correct(inc *hayalet.Incident, v *hayalet.Verdict) {
	if v.Value == 0 {
		return
	}
	inc.Last, inc.Energy, inc.Excess = v.Value, v.Value-v.Baseline, v.Excess
	inc.Mean = new(hayalet.MeanPower(inc.Energy, inc.Duration()))
}

func weigh(inc *hayalet.Incident, v *hayalet.Verdict) {
	inc.Excess = max(inc.Excess, v.Excess)
	inc.Severity = max(inc.Severity, v.Severity)
	if v.Confirmed && inc.State == hayalet.Suspected {
		inc.State = hayalet.Confirmed
	}
}

func end(inc *hayalet.Incident, v *hayalet.Verdict, why hayalet.Reason) {
	inc.State, inc.EndedAt, inc.Outcome = hayalet.Closed, v.At, why
	if v.Kind == hayalet.Clear {
		inc.State = hayalet.Cleared
	}
}
