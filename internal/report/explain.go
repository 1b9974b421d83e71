package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/lang"
)

// Step is one step of a connector's story and what the rules made of it. Energies are in Wh, powers in W in its JSON.
type Step struct {
	Station   hayalet.StationID   `json:"station"`
	Connector hayalet.ConnectorID `json:"connector"`
	Kind      string              `json:"step"` // reading, start, stop, ...: explain.step.KIND
	At        hayalet.Instant     `json:"received_at"`
	EventAt   hayalet.Instant     `json:"event_at"`
	Reading   *Reading            `json:"reading,omitempty"`
	Book      *Book               `json:"book,omitempty"`
	Flow      *Flow               `json:"flow,omitempty"`
	State     State               `json:"state"`
	Rungs     []Rung              `json:"rungs"`
	Verdicts  []Judgement         `json:"verdicts"`
	Why       string              `json:"why_code"` // explain.why.CODE: why no rule alarmed; "" where one did
	Answer    []string            `json:"why"`      // filled in by Worded
}

// Reading is a register value.
type Reading struct {
	Written  string          `json:"written,omitempty"` // as the station wrote it; "" where it is not known or a sum of several
	Value    hayalet.Energy  `json:"value_wh"`
	Step     hayalet.Energy  `json:"step_wh"` // of the last digit
	Increase hayalet.Energy  `json:"increase_wh"`
	Since    hayalet.Instant `json:"since"`
	Context  string          `json:"context"`
	Track    int             `json:"track"`         // from 1; 0: none
	Mode     string          `json:"register_mode"` // explain.mode.MODE
	Phases   string          `json:"phases,omitempty"`
	Scale    int64           `json:"scale"` // 1, or 1000 where the value must be in kilowatt-hours
	Fate     string          `json:"fate"`  // explain.fate.FATE
	Evidence []string        `json:"evidence"`
}

// Book is what the station's own book says: meterStart or meterStop.
type Book struct {
	Written hayalet.Energy `json:"written"` // in the field's unit
	Value   hayalet.Energy `json:"value_wh"`
	Known   bool           `json:"known"`
	Was     hayalet.Energy `json:"was_wh,omitempty"` // of a stop that was said again: what it said first
	Energy  hayalet.Energy `json:"energy_wh,omitempty"`
}

// Flow is a power or a current.
type Flow struct {
	Power   hayalet.Power   `json:"power_w"`
	Sent    bool            `json:"power_sent"` // else it is calculated from the currents
	Current int64           `json:"current_ma"`
	Since   hayalet.Instant `json:"since"`
}

// State is whether a transaction runs.
type State struct {
	Word        string                `json:"state"` // active, inactive, unknown: explain.state.WORD
	Since       hayalet.Instant       `json:"since"`
	End         string                `json:"end,omitempty"` // how the last one ended: explain.end.END
	Transaction hayalet.TransactionID `json:"transaction"`
}

// Rung is one step of a rule's ladder.
type Rung struct {
	Rule   hayalet.RuleName `json:"rule"`
	Code   string           `json:"code"` // rung.CODE
	Energy hayalet.Energy   `json:"energy_wh"`
	Rest   hayalet.Energy   `json:"rest_wh"`
	Power  hayalet.Power    `json:"power_w"`
	Span   Seconds          `json:"span_s"`
	Text   string           `json:"text"` // filled in by Worded
}

// Seconds is a duration that is written in seconds.
type Seconds time.Duration

// MarshalJSON writes seconds as a decimal number.
func (s Seconds) MarshalJSON() ([]byte, error) {
	text := hayalet.FormatDecimal(time.Duration(s).Milliseconds(), 3, 3)
	return []byte(strings.TrimRight(strings.TrimRight(text, "0"), ".")), nil
}

// Judgement is what a rule concluded.
type Judgement struct {
	Rule      hayalet.RuleName `json:"rule"`
	Kind      string           `json:"kind"` // notice, alarm, escalate, clear, close, found: explain.verdict.KIND
	Severity  hayalet.Severity `json:"severity"`
	Confirmed bool             `json:"confirmed"`
	Increase  hayalet.Energy   `json:"increase_wh"`
	Unpaid    hayalet.Energy   `json:"unpaid_wh"`
	Excess    hayalet.Energy   `json:"excess_wh"`
	Cause     hayalet.Cause    `json:"cause"`
	Reason    hayalet.Reason   `json:"reason_code"`
	Evidence  []string         `json:"evidence"`
	Shadow    bool             `json:"shadow,omitempty"`
}

// Alarms reports whether the judgement is an alarm.
func (j *Judgement) Alarms() bool { return j.Kind == "alarm" || j.Kind == "found" }

// Written is a register value as a station writes it: in kilowatt-hours or watt-hours, with the decimals of its step.
func Written(e, step hayalet.Energy, kilo bool) string {
	if kilo {
		return KWh(e, step) + " kWh"
	}
	decimals := 3
	for s := hayalet.Energy(10); decimals > 0 && step >= s; s *= 10 {
		decimals--
	}
	return hayalet.FormatDecimal(int64(e), 3, decimals) + " Wh"
}

// Worded is the step with its sentences in the language of p.
func (s Step) Worded(p lang.Printer) Step {
	rungs := make([]Rung, len(s.Rungs))
	for i, r := range s.Rungs {
		label, text := r.words(p)
		r.Text = label + ": " + text
		rungs[i] = r
	}
	s.Rungs, s.Answer = rungs, s.answers(p)
	return s
}

// answers are the plain sentences at the end: what each rule concluded, or why none did.
func (s *Step) answers(p lang.Printer) []string {
	var all []string
	for i := range s.Verdicts {
		j := &s.Verdicts[i]
		text := p.T("explain.verdict."+j.Kind, string(j.Rule), p.Severity(j.Severity), p.Reason(j.Reason))
		switch about := strings.HasPrefix(string(j.Rule), "PE-"); {
		case j.Alarms() && about:
			text += " " + p.T("explain.weighs", exact(p, j.Unpaid), exact(p, j.Increase), exact(p, j.Excess))
		case j.Alarms() && j.Excess > 0:
			text += " " + p.T("explain.contests", exact(p, j.Excess))
		}
		if j.Shadow {
			text += " " + p.T("explain.shadow")
		}
		all = append(all, text)
	}
	if len(all) == 0 && s.Why != "" {
		all = append(all, p.T("explain.why."+s.Why))
	}
	return all
}

// words are the name of the rung and its sentence.
func (r *Rung) words(p lang.Printer) (label, text string) {
	text = p.T("rung."+r.Code, exact(p, r.Energy), exact(p, r.Rest), watts(p, r.Power), span(p, time.Duration(r.Span)))
	label, text, found := strings.Cut(text, "\t")
	if !found { // a code without a text
		return r.Code, fmt.Sprintf("%s, %s, %s, %s", exact(p, r.Energy), exact(p, r.Rest), watts(p, r.Power), span(p, time.Duration(r.Span)))
	}
	return label, text
}

// exact is an energy to the last digit, so that the ladder adds up.
func exact(p lang.Printer, e hayalet.Energy) string { return p.Number(e.String()) }

func watts(p lang.Printer, w hayalet.Power) string {
	if w < hayalet.Kilowatt {
		return p.Number(w.String())
	}
	return p.Number(Watts(w))
}

func span(p lang.Printer, d time.Duration) string {
	switch {
	case d == 0:
		return p.T("span.s", "0")
	case d < 0:
		return "−" + Span(p, -d)
	}
	return Span(p, d)
}

// Explainer writes steps for a person, in the order in which they came.
type Explainer struct {
	p     lang.Printer
	full  bool // every step with all its lines, also those that nothing came of
	day   string
	kinds int // width of the column of kinds
	runs  map[hayalet.ConnectorID]run
}

// run is readings of a register that stands still: the first was shown, the others are counted.
type run struct {
	value hayalet.Energy
	more  int
	last  hayalet.Instant
}

// StepKinds are the kinds of steps.
var StepKinds = [...]string{"reading", "start", "stop", "late-start", "taken-back", "flow", "unknown-stop", "stop-again", "balance", "time"}

// NewExplainer returns a writer in the language of p. Full shows every step with all its lines.
func NewExplainer(p lang.Printer, full bool) *Explainer {
	x := &Explainer{p: p, full: full, runs: make(map[hayalet.ConnectorID]run)}
	for _, k := range StepKinds {
		x.kinds = max(x.kinds, min(utf8.RuneCountInString(p.T("explain.step."+k)), kindsMost))
	}
	return x
}

const (
	gutter = 14 // where the lines below a step's first one begin: under the connector
	labels = 16 // width of their labels

	kindsMost = 12 // width of the column of kinds; a longer word moves its line
)

// Lines are the lines of one step, and of a new day before it.
func (x *Explainer) Lines(s *Step) []LogLine {
	if x.still(s) {
		return nil
	}
	lines := x.more(s.Connector)
	if day := s.At.Time().Format(time.DateOnly); day != x.day {
		x.day = day
		lines = append(lines, LogLine{Text: ""}, LogLine{Text: day + " (UTC)", Kind: LineNote})
	}
	head := fmt.Sprintf("%s  %s  %s  %s", s.At.Time().Format(clock), x.p.T("explain.at", int(s.Connector)),
		pad(x.p.T("explain.step."+s.Kind), x.kinds), x.headline(s))
	if !x.full && s.quiet() {
		if s.Why == "still" {
			x.runs[s.Connector] = run{value: s.Reading.Value}
		}
		return append(lines, LogLine{Text: cleanLine(head + "  (" + x.p.T("explain.brief."+s.Why) + ")")})
	}
	lines = append(lines, LogLine{Text: cleanLine(strings.TrimRight(head, " "))})
	var b strings.Builder
	x.facts(&b, s)
	x.ladder(&b, s)
	return append(append(lines, split(&b, LinePlain)...), x.answer(s)...)
}

// answer is what came of the step.
func (x *Explainer) answer(s *Step) []LogLine {
	kind := LineNote
	for i := range s.Verdicts {
		if s.Verdicts[i].Alarms() {
			kind = LineAlarm
		}
	}
	var b strings.Builder
	for _, text := range s.answers(x.p) {
		hang(&b, strings.Repeat(" ", gutter)+"=> ", cleanLine(text))
	}
	return split(&b, kind)
}

// still counts a reading that only says again that the register stands where it stood.
func (x *Explainer) still(s *Step) bool {
	r, running := x.runs[s.Connector]
	if !running || !s.quiet() || s.Why != "still" || s.Reading.Value != r.value {
		return false
	}
	r.more, r.last = r.more+1, s.At
	x.runs[s.Connector] = r
	return true
}

// more ends a run of readings that stood still.
func (x *Explainer) more(c hayalet.ConnectorID) []LogLine {
	r := x.runs[c]
	delete(x.runs, c)
	if r.more == 0 {
		return nil
	}
	at := r.last.Time().Format(clock)
	if day := r.last.Time().Format(time.DateOnly); day != x.day {
		at = day + " " + at
	}
	return []LogLine{{Text: pad("", len(clock)+2) + x.p.T("explain.at", int(c)) + "  " + x.p.T("explain.more", r.more, at)}}
}

// End is what is still to be said after the last step.
func (x *Explainer) End() []LogLine {
	var lines []LogLine
	for _, c := range slices.Sorted(maps.Keys(x.runs)) {
		lines = append(lines, x.more(c)...)
	}
	return lines
}

func split(b *strings.Builder, kind LineKind) []LogLine {
	var lines []LogLine
	for text := range strings.Lines(b.String()) {
		lines = append(lines, LogLine{Text: strings.TrimRight(text, "\n"), Kind: kind})
	}
	return lines
}

// quiet reports whether nothing came of a reading, so that one line says it all.
func (s *Step) quiet() bool {
	return s.Kind == "reading" && len(s.Verdicts) == 0 && s.Reading.Increase == 0 || s.Why == "active" || s.Why == "unknown"
}

// headline says what the station said.
func (x *Explainer) headline(s *Step) string {
	p := x.p
	switch {
	case s.Reading != nil && s.Kind != "start":
		r := s.Reading
		text := exact(p, r.Value)
		switch {
		case r.Scale == 1 && strings.HasSuffix(r.Written, " Wh"):
			text = r.Written
		case r.Written != "":
			text = r.Written + " = " + text
		}
		if r.Increase > 0 {
			text += "  " + p.T("explain.increase", exact(p, r.Increase), span(p, s.EventAt.Sub(r.Since)), p.Number(Watts(hayalet.MeanPower(r.Increase, s.EventAt.Sub(r.Since)))))
		}
		return text
	case s.Flow != nil:
		return x.flow(s)
	case s.Book != nil && s.Book.Known:
		return x.book(s)
	case s.State.Transaction.IsSet() && s.Kind != "time":
		return p.T("explain.transaction", s.State.Transaction.String())
	}
	return ""
}

func (x *Explainer) flow(s *Step) string {
	f, text := s.Flow, ""
	if f.Sent {
		text = watts(x.p, f.Power)
	} else {
		text = x.p.T("explain.from-current", watts(x.p, f.Power))
	}
	if f.Current > 0 {
		text += ", " + x.p.Number(strings.TrimSuffix(hayalet.Power(f.Current).String(), " W")) + " A"
	}
	return text
}

func (x *Explainer) book(s *Step) string {
	b, p := s.Book, x.p
	field := "meterStop"
	if s.Kind == "start" {
		field = "meterStart"
	}
	text := field + " " + strings.TrimSuffix(b.Written.String(), " Wh")
	if b.Written != b.Value {
		text += " = " + exact(p, b.Value)
	} else {
		text += " Wh"
	}
	if s.Kind == "stop-again" {
		text += ", " + p.T("explain.was", exact(p, b.Was))
	}
	if b.Energy > 0 {
		text += ", " + p.T("explain.delivered", exact(p, b.Energy))
	}
	if s.State.Transaction.IsSet() {
		text = p.T("explain.transaction", s.State.Transaction.String()) + ", " + text
	}
	return text
}

// facts are what is known of the sample and of the connector before any rule.
func (x *Explainer) facts(b *strings.Builder, s *Step) {
	p := x.p
	if r := s.Reading; r != nil && s.Kind != "start" {
		x.row(b, "", p.T("explain.sample"), x.sample(r))
		if s.EventAt != s.At {
			x.row(b, "", p.T("explain.taken"), p.T("explain.taken.text", moment(s.EventAt, s.At), span(p, s.At.Sub(s.EventAt))))
		}
		if len(r.Evidence) > 0 {
			x.row(b, "", p.T("explain.signs"), phrases(p, r.Evidence))
		}
	}
	if s.Kind == "start" || s.Kind == "stop" || s.Kind == "stop-again" {
		return
	}
	x.row(b, "", p.T("explain.state"), x.state(s))
}

func (x *Explainer) sample(r *Reading) string {
	p, context := x.p, r.Context
	if context == "" {
		context = p.T("explain.no-context")
	}
	parts := []string{context}
	if r.Phases != "" {
		parts = append(parts, p.T("explain.sum", r.Phases))
	}
	if r.Track > 0 {
		parts = append(parts, p.T("explain.track", r.Track, p.T("explain.mode."+r.Mode)))
	}
	if r.Scale == 1000 {
		parts = append(parts, p.T("explain.scaled"))
	}
	return strings.Join(append(parts, p.T("explain.fate."+r.Fate)), "; ")
}

func (x *Explainer) state(s *Step) string {
	p, st := x.p, &s.State
	text := p.T("explain.state." + st.Word)
	if st.Since != 0 {
		text = p.T("explain.since", text, moment(st.Since, s.At))
	}
	which := p.T("explain.last")
	if st.Transaction.IsSet() {
		which = p.T("explain.transaction", st.Transaction.String())
	}
	switch {
	case st.Word == "inactive" && st.End == "never":
		return text + "; " + p.T("explain.end.never")
	case st.Word == "inactive" && st.End != "":
		return text + "; " + p.T("explain.end."+st.End, which)
	case st.End == "adopted":
		text += "; " + p.T("explain.end.adopted")
	}
	if st.Transaction.IsSet() {
		text += "; " + which
	}
	return text
}

// moment is a time of day, with its day where that is not the day of the step.
func moment(at, near hayalet.Instant) string {
	t := at.Time()
	if t.Format(time.DateOnly) == near.Time().Format(time.DateOnly) {
		return t.Format(clock)
	}
	return t.Format(time.DateOnly + " " + clock)
}

// ladder is the rungs, rule by rule, and what else spoke for or against.
func (x *Explainer) ladder(b *strings.Builder, s *Step) {
	rule := hayalet.RuleName("")
	for i := range s.Rungs {
		r := &s.Rungs[i]
		name := ""
		if r.Rule != rule {
			rule = r.Rule
			name = string(rule)
		}
		label, text := r.words(x.p)
		x.row(b, name, label, text)
	}
	for i := range s.Verdicts {
		j := &s.Verdicts[i]
		if len(j.Evidence) > 0 {
			x.row(b, "", x.p.T("explain.signs"), phrases(x.p, j.Evidence))
		}
		if j.Alarms() {
			x.row(b, "", x.p.T("explain.cause"), x.p.Cause(j.Cause))
		}
	}
}

func (x *Explainer) row(b *strings.Builder, rule, label, text string) {
	hang(b, strings.Repeat(" ", gutter)+pad(rule, 7)+pad(label, labels)+" ", cleanLine(text))
}

func phrases(p lang.Printer, names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = p.Evidence(name)
	}
	return strings.Join(all, "; ")
}
