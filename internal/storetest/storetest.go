// Package storetest is the contract that every store passes: the ledger, the incidents and the snapshots.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, name string) storetest.Store { … })
//	}
//
// It tests what the interfaces of package hayalet promise, and nothing of one database alone.
package storetest

import (
	"io"
	"testing"

	"hayalet"
)

// Store is all that a database keeps for us.
type Store interface {
	hayalet.Ledger
	hayalet.Incidents
	hayalet.Snapshots
	io.Closer
}

// Opener opens the store called name. The same name within one test is the same data, whether the store that was
// opened before is closed (a restart), forgotten (a crash) or still in use (a second process). A new test finds every
// name empty. The opener closes the store at the end of t; closing it twice must do no harm.
type Opener func(t *testing.T, name string) Store

// Run tests the contract, each promise in a subtest of its own.
func Run(t *testing.T, open Opener) {
	t.Helper()
	t.Run("Begin", func(t *testing.T) { testBegin(t, open) })
	t.Run("End", func(t *testing.T) { testEnd(t, open) })
	t.Run("Transactions", func(t *testing.T) { testTransactions(t, open) })
	t.Run("Stations", func(t *testing.T) { testStations(t, open) })
	t.Run("Save", func(t *testing.T) { testSave(t, open) })
	t.Run("Find", func(t *testing.T) { testFind(t, open) })
	t.Run("Snapshots", func(t *testing.T) { testSnapshots(t, open) })
	t.Run("Cancelled", func(t *testing.T) { testCancelled(t, open) })
}

// reopen closes the store and opens the same data again.
func reopen(t *testing.T, open Opener, name string, s Store) Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return open(t, name)
}
