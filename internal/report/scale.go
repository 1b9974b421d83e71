package report

import (
	"time"

	"hayalet"
)

// energyStep is the round step (1, 2 or 5 times a power of ten) that divides span into at most n parts.
func energyStep(span hayalet.Energy, n int) hayalet.Energy {
	for step := hayalet.Energy(1); ; step *= 10 {
		for _, m := range []hayalet.Energy{1, 2, 5} {
			if span/(m*step) < hayalet.Energy(n) {
				return m * step
			}
		}
	}
}

// energyTicks lists the multiples of a round step within the bounds, at most n+1, and the decimals that they need in kWh.
func energyTicks(lo, hi hayalet.Energy, n int) (ticks []hayalet.Energy, decimals int) {
	step := energyStep(hi-lo, n)
	first := lo / step * step
	if first < lo {
		first += step
	}
	for e := first; e <= hi; e += step {
		ticks = append(ticks, e)
	}
	return ticks, decimalsOf(step)
}

// decimalsOf is how many decimals of a kilowatt-hour write e exactly.
func decimalsOf(e hayalet.Energy) int {
	decimals := 6
	for ; decimals > 0 && e%10 == 0; decimals-- {
		e /= 10
	}
	return decimals
}

// timeStep is the round step of a clock or a calendar that divides span into at most n parts.
func timeStep(span time.Duration, n int) time.Duration {
	const day = 24 * time.Hour
	for _, step := range []time.Duration{
		time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
		100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second,
		10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day,
	} {
		if span/step < time.Duration(n) {
			return step
		}
	}
	step := 7 * day
	for span/step >= time.Duration(n) {
		step *= 2
	}
	return step
}

// timeTicks lists round clock times of the zone within the bounds, at most n+1, and the layout that tells them apart.
func timeTicks(from, to hayalet.Instant, n int, zone *time.Location) (ticks []hayalet.Instant, layout string) {
	step := timeStep(to.Sub(from), n)
	_, offset := from.Time().In(zone).Zone()
	east := hayalet.Instant(0).Add(time.Duration(offset) * time.Second)
	wide := hayalet.Instant(0).Add(step)
	first := (from+east)/wide*wide - east
	if first < from {
		first += wide
	}
	for at := first; at <= to; at += wide {
		ticks = append(ticks, at)
	}
	return ticks, clockLayout(step)
}

func clockLayout(step time.Duration) string {
	switch {
	case step < time.Second:
		return "15:04:05.000"
	case step < time.Minute:
		return "15:04:05"
	}
	return "15:04"
}
