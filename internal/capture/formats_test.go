package capture_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"hayalet"
	"hayalet/internal/capture"
)

// brief writes a frame in one line: station, connection, direction or kind, time, text.
func brief(f hayalet.Frame) string {
	word := f.Dir.String()
	if f.Kind != hayalet.Message {
		word = f.Kind.String()
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s %s", f.Station, f.Conn, word, f.At, f.Protocol, f.Data))
}

// TestReadFormats reads the traffic of one small session as each program writes it.
func TestReadFormats(t *testing.T) {
	const call, answer = `[2,"a","Heartbeat",{}]`, `[3,"a",{}]`
	at := func(s string) string { return "2025-11-23T19:21:" + s + "Z" }
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"trace": {
			`{"schemaVersion":"1.1","timestamp":"` + at("04") + `","ocppVersion":"1.6","transport":"json","chargePointId":"CP_1","direction":"cp-to-csms","messageType":"CALL","messageId":"a","action":"Heartbeat","payload":{}}
{"schemaVersion":"1.1","timestamp":"` + at("05") + `","ocppVersion":"2.0.1","transport":"json","chargePointId":"CP_1","direction":"csms-to-cp","messageType":"CALLRESULT","messageId":"a","payload":{"x":1},"raw":"[3,\"a\",{ }]","meta":{"conn":"c","seq":7}}
{"schemaVersion":"1.0","timestamp":"` + at("06") + `","transport":"json","direction":"csms-to-cp","messageType":"CALLERROR","messageId":"b","error":{"code":"GenericError"}}`,
			[]string{
				`CP_1 a.log#CP_1 in ` + at("04") + ` ocpp1.6 ` + call,
				`CP_1 c out ` + at("05") + ` ocpp2.0.1 [3,"a",{ }]`,
				`a a.log#a out ` + at("06") + `  [4,"b","GenericError","",{}]`,
			},
		},
		"trace as an array": {
			"[\n  {\n    \"timestamp\": \"" + at("04") + `", "transport":"json","chargePointId":"CP_1","direction":"cp-to-csms","messageType":"CALL","messageId":"a",
    "action":"Heartbeat","payload":{}
  },
  {"timestamp":"` + at("05") + `","transport":"json","chargePointId":"CP_1","direction":"csms-to-cp","messageType":"CALLRESULT","messageId":"a"}` + "\n]\n",
			[]string{`CP_1 a.log#CP_1 in ` + at("04") + `  ` + call, `CP_1 a.log#CP_1 out ` + at("05") + `  ` + answer},
		},
		"events with arrays": {
			`{"timestamp":"` + at("04") + `","direction":"CS_TO_CSMS","message":` + call + `}
{"timestamp":"` + at("05") + `","message":` + answer + `}
{"timestamp":"` + at("06") + `","direction":"CSMS_TO_CS","message":[2,"r","Reset",{}]}`,
			[]string{`a a.log#a in ` + at("04") + `  ` + call, `a a.log#a out ` + at("06") + `  [2,"r","Reset",{}]`},
		},
		"steve": {
			`[INFO ] 2025-11-23 19:21:03,100 de.rwth.idsg.steve.ocpp.ws.WebSocketLogger (qtp1-5) - [chargeBoxId=CP_1, sessionId=s-1] Connection is established
[INFO ] 2025-11-23 19:21:04,000 de.rwth.idsg.steve.ocpp.ws.WebSocketLogger (qtp1-5) - [chargeBoxId=CP_1, sessionId=s-1] Received: ` + call + `
[INFO ] 2025-11-23 19:21:05,000 de.rwth.idsg.steve.ocpp.ws.WebSocketLogger (qtp1-5) - [chargeBoxId=CP_1, sessionId=s-1] Sending: ` + answer + `
[INFO ]	2025-11-23	19:21:06,000	de.rwth.idsg.steve.ocpp.ws.WebSocketLogger	(qtp1-5)	-	[chargeBoxId=CP, 2,	sessionId=s-2]	Received:	[2,	"b",	"Heartbeat",	{}]			
[WARN ] 2025-11-23 19:21:07,000 de.rwth.idsg.steve.ocpp.ws.WebSocketLogger (qtp1-9) - [chargeBoxId=CP_1, sessionId=s-1] Connection is closed, status: CloseStatus[code=1006, reason=x]
[INFO ] 2025-11-23 19:21:08,000 de.rwth.idsg.steve.ocpp.ws.PingTask (x) - [chargeBoxId=CP_1, sessionId=s-1] Sending ping message`,
			[]string{
				`CP_1 s-1 open ` + at("03.1"),
				`CP_1 s-1 in ` + at("04") + `  ` + call,
				`CP_1 s-1 out ` + at("05") + `  ` + answer,
				`CP, 2 s-2 in ` + at("06") + "  [2,\t\"b\",\t\"Heartbeat\",\t{}]",
				`CP_1 s-1 close ` + at("07"),
			},
		},
		"evcc": {
			`[ocpp  ] TRACE 2025/11/23 19:21:04 recv CP_1: ` + call + `
evcc  | [ocpp  ] TRACE 2025/11/23 19:21:05 send CP_1: ` + answer + `
Nov 23 19:21:06 host evcc[252]: [ocpp  ] TRACE 2025/11/23 19:21:06 sent CP_1: [2,"t","TriggerMessage",{"requestedMessage":"MeterValues"}]
[ocpp  ] TRACE 2025/11/23 19:21:07 TriggerMessage MeterValues for CP_1: Accepted
[site  ] DEBUG 2025/11/23 19:21:07 grid currents: [1.16 1.45 -1.37]A
[ocpp  ] TRACE 2025/11/23 19:21:08 received JSON message from CP_1: [3,"t",{}]`,
			[]string{
				`CP_1 a.log#CP_1 in ` + at("04") + `  ` + call,
				`CP_1 a.log#CP_1 out ` + at("05") + `  ` + answer,
				`CP_1 a.log#CP_1 out ` + at("06") + `  [2,"t","TriggerMessage",{"requestedMessage":"MeterValues"}]`,
				`CP_1 a.log#CP_1 in ` + at("08") + `  [3,"t",{}]`,
			},
		},
		"ocpp-go": {
			`time="2025-11-23T19:21:04Z" level=debug msg="received JSON message from CP_1: [2,\"a\",\"Heartbeat\",{}]" logger=ocppj
DEBU[2025-11-23T19:21:05Z] sent JSON message to CP_1: ` + answer + `             logger=ocppj
{"level":"debug","logger":"ocppj","msg":"received JSON message from CP_1: [2,\"b\",\"Heartbeat\",{}]","time":"` + at("06") + `"}
time="2025-11-23T19:21:07Z" level=debug msg="handling incoming CALL [a, Heartbeat] from CP_1" logger=ocppj`,
			[]string{
				`CP_1 a.log#CP_1 in ` + at("04") + `  ` + call,
				`CP_1 a.log#CP_1 out ` + at("05") + `  ` + answer,
				`CP_1 a.log#CP_1 in ` + at("06") + `  [2,"b","Heartbeat",{}]`,
			},
		},
		"ocpp-go at the station": {
			"2025/11/23 19:21:04 sent JSON message to server: " + call + "\n2025/11/23 19:21:05 received JSON message from server: " + answer,
			[]string{`a a.log#a in ` + at("04") + `  ` + call, `a a.log#a out ` + at("05") + `  ` + answer},
		},
		"ocpp.core": {
			`trce: OCPPMiddleware[0] @ 2025-11-23T22:21:03.0000000+03:00
      OCPPMiddleware => WebSocket connection with charge point 'CP_1'
trce: OCPPMiddleware.OCPP16[0] @ 2025-11-23T22:21:04.0000000+03:00
      OCPPMiddleware.OCPP16 => SendOcppMessage: ` + answer + `
fail: OCPPMiddleware.OCPP16[0] @ 2025-11-23T22:21:05.0000000+03:00
      OCPPMiddleware.Receive16 => HttpContext from caller not found / Msg: [3,"z",{}]
warn: OCPPMiddleware.OCPP16[0] @ 2025-11-23T22:21:06.0000000+03:00
      OCPPMiddleware.Receive16 => Error in RegEx-Matching: Msg=` + call + `)`,
			[]string{
				`CP_1 a.log#CP_1 out ` + at("04") + `  ` + answer,
				`CP_1 a.log#CP_1 in ` + at("05") + `  [3,"z",{}]`,
				`CP_1 a.log#CP_1 in ` + at("06") + `  ` + call,
			},
		},
		"home assistant, a message over lines": {
			`2025-11-23 19:21:04.000 INFO (MainThread) [ocpp] Wall box: receive message [2,"a","MeterValues",
{
"meterValue": [
{
"timestamp": "2025-11-23T19:21:01Z",
"sampledValue": []
}
]
}]
2025-11-23 19:21:05.000 INFO (MainThread) [ocpp] Wall box: send ` + answer,
			[]string{
				"Wall box a.log#Wall box in " + at("04") + "  [2,\"a\",\"MeterValues\",\n{\n\"meterValue\": [\n{\n\"timestamp\": \"2025-11-23T19:21:01Z\",\n\"sampledValue\": []\n}\n]\n}]",
				`Wall box a.log#Wall box out ` + at("05") + `  ` + answer,
			},
		},
		"docker's json": {
			`{"log":"INFO:ocpp:CP_1: receive message [2,\"a\",\"Heartbeat\",{}]\n","stream":"stderr","time":"` + at("04.123456789") + `"}`,
			[]string{`CP_1 a.log#CP_1 in ` + at("04.123456") + `  ` + call},
		},
		"rx and tx": {
			"2025-11-23 19:21:04,000 - everest.ocpp - INFO - Rx: " + call + "\n2025-11-23 19:21:05,000 - everest.ocpp - INFO - Tx: " + answer,
			[]string{`a a.log#a in ` + at("04") + `  ` + call, `a a.log#a out ` + at("05") + `  ` + answer},
		},
		"csv": {
			"Time,Charge Point ID,Direction,Message\r\n" + `2025-11-23 19:21:04,CP_1,Received,"[2,""a"",""Heartbeat"",{}]"` + "\r\n" + `1763925665000,CP_1,Sent,"[3,""a"",{}]"`,
			[]string{`CP_1 a.log#CP_1 in ` + at("04") + `  ` + call, `CP_1 a.log#CP_1 out ` + at("05") + `  ` + answer},
		},
		"csv, semicolons, no direction": {
			"id;action;msg;timestamp;note\nCP_1;Heartbeat;" + call + ";" + at("04") + ";\"a;b\"\nCP_1;;" + answer + ";1763925665;\n",
			[]string{`CP_1 a.log#CP_1 in ` + at("04") + `  ` + call, `CP_1 a.log#CP_1 out ` + at("05") + `  ` + answer},
		},
		"csv, tabs, no station": {
			"direction\tframe\tts\tsession\nCSMS>CP\t" + answer + "\t\tx\nCP>CSMS\t" + call + "\t" + at("05") + "\tx",
			[]string{`a x out   ` + answer, `a x in ` + at("05") + `  ` + call},
		},
		"csv, a cell over lines": {
			"message,station,dir\n\"[2,\n\"\"a\"\",\"\"Heartbeat\"\",{}]\",CP_1,in\n" + `"[3,""a"",{}]",CP_1,out`,
			[]string{"CP_1 a.log#CP_1 in   [2,\n\"a\",\"Heartbeat\",{}]", `CP_1 a.log#CP_1 out   ` + answer},
		},
	} {
		t.Run(name, func(t *testing.T) {
			frames, stats := read(t, capture.Options{}, c.text)
			var got []string
			for _, f := range frames {
				got = append(got, brief(f))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s\nstats %+v", strings.Join(got, "\n"), strings.Join(c.want, "\n"), stats)
			}
		})
	}
}

func TestReadFillsInTheStation(t *testing.T) {
	const nameless = `{"timestamp":"2025-11-23T19:21:04Z","transport":"json","direction":"cp-to-csms","messageType":"CALL","messageId":"a","action":"Heartbeat"}` + "\n"
	for _, c := range []struct{ file, asked, want string }{
		{"/var/log/garage.log.gz", "", "garage"},
		{"garage.openocpp.jsonl", "", "garage"},
		{"garage", "CP_9", "CP_9"},
		{"-", "", "stdin"},
	} {
		var got collector
		stats, err := capture.Read(t.Context(), capture.Options{Station: hayalet.StationID(c.asked)}, []capture.Input{{Name: c.file, R: strings.NewReader(nameless + nameless)}}, &got)
		if err != nil || len(got.frames) != 2 || string(got.frames[0].Station) != c.want {
			t.Errorf("%s: %v, %+v", c.file, err, got.frames)
		}
		if s := stats.Inputs[0]; s.Assumed != 2 || s.Station != c.want {
			t.Errorf("%s: stats %+v", c.file, s)
		}
	}
	_, stats := read(t, capture.Options{Station: "X"}, `{"station":"S","direction":"in","frame":[3]}`)
	if stats.Inputs[0].Assumed != 0 {
		t.Errorf("a station that was named is not assumed: %+v", stats.Inputs[0])
	}
}

// TestReadOfTwoUnnamedStations: messages of which nothing says whose they are, in a log of two stations, are not mixed up.
func TestReadOfTwoUnnamedStations(t *testing.T) {
	text := "  OCPPMiddleware => WebSocket connection with charge point 'A'\n  OCPPMiddleware => WebSocket connection with charge point 'B'\n" +
		"  OCPPMiddleware.OCPP16 => SendOcppMessage: [3,\"a\",{}]\n"
	frames, stats := read(t, capture.Options{}, text)
	if len(frames) != 0 || stats.Inputs[0].Problems[1].Kind != capture.NoStation {
		t.Errorf("%+v, %+v", frames, stats)
	}
	if frames, _ = read(t, capture.Options{Station: "B"}, text); len(frames) != 1 || frames[0].Station != "B" {
		t.Errorf("%+v", frames)
	}
}

// TestReadDumps reads a folder of files that hold one message each.
func TestReadDumps(t *testing.T) {
	var inputs []capture.Input
	for name, text := range map[string]string{
		"dumps/CP_1/2025-11-23_22-21-05-0000_ocpp16-out.txt": `[3,"a",{}]`,
		"dumps/CP_1/2025-11-23_22-21-04-9800_ocpp16-in.txt":  "[2,\"a\",\n\"Heartbeat\",{}]",
		"dumps/CP_1/notes.txt":                               `[2,"b","Heartbeat",{}]`,
	} {
		inputs = append(inputs, capture.Input{Name: name, R: strings.NewReader(text)})
	}
	var c collector
	if _, err := capture.Read(t.Context(), capture.Options{Location: time.FixedZone("", 3*3600)}, inputs, &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range c.frames {
		got = append(got, fmt.Sprintf("%s %d", brief(f), f.Seq))
	}
	want := []string{
		"CP_1 CP_1#CP_1 in 2025-11-23T19:21:04.98Z  [2,\"a\",\n\"Heartbeat\",{}] 1", `CP_1 CP_1#CP_1 out 2025-11-23T19:21:05Z  [3,"a",{}] 2`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestReadOfMessagesThatNeverEnd: a message that a log cut off does not take the next one with it.
func TestReadOfMessagesThatNeverEnd(t *testing.T) {
	text := "2025-11-23 19:21:04 CP_1: receive message [2,\"a\",\"DataTransfer\",{\"data\":\"1,>\nsome talk\n" +
		"2025-11-23 19:21:05 nothing of that\n2025-11-23 19:21:06 CP_1: send [3,\"b\",{}]\nCP_1: receive message [2,\"c\",\n" +
		`{"station":"CP_2","direction":"in","frame":[3]}` + "\nCP_1: receive message [2,\"d\","
	frames, stats := read(t, capture.Options{}, text)
	var got []string
	for _, f := range frames {
		got = append(got, string(f.Data))
	}
	want := []string{`[2,"a","DataTransfer",{"data":"1,>`, `[3,"b",{}]`, `[2,"c",`, `[3]`, `[2,"d",`}
	if s := stats.Inputs[0]; !slices.Equal(got, want) || s.Lines != 7 || s.Skipped() != 2 || s.Problems[0].Line != 2 {
		t.Errorf("got %q\nwant %q\n%+v", got, want, stats)
	}
}

// TestReadTakesTimeInProportion: a line that almost is a message over and over is passed in one go.
func TestReadTakesTimeInProportion(t *testing.T) {
	const size = 256 << 10
	for _, part := range []string{":[2,", "recv: [2 :[9,", "=[2,", "send [2,", "x: receive message [", "[chargeBoxId= sessionId=] Received:[2 "} {
		t.Run(part, func(t *testing.T) {
			began := time.Now()
			read(t, capture.Options{}, strings.Repeat(part, size/len(part)))
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestReadTellsAnswersByStation: stations number their calls alike.
func TestReadTellsAnswersByStation(t *testing.T) {
	frames, stats := read(t, capture.Options{}, "station\tmessage\n"+
		"A\t[2,\"1\",\"RemoteStopTransaction\",{\"transactionId\":1}]\n"+
		"B\t[2,\"1\",\"Heartbeat\",{}]\n"+
		"A\t[3,\"1\",{\"status\":\"Accepted\"}]\n"+
		"B\t[3,\"1\",{}]\n")
	var got []string
	for _, f := range frames {
		got = append(got, string(f.Station)+" "+f.Dir.String())
	}
	if want := []string{"A out", "B in", "A in", "B out"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q; %+v", got, want, stats)
	}
}

// TestReadLogsAmongRows: a table does not make the lines of a log unreadable, nor a log those of the table.
func TestReadLogsAmongRows(t *testing.T) {
	text := "time,station,direction,message\n" +
		"2025-11-23T19:21:04Z,S,in,\"[2,\"\"a\"\",\"\"Heartbeat\"\",{}]\"\n" +
		"[ocpp  ] TRACE 2025/11/23 19:21:05 recv S: [2,\"b\",\"Heartbeat\",{}]\n" + // as many commas as the header has
		"2025-11-23 19:21:06,000 - CMS - S: receive message [2,\"c\",\"Heartbeat\",{}]\n" +
		"2025-11-23T19:21:07Z,S,in,[2,\"d\",\"Heartbeat\",{}]\n" // without quotes
	frames, stats := read(t, capture.Options{}, text)
	var got []string
	for _, f := range frames {
		got = append(got, f.At.String()+string(f.Data))
	}
	want := []string{
		`2025-11-23T19:21:04Z[2,"a","Heartbeat",{}]`, `2025-11-23T19:21:05Z[2,"b","Heartbeat",{}]`,
		`2025-11-23T19:21:06Z[2,"c","Heartbeat",{}]`, `2025-11-23T19:21:07Z[2,"d","Heartbeat",{}]`,
	}
	if !slices.Equal(got, want) || len(stats.Inputs[0].Problems) > 0 {
		t.Errorf("got  %q\nwant %q\n%+v", got, want, stats)
	}
}

// TestReadCountsSince1970: times as numbers, as zap and pino write them, and tables.
func TestReadCountsSince1970(t *testing.T) {
	const message = `"msg":"received JSON message from S: [3,\"a\",{}]"`
	for line, want := range map[string]string{
		`{"ts":1763925664.98,` + message + `}`:                   "2025-11-23T19:21:04.98Z",
		`{"time":1763925664980,` + message + `}`:                 "2025-11-23T19:21:04.98Z",
		`{"time":1763925664,` + message + `}`:                    "2025-11-23T19:21:04Z",
		`{"time":17639,` + message + `}`:                         "",
		`{"time":-1763925664,` + message + `}`:                   "",
		`{"time":1.763925664e9,` + message + `}`:                 "",
		"time,station,dir,message\n1763925664.98,S,in,[3]":       "2025-11-23T19:21:04.98Z",
		"time,station,dir,message\n1763925664980123456,S,in,[3]": "2025-11-23T19:21:04.980123Z",
		"time,station,dir,message\n1763925664.x,S,in,[3]":        "",
	} {
		frames, stats := read(t, capture.Options{}, line)
		bad := 0
		if want == "" {
			bad = 1
		}
		if len(frames) != 1 || frames[0].At != instant(t, want) || len(stats.Inputs[0].Problems) != bad {
			t.Errorf("%s: %+v, %+v", line, frames, stats)
		}
	}
}

func TestReadTablesThatGoWrong(t *testing.T) {
	text := "time,station,direction,message\n" +
		"yesterday,S,in,\"[3]\"\n" + // kept
		"2025-11-23T19:21:04Z,S,sideways,\"[3]\"\n" +
		"2025-11-23T19:21:04Z,S,in\n" +
		"time,station,direction,message\n" + // again
		"2025-11-23T19:21:04Z,S,in,\n" +
		"2025-11-23T19:21:04Z,S,in,\"[4\n" + // an open quote
		"2025-11-23T19:21:04Z,S,in,[5]\n" +
		"message;dir\n[6];in\n"
	frames, stats := read(t, capture.Options{}, text)
	var got []string
	for _, f := range frames {
		got = append(got, string(f.Data))
	}
	if want := []string{"[3]", "[5]", "[6]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	kinds := make(map[capture.Kind]int64)
	for _, p := range stats.Inputs[0].Problems {
		kinds[p.Kind] = p.Count
	}
	if kinds[capture.BadTime] != 1 || kinds[capture.NoDirection] != 1 || kinds[capture.BadRow] != 2 || kinds[capture.NoFrame] != 1 {
		t.Errorf("%+v", stats.Inputs[0].Problems)
	}
}

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t testing.TB, text string, opts ...zstd.EOption) string {
	t.Helper()
	enc, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return string(enc.EncodeAll([]byte(text), nil))
}

func TestReadCompressed(t *testing.T) {
	text := readFile(t, "testdata/seed-csms.log")
	want, wantStats := read(t, capture.Options{}, text)
	half := len(text) / 2
	for name, packed := range map[string]string{
		"gz": gz(t, text), "zst": zst(t, text), "gz in two parts": gz(t, text[:half]) + gz(t, text[half:]),
		"zst in two frames": zst(t, text[:half]) + zst(t, text[half:]),
	} {
		got, stats := read(t, capture.Options{}, packed)
		if len(got) != len(want) || fmt.Sprint(stats) != fmt.Sprint(wantStats) {
			t.Errorf("%s: %d frames, %+v", name, len(got), stats)
		}
	}
}

// TestReadBrokenCompressed: what came before the fault counts, and the fault is told.
func TestReadBrokenCompressed(t *testing.T) {
	text := strings.Repeat(line(`"2025-01-01T00:00:00Z"`, "S", "1"), 20_000)
	for name, packed := range map[string]string{
		"gz cut": gz(t, text)[:2000], "zst cut": zst(t, text+readFile(t, "testdata/seed-csms.log"))[:600],
		"gz of nothing": "\x1f\x8b", "gz header": "\x1f\x8b\x08\xff\xff", "zst of nothing": "\x28\xb5\x2f\xfd",
	} {
		_, stats := read(t, capture.Options{}, packed)
		s := stats.Inputs[0]
		if n := len(s.Problems); n == 0 || s.Problems[n-1].Kind != capture.Broken || s.Problems[n-1].Example == "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	frames, _ := read(t, capture.Options{}, gz(t, text)[:2000])
	if len(frames) == 0 {
		t.Error("nothing was read before the fault")
	}
}

func TestTraceRoundTrip(t *testing.T) {
	at := instant(t, "2025-11-23T19:21:04.980123Z")
	whole := []hayalet.Frame{
		{Station: "CP_1", Conn: "c", Seq: 1, At: at, Protocol: hayalet.OCPP16, Data: []byte(`[2,"a","Heartbeat",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 2, At: at + 1, Protocol: hayalet.OCPP201, Dir: hayalet.Out, Data: []byte("[3, \"a\",\n{\"x\":\"\\u0041\"}]")},
		{Station: `C"P`, Conn: "d", Seq: 9, At: at + 2, Protocol: "other", Data: []byte(`[4,"a","GenericError","é",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 4, At: at + 3, Data: []byte(`[2,"a","X"]`)},
		{Station: "CP_1", Conn: "c", Seq: 5, At: at + 4, Protocol: "ocpp2.0", Data: []byte(`[3,"a",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 6, At: at + 5, Protocol: "1.6", Data: []byte(`[3,"a",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 7, At: at + 6, Protocol: "ocpp", Data: []byte(`[3,"a",{}]`)},
	}
	lost := []hayalet.Frame{
		{Station: "CP_1", Conn: "c", Seq: 10, At: at, Kind: hayalet.ConnOpen},
		{Station: "CP_1", Conn: "c", Seq: 11, Data: []byte(`[3,"a",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 12, At: at, Data: []byte(`[6,"a","X",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 13, At: at, Data: []byte(`[2,"a","X`)},
		{Station: "CP_1", Conn: "c", Seq: 14, At: at, Data: []byte("[2,\"\xff\",\"X\",{}]")},
		{Station: "CP\xff", Conn: "c", Seq: 16, At: at, Data: []byte(`[3,"a",{}]`)},
		{Station: "CP_1", Conn: "c", Seq: 15, At: at, Data: []byte(`[2,"` + strings.Repeat("a", capture.MaxLine) + `","X",{}]`)},
	}
	var b bytes.Buffer
	w := capture.NewTraceWriter(&b)
	if err := w.PutFrames(t.Context(), append(slices.Clone(whole), lost...)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, _ := read(t, capture.Options{}, b.String())
	if len(got) != len(whole) {
		t.Fatalf("%d frames of\n%s", len(got), b.String())
	}
	for i := range whole {
		if !sameFrame(got[i], whole[i]) {
			t.Errorf("got  %s\nwant %s", brief(got[i]), brief(whole[i]))
		}
	}
	losses := make(map[capture.Loss]int64)
	for _, l := range w.Lost() {
		losses[l.Loss] = l.Count
		if l.Example == "" || len(l.Example) > 120 {
			t.Errorf("example %q", l.Example)
		}
	}
	want := map[capture.Loss]int64{capture.LostControl: 1, capture.LostTime: 1, capture.LostShape: 2, capture.LostBytes: 2, capture.LostSize: 1}
	if fmt.Sprint(losses) != fmt.Sprint(want) {
		t.Errorf("lost %v, want %v", losses, want)
	}
}
