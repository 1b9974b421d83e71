package session

import (
	"time"

	"hayalet"
)

const (
	quarter       = 15 * time.Minute
	maxOffset     = 14 * time.Hour
	clockSlack    = 90 * time.Second // a live message's lag, or a clock's error, beside a whole zone offset
	lagSteady     = 5 * time.Second  // claims behind by a zone must keep their distance this well
	lagSpan       = 30 * time.Second // and for this long
	aheadNeeds    = 2                // a message cannot come before it is sent: two claims ahead prove a zone
	behindNeeds   = 3                // a backlog also lags: three steady ones prove a zone
	aheadTolerant = 5 * time.Minute
)

// earliest is the first believable claim: 2010, before which no OCPP station was in the field.
const earliest hayalet.Instant = 1_262_304_000_000_000

// Clock is what is known of a station's clock.
type Clock struct {
	Offset    time.Duration   // whole quarter hours that its claims are ahead of UTC
	Candidate time.Duration   // another offset that recent claims agree on
	Agree     uint8           // how many of them
	FirstAt   hayalet.Instant // receipt of the first of them
	FirstLag  time.Duration   // its distance
	Suspect   bool            // the last claim could not be used
}

// eventTime returns when something happened that the station claims for claim and that we received at at: the claim
// without the zone offset, never later than the receipt; the receipt itself where the claim cannot be used.
func (c *Clock) eventTime(claim, at hayalet.Instant) (t hayalet.Instant, suspect bool) {
	if claim < earliest {
		c.Suspect = true
		return at, true
	}
	t = claim.Add(-c.Offset)
	c.Suspect = t.Sub(at) > aheadTolerant
	return min(t, at), c.Suspect
}

// learn looks for a constant zone offset in the claim of a message. Local time labelled as UTC puts claims a whole number of
// quarter hours ahead or behind.
func (c *Clock) learn(claim, at hayalet.Instant) {
	if claim < earliest || at == 0 {
		return
	}
	lag := claim.Sub(at)
	offset := lag.Round(quarter)
	if (lag-offset).Abs() > clockSlack || offset.Abs() > maxOffset {
		c.Agree = 0
		return
	}
	if c.Agree == 0 || offset != c.Candidate || offset < 0 && (lag-c.FirstLag).Abs() > lagSteady {
		c.Candidate, c.Agree, c.FirstAt, c.FirstLag = offset, 0, at, lag
	}
	c.Agree = min(c.Agree+1, behindNeeds)
	if offset == c.Offset {
		return
	}
	proven := c.Agree >= aheadNeeds && offset > c.Offset ||
		c.Agree >= behindNeeds && at.Sub(c.FirstAt) >= lagSpan
	if proven {
		c.Offset = offset
	}
}
