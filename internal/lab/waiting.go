package lab

// waitingBenign are families on which today's rules cry wolf. They are not part of the corpus; they join it with the rule that
// answers them.
func waitingBenign() []Family { return openHealthy() }
