package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"hayalet"
)

func testState(t *testing.T, db Database) {
	t.Run("snapshots", func(t *testing.T) { testSnapshots(t, db) })
	t.Run("mark", func(t *testing.T) { testMark(t, db) })
	t.Run("all or nothing", func(t *testing.T) { testAllOrNothing(t, db) })
	t.Run("many", func(t *testing.T) { testManyStations(t, db) })
}

func testSnapshots(t *testing.T, db Database) {
	s := db.Open(t, "a")
	put := func(ss ...hayalet.Snapshot) {
		t.Helper()
		saveState(t, s, hayalet.State{Snapshots: ss})
	}
	put()
	put(hayalet.Snapshot{Station: "b", Position: 1, At: 2, Body: []byte{0, 255, 1}}, hayalet.Snapshot{Station: "a", Position: 7, At: 5, Body: []byte("old")})
	put(hayalet.Snapshot{Station: "a", Position: 8, At: 4, Body: []byte("new")}, hayalet.Snapshot{Station: "c", At: 1})
	put(hayalet.Snapshot{Station: "a", Position: 7, At: 9, Body: []byte("late")})
	put(hayalet.Snapshot{Station: "b", Position: 1, At: 1, Body: []byte("earlier at the same position")})
	put(hayalet.Snapshot{Station: "B", Position: 1 << 62, At: 3, Body: []byte("2")}, hayalet.Snapshot{Station: "B", Position: 1, At: 4, Body: []byte("1")})
	s = db.reopen(t, "a", s)

	want := []hayalet.Snapshot{
		{Station: "B", Position: 1 << 62, At: 3, Body: []byte("2")},
		{Station: "a", Position: 8, At: 4, Body: []byte("new")},
		{Station: "b", Position: 1, At: 2, Body: []byte{0, 255, 1}},
		{Station: "c", At: 1},
	}
	got, _ := load(t, s)
	if len(got) != len(want) {
		t.Fatalf("loaded %+v, want %+v", got, want)
	}
	for i, g := range got {
		if w := want[i]; g.Station != w.Station || g.Position != w.Position || g.At != w.At || !bytes.Equal(g.Body, w.Body) {
			t.Errorf("snapshot %d: %+v, want %+v", i, g, w)
		}
	}

	stop, calls := errors.New("stop"), 0
	_, err := s.LoadState(t.Context(), func(hayalet.Snapshot) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("a function that fails: error %v after %d calls, want its error after 1", err, calls)
	}
}

func testMark(t *testing.T, db Database) {
	s := db.Open(t, "a")
	for _, c := range []struct{ mark, want uint64 }{{0, 0}, {7, 7}, {0, 7}, {3, 7}, {1 << 62, 1 << 62}} {
		saveState(t, s, hayalet.State{Mark: c.mark})
		if _, got := load(t, s); got != c.want {
			t.Errorf("the mark after %d: %d, want %d", c.mark, got, c.want)
		}
	}
	s = db.reopen(t, "a", s)
	if _, got := load(t, s); got != 1<<62 {
		t.Errorf("the mark after a restart: %d", got)
	}
	if got, err := s.LoadState(t.Context(), nil); got != 1<<62 || err != nil {
		t.Errorf("the mark alone: %d, %v", got, err)
	}
}

// all is a state with something of everything.
func all(rev uint64) hayalet.State {
	return hayalet.State{
		Incidents: []hayalet.Incident{incident("k", rev)},
		History:   []hayalet.Incident{incident("k", rev)},
		Snapshots: []hayalet.Snapshot{{Station: "a", Position: rev, At: 1, Body: []byte("x")}},
		Series:    []hayalet.Series{{Station: "a", From: hayalet.Instant(rev), To: hayalet.Instant(rev), Body: []byte("y")}},
		Mark:      rev,
	}
}

// testAllOrNothing lets a save fail at each table in turn, and looks whether anything of it was left behind.
func testAllOrNothing(t *testing.T, db Database) {
	s := db.Open(t, "a")
	saveState(t, s, all(1))
	picture := func() string {
		t.Helper()
		snapshots, mark := load(t, s)
		use, err := s.Use(t.Context())
		must(t, "use", err)
		return fmt.Sprintf("%v %v %v %d %v %v", find(t, s, hayalet.IncidentFilter{}), history(t, s, "k"), snapshots, mark, series(t, s, "a", 0, 0), use)
	}
	before := picture()
	for _, table := range []string{"incident", "incident_history", "snapshot", "series", "tally", "mark"} {
		mend := db.Refuse(t, "a", table)
		err := s.SaveState(t.Context(), all(2))
		mend()
		if err == nil {
			t.Errorf("%s refused and the save did not fail", table)
		}
	}
	invalid := all(2)
	invalid.History = append(invalid.History, hayalet.Incident{Rev: 1})
	if err := s.SaveState(t.Context(), invalid); !errors.Is(err, hayalet.ErrInvalid) {
		t.Errorf("a history without a key: error %v, want ErrInvalid", err)
	}
	if after := picture(); after != before {
		t.Errorf("after saves that failed:\n%s\nwant\n%s", after, before)
	}
	saveState(t, s, all(2))
	after := picture()
	if after == before {
		t.Error("the save that works changed nothing")
	}
	saveState(t, s, all(2))
	if again := picture(); again != after {
		t.Errorf("the same state again:\n%s\nwant\n%s", again, after)
	}
}

// testManyStations saves more than fits into one statement.
func testManyStations(t *testing.T, db Database) {
	const stations = 1037
	s := db.Open(t, "a")
	var st hayalet.State
	for n := range stations {
		id := hayalet.StationID(fmt.Sprintf("CP_%04d", n))
		st.Snapshots = append(st.Snapshots, hayalet.Snapshot{Station: id, Position: uint64(n), Body: []byte(id)})
		st.Series = append(st.Series, hayalet.Series{Station: id, From: 1, To: 2, Body: []byte(id)})
	}
	saveState(t, s, st)
	saveState(t, s, st)
	got, _ := load(t, s)
	if !reflect.DeepEqual(got, st.Snapshots) {
		t.Errorf("%d snapshots, the first %+v; want %d", len(got), got[0], stations)
	}
	if last := series(t, s, "CP_1036", 0, 0); !reflect.DeepEqual(last, st.Series[1036:]) {
		t.Errorf("series of the last station: %+v", last)
	}
}

func testSeries(t *testing.T, db Database) {
	s := db.Open(t, "a")
	chunk := func(from, to hayalet.Instant, body string) hayalet.Series {
		return hayalet.Series{Station: "a", From: from, To: to, Body: []byte(body)}
	}
	early, long, middle, twin, late := chunk(100, 200, "early"), chunk(150, 900, "long"), chunk(300, 400, "middle"), chunk(300, 400, "twin"), chunk(500, 500, "late")
	foreign := hayalet.Series{Station: "A", From: 1, To: 1000, Body: []byte("foreign")}
	saveState(t, s, hayalet.State{Series: []hayalet.Series{late, middle, foreign}})
	saveState(t, s, hayalet.State{Series: []hayalet.Series{middle, twin, late}}) // half of it again
	saveState(t, s, hayalet.State{Series: []hayalet.Series{early, long, early}})
	s = db.reopen(t, "a", s)
	for _, c := range []struct {
		name         string
		since, until hayalet.Instant
		want         []hayalet.Series
	}{
		{"all", 0, 0, []hayalet.Series{early, long, middle, twin, late}},
		{"since, touching", 400, 0, []hayalet.Series{long, middle, twin, late}},
		{"since, past", 401, 0, []hayalet.Series{long, late}},
		{"until, touching", 0, 301, []hayalet.Series{early, long, middle, twin}},
		{"until, excluded", 0, 300, []hayalet.Series{early, long}},
		{"within a long one", 600, 700, []hayalet.Series{long}},
		{"one instant", 500, 501, []hayalet.Series{long, late}},
		{"before all", 0, 100, nil},
		{"after all", 901, 0, nil},
	} {
		if got := series(t, s, "a", c.since, c.until); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, bodies(got), bodies(c.want))
		}
	}
	stop, calls := errors.New("stop"), 0
	err := s.ReadSeries(t.Context(), "a", 0, 0, func(hayalet.Series) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("a function that fails: error %v after %d calls, want its error after 1", err, calls)
	}
}

func bodies(all []hayalet.Series) (b []string) {
	for _, s := range all {
		b = append(b, string(s.Body))
	}
	return b
}

func saveState(t *testing.T, s hayalet.Store, st hayalet.State) {
	t.Helper()
	must(t, "save state", s.SaveState(t.Context(), st))
}

func load(t *testing.T, s hayalet.Store) (all []hayalet.Snapshot, mark uint64) {
	t.Helper()
	mark, err := s.LoadState(t.Context(), func(n hayalet.Snapshot) error { all = append(all, n); return nil })
	must(t, "load state", err)
	return all, mark
}

func series(t *testing.T, s hayalet.Store, st hayalet.StationID, since, until hayalet.Instant) (all []hayalet.Series) {
	t.Helper()
	must(t, "read series", s.ReadSeries(t.Context(), st, since, until, func(v hayalet.Series) error { all = append(all, v); return nil }))
	return all
}
