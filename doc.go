// Package hayalet holds the nouns of the phantom-current detector and the contracts between its rooms.
//
// Phantom current is energy that flows, or is reported to flow, at an electric-vehicle charging station while no
// charging transaction is active. Data flows one way through the rooms:
//
//	bytes → Frame → Event → state → Verdict → Incident
//
// A [Frame] is one message exactly as a station or a central system sent it. An [Event] is what a frame says. A
// [Verdict] is what one rule thinks of one event. An [Incident] is one episode, folded from verdicts.
//
// The package has no behaviour beyond parsing and printing its own nouns; it opens no socket, file or database.
package hayalet
