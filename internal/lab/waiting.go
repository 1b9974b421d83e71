package lab

// waiting are families of attack whose energy or connector today's rules get wrong, and waitingBenign those on which they
// cry wolf. They are not part of the corpus; they join it with the rule that answers them.
func waiting() []Family { return openEvasions() }

func waitingBenign() []Family { return openHealthy() }
