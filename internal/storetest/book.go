package storetest

import (
	"errors"
	"reflect"
	"testing"

	"hayalet"
)

func testEnd(t *testing.T, db Database) {
	s := db.Open(t, "a")
	id := begin(t, s, start())
	stop := hayalet.Stop{
		Station: "CP_1", Transaction: id, Meter: 12, ClaimedAt: "2025-11-23T19:21:10Z", Reason: "Local", At: 1763925670000001,
	}
	end(t, s, stop)
	end(t, s, stop)
	late := stop
	late.Meter, late.At = 99, stop.At+1
	end(t, s, late)
	for _, c := range []struct {
		name string
		stop hayalet.Stop
	}{
		{"unknown id", hayalet.Stop{Station: "CP_1", Transaction: id + 1, At: 1}},
		{"id 0", hayalet.Stop{Station: "CP_1", At: 1}},
		{"id -1", hayalet.Stop{Station: "CP_1", Transaction: -1, At: 1}},
		{"another station's", hayalet.Stop{Station: "CP_2", Transaction: id, At: 1}},
	} {
		if err := s.End(t.Context(), c.stop); !errors.Is(err, hayalet.ErrNotFound) {
			t.Errorf("%s: error %v, want ErrNotFound", c.name, err)
		}
	}
	s = db.reopen(t, "a", s)
	want := []hayalet.Transaction{{ID: id, Start: start(), Stop: &stop}}
	if got := transactions(t, s, "CP_1"); !reflect.DeepEqual(got, want) {
		t.Errorf("transactions: %+v, want the first stop: %+v", got, want)
	}
}

func testTransactions(t *testing.T, db Database) {
	s := db.Open(t, "a")
	received := []hayalet.Instant{30, 10, 20, 20}
	var ids []int64
	for n, at := range received {
		st := start()
		st.Meter, st.At = int64(n), at
		ids = append(ids, begin(t, s, st))
	}
	foreign := start()
	foreign.Station = "CP_%"
	begin(t, s, foreign)
	for _, c := range []struct {
		limit int
		want  []int64
	}{
		{10, []int64{ids[0], ids[3], ids[2], ids[1]}},
		{2, []int64{ids[0], ids[3]}},
		{0, nil},
	} {
		ts, err := s.Transactions(t.Context(), "CP_1", c.limit)
		if err != nil {
			t.Fatalf("transactions: %v", err)
		}
		var got []int64
		for _, tr := range ts {
			got = append(got, tr.ID)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("limit %d: ids %v, want %v", c.limit, got, c.want)
		}
	}
	if ts := transactions(t, s, "nobody"); len(ts) != 0 {
		t.Errorf("an unknown station has %+v", ts)
	}
}

func testStations(t *testing.T, db Database) {
	s := db.Open(t, "a")
	put := func(st hayalet.Station) {
		t.Helper()
		if err := s.PutStation(t.Context(), st); err != nil {
			t.Fatalf("put station: %v", err)
		}
	}
	put(hayalet.Station{ID: "b", Vendor: "V", Model: "M", Serial: "S", Firmware: "1", Protocol: hayalet.OCPP16, FirstSeen: 100, LastSeen: 100, LastBoot: 90})
	put(hayalet.Station{ID: "a'%_ ş"})
	put(hayalet.Station{ID: "B", FirstSeen: 5})
	put(hayalet.Station{ID: "b", Firmware: "2", FirstSeen: 300, LastSeen: 300})
	put(hayalet.Station{ID: "b"})
	put(hayalet.Station{ID: "B", FirstSeen: 4})
	want := []hayalet.Station{
		{ID: "B", FirstSeen: 4},
		{ID: "a'%_ ş"},
		{ID: "b", Vendor: "V", Model: "M", Serial: "S", Firmware: "2", Protocol: hayalet.OCPP16, FirstSeen: 100, LastSeen: 300, LastBoot: 90},
	}
	s = db.reopen(t, "a", s)
	got, err := s.Stations(t.Context())
	if err != nil {
		t.Fatalf("stations: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stations:\n%+v, want\n%+v", got, want)
	}
}
