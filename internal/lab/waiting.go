package lab

import "slices"

// waiting are attack families that today's rules miss, or whose connector or energy they get wrong. They join [Attacks]
// with the rule that answers them.
func waiting() []Family {
	return slices.Concat(openGaps(), openStops(), slowDrips(), stationAttacks(), openEvasions())
}

// waitingBenign are benign families on which today's rules cry wolf.
func waitingBenign() []Family { return openHealthy() }
