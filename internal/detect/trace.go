package detect

import (
	"time"

	"hayalet"
)

// Rung is one step of a rule's ladder, with its numbers. Which of them are set depends on the code.
type Rung struct {
	Rule   hayalet.RuleName
	Code   string // of a sentence in the catalogue of texts: rung.CODE
	Energy hayalet.Energy
	Rest   hayalet.Energy
	Power  hayalet.Power
	Span   time.Duration
}

// Trace takes down the rungs that a judgement climbed. A nil Trace takes nothing.
type Trace struct{ Rungs []Rung }

func (t *Trace) rung(r Rung) {
	if t != nil {
		t.Rungs = append(t.Rungs, r)
	}
}
