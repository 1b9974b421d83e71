package session

import (
	"slices"
	"time"

	"hayalet"
)

const (
	idleWindow  = time.Hour
	idleWindows = 24                // a day
	idleFine    = 10 * hayalet.Watt // one step of the register must not look like more than this
	idleCap     = 80 * hayalet.Watt
	idleFirst   = 12 * hayalet.Watt // more than this in the first day is not quiet
	idleMargin  = hayalet.Watt
	idleDrift   = 5 * hayalet.Watt
)

// Idle learns what a connector draws while nobody charges, from quiet windows of an hour, longer ones where the
// register's step is coarse.
type Idle struct {
	From    point // beginning of the running window
	Rates   [idleWindows]int32
	N       uint8
	Next    uint8
	Learnt  hayalet.Power // valid when N has reached a day
	Ceiling hayalet.Power // what Learnt may ever grow to: a slow attacker must not train it
	Quiet   hayalet.Power // the slope of the first day: what the connector drew when it was commissioned, for us
	Windows uint32        // how many windows were seen in all
}

// Ready reports whether a day of quiet was seen.
func (i *Idle) Ready() bool { return i.N == idleWindows }

// Slope is the median of the slopes between all pairs of points of the last day's cumulative curve (Theil–Sen): a few wild
// windows do not move it.
func (i *Idle) Slope() hayalet.Power {
	var slopes [idleWindows * (idleWindows + 1) / 2]hayalet.Power
	n := 0
	for a := range idleWindows {
		var sum hayalet.Power
		for b := a; b < idleWindows; b++ {
			sum += hayalet.Power(i.Rates[(int(i.Next)+b)%idleWindows])
			slopes[n] = sum / hayalet.Power(b-a+1)
			n++
		}
	}
	slices.Sort(slopes[:])
	return slopes[n/2]
}

// Latest is the rate of the last window.
func (i *Idle) Latest() hayalet.Power {
	return hayalet.Power(i.Rates[(int(i.Next)+idleWindows-1)%idleWindows])
}

// interrupt drops the running window.
func (i *Idle) interrupt() { i.From = point{} }

// observe takes an idle value of a register of the given step.
func (i *Idle) observe(p point, quantum hayalet.Energy) {
	if i.From.At == 0 || p.Value < i.From.Value {
		i.From = p
		return
	}
	span := p.At.Sub(i.From.At)
	if span < idleWindow || idleFine.Over(span) < quantum {
		return
	}
	rate := hayalet.MeanPower(p.Value-i.From.Value, span)
	i.From = p
	most := idleFirst
	if i.Ready() {
		most = i.Ceiling
	}
	if rate > most {
		return // not quiet: what was alarmed on must not become what is allowed
	}
	i.Rates[i.Next] = int32(rate)
	i.Next = (i.Next + 1) % idleWindows
	i.N = min(i.N+1, idleWindows)
	i.Windows++
	if i.Ready() {
		i.settle()
	}
}

// settle takes the 95th percentile of the last day with a margin, within the ceiling that the first day set.
func (i *Idle) settle() {
	sorted := i.Rates
	slices.Sort(sorted[:])
	p95 := hayalet.Power(sorted[idleWindows*95/100])
	learnt := min(p95+idleMargin, idleCap)
	if i.Ceiling == 0 {
		i.Ceiling = min(learnt+idleDrift, idleCap)
		i.Quiet = i.Slope()
	}
	i.Learnt = min(learnt, i.Ceiling)
}
