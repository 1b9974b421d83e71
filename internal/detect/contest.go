package detect

import (
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// Contest is the running episode of a rule that sets two statements of a station against each other: an amount of energy on
// which they disagree. That is no phantom: such an incident is low, and medium where its rule says so.
type Contest struct {
	Told  hayalet.Energy   // the amount that was told last
	Grade hayalet.Severity // the highest that was told
	Open  bool
}

// contested begins the verdict on an amount that is contested since the event time given. Its baseline is zero.
func contested(rule hayalet.RuleName, v View, since hayalet.Instant, amount hayalet.Energy, why hayalet.Reason) hayalet.Verdict {
	ver := verdict(rule, v, hayalet.Alarm)
	ver.Value, ver.Excess, ver.Increase, ver.Unpaid = amount, amount, amount, amount
	ver.Since, ver.BaselineAt = min(since, ver.EventAt), min(since, ver.EventAt)
	if span := ver.EventAt.Sub(ver.Since); span >= time.Second {
		ver.Implied = hayalet.MeanPower(amount, span)
	}
	ver.Readings, ver.Severity, ver.Reason = 1, hayalet.Low, why
	ver.Transaction = v.Connector.Tx.ID
	return ver
}

// found is the verdict on an amount whose story is over when it is seen.
func found(rule hayalet.RuleName, v View, since hayalet.Instant, amount hayalet.Energy, why hayalet.Reason) hayalet.Verdict {
	ver := contested(rule, v, since, amount, why)
	ver.Kind, ver.Outcome = hayalet.Found, hayalet.ReasonSettled
	return ver
}

// tell raises the alarm when the episode opens, when it weighs more, and when the amount has doubled.
func (k *Contest) tell(ver hayalet.Verdict, out *[]hayalet.Verdict) {
	if k.Open && ver.Severity <= k.Grade && ver.Value <= 2*k.Told {
		return
	}
	k.Open, k.Told, k.Grade = true, max(k.Told, ver.Value), max(k.Grade, ver.Severity)
	ver.Confirmed = ver.Severity >= hayalet.Medium
	*out = append(*out, ver)
}

// end ends the episode, if one runs. The verdict given holds the last amount, or none where it is not known any more.
func (k *Contest) end(ver hayalet.Verdict, kind hayalet.VerdictKind, why hayalet.Reason, out *[]hayalet.Verdict) {
	if !k.Open {
		return
	}
	if kind == hayalet.Close && ver.Value > k.Told {
		last := ver
		last.Severity = k.Grade
		*out = append(*out, last)
	}
	ver.Kind, ver.Reason, ver.Severity, ver.Readings, ver.Evidence = kind, why, k.Grade, 0, 0
	*out = append(*out, ver)
	*k = Contest{}
}

// mixedUp reports whether a unit of the connector is a lie, so that its meters cannot be set against each other: that is a
// matter of data quality.
func mixedUp(c *session.Connector) bool { return c.Notes&session.NoteScaled != 0 }

// suspended reports whether the station says that nothing is drawn for now. Some send the last power for as long.
func suspended(c *session.Connector) bool {
	return c.Status == hayalet.SuspendedEV || c.Status == hayalet.SuspendedEVSE
}

// deliverable is the most that the connector can deliver: the rating where one is configured, else what any outlet can.
func deliverable(c *session.Connector) hayalet.Power {
	if c.Profile.Rating > 0 || c.Profile.AC {
		return c.Rating()
	}
	return max(c.Rating(), session.RatingDC)
}

// share is part's thousandths of e.
func share(e hayalet.Energy, part Ratio) hayalet.Energy {
	return e/1000*hayalet.Energy(part) + e%1000*hayalet.Energy(part)/1000
}
