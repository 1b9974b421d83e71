package lab

// Waiting are the families that no rule of today answers rightly.
func Waiting() []Family { return waitingBenign() }
