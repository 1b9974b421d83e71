package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"hayalet"
)

func testSnapshots(t *testing.T, open Opener) {
	s := open(t, "a")
	put := func(ss ...hayalet.Snapshot) {
		t.Helper()
		if err := s.SaveSnapshots(t.Context(), ss); err != nil {
			t.Fatalf("save snapshots: %v", err)
		}
	}
	put()
	put(hayalet.Snapshot{Station: "b", At: 2, Body: []byte{0, 255, 1}}, hayalet.Snapshot{Station: "a", At: 5, Body: []byte("old")})
	put(hayalet.Snapshot{Station: "a", At: 6, Body: []byte("new")}, hayalet.Snapshot{Station: "c", At: 1})
	put(hayalet.Snapshot{Station: "a", At: 4, Body: []byte("late")})
	s = reopen(t, open, "a", s)

	want := []hayalet.Snapshot{
		{Station: "a", At: 6, Body: []byte("new")},
		{Station: "b", At: 2, Body: []byte{0, 255, 1}},
		{Station: "c", At: 1},
	}
	var got []hayalet.Snapshot
	if err := s.LoadSnapshots(t.Context(), func(n hayalet.Snapshot) error { got = append(got, n); return nil }); err != nil {
		t.Fatalf("load snapshots: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("loaded %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i].Station != want[i].Station || got[i].At != want[i].At || !bytes.Equal(got[i].Body, want[i].Body) {
			t.Errorf("snapshot %d: %+v, want %+v", i, got[i], want[i])
		}
	}

	stop, calls := errors.New("stop"), 0
	err := s.LoadSnapshots(t.Context(), func(hayalet.Snapshot) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("a function that fails: error %v after %d calls, want its error after 1", err, calls)
	}
}

// testCancelled checks that no method pretends to have worked when its caller has gone.
func testCancelled(t *testing.T, open Opener) {
	s := open(t, "a")
	id := begin(t, s, start())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	other := start()
	other.Token = "other"
	_, errBegin := s.Begin(ctx, other)
	_, errTransactions := s.Transactions(ctx, "CP_1", 1)
	_, errStations := s.Stations(ctx)
	_, errFind := s.Find(ctx, hayalet.IncidentFilter{})
	for name, err := range map[string]error{
		"Begin": errBegin, "Transactions": errTransactions, "Stations": errStations, "Find": errFind,
		"End":           s.End(ctx, hayalet.Stop{Station: "CP_1", Transaction: id, At: 1}),
		"PutStation":    s.PutStation(ctx, hayalet.Station{ID: "x"}),
		"Save":          s.Save(ctx, incident("k", 1)),
		"SaveSnapshots": s.SaveSnapshots(ctx, []hayalet.Snapshot{{Station: "x"}}),
		"LoadSnapshots": s.LoadSnapshots(ctx, func(hayalet.Snapshot) error { return nil }),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	if ts := transactions(t, s, "CP_1"); len(ts) != 1 || ts[0].Stop != nil {
		t.Errorf("transactions: %+v, want the first one, running", ts)
	}
	if again := begin(t, s, other); again == id {
		t.Errorf("id %d given twice after a cancelled start", id)
	}
}
