package session_test

import (
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// TestLateEndOfAnOldConnection closes the connection before after the next was opened: the next stays the station's, and
// did not begin again.
func TestLateEndOfAnOldConnection(t *testing.T) {
	begin := hayalet.InstantOf(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC))
	s, w := session.New("CP_1", nil), new(session.Scratch)
	for _, e := range []hayalet.Event{
		{Conn: "old", At: begin, Kind: hayalet.EventOpen},
		{Conn: "new", At: begin.Add(time.Minute), Kind: hayalet.EventOpen},
		{Conn: "old", At: begin.Add(2 * time.Minute), Kind: hayalet.EventClose},
		{Conn: "new", At: begin.Add(3 * time.Minute), Kind: hayalet.EventOther},
	} {
		s.Apply(&e, w)
	}
	if s.Link.Conn != "new" || s.Link.Up != begin.Add(time.Minute) || s.Link.Down != begin {
		t.Errorf("got %+v", s.Link)
	}
}

// TestRegistersStayBounded sends more registers than are kept.
func TestRegistersStayBounded(t *testing.T) {
	begin := hayalet.InstantOf(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC))
	s, w := session.New("CP_1", nil), new(session.Scratch)
	for i := range 10 * session.MaxTracks {
		at := begin.Add(time.Duration(i) * time.Second)
		e := hayalet.Event{Conn: "c", At: at, Kind: hayalet.EventMeter, HasConnector: true, Connector: 1, Samples: []hayalet.Sample{{
			Measurand: hayalet.EnergyImportRegister, Unit: hayalet.UnitWh, Quantum: 1000, Value: int64(i) * 1_000_000_000,
			Context: hayalet.Context(i % 9), Location: []hayalet.Location{hayalet.Outlet, hayalet.Cable, hayalet.EV}[i%3], Phase: hayalet.Phase(i % 4),
		}}}
		s.Apply(&e, w)
		if n := len(s.Connector(1).Tracks); n > session.MaxTracks {
			t.Fatalf("%d tracks", n)
		}
	}
	if n := len(s.Connector(1).Tracks); n != session.MaxTracks {
		t.Errorf("%d tracks: the limit was not reached", n)
	}
}
