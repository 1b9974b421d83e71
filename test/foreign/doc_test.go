// Package foreign_test puts hayalet before software that nobody of this project wrote: charge points and central systems
// on top of Go's ocpp-go, those that come with it as examples, the same on top of npm's ocpp-rpc with its strict
// validation, a compliance suite and a fuzzer, and a reader of traces. They are processes of their own, built or started
// from test/ocppgo and test/node.
//
// What takes long is run in a short form; FOREIGN_LONG=1 runs it in full.
package foreign_test
