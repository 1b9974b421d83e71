package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// drawn is what a picture holds: how many elements of each name and class, and the texts.
type drawn struct {
	count map[string]int
	texts []string
	size  int
}

// look draws a demo's picture and reads it back; it must be well-formed, with numbers that are numbers.
func look(t *testing.T, p lang.Printer, d *report.Demo) drawn {
	t.Helper()
	b, err := d.Picture(p)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(b, []byte("NaN")); i >= 0 || bytes.Contains(b, []byte("Inf")) {
		t.Fatalf("a coordinate is no number: %s", b)
	}
	got := drawn{count: map[string]int{}, size: len(b)}
	for dec := xml.NewDecoder(bytes.NewReader(b)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, b)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			for _, a := range token.Attr {
				if a.Name.Local == "class" {
					name += "." + strings.Fields(a.Value + " -")[0]
				}
			}
			got.count[name]++
		case xml.CharData:
			got.texts = append(got.texts, string(token))
		}
	}
}

func (d drawn) has(text string) bool { return slices.Contains(d.texts, text) }

func TestPictureOfTheFirstPhantom(t *testing.T) {
	p := lang.New(lang.EN)
	got := look(t, p, sample(p))
	if got.count["circle.alarm"] != 10 {
		t.Errorf("%d dots of alarms, want five in each of two panels", got.count["circle.alarm"])
	}
	if got.count["circle.reading"] != 5 { // three readings, the stop, the legend
		t.Errorf("%d dots of readings, want 5", got.count["circle.reading"])
	}
	for _, want := range []string{
		"Register of CP_1, connector 1, over time", "StartTransaction", "StopTransaction", "in a transaction", "outside a transaction",
		"10.0", "12.0", "12.01", "12.05", "22:21:04", "at the stop: 12.00 kWh", "+50 Wh", "time on 2025-11-23 (UTC+03:00)",
		"8 readings, 5 of them alarms. The register stood at 12.00 kWh before the phantom flow and reached 12.05 kWh by the last alarm.",
	} {
		if !got.has(want) {
			t.Errorf("%q is missing", want)
		}
	}
	if got.count["line.base"] != 3 || got.count["path.flow"] != 2 || got.count["path.excess"] != 2 {
		t.Errorf("a baseline, a flow or an excess is missing: %v", got.count)
	}
}

func TestPictureSpeaksTurkish(t *testing.T) {
	p := lang.New(lang.TR)
	got := look(t, p, sample(p))
	for _, want := range []string{"CP_1, bağlantı noktası 1: zamana göre sayaç", "işlem dışında", "durdurma anında: 12.00 kWh", "saat, 23.11.2025 (UTC+03:00)"} {
		if !got.has(want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestPictureOfOddSeries(t *testing.T) {
	p := lang.New(lang.EN)
	at := func(s int) hayalet.Instant { return after(time.Duration(s) * time.Second) }
	marks := []report.Mark{{At: at(0), Kind: report.MarkStart}, {At: at(5), Kind: report.MarkStop}}
	for name, c := range map[string]struct {
		points []report.Point
		marks  []report.Mark
		alarms int // dots
	}{
		"nothing":             {},
		"marks alone":         {marks: marks},
		"one reading":         {points: []report.Point{{At: at(1), Value: 5}}},
		"one alarm":           {points: []report.Point{{At: at(1), Value: 5, Alarm: true}}, alarms: 1},
		"one alarm at a stop": {points: []report.Point{{At: at(5), Value: 5, Alarm: true}}, marks: marks, alarms: 1},
		"no time":             {points: []report.Point{{Value: 5, Alarm: true}, {At: -3, Value: 5}}, marks: []report.Mark{{}}},
		"flat":                {points: []report.Point{{At: at(1), Value: 7}, {At: at(9), Value: 7}}},
		"out of order": {
			points: []report.Point{{At: at(9), Value: 9000, Alarm: true}, {At: at(1), Value: 7000}, {At: at(3), Value: 8000}},
			marks:  []report.Mark{marks[1], marks[0]}, alarms: 2,
		},
		"without marks": {points: []report.Point{{At: at(1), Value: 7, InTransaction: true}, {At: at(3), Value: 9, Alarm: true}}, alarms: 2},
		"one moment":    {points: []report.Point{{At: at(1), Value: 7}, {At: at(1), Value: 9, Alarm: true}}, alarms: 1},
		"extremes": {points: []report.Point{
			{At: 1, Value: math.MinInt64}, {At: at(1), Value: math.MaxInt64, Alarm: true}, {At: math.MaxInt64, Value: -1},
		}, alarms: 2},
		"falling": {points: []report.Point{{At: at(1), Value: 9e6}, {At: at(2), Value: 1e6, Alarm: true}, {At: at(3), Value: 2e6, Alarm: true}}, alarms: 4},
	} {
		t.Run(name, func(t *testing.T) {
			d := sample(p)
			d.Alarms, d.Attack.Points, d.Attack.Marks = nil, c.points, c.marks
			got := look(t, p, d)
			if got.count["circle.alarm"] != c.alarms {
				t.Errorf("%d dots of alarms, want %d", got.count["circle.alarm"], c.alarms)
			}
			if _, err := d.HTML(p); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPictureOfAStrangersNames(t *testing.T) {
	p := lang.New(lang.EN)
	got := look(t, p, hostileRun(p))
	if got.count["script"] != 0 || !slices.ContainsFunc(got.texts, func(s string) bool { return strings.Contains(s, "<script>alert('1')</script>\"`|&]](x)") }) {
		t.Errorf("the name is not shown as text: %q", got.texts)
	}
}

// TestPictureOfALongSeries holds that a picture stays small, and yet shows every alarm and the one spike.
func TestPictureOfALongSeries(t *testing.T) {
	p := lang.New(lang.EN)
	d := sample(p)
	d.Alarms, d.Attack.Points, d.Attack.Marks = nil, nil, nil
	for i := range 100_000 {
		at, value := after(time.Duration(i)*time.Minute), hayalet.Energy(i)*hayalet.WattHour
		pt := report.Point{At: at, Value: value, InTransaction: i%50 < 25, Alarm: i >= 90_025 && i < 90_050}
		if i == 54_321 {
			pt.Value = 200_000 * hayalet.WattHour
		}
		d.Attack.Points = append(d.Attack.Points, pt)
		switch i % 50 {
		case 0:
			d.Attack.Marks = append(d.Attack.Marks, report.Mark{At: at, Kind: report.MarkStart})
		case 25:
			d.Attack.Marks = append(d.Attack.Marks, report.Mark{At: at, Kind: report.MarkStop})
		}
	}
	got := look(t, p, d)
	if got.count["circle.alarm"] != 25+24 && got.count["circle.alarm"] != 50 {
		t.Errorf("%d dots of alarms for 25 of them", got.count["circle.alarm"])
	}
	if !got.has("200") {
		t.Error("the scale does not reach the spike")
	}
	if got.size > 256<<10 {
		t.Errorf("the picture has %d bytes", got.size)
	}
}

func TestPictureOfManyAlarmsIsBounded(t *testing.T) {
	p := lang.New(lang.EN)
	d := sample(p)
	d.Alarms, d.Attack.Points = nil, nil
	for i := range 50_000 {
		d.Attack.Points = append(d.Attack.Points, report.Point{At: after(time.Duration(i) * time.Second), Value: hayalet.Energy(i), Alarm: i%2 == 1})
	}
	got := look(t, p, d)
	if dots := got.count["circle.alarm"]; dots < 900 || dots > 4000 {
		t.Errorf("%d dots", dots)
	}
}

func TestAxisHasRoundTimes(t *testing.T) {
	p := lang.New(lang.EN)
	for _, c := range []struct {
		span time.Duration
		want string
	}{
		{40 * time.Millisecond, "22:20:59.950"},
		{13 * time.Second, "22:21:10"},
		{2 * time.Hour, "22:30"},
		{48 * time.Hour, "11-24"},
		{30 * 24 * time.Hour, "11-27"},
		{20 * 365 * 24 * time.Hour, ""},
	} {
		t.Run(fmt.Sprint(c.span), func(t *testing.T) {
			d := sample(p)
			d.Alarms, d.Attack.Marks = nil, nil
			d.Attack.Points = []report.Point{{At: after(0), Value: 1}, {At: after(c.span), Value: 2}}
			got := look(t, p, d)
			if c.want != "" && !got.has(c.want) {
				t.Errorf("%q is not among %q", c.want, got.texts)
			}
			if n := got.count["text.soft"]; n < 5 || n > 30 {
				t.Errorf("%d names on the axes", n)
			}
		})
	}
}
