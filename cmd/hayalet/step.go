package main

import (
	"slices"
	"strings"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/report"
	"hayalet/internal/session"
)

// stepKind is the kind of a step by its word in the catalogue of texts.
func stepKind(k session.StepKind) string {
	switch k {
	case session.StepReading:
		return "reading"
	case session.StepStart:
		return "start"
	case session.StepStop:
		return "stop"
	case session.StepExplained:
		return "late-start"
	case session.StepRetracted:
		return "taken-back"
	case session.StepElectric:
		return "flow"
	case session.StepUnknownStop:
		return "unknown-stop"
	case session.StepRestop:
		return "stop-again"
	case session.StepBalance:
		return "balance"
	}
	return "time"
}

// stepOf turns a step into what is reported of it.
func stepOf(v session.View, rungs []detect.Rung, verdicts []hayalet.Verdict) report.Step {
	step, c := v.Step, v.Connector
	s := report.Step{
		Station: v.Station.ID, Connector: c.ID, Kind: stepKind(step.Kind), At: step.At, EventAt: step.EventAt, State: stateOf(c),
		Rungs: make([]report.Rung, len(rungs)), Verdicts: make([]report.Judgement, len(verdicts)),
	}
	for i, r := range rungs {
		s.Rungs[i] = report.Rung{Rule: r.Rule, Code: r.Code, Energy: r.Energy, Rest: r.Rest, Power: r.Power, Span: report.Seconds(r.Span)}
	}
	for i := range verdicts {
		s.Verdicts[i] = judgement(&verdicts[i])
	}
	switch step.Kind {
	case session.StepReading, session.StepRetracted, session.StepUnknownStop:
		s.Reading = readingOf(c, &step.Reading)
	case session.StepStart:
		if step.HasGap {
			s.Reading = readingOf(c, &step.Reading)
		}
		s.Book = &report.Book{Written: c.Tx.Meter, Value: c.Tx.Meter * hayalet.Energy(max(c.Tx.Scale, 1)), Known: c.Tx.HasMeter}
	case session.StepStop, session.StepRestop:
		b := &step.Book
		scale := hayalet.Energy(max(c.Tx.Scale, 1))
		if step.Kind == session.StepRestop {
			scale = 1
		}
		s.Book = &report.Book{Written: b.Stop / scale, Value: b.Stop, Known: b.HasStop, Was: b.Was, Energy: c.Tx.Energy}
	case session.StepElectric:
		el := &step.Electric
		s.Flow = &report.Flow{Power: el.Power, Sent: el.HasPower, Current: el.Current, Since: el.Since}
	}
	if step.ID.IsSet() {
		s.State.Transaction = step.ID
	}
	s.Why = why(v, rungs, verdicts)
	return s
}

func judgement(v *hayalet.Verdict) report.Judgement {
	kinds := map[hayalet.VerdictKind]string{
		hayalet.Notice: "notice", hayalet.Alarm: "alarm", hayalet.Escalate: "escalate", hayalet.Clear: "clear", hayalet.Close: "close", hayalet.Found: "found",
	}
	return report.Judgement{
		Rule: v.Rule, Kind: kinds[v.Kind], Severity: v.Severity, Confirmed: v.Confirmed, Increase: v.Increase, Unpaid: v.Unpaid, Excess: v.Excess,
		Cause: v.Cause, Reason: v.Reason, Evidence: v.Evidence.Names(), Shadow: v.Shadow,
	}
}

// endWord is the word for a way in which a transaction ends.
func endWord(e session.End) string {
	switch e {
	case session.Stopped:
		return "stop"
	case session.EndedByBoot:
		return "boot"
	case session.EndedByIdle:
		return "available"
	case session.EndedByStart:
		return "start"
	case session.NeverStarted:
		return "never"
	}
	return ""
}

func stateOf(c *session.Connector) report.State {
	s := report.State{Word: c.State.String(), Transaction: c.Tx.ID}
	switch c.State {
	case session.Active:
		s.Since = c.Tx.StartedAt
		if c.Tx.Adopted {
			s.End = "adopted"
		}
	case session.Inactive:
		s.Since = c.IdleSince
		s.End = endWord(c.Tx.End)
	}
	return s
}

func readingOf(c *session.Connector, rd *session.Reading) *report.Reading {
	r := &report.Reading{
		Value: rd.Value, Step: rd.Written, Increase: rd.Increase, Since: rd.Since, Context: rd.Context.String(), Track: rd.Track + 1,
		Mode: session.ModeUnknown.String(), Scale: 1, Fate: rd.Fate.String(), Evidence: rd.Evidence.Names(),
	}
	if rd.Track < 0 || rd.Track >= len(c.Tracks) {
		r.Track = 0
		return r
	}
	t := &c.Tracks[rd.Track]
	r.Mode, r.Scale = t.Mode().String(), max(t.Scale, 1)
	for i, name := range [...]string{"L1", "L2", "L3"} {
		if t.Phases&(1<<i) != 0 {
			r.Phases += "+" + name
		}
	}
	r.Phases = strings.TrimPrefix(r.Phases, "+")
	if !t.Interval && !t.StopOnly {
		r.Written = report.Written(rd.Value/hayalet.Energy(r.Scale), rd.Written/hayalet.Energy(r.Scale), !t.Plain)
	}
	return r
}

// why is the code of the sentence that says why no rule alarmed.
func why(v session.View, rungs []detect.Rung, verdicts []hayalet.Verdict) string {
	if len(verdicts) > 0 {
		return ""
	}
	c := v.Connector
	switch v.Step.Kind {
	case session.StepReading:
	case session.StepStart:
		if len(rungs) == 0 {
			return ""
		}
		return "no-gap"
	case session.StepElectric:
		if slices.ContainsFunc(rungs, func(r detect.Rung) bool { return r.Rule == detect.PE05Name && r.Rest > 0 }) {
			return "flow-shown"
		}
		return "nothing"
	case session.StepUnknownStop, session.StepRestop, session.StepBalance:
		return "nothing"
	default:
		return ""
	}
	rd := &v.Step.Reading
	switch {
	case rd.Fate != session.FateCounted:
		return rd.Fate.String()
	case c.State != session.Inactive:
		return c.State.String()
	case rd.Increase == 0:
		return "still"
	case rd.Increase < rd.Quantum:
		return "below-step"
	}
	return "nothing"
}
