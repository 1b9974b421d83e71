package storetest

import (
	"context"
	"errors"
	"testing"

	"hayalet"
)

// testCancelled checks that no method pretends to have worked when its caller has gone.
func testCancelled(t *testing.T, db Database) {
	s := db.Open(t, "a")
	id := begin(t, s, start())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	other := start()
	other.Token = "other"
	for name, call := range map[string]func() error{
		"Ping":             func() error { return s.Ping(ctx) },
		"Begin":            func() error { _, err := s.Begin(ctx, other); return err },
		"End":              func() error { return s.End(ctx, hayalet.Stop{Station: "CP_1", Transaction: id, At: 1}) },
		"Transactions":     func() error { _, err := s.Transactions(ctx, "CP_1", 1); return err },
		"PutStation":       func() error { return s.PutStation(ctx, hayalet.Station{ID: "x"}) },
		"Stations":         func() error { _, err := s.Stations(ctx); return err },
		"AppendBlock":      func() error { return s.AppendBlock(ctx, block(1)) },
		"LastBlock":        func() error { _, err := s.LastBlock(ctx); return err },
		"ReadBlocks":       func() error { return s.ReadBlocks(ctx, hayalet.BlockQuery{}, func(hayalet.Block) error { return nil }) },
		"DropBodies":       func() error { return s.DropBodies(ctx, []uint64{1}) },
		"Find":             func() error { _, err := s.Find(ctx, hayalet.IncidentFilter{}); return err },
		"History":          func() error { _, err := s.History(ctx, "k"); return err },
		"SaveState":        func() error { return s.SaveState(ctx, all(1)) },
		"LoadState":        func() error { _, err := s.LoadState(ctx, func(hayalet.Snapshot) error { return nil }); return err },
		"ReadSeries":       func() error { return s.ReadSeries(ctx, "a", 0, 0, func(hayalet.Series) error { return nil }) },
		"PutTold":          func() error { return s.PutTold(ctx, hayalet.Told{Key: "k"}) },
		"ToldSince":        func() error { _, err := s.ToldSince(ctx, 0); return err },
		"PutAudit":         func() error { return s.PutAudit(ctx, hayalet.AuditEntry{At: 1}) },
		"AuditTrail":       func() error { _, err := s.AuditTrail(ctx, 0, 0, 0); return err },
		"SyncExceptions":   func() error { _, _, err := s.SyncExceptions(ctx, 1, map[string][]byte{"x": nil}); return err },
		"KeptExceptions":   func() error { _, err := s.KeptExceptions(ctx); return err },
		"PutAnchor":        func() error { return s.PutAnchor(ctx, hayalet.Anchor{Block: 1}) },
		"FindAnchors":      func() error { _, err := s.FindAnchors(ctx, 0, 1); return err },
		"EmptiedRuns":      func() error { _, err := s.EmptiedRuns(ctx, nil, 0, 0, 1); return err },
		"PutHole":          func() error { return s.PutHole(ctx, hayalet.Hole{}) },
		"FindHoles":        func() error { _, err := s.FindHoles(ctx, 0, 0); return err },
		"DropBlocks":       func() error { _, err := s.DropBlocks(ctx, hayalet.BlockRange{}, 1); return err },
		"DropSeries":       func() error { _, err := s.DropSeries(ctx, 1, nil, 1); return err },
		"IncidentSpans":    func() error { _, err := s.IncidentSpans(ctx); return err },
		"DropIncidents":    func() error { _, err := s.DropIncidents(ctx, 1, 1); return err },
		"DropTransactions": func() error { _, err := s.DropTransactions(ctx, 1, 1); return err },
		"DropAudit":        func() error { _, err := s.DropAudit(ctx, 1, 1); return err },
		"Use":              func() error { _, err := s.Use(ctx); return err },
		"Compact":          func() error { _, err := s.Compact(ctx); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	if ts := transactions(t, s, "CP_1"); len(ts) != 1 || ts[0].Stop != nil {
		t.Errorf("transactions: %+v, want the first one, running", ts)
	}
	if again := begin(t, s, other); again == id {
		t.Errorf("id %d given twice after a cancelled start", id)
	}
	if _, err := s.LastBlock(t.Context()); !errors.Is(err, hayalet.ErrNotFound) {
		t.Errorf("the last block after a cancelled one: error %v, want ErrNotFound", err)
	}
	if snapshots, mark := load(t, s); len(snapshots) != 0 || mark != 0 {
		t.Errorf("after a cancelled save: snapshots %+v, mark %d", snapshots, mark)
	}
}
