// Package lab makes labelled traffic and scores detectors on it.
//
// A [Trace] is the traffic of one station with its truth: whether energy flowed without a transaction, on which connector,
// from when, how much. Traces come from a small physical world: outlets with registers that only energy moves, and a
// station that reports them with the habits that stations have in the field. Families are attack shapes and benign
// habits; the grid varies sampling interval, unit, lag, supply and base under seeds, so that a corpus can be made again
// to the byte. What a detector must not see, the truth, is kept apart from the frames.
//
// A [Score] counts a detector's answers against the truth. The baselines beside ours are the rule that hayalet began with
// and its literal reading.
package lab
