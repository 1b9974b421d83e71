// Package ocpp turns frames into events: OCPP-J framing, the pairing of answers with calls, the differences between
// versions, units and names.
//
// A [Decoder] is tolerant: it reads what can be read, marks the rest as a flaw, and never drops a message or panics. The
// rest of the house sees [hayalet.Event] and knows no version. [ParseMessage] and the Append functions are the framing
// alone, for those who answer or play a station.
//
// It keeps no state of connectors and judges nothing; the only memory is that of calls not yet answered, bounded for each
// connection.
package ocpp
