package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/engine"
	"hayalet/internal/lang"
)

// reported analyses a record and returns its page.
func reported(t *testing.T, record string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out.html")
	rec, err := newReportRecord(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig("", nil)
	if err != nil {
		t.Fatal(err)
	}
	heard := newCollector()
	listeners := append(rec.listeners(), heard)
	e := engine.New(engine.Config{Rules: cfg.sets.of, Profiles: cfg.profile, Listeners: listeners})
	done := make(chan error, 1)
	go func() { done <- e.Run(t.Context()) }()
	stats, err := capture.Read(t.Context(), capture.Options{Location: time.UTC}, []capture.Input{{Name: "test.jsonl", R: strings.NewReader(record)}}, tapped(e, listeners))
	if err != nil {
		t.Fatal(err)
	}
	seen, err := e.Stations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	found := heard.findings()
	found.stations, found.seen = len(seen), seen
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &out, text: lang.New(lang.EN)}
	if err := a.writeReport(name, rec, found, stats, &cfg, time.UTC); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(name), ".hayalet-report-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return string(data)
}

// TestStandardOutputByItsName: a report or a conversion to /dev/stdout takes nothing away that was written there before.
func TestStandardOutputByItsName(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	link := filepath.Join(t.TempDir(), "stdout")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: f, stderr: io.Discard, text: lang.New(lang.EN)}
	cfg, err := loadConfig("", nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "before")
	record, err := newReportRecord(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.writeReport(link, record, findings{}, capture.Stats{}, &cfg, time.UTC); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(log, []byte(`{"station":"S","direction":"in","frame":[3]}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.runConvert(t.Context(), convertOptions{out: link, to: "jsonl", zone: "UTC"}, []string{log}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(got); !strings.HasPrefix(text, "before\n<!DOCTYPE html>") || !strings.HasSuffix(text, `"frame":[3]}`+"\n") {
		t.Errorf("%.60q … %q", text, text[max(0, len(text)-60):])
	}
}

// TestConvertSaysWhatItCannotWrite: a message whose line nobody could read is a gap, and is counted.
func TestConvertSaysWhatItCannotWrite(t *testing.T) {
	log := filepath.Join(t.TempDir(), "x.log")
	text := "S: receive message [2,\"a\",\"DataTransfer\",\"" + strings.Repeat("\xff", 900_000) + "\"]\n"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	a := &app{stdout: &out, stderr: &said, text: lang.New(lang.EN)}
	if err := a.runConvert(t.Context(), convertOptions{out: "-", to: "jsonl", zone: "UTC"}, []string{log}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "0 messages written") || !strings.Contains(said.String(), `1 × too-long (S [2,"a",`) || !strings.Contains(out.String(), `"kind":"gap"`) {
		t.Errorf("said %q, wrote %.100q", said.String(), out.String())
	}
}

// diary writes JSONL of one station, a line a minute.
type diary struct {
	strings.Builder
	station string
	at      time.Time
	n       int
}

func newDiary(station string) *diary {
	return &diary{station: station, at: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
}

func (r *diary) say(direction, frame string, args ...any) {
	r.n++
	frame = strings.NewReplacer("NOW", r.at.Format(time.RFC3339), "ID", fmt.Sprint(r.n)).Replace(fmt.Sprintf(frame, args...))
	fmt.Fprintf(r, `{"ts":%q,"station":%q,"direction":%q,"frame":%q}`+"\n", r.at.Format(time.RFC3339), r.station, direction, frame)
}

func (r *diary) meter(wh int) {
	r.at = r.at.Add(time.Minute)
	r.say("in", `[2,"ID","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"NOW","sampledValue":[{"value":"%d","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}]`, wh)
}

// phantom is a session of 1 kWh and a flow of 200 Wh after its stop.
func phantom(station string) string {
	r := newDiary(station)
	r.say("in", `[2,"b","BootNotification",{"chargePointVendor":"ACME <b>","chargePointModel":"One"}]`)
	r.say("in", `[2,"s","StatusNotification",{"connectorId":1,"status":"Available","errorCode":"NoError"}]`)
	r.say("in", `[2,"t","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":1000,"timestamp":"NOW"}]`)
	r.say("out", `[3,"t",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]`)
	for i := range 10 {
		r.meter(1100 + 100*i)
	}
	r.say("in", `[2,"u","StopTransaction",{"transactionId":7,"meterStop":2000,"timestamp":"NOW"}]`)
	r.say("in", `[2,"v","StatusNotification",{"connectorId":1,"status":"Available","errorCode":"NoError"}]`)
	for i := range 20 {
		r.meter(2010 + 10*i)
	}
	for range 80 {
		r.meter(2200)
	}
	return r.String()
}

func TestReportOfAPhantom(t *testing.T) {
	text := reported(t, phantom("CP_1")+"{\"no\":\"frame\"}\n")
	for _, want := range []string{
		"PE-01 phantom energy – CP_1, connector 1", "200\u00a0Wh (2.000 → 2.200 kWh)", "at the stop: 2.00 kWh", "+200 Wh",
		`<svg`, "1 h 50 min", "test.jsonl", "does not say whose message it is", "ACME &lt;b&gt; · One",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if strings.Contains(text, "No picture") {
		t.Error("there is no picture")
	}
}

func TestReportOfHostileNames(t *testing.T) {
	text := reported(t, phantom(`<script>alert("1")</script>`))
	if strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script&gt;") {
		t.Error("the station's name is not shown as text")
	}
}

func TestReportOfABlindStation(t *testing.T) {
	r := newDiary("CP_2")
	r.say("in", `[2,"s","StatusNotification",{"connectorId":1,"status":"Available","errorCode":"NoError"}]`)
	for range 10 {
		r.at = r.at.Add(30 * time.Minute)
		r.say("in", `[2,"ID","Heartbeat",{}]`)
	}
	r.at = r.at.Add(5 * time.Hour)
	r.say("in", `[2,"ID","Heartbeat",{}]`)
	text := reported(t, r.String())
	for _, want := range []string{"None found in what could be seen", "CP_2, connector 1", "it never sent a register or power value", "5 h 0 min", "nothing was heard", "50 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}

func TestReportIsRefusedEarly(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "no", "out.html")} {
		if _, err := newReportRecord(name); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if rec, err := newReportRecord(""); rec != nil || err != nil || rec.listeners() != nil {
		t.Errorf("without a name there is a record: %v %v", rec, err)
	}
}

// TestReportFollowsWhatWeighs begins more incidents than are followed: the severest ones stay.
func TestReportFollowsWhatWeighs(t *testing.T) {
	rec, err := newReportRecord(filepath.Join(t.TempDir(), "out.html"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		inc := hayalet.Incident{Key: fmt.Sprint(i), Rule: "PE-01", Station: hayalet.StationID(fmt.Sprint("CP", i)), Connector: 1}
		if i >= 900 {
			inc.Severity = hayalet.Critical
		}
		rec.Changed(inc)
	}
	critical := 0
	for _, e := range rec.episodes {
		if e.Incident.Severity == hayalet.Critical {
			critical++
		}
	}
	if len(rec.episodes) != 256 || critical != 100 {
		t.Errorf("%d are followed, %d of them critical, want 256 and 100", len(rec.episodes), critical)
	}
	followed := 0
	for _, c := range rec.places {
		followed += len(c.episodes)
	}
	if followed != 256 {
		t.Errorf("%d are fed", followed)
	}
}

// sunk is a sink that takes nothing.
type sunk struct{}

func (sunk) PutFrames(context.Context, []hayalet.Frame) error { return context.Canceled }

func TestReportCountsOnlyWhatWasTaken(t *testing.T) {
	rec, err := newReportRecord(filepath.Join(t.TempDir(), "out.html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := tapped(sunk{}, rec.listeners()).PutFrames(t.Context(), []hayalet.Frame{{Station: "CP", At: 1}}); err == nil || len(rec.met) > 0 {
		t.Errorf("error %v, stations %d", err, len(rec.met))
	}
}

// TestReportLeavesALinkWhatItIs: what is no plain file is written to, not replaced; a report once took the place of a device.
func TestReportLeavesALinkWhatItIs(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "page.html"), filepath.Join(dir, "link.html")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("old and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(link, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s has become a plain file: %v", link, err)
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "new" {
		t.Errorf("the link's target holds %q, %v", text, err)
	}
}
