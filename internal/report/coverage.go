package report

import (
	"time"

	"hayalet"
)

// Doing is what a connector was doing over a time.
type Doing uint8

// What a connector may be doing.
const (
	DoingUnknown Doing = iota
	DoingIdle
	DoingCharge
)

// Coverage is what there was to judge a connector by. It takes every step of the connector and keeps a fixed size.
type Coverage struct {
	Station      hayalet.StationID
	Connector    hayalet.ConnectorID
	Spent        [3]time.Duration // by Doing, up to its last step
	IdleValues   int64            // register values outside a transaction
	ChargeValues int64            // and inside one
	IdleFlows    int64            // power or current outside
	ChargeFlows  int64
	Starts       int      // transactions that were seen to begin
	Compared     int      // of them, those whose meterStart continues the register at the stop before
	QuietDay     bool     // a day of quiet idling was learnt
	Notes        []string // what was concluded about its data, by the keys of the catalogue

	at    hayalet.Instant
	doing Doing
}

// Until lets time pass up to the receipt at. The connector does what is given since the receipt given: a status may have
// said so after its last step. Zero: since now.
func (c *Coverage) Until(at hayalet.Instant, now Doing, since hayalet.Instant) {
	if since == 0 || since > at {
		since = at
	}
	if c.at == 0 {
		c.at = since
	}
	c.spend(since)
	c.doing = now
	c.spend(at)
}

// spend lets time pass in what the connector does.
func (c *Coverage) spend(to hayalet.Instant) {
	if to > c.at {
		c.Spent[c.doing] += to.Sub(c.at)
		c.at = to
	}
}

// Stepped reports whether anything was seen of the connector.
func (c *Coverage) Stepped() bool { return c.at != 0 }

// Doing is what the connector does since its last step.
func (c *Coverage) Doing() Doing { return c.doing }

// Answer is whether a rule had what it needs.
type Answer uint8

// The answers.
const (
	NotAsked Answer = iota // there was nothing for it to judge
	No
	Yes
)

var answerWords = [...]string{"none", "no", "yes"}

// String is the word of the answer.
func (a Answer) String() string { return answerWords[min(int(a), len(answerWords)-1)] }

func answer(asked, able bool) Answer {
	switch {
	case able:
		return Yes
	case asked:
		return No
	}
	return NotAsked
}

// restLeast is how long a connector must have been idle for the silence of its register to be told.
const restLeast = time.Hour

// Growth reports whether growth of the idle register could be seen: PE-01 and PE-04.
func (c *Coverage) Growth() Answer { return answer(c.Spent[DoingIdle] >= restLeast, c.IdleValues >= 2) }

// Drip reports whether a slow drip could be seen: PE-02.
func (c *Coverage) Drip() Answer { return answer(c.Spent[DoingIdle] >= 24*time.Hour, c.QuietDay) }

// Between reports whether energy between two transactions could be seen: PE-03.
func (c *Coverage) Between() Answer { return answer(c.Starts >= 2, c.Compared > 0) }

// Flow reports whether power without a transaction could be seen: PE-05.
func (c *Coverage) Flow() Answer { return answer(c.Spent[DoingIdle] >= restLeast, c.IdleFlows > 0) }

// Agreement reports whether register and power could be held against each other while it charged: MT-02 and MT-04.
func (c *Coverage) Agreement() Answer {
	return answer(c.Spent[DoingCharge] > 0, c.ChargeValues >= 2 && c.ChargeFlows >= 2)
}

// Blind reports whether phantom current at this connector would not have been seen while it was idle.
func (c *Coverage) Blind() bool {
	return c.Connector != 0 && c.Growth() != Yes && c.Flow() != Yes && (c.Growth() == No || c.noted("blind"))
}

// Doubtful reports whether it is not known at the end, or was not for an hour in all, whether a transaction was active.
func (c *Coverage) Doubtful() bool {
	return c.Connector != 0 && (c.noted("transaction-unknown") || c.Spent[DoingUnknown] >= restLeast)
}

func (c *Coverage) noted(name string) bool {
	for _, n := range c.Notes {
		if n == name {
			return true
		}
	}
	return false
}
