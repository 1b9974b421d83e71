// Package sim plays charging stations: clients of OCPP 1.6, 2.0.1 or 2.1 that follow a written scenario over a real
// WebSocket. A scenario is written in the words of 1.6, whatever the version that it is played in.
//
// A [Scenario] is a YAML file: a header, the steps of one station in their order, and the truth, which says what of
// its readings is phantom energy. [Load] reads one and refuses what it does not understand; [Play] follows it against
// a central system, answers what that system asks meanwhile, and returns a [Result] that holds what was really sent.
// What happens on the way goes to a [Listener], in facts and not in words, so that the caller chooses the language.
//
//	s, err := sim.Load("s1-phantom-current")
//	res, err := sim.Play(ctx, sim.Options{Scenario: s, URL: "ws://127.0.0.1:9000/CP_1", Speed: 10})
//
// Scenario time is the sum of the waits. It runs Speed times faster than the wall clock, and the station's stamps
// show scenario time, never a future one. Registers are decimals, as written, and never pass through floating point.
//
// The package judges nothing: whether a phantom is found is the business of whoever listens on the other side.
package sim
