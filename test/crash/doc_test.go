//go:build linux

// Package crash_test takes the server away from under its stations: it is killed, held and ended at random points while
// some tens of stations talk to it over sockets, its disk fills up, its file becomes read-only. Each station keeps its own
// record of what was answered. In the end the journal and the incidents must agree with all of them.
//
// A few rounds are run; CRASH_ROUNDS sets how many, CRASH_SEED another course of them.
package crash_test
