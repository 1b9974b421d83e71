package ocpp_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/ocpp"
)

var rewrite = flag.Bool("rewrite", false, "write what came out into the vectors' expect lines")

// writeExpect replaces the expect lines of a vector. Read what it wrote before you believe it.
func writeExpect(t *testing.T, path string, got []string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header, body, _ := strings.Cut(string(data), "---\n")
	var b strings.Builder
	for line := range strings.Lines(header) {
		if !strings.HasPrefix(line, "expect: ") {
			b.WriteString(line)
		}
	}
	for _, line := range got {
		fmt.Fprintln(&b, "expect: "+line)
	}
	if err := os.WriteFile(path, []byte(b.String()+"---\n"+body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A vector is a message with what it must say. The file is a header of "key: value" lines, "---", and frames, one a line,
// "in" or "out" before each. The expectation is of the last frame:
//
//	version: 1.6 (any: a log that does not tell it)
//	expect: kind=meter connector=1 flaws=type
//	expect: sample 12010 Wh quantum=10 context=Sample.Periodic
func TestVectors(t *testing.T) {
	paths, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { runVector(t, path) })
	}
}

func runVector(t *testing.T, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []string
	var protocol hayalet.Protocol
	scan := bufio.NewScanner(f)
	for scan.Scan() && scan.Text() != "---" {
		if version, ok := strings.CutPrefix(scan.Text(), "version: "); ok && version != "any" {
			protocol = hayalet.Protocol("ocpp" + version)
		}
		if text, ok := strings.CutPrefix(scan.Text(), "expect: "); ok {
			want = append(want, text)
		}
	}
	d := ocpp.NewDecoder()
	var e hayalet.Event
	for seq := uint64(1); scan.Scan(); seq++ {
		dir, text, _ := strings.Cut(scan.Text(), " ")
		direction, err := hayalet.ParseDirection(dir)
		if err != nil {
			t.Fatal(err)
		}
		d.Decode(&hayalet.Frame{Station: "CP", Conn: "c", Seq: seq, At: 1, Dir: direction, Protocol: protocol, Data: []byte(text)}, &e)
	}
	got := describe(&e)
	if *rewrite {
		writeExpect(t, path, got)
		return
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

var kinds = map[hayalet.EventKind]string{
	hayalet.EventOther: "other", hayalet.EventBoot: "boot", hayalet.EventStatus: "status", hayalet.EventStart: "start",
	hayalet.EventStartAnswer: "start-answer", hayalet.EventStop: "stop", hayalet.EventMeter: "meter",
}

var units = map[hayalet.Unit]string{
	hayalet.UnitOther: "?", hayalet.UnitWh: "Wh", hayalet.UnitW: "W", hayalet.UnitA: "A", hayalet.UnitV: "V", hayalet.UnitPercent: "%",
	hayalet.UnitCelsius: "C", hayalet.UnitHz: "Hz",
}

func describe(e *hayalet.Event) []string {
	head := "kind=" + kinds[e.Kind]
	add := func(when bool, format string, args ...any) {
		if when {
			head += fmt.Sprintf(" "+format, args...)
		}
	}
	add(e.HasConnector, "connector=%d", e.Connector)
	add(e.Plug != 0, "plug=%d", e.Plug)
	add(e.Status != 0, "status=%s", e.Status)
	for _, r := range e.More {
		head += fmt.Sprintf(" also=%d/%d/%s", r.Connector, r.Plug, r.Status)
	}
	add(e.Running, "running")
	add(e.Offline, "offline")
	add(e.HasSeqNo, "seqno=%d", e.SeqNo)
	add(e.Transaction.IsSet(), "transaction=%s", e.Transaction)
	add(e.Token != "", "token=%s", e.Token)
	add(e.HasMeter, "meter=%s", strings.TrimSuffix(e.Meter.String(), " Wh"))
	add(e.HasMeter && e.MeterStep != hayalet.WattHour, "step=%s", strings.TrimSuffix(e.MeterStep.String(), " Wh"))
	add(e.ClaimedAt != 0, "claimed=%s", e.ClaimedAt)
	add(e.Vendor+e.Model != "", "vendor=%s model=%s", e.Vendor, e.Model)
	add(e.CallSeq != 0, "answers=%d", e.CallSeq)
	add(e.Rejected, "rejected")
	add(e.Flaws != 0, "flaws=%s", e.Flaws)
	lines := []string{head}
	for i := range e.Samples {
		s := &e.Samples[i]
		line := fmt.Sprintf("sample %s %s quantum=%s measurand=%d", hayalet.FormatDecimal(s.Value, 3, 3), units[s.Unit], hayalet.FormatDecimal(s.Quantum, 3, 3), s.Measurand)
		if s.Context != 0 {
			line += " context=" + s.Context.String()
		}
		if s.Phase != 0 {
			line += fmt.Sprintf(" phase=%d", s.Phase)
		}
		if s.Location != 0 {
			line += fmt.Sprintf(" location=%d", s.Location)
		}
		if s.Flaws != 0 {
			line += " flaws=" + s.Flaws.String()
		}
		lines = append(lines, line)
	}
	return lines
}

// meter420 is the message of the benchmarks: 420 bytes, as stations send them.
const meter420 = `[2,"5802feb2-1fbd-4a4b-8991-15b1d9d592db","MeterValues",{"connectorId":1,"transactionId":177109,"meterValue":[{"timestamp":"2025-11-23T19:21:00Z","sampledValue":[{"value":"1254310.5","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},{"value":"7412.0","context":"Sample.Periodic","measurand":"Power.Active.Import","location":"Outlet","unit":"W"}]}]}]`

// updated2 is the same as 2.x sends it.
const updated2 = `[2,"5802feb2-1fbd-4a4b-8991-15b1d9d592db","TransactionEvent",{"eventType":"Updated","timestamp":"2025-11-23T19:21:00Z","triggerReason":"MeterValuePeriodic","seqNo":17,"transactionInfo":{"transactionId":"8f14e45f-ceea-467f-9575-1c2d3e4f5a6b","chargingState":"Charging"},"meterValue":[{"timestamp":"2025-11-23T19:21:00Z","sampledValue":[{"value":1254.3105,"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","location":"Outlet","unitOfMeasure":{"unit":"kWh"}},{"value":7412.0,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}}]}]}]`

func TestDecodeTransactionEventAllocatesNothing(t *testing.T) {
	d := ocpp.NewDecoder()
	f := hayalet.Frame{Station: "CP_1", Conn: "c", Seq: 1, At: 1, Protocol: hayalet.OCPP201, Data: []byte(updated2)}
	var e hayalet.Event
	if n := testing.AllocsPerRun(100, func() { d.Decode(&f, &e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(e.Samples) != 2 || e.Flaws != 0 || !e.Running {
		t.Errorf("%d samples, flaws %s", len(e.Samples), e.Flaws)
	}
}

func BenchmarkDecodeTransactionEvent(b *testing.B) {
	d := ocpp.NewDecoder()
	f := hayalet.Frame{Station: "CP_1", Conn: "c", Seq: 1, At: 1, Protocol: hayalet.OCPP201, Data: []byte(updated2)}
	var e hayalet.Event
	b.SetBytes(int64(len(f.Data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(&f, &e)
	}
}

func TestDecodeMeterValuesAllocatesNothing(t *testing.T) {
	if n := len(meter420); n < 415 || n > 425 {
		t.Fatalf("the message has %d bytes", n)
	}
	d := ocpp.NewDecoder()
	f := hayalet.Frame{Station: "CP_1", Conn: "c", Seq: 1, At: 1, Data: []byte(meter420)}
	var e hayalet.Event
	if n := testing.AllocsPerRun(100, func() { d.Decode(&f, &e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(e.Samples) != 2 || e.Flaws != 0 {
		t.Errorf("%d samples, flaws %s", len(e.Samples), e.Flaws)
	}
}

func BenchmarkDecodeMeterValues420(b *testing.B) {
	d := ocpp.NewDecoder()
	f := hayalet.Frame{Station: "CP_1", Conn: "c", Seq: 1, At: 1, Data: []byte(meter420)}
	var e hayalet.Event
	b.SetBytes(int64(len(f.Data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(&f, &e)
	}
}

// TestDecodeBoundsWhatIsKept sends strings as long as a frame may be: what outlives the frame is cut.
func TestDecodeBoundsWhatIsKept(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	d := ocpp.NewDecoder()
	var e hayalet.Event
	decode := func(text string) {
		d.Decode(&hayalet.Frame{Station: "CP", Conn: "c", Seq: 1, At: 1, Data: []byte(text)}, &e)
	}
	decode(`[2,"` + long + `","StartTransaction",{"connectorId":1,"idTag":"` + long + `","meterStart":1,"timestamp":"2026-01-05T00:00:00Z"}]`)
	if len(e.Token) > 255 || e.Flaws&hayalet.FlawRange == 0 || len(d.Pending("c")) != 0 {
		t.Errorf("token of %d bytes, flaws %s, %d starts wait", len(e.Token), e.Flaws, len(d.Pending("c")))
	}
	decode(`[2,"1","StopTransaction",{"transactionId":"` + long + `","meterStop":1,"timestamp":"2026-01-05T00:00:00Z"}]`)
	if n := len(e.Transaction.String()); n > 255 || e.Flaws&hayalet.FlawRange == 0 {
		t.Errorf("transaction of %d bytes, flaws %s", n, e.Flaws)
	}
	decode(`[2,"1","BootNotification",{"chargePointVendor":"` + long + `","chargePointModel":"` + long + `","firmwareVersion":"` + long + `"}]`)
	if n := max(len(e.Vendor), len(e.Model), len(e.Firmware)); n > 255 {
		t.Errorf("a name of %d bytes", n)
	}
}

// TestDecodeKeepsTheRegisterOfTooMany fills a message with samples that say nothing: the register behind them is read.
func TestDecodeKeepsTheRegisterOfTooMany(t *testing.T) {
	d := ocpp.NewDecoder()
	var e hayalet.Event
	text := `[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-05T00:00:00Z","sampledValue":[` +
		strings.Repeat(`{},`, 2*ocpp.MaxSamples) + `{"value":"1234"},{}]}]}]`
	d.Decode(&hayalet.Frame{Station: "CP", Conn: "c", Seq: 1, At: 1, Data: []byte(text)}, &e)
	last := &e.Samples[len(e.Samples)-1]
	if len(e.Samples) != ocpp.MaxSamples || e.Flaws&hayalet.FlawTooMany == 0 || !last.Usable() || last.Value != 1_234_000 {
		t.Errorf("%d samples, flaws %s, the last %+v", len(e.Samples), e.Flaws, *last)
	}
}

// TestDecodeRefusesWhatNoRegisterHolds keeps sums and differences of values within what an integer holds.
func TestDecodeRefusesWhatNoRegisterHolds(t *testing.T) {
	d := ocpp.NewDecoder()
	var e hayalet.Event
	for _, value := range []string{"9e15", "-9e15", "9223372036854775.807", "1000000000001"} {
		d.Decode(&hayalet.Frame{Station: "CP", Conn: "c", Seq: 1, At: 1, Data: []byte(
			`[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"` + value + `"}]}]}]`)}, &e)
		if e.Samples[0].Usable() {
			t.Errorf("%s was read as %d", value, e.Samples[0].Value)
		}
		d.Decode(&hayalet.Frame{Station: "CP", Conn: "c", Seq: 1, At: 1, Data: []byte(
			`[2,"1","StopTransaction",{"transactionId":1,"meterStop":` + value + `,"timestamp":"2026-01-05T00:00:00Z"}]`)}, &e)
		if e.HasMeter {
			t.Errorf("meterStop %s was read as %s", value, e.Meter)
		}
	}
}

// FuzzDecodeNeverPanics holds the decoder to its promise: any bytes give an event, and samples that are usable have a
// positive step.
func FuzzDecodeNeverPanics(f *testing.F) {
	paths, _ := filepath.Glob("testdata/vectors/*.txt")
	for _, path := range paths {
		data, _ := os.ReadFile(path)
		_, body, _ := strings.Cut(string(data), "---\n")
		for line := range strings.Lines(body) {
			dir, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			for version := range uint8(4) {
				f.Add([]byte(text), dir == "in", version)
			}
		}
	}
	protocols := append(hayalet.Protocols(), "")
	f.Fuzz(func(t *testing.T, data []byte, in bool, version uint8) {
		d := ocpp.NewDecoder()
		protocol := protocols[int(version)%len(protocols)]
		frame := hayalet.Frame{Station: "CP", Conn: "c", Seq: 1, At: 1, Protocol: protocol, Data: data}
		if !in {
			frame.Dir = hayalet.Out
		}
		var e hayalet.Event
		for range 2 {
			d.Decode(&frame, &e)
			frame.Seq++
		}
		if len(e.Samples) > ocpp.MaxSamples {
			t.Errorf("%d samples", len(e.Samples))
		}
		for _, s := range e.Samples {
			if s.Usable() && s.Quantum < 1 {
				t.Errorf("quantum %d", s.Quantum)
			}
		}
		if in && e.Kind != hayalet.EventOther && e.Flaws&hayalet.FlawSyntax == 0 && !json.Valid(data) {
			t.Errorf("%q is no JSON and was not marked", data)
		}
	})
}

// FuzzParseMessage holds the framing to encoding/json: what it takes is an array, and building the same message again
// parses to the same.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`[2,"1","Heartbeat",{}]`))
	f.Add([]byte(`[4,"1","GenericError","",{}]`))
	f.Add([]byte(`[3,"1",{"a":[1,2]}]`))
	f.Add([]byte("[2,\"0\",\"\xd0\xd0\",{}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, fault := ocpp.ParseMessage(data)
		if fault != nil {
			if fault.ID == "" {
				t.Errorf("%q: a fault without an id", data)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q was taken", data)
		}
		if m.Type != ocpp.Call {
			return
		}
		again, fault := ocpp.ParseMessage(ocpp.AppendCall(nil, m.ID, m.Action, m.Payload))
		if fault != nil || again.Action != string([]rune(m.Action)) { // each byte that is no UTF-8 becomes one U+FFFD
			t.Errorf("%q came back as %+v, %v", data, again, fault)
		}
	})
}

func TestParseMessageFaults(t *testing.T) {
	for _, c := range []struct {
		text, id string
		code     ocpp.ErrorCode
		ignore   bool
	}{
		{`garbage`, "-1", ocpp.FormationViolation, false},
		{`{}`, "-1", ocpp.FormationViolation, false},
		{`[]`, "-1", ocpp.FormationViolation, false},
		{`["2","7","Heartbeat",{}]`, "-1", ocpp.FormationViolation, false},
		{`[2,"7"]`, "7", ocpp.FormationViolation, false},
		{`[2,"7",5,{}]`, "7", ocpp.FormationViolation, false},
		{`[2,"7","Heartbeat"]`, "7", ocpp.FormationViolation, false},
		{`[2,"7","Heartbeat",{}`, "7", ocpp.FormationViolation, false},
		{`[2,"7","Heartbeat",{},1]`, "7", ocpp.FormationViolation, false},
		{`[2,"7","Heartbeat",{}]x`, "7", ocpp.FormationViolation, false},
		{`[2,7,"Heartbeat",{}]`, "7", ocpp.FormationViolation, false},
		{`[9,"7","Heartbeat",{}]`, "7", ocpp.ProtocolError, true},
		{`[2,"7","X",` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `]`, "7", ocpp.FormationViolation, false},
	} {
		_, fault := ocpp.ParseMessage([]byte(c.text))
		if fault == nil || fault.ID != c.id || fault.Code != c.code || fault.Ignore != c.ignore {
			t.Errorf("%s: got %+v, want id %s, %s, ignore %v", c.text, fault, c.id, c.code, c.ignore)
		}
	}
}

func TestAppendEscapes(t *testing.T) {
	m, fault := ocpp.ParseMessage(ocpp.AppendError(nil, "a\"\\\n\x01é", ocpp.GenericError, "tab\there"))
	if fault != nil || m.ID != "a\"\\\n\x01é" || m.ErrorText != "tab\there" || m.ErrorCode != "GenericError" {
		t.Errorf("got %+v, %v", m, fault)
	}
}
