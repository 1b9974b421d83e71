// Package session knows what is true of each connector now: its transaction, its status, its registers, and how certain
// that is.
//
// A [Station] takes events, one after another, and answers each with the steps that it took: a reading was placed on a
// register track, a transaction began or ended. Rules judge a step together with the state behind it; the pair is a
// [View].
//
// The words:
//
//   - A track is one register base of a connector. Stations restart registers, keep two of them, or continue one under
//     another context; values are subtracted within a track and never across.
//   - The transaction state is one of three: active, inactive, unknown. Unknown is where we joined in the middle or
//     missed frames. Starts and stops lead, status supports, an id on a meter value is a hint.
//   - Event time is when the station says that it happened, bounded by our receipt and freed of a wrong zone.
//   - The baseline is a track's value when the last transaction ended.
//
// The package is pure: no clock, no I/O, no goroutine. Its memory is bounded for each connector.
package session
