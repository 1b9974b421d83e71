// Package storetest is the contract that every store passes: what a database must keep, and how.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, storetest.Database{Open: …, Refuse: …})
//	}
//
// It tests what the interfaces of package hayalet promise, and nothing of one database alone.
package storetest

import (
	"testing"

	"hayalet"
)

// Database is how the tests get at one.
type Database struct {
	// Open opens the store called name. The same name within one test is the same data, whether the store that was
	// opened before is closed (a restart), forgotten (a crash) or still in use (a second process). A new test finds every
	// name empty. Open closes the store at the end of t; closing it twice must do no harm.
	Open func(t *testing.T, name string) hayalet.Store
	// Reopen opens the same data as Open does, for a server or for somebody who only asks, and tells what is wrong with them.
	Reopen func(t *testing.T, name string, server bool) (hayalet.Store, error)
	// Schema is the version that the data of name have. SetSchema says that they have another.
	Schema    func(t *testing.T, name string) int64
	SetSchema func(t *testing.T, name string, version int64)
	// Refuse makes the store called name, which is open, refuse to insert into a table or change its rows, until mend.
	Refuse func(t *testing.T, name, table string) (mend func())
}

// Run tests the contract, each promise in a subtest of its own.
func Run(t *testing.T, db Database) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Database){
		"Begin":        testBegin,
		"End":          testEnd,
		"Transactions": testTransactions,
		"Stations":     testStations,
		"Blocks":       testBlocks,
		"Claim":        testClaim,
		"Schema":       testSchema,
		"Incidents":    testIncidents,
		"State":        testState,
		"Series":       testSeries,
		"Records":      testRecords,
		"Holes":        testHoles,
		"Retention":    testRetention,
		"Cancelled":    testCancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, db) })
	}
}

// reopen closes the store and opens the same data again.
func (db Database) reopen(t *testing.T, name string, s hayalet.Store) hayalet.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return db.Open(t, name)
}

// must fails the test at an error.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
