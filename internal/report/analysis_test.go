package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// analysis is a small record: one station whose register goes on after a stop, and one that says nothing while idle.
func analysis(main lang.Lang) *report.Analysis {
	mean, peak := 18*hayalet.Kilowatt, 18*hayalet.Kilowatt
	inc := hayalet.Incident{
		Key: "0f3c2a7e55aa", Rule: "PE-01", Station: "CP_1", Connector: 1, Transaction: hayalet.NumericTransaction(1), Severity: hayalet.Medium,
		State: hayalet.Confirmed, Cause: hayalet.Reported, OpenedAt: after(5 * time.Minute), FirstAt: after(5 * time.Minute),
		LastAt: after(13 * time.Minute), BaselineAt: after(3 * time.Minute), Baseline: 12_000_000, Last: 12_050_000, Energy: 50_000,
		Excess: 45_000, Readings: 5, Mean: &mean, Peak: &peak, Reason: hayalet.ReasonAfterStop, Evidence: []string{"power-zero"},
	}
	var trail report.Trail
	trail.Mark(after(0), report.MarkStart)
	for i := range 4 {
		trail.Add(report.Point{At: after(time.Duration(i) * time.Minute), Value: hayalet.Energy(10_500_000 + 500_000*i), InTransaction: true})
	}
	trail.Mark(after(3*time.Minute), report.MarkStop)
	e := report.NewEpisode(inc, &trail)
	for i := range 5 {
		at, value := after(time.Duration(5+2*i)*time.Minute), hayalet.Energy(12_010_000+10_000*i)
		e.Add(report.Point{At: at, Value: value})
		e.Alarm(&hayalet.Verdict{Rule: "PE-01", EventAt: at, Since: at.Add(-2 * time.Minute), Value: value, Quantum: 10_000, Increase: 10_000, Unpaid: 9_000, Implied: 300_000})
	}
	seen := report.Coverage{Station: "CP_1", Connector: 1, IdleValues: 60, IdleFlows: 60, Starts: 2, Compared: 1, Notes: []string{"unit-scaled"}}
	seen.Spent[report.DoingIdle] = 5 * time.Hour
	blind := report.Coverage{Station: "CP_2", Connector: 1, Starts: 1, Notes: []string{"blind"}}
	blind.Spent[report.DoingIdle] = 5 * time.Hour
	return &report.Analysis{
		Version: "v0.1.0", Main: main, Zone: time.UTC, Tariff: report.Tariff{Price: 7_500_000, Currency: "TRY"},
		Sources: []report.Source{{
			Name: "csms.log", Lines: 1000, Frames: 984, Unread: []report.Unread{{Kind: "no-frame", Count: 16, Line: 3, Example: "server started"}},
		}},
		Incidents: []hayalet.Incident{inc}, Episodes: map[string]*report.Episode{inc.Key: e},
		Stations: []report.StationPart{
			{Station: "CP_1", Vendor: "ACME", Model: "One", Presence: presence(0, 30*time.Minute, 60*time.Minute), Connectors: []report.Coverage{seen}},
			{Station: "CP_2", Presence: presence(0, 10*time.Minute, 5*time.Hour), Connectors: []report.Coverage{blind}},
		},
	}
}

func presence(at ...time.Duration) report.Presence {
	var p report.Presence
	for _, d := range at {
		p.Frame(after(d), hayalet.In, hayalet.Message)
	}
	return p
}

func html(t *testing.T, a *report.Analysis) string {
	t.Helper()
	var b bytes.Buffer
	if err := a.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// page cuts one language out of the whole.
func page(t *testing.T, text string, l lang.Lang) string {
	t.Helper()
	_, rest, found := strings.Cut(text, `<div class="page" id="`+string(l)+`"`)
	if !found {
		t.Fatalf("there is no page in %s", l)
	}
	rest, _, _ = strings.Cut(rest, `<div class="page"`)
	return rest
}

var (
	tags    = regexp.MustCompile(`<[^>]*>`)
	heading = regexp.MustCompile(`(?s)<h([1-4])[^>]*>(.*?)</h[1-4]>`)
)

func outline(text string) string {
	var b strings.Builder
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		fmt.Fprintf(&b, "%s %s\n", m[1], tags.ReplaceAllString(m[2], ""))
	}
	return b.String()
}

func TestAnalysisOutline(t *testing.T) {
	text := html(t, analysis(lang.EN))
	for _, c := range []struct {
		lang lang.Lang
		want string
	}{
		{lang.EN, `1 Analysis of recorded charging traffic
2 In short
2 Incidents
3 1. PE-01 phantom energy – CP_1, connector 1
4 Evidence
4 Its readings
4 What to do
2 What could not be seen
3 Longest times without a station in sight
2 Coverage
3 Stations
3 Connectors: what there was to judge by, and notes on their data
2 What was read
2 The rules of these incidents
3 PE-01 phantom energy
2 How to read this page
`},
		{lang.TR, `1 Kayıtlı şarj trafiğinin analizi
2 Kısaca
2 Olaylar
3 1. PE-01 hayalet enerji – CP_1, bağlantı noktası 1
4 Bulgular
4 Değerleri
4 Ne yapmalı
2 Görülemeyenler
3 İstasyonun görülmediği en uzun süreler
2 Kapsam
3 İstasyonlar
3 Bağlantı noktaları: değerlendirmeye dayanak olan veriler ve veri notları
2 Okunanlar
2 Bu olayların kuralları
3 PE-01 hayalet enerji
2 Bu sayfa nasıl okunur
`},
	} {
		if got := outline(page(t, text, c.lang)); got != c.want {
			t.Errorf("%s: the headings are\n%swant\n%s", c.lang, got, c.want)
		}
	}
}

func TestAnalysisSaysWhatWasFound(t *testing.T) {
	text := html(t, analysis(lang.EN))
	for _, c := range []struct {
		lang lang.Lang
		want []string
	}{
		{lang.EN, []string{
			"Read: 6 messages of 2 stations with 2 connectors.", "over 5 h 0 min", "Found: 1 alarm on 1 connector (1 medium).",
			"The alarms hold 50\u00a0Wh of phantom energy", "That is 0.38\u00a0TRY at 7.50\u00a0TRY per kilowatt-hour.", "Blind: 1 connector of 2.",
			"16 of 1\u202f000 lines were not understood", "holds no message", "server started", "Only the number moves", "12.000 → 12.050 kWh",
			"idle for 5 h 0 min, and neither register nor power was sent", "4 h 50 min", "nothing was heard", "a unit is off by a thousand",
		}},
		{lang.TR, []string{"Okunan: 6 ileti; kapsam: 2 istasyon, 2 bağlantı noktası.", "0,38\u00a0TRY", "1 orta", "güç ve akım sıfır", "ileti içermiyor"}},
	} {
		got := page(t, text, c.lang)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the page does not say %q", c.lang, want)
			}
		}
	}
}

// TestPicturesNameTheirDaysInFull: two dates and a zone have room on a phone too.
func TestPicturesNameTheirDaysInFull(t *testing.T) {
	a := analysis(lang.EN)
	a.Zone = time.FixedZone("", int((4*time.Hour + 35*time.Minute).Seconds())) // midnight is in the middle
	inc := &a.Incidents[0]
	inc.OpenedAt, inc.FirstAt, inc.LastAt = after(4*time.Minute), after(4*time.Minute), after(5*time.Minute)
	inc.Last, inc.Energy = 19_123_000, 7_123_000
	e := report.NewEpisode(*inc, new(report.Trail))
	for i, kwh := range []hayalet.Energy{12_000, 14_000, 19_123} { // the more digits beside the plot, the less room in it
		at := after(time.Duration(3+i) * time.Minute)
		e.Add(report.Point{At: at, Value: kwh * hayalet.WattHour})
		if i > 0 {
			e.Alarm(&hayalet.Verdict{Rule: "PE-01", EventAt: at, Since: at.Add(-time.Minute), Value: kwh * hayalet.WattHour, Quantum: 1})
		}
	}
	a.Episodes[inc.Key] = e
	captions := regexp.MustCompile(`<text class="soft end" x="([0-9.]+)"[^>]*>([^<]*UTC[^<]*)<`).FindAllStringSubmatch(html(t, a), -1)
	if len(captions) != 4 {
		t.Fatalf("%d captions, want two pictures in two languages: %q", len(captions), captions)
	}
	for _, c := range captions {
		const wide = 6.5 // of a character, in pixels
		x, err := strconv.ParseFloat(c[1], 64)
		if err != nil || !strings.Contains(c[2], " – ") || x < wide*float64(utf8.RuneCountInString(c[2])) {
			t.Errorf("%q ends at %s", c[2], c[1])
		}
	}
}

func TestAnalysisVerdict(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(a *report.Analysis)
		class  string
	}{
		{"alarms", func(*report.Analysis) {}, "is-alarms"},
		{"explained", func(a *report.Analysis) { a.Incidents[0].State = hayalet.Cleared; a.Stations = a.Stations[:1] }, "is-clean"},
		{"shadow", func(a *report.Analysis) { a.Incidents[0].Shadow = true; a.Stations = a.Stations[:1] }, "is-clean"},
		{"blind", func(a *report.Analysis) { a.Incidents = nil }, "is-partly"},
		{"empty", func(a *report.Analysis) { a.Incidents, a.Stations = nil, nil }, "is-nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := analysis(lang.EN)
			c.change(a)
			if text := html(t, a); !strings.Contains(text, `class="badge `+c.class+`"`) {
				t.Errorf("the badge is not %s", c.class)
			}
		})
	}
}

// TestAnalysisIsOnePage holds that the page is well formed, fetches nothing, runs nothing, and is at one with itself.
func TestAnalysisIsOnePage(t *testing.T) {
	for name, a := range map[string]*report.Analysis{"small": analysis(lang.TR), "large": large(200), "hostile": hostileAnalysis(), "empty": {Main: lang.EN, Zone: time.UTC}} {
		t.Run(name, func(t *testing.T) { checkPage(t, html(t, a)) })
	}
}

func checkPage(t *testing.T, text string) {
	t.Helper()
	ids, links := make(map[string]bool), []string{}
	tables, pictures := 0, 0
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "input"}, xml.HTMLEntity
	var open []string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			if slices.Contains([]string{"script", "iframe", "object", "img", "link", "base", "form"}, name) {
				t.Errorf("the page holds a %s", name)
			}
			for _, at := range tok.Attr {
				switch key := at.Name.Local; {
				case key == "id" && ids[at.Value]:
					t.Errorf("the id %q is there twice", at.Value)
				case key == "id":
					ids[at.Value] = true
				case key == "href", key == "for", key == "aria-labelledby", key == "aria-controls":
					links = append(links, strings.TrimPrefix(at.Value, "#"))
				case strings.HasPrefix(key, "on"), key == "src":
					t.Errorf("%s has an attribute %s", name, key)
				}
			}
			if name == "th" && !slices.ContainsFunc(tok.Attr, func(a xml.Attr) bool { return a.Name.Local == "scope" }) {
				t.Error("a table's header does not say its scope")
			}
			switch name {
			case "table":
				tables++
			case "thead":
				tables--
			case "svg":
				pictures++
			case "desc":
				pictures--
			}
			open = append(open, name)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != tok.Name.Local {
				t.Fatalf("</%s> closes %v", tok.Name.Local, open[max(0, len(open)-3):])
			}
			open = open[:len(open)-1]
		}
	}
	if tables != 0 || pictures != 0 {
		t.Errorf("%d tables without a header, %d pictures without a description", tables, pictures)
	}
	for _, id := range links {
		if !ids[id] {
			t.Errorf("there is no %q to go to", id)
		}
	}
	if rest := strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""); strings.Contains(rest, "http://") || strings.Contains(rest, "https://") || strings.Contains(rest, "url(") {
		t.Error("the page names an address")
	}
	if key := regexp.MustCompile(`[^.\w](analysis|report|reason|note|rule|explain)\.[a-z]+[.\w-]*`).FindString(tags.ReplaceAllString(text, "")); key != "" {
		t.Errorf("a sentence is missing: %q", key)
	}
}

const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>` + "\x00\u202e\n"

// hostileAnalysis is a record whose every text tries to be markup.
func hostileAnalysis() *report.Analysis {
	a := analysis(lang.EN)
	a.Version = evil
	a.Tariff.Currency = evil
	a.Sources[0].Name = evil
	a.Sources[0].Unread[0] = report.Unread{Kind: evil, Count: 1, Line: 1, Example: evil}
	for i := range a.Stations {
		st := &a.Stations[i]
		st.Station, st.Vendor, st.Model, st.Firmware = evil, evil, evil, evil
		for k := range st.Connectors {
			st.Connectors[k].Station = evil
		}
	}
	inc := &a.Incidents[0]
	inc.Station, inc.Transaction = evil, hayalet.TextTransaction(evil)
	a.Episodes[inc.Key].Incident = *inc
	return a
}

func TestAnalysisTakesWhatIsSentForText(t *testing.T) {
	text := html(t, hostileAnalysis())
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>\"", "\u202e", "\x00"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q came through", bad)
		}
	}
	if !strings.Contains(text, "&lt;script&gt;") {
		t.Error("the name is not shown")
	}
}

// large is a record with many incidents, all with pictures if there were room, and many stations.
func large(n int) *report.Analysis {
	a := analysis(lang.EN)
	first, episode := a.Incidents[0], a.Episodes[a.Incidents[0].Key]
	a.Incidents, a.Episodes = nil, make(map[string]*report.Episode)
	for i := range n {
		inc := first
		inc.Key, inc.Severity, inc.Excess = fmt.Sprintf("%012d", i), hayalet.Severity(i%5), hayalet.Energy(i)
		a.Incidents = append(a.Incidents, inc)
		own := *episode
		own.Incident = inc
		a.Episodes[inc.Key] = &own
		st := a.Stations[0]
		st.Station = hayalet.StationID(fmt.Sprintf("CP_%d", i))
		a.Stations = append(a.Stations, st)
	}
	return a
}

func TestAnalysisOfTenThousandIncidents(t *testing.T) {
	text := html(t, large(10_000))
	if len(text) > 6<<20 {
		t.Errorf("the page has %d MB", len(text)>>20)
	}
	en := page(t, text, lang.EN)
	if n := strings.Count(en, "<article "); n != 40 {
		t.Errorf("%d incidents have all their facts, want 40", n)
	}
	if n := strings.Count(en, `class="episode critical"`); n != 40 {
		t.Errorf("%d of them are critical, want all: there are 2000", n)
	}
	for _, want := range []string{
		"40 of 10\u202f000 incidents have a picture", "Not shown: 8\u202f960 incidents", "the first 500 of 10\u202f002 stations", "Shown are 500 of 10\u202f002 connectors",
	} {
		if !strings.Contains(en, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestTrailIsBounded(t *testing.T) {
	const trails = 500
	all := make([]report.Trail, trails)
	before := heap()
	for i := range all {
		for k := range 5000 {
			at := hayalet.Instant(1+k) * 60_000_000
			all[i].Add(report.Point{At: at, Value: hayalet.Energy(k * k), InTransaction: k%9 < 4})
			if k%9 == 0 {
				all[i].Mark(at, report.MarkKind(k%2))
			}
		}
	}
	if each := (heap() - before) / trails; each > 4<<10 {
		t.Errorf("a trail of 5000 points takes %d bytes", each)
	}
	runtime.KeepAlive(all)
}

func TestEpisodeIsBounded(t *testing.T) {
	const episodes = 50
	all := make([]*report.Episode, episodes)
	before := heap()
	for i := range all {
		all[i] = report.NewEpisode(analysis(lang.EN).Incidents[0], new(report.Trail))
		for k := range 20_000 {
			at := hayalet.Instant(1+k) * 60_000_000
			all[i].Add(report.Point{At: at, Value: hayalet.Energy(k * k)})
			all[i].Alarm(&hayalet.Verdict{EventAt: at, Value: hayalet.Energy(k * k)})
		}
	}
	if each := (heap() - before) / episodes; each > 48<<10 {
		t.Errorf("an episode of 20000 points takes %d bytes", each)
	}
	if first := all[0].Alarms[0].At; first != 60_000_000 {
		t.Errorf("the first alarm that is kept is of %v", first)
	}
	runtime.KeepAlive(all)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
