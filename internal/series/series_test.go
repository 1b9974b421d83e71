package series_test

import (
	"reflect"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/series"
)

var begin = hayalet.InstantOf(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC))

func at(d time.Duration) hayalet.Instant { return begin.Add(d) }

func read(t *testing.T, p *series.Packer) (pts []series.Point) {
	t.Helper()
	body, from, to := p.Take()
	if err := series.Read(body, func(pt series.Point) { pts = append(pts, pt) }); err != nil {
		t.Fatal(err)
	}
	for _, pt := range pts {
		if pt.At < from || pt.At > to {
			t.Errorf("%v is outside %v to %v", pt.At, from, to)
		}
	}
	return pts
}

func TestPointsComeBack(t *testing.T) {
	var p series.Packer
	want := []series.Point{
		{At: at(0), Connector: 1, Value: 12_010_000, Active: true},
		{At: at(0), Connector: 1, Kind: series.Power, Value: 7_400_000, Active: true},
		{At: at(time.Minute), Connector: 2, Track: 3, Value: -5},
		{At: at(-time.Hour), Connector: 1, Value: 12_020_000, Active: true},
		{At: at(time.Hour), Connector: -1, Value: 1 << 60},
		{At: at(time.Hour), Connector: 1, Value: 0},
	}
	for range 2 { // the second stretch stands alone, too
		for _, pt := range want {
			p.Add(pt, true)
		}
		if got := read(t, &p); !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v, want\n%+v", got, want)
		}
	}
	if pts := read(t, &p); len(pts) != 0 {
		t.Errorf("nothing was added: %+v", pts)
	}
}

// TestOnlyChangesAreKept: of a register that stands still there is the first and the last reading, and one each six hours.
func TestOnlyChangesAreKept(t *testing.T) {
	var p series.Packer
	for n := range 40 {
		value := int64(1000)
		if n >= 30 {
			value = 2000
		}
		p.Add(series.Point{At: at(time.Duration(n) * 15 * time.Minute), Connector: 1, Value: value}, false)
	}
	var got []int
	for _, pt := range read(t, &p) {
		got = append(got, int(pt.At.Sub(begin)/(15*time.Minute)))
	}
	if want := []int{0, 24, 29, 30}; !reflect.DeepEqual(got, want) {
		t.Errorf("kept readings %v, want %v", got, want)
	}
	p.Add(series.Point{At: at(40 * 15 * time.Minute), Connector: 1, Value: 2000}, false)
	if p.Len() != 0 {
		t.Error("a new stretch begins with a value that did not change")
	}
	p.Add(series.Point{At: at(41 * 15 * time.Minute), Connector: 1, Value: 2000}, true)
	if len(read(t, &p)) != 1 {
		t.Error("what was to be kept in any case was not")
	}
}

// TestManyLinesAreBounded: more lines than a packer remembers lose their thrift, not their points.
func TestManyLinesAreBounded(t *testing.T) {
	var p series.Packer
	for range 2 {
		for c := range hayalet.ConnectorID(200) {
			p.Add(series.Point{At: at(0), Connector: c, Value: int64(c) + 7}, false)
		}
	}
	seen := map[hayalet.ConnectorID]int{}
	for _, pt := range read(t, &p) {
		if pt.Value != int64(pt.Connector)+7 {
			t.Fatalf("%+v", pt)
		}
		seen[pt.Connector]++
	}
	if len(seen) != 200 || seen[0] != 1 || seen[199] != 2 {
		t.Errorf("%d lines, the first with %d points, the last with %d", len(seen), seen[0], seen[199])
	}
}

func FuzzReadNeverPanics(f *testing.F) {
	var p series.Packer
	p.Add(series.Point{At: at(0), Connector: 1, Value: 5}, true)
	body, _, _ := p.Take()
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		err := series.Read(body, func(series.Point) { n++ })
		if err == nil && n > len(body)/4 {
			t.Errorf("%d points in %d bytes", n, len(body))
		}
	})
}
