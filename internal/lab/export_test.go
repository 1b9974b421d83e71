package lab

// Waiting are the families that no rule of today answers rightly: attacks, then benign ones.
func Waiting() []Family { return append(waiting(), waitingBenign()...) }
