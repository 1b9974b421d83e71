package capture_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/capture"
)

func TestReadLogForms(t *testing.T) {
	const call = `[2,"a","Heartbeat",{}]`
	for _, c := range []struct{ line, station, at string }{
		{`2025-11-23 22:21:04,980 - CMS - CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04.980 - CMS - CP Unknown: receive message ` + call, "CP Unknown", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04 - CMS - CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04Z"},
		{`2025-11-23 22:21:04,980 - CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04,980 CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04,980:CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23T22:21:04.980123456Z CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.980123Z"},
		{`2025-11-23T22:21:04.98+03:00 INFO CP_1: receive message ` + call, "CP_1", "2025-11-23T19:21:04.98Z"},
		{`2025-11-23 22:21:04,980 +0300 - CMS - CP_1: receive message ` + call, "CP_1", "2025-11-23T19:21:04.98Z"},
		{`[2025-11-23 22:21:04] INFO CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04Z"},
		{`2025-11-23 22:21:04,980 | INFO     | ocpp.charge_point:call:123 - CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04,980 ocpp INFO CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04,980 INFO ocpp CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04,980 [INFO] ocpp: CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`INFO:ocpp:CP_1: receive message ` + call, "CP_1", ""},
		{`INFO:root:CP_1: receive message ` + call, "CP_1", ""},
		{`INFO:ocpp:192.0.2.4:9000: receive message ` + call, "192.0.2.4:9000", ""},
		{`INFO:CP_1: receive message ` + call, "CP_1", ""},
		{`ocpp:CP_1: receive message ` + call, "CP_1", ""},
		{`CP_1: receive message ` + call, "CP_1", ""},
		{`CP_1 receive message ` + call, "CP_1", ""},
		{`INFORMER_1: receive message ` + call, "INFORMER_1", ""},
		{`INFO-1: receive message ` + call, "INFO-1", ""},
		{`2025-11-23 22:21:04,980 INFO CP-WARN-3: receive message ` + call, "CP-WARN-3", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23 22:21:04,980 - CMS - CP_ERROR.1: receive message ` + call, "CP_ERROR.1", "2025-11-23T22:21:04.98Z"},
		{"INFO \x1b[36mCP_1\x1b[0m: receive message " + call, "CP_1", ""},
		{`CP (left): receive message ` + call, "CP (left)", ""},
		{`22:21:04,980 CP_1: receive message ` + call, "CP_1", ""},
		{`Nov 23 22:21:04 host python3[123]: INFO:ocpp:CP_1: receive message ` + call, "CP_1", ""},
		{`csms-1  | 2025-11-23 22:21:04,980 - CMS - CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-11-23T22:21:04.980Z stdout F INFO:ocpp:CP_1: receive message ` + call, "CP_1", "2025-11-23T22:21:04.98Z"},
		{`2025-01-02 10:11:12.123 INFO (MainThread) [ocpp] CP_1: receive message ` + call, "CP_1", "2025-01-02T10:11:12.123Z"},
		{`2025-01-02 10:11:12.123 DEBUG (MainThread) [custom_components.ocpp.chargepoint] CP_1: receive message ` + call, "CP_1", "2025-01-02T10:11:12.123Z"},
		{"\x1b[32m2025-01-02 10:11:12.123 INFO (MainThread) [ocpp] CP_1: receive message " + call + "\x1b[0m", "CP_1", "2025-01-02T10:11:12.123Z"},
		{"\x1b[1;32mINFO\x1b[0m CP_1: receive message " + call + " \x1b[0m\r", "CP_1", ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			got, stats := read(t, capture.Options{}, c.line)
			want := hayalet.Frame{
				Station: hayalet.StationID(c.station), Conn: hayalet.ConnID("a.log#" + c.station), Seq: 1, At: instant(t, c.at), Data: []byte(call),
			}
			if len(got) != 1 || !sameFrame(got[0], want) {
				t.Errorf("got %+v\nwant %+v\nstats %+v", got, want, stats)
			}
		})
	}
}

func TestReadLogPassesOverTalk(t *testing.T) {
	for _, line := range []string{
		"2025-11-23 22:20:38,234 - CMS - server listening on 127.0.0.1:9080",
		"INFO:root:resend [2,3]",
		"could not send [bytes]",
		"CP_1: receive message hello",
		"CP_1: received [2,\"a\"]",
		"[2,\"a\",\"Heartbeat\",{}]",
	} {
		if got, stats := read(t, capture.Options{}, line); len(got) != 0 || stats.Inputs[0].Problems[0].Kind != capture.NoFrame {
			t.Errorf("%q: %+v, %+v", line, got, stats)
		}
	}
}

func TestReadLogKeepsBrokenMessages(t *testing.T) {
	for _, data := range []string{`[3,"a","interval":10]}`, `[2,"a"`, `[2,"send [2,3]"]`, `[ 2]`, `[`} {
		got, _ := read(t, capture.Options{}, "CP_1: send "+data+"\n")
		if len(got) != 1 || string(got[0].Data) != data || got[0].Station != "CP_1" {
			t.Errorf("%q: %+v", data, got)
		}
	}
}

func TestReadLogZone(t *testing.T) {
	istanbul := time.FixedZone("+03", 3*3600)
	const message = ` - CMS - S: receive message [2,"a","Heartbeat",{}]`
	for stamp, want := range map[string]string{
		"2025-11-23 22:21:04,980":       "2025-11-23T19:21:04.98Z",
		"2025-11-23 22:21:04,980Z":      "2025-11-23T22:21:04.98Z",
		"2025-11-23T22:21:04-05":        "2025-11-24T03:21:04Z",
		"2025-11-23T22:21:04.5 +05:30":  "2025-11-23T16:51:04.5Z",
		"2024-02-29 00:00:00.000001":    "2024-02-28T21:00:00.000001Z",
		"2025-11-23 23:59:60":           "2025-11-23T21:00:00Z",
		"1969-12-31 23:59:59.999999Z":   "1969-12-31T23:59:59.999999Z",
		"2025-02-29 00:00:00":           "",
		"2025-11-23 24:00:00":           "",
		"2025-11-23T22:21:04.980001999": "2025-11-23T19:21:04.980001Z",
	} {
		got, _ := read(t, capture.Options{Location: istanbul}, stamp+message)
		if len(got) != 1 || got[0].At != instant(t, want) || got[0].Station != "S" {
			t.Errorf("%s: got %+v, want %s", stamp, got, want)
		}
	}
}

func TestReadLogTellsSides(t *testing.T) {
	boot, heartbeat, trigger := `[2,"a","BootNotification",{}]`, `[2,"b","Heartbeat",{}]`, `[2,"c","TriggerMessage",{}]`
	answer, data := `[3,"x",{}]`, `[2,"y","DataTransfer",{}]`
	json := `{"station":"S","direction":"out","frame":[3,"j",{}]}`
	many := strings.Repeat("S: send "+answer+"\n", 3000)
	for name, c := range map[string]struct{ text, want string }{
		"central, call received":    {"S: receive message " + boot + "\nS: send " + answer, "in out"},
		"station, call sent":        {"S: send " + boot + "\nS: receive message " + answer, "in out"},
		"central, command sent":     {"S: send " + trigger + "\nS: receive message " + answer, "out in"},
		"station, command received": {"S: receive message " + trigger + "\nS: send " + answer, "out in"},
		"station, shown late":       {"S: receive message " + answer + "\nS: send " + data + "\n" + json + "\nS: send " + heartbeat, "out in out in"},
		"central, shown late":       {"S: send " + answer + "\n" + json + "\nS: receive message " + heartbeat, "out out in"},
		"never shown":               {"S: send " + answer + "\nS: receive message " + data, "out in"},
		"json before the log":       {json + "\nS: send " + heartbeat, "out in"},
		"shown too late":            {many + "S: send " + boot, strings.Repeat("out ", 3000) + "out"},
	} {
		t.Run(name, func(t *testing.T) {
			frames, _ := read(t, capture.Options{}, c.text)
			var got []string
			for i, f := range frames {
				got = append(got, f.Dir.String())
				if f.Seq != uint64(i+1) {
					t.Errorf("frame %d has seq %d", i, f.Seq)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %.80s\nwant %.80s", strings.Join(got, " "), c.want)
			}
		})
	}
}

// TestReadSeed holds that both ends' logs of the seed's run give the same messages in the same directions.
func TestReadSeed(t *testing.T) {
	istanbul := time.FixedZone("+03", 3*3600)
	central, stats := read(t, capture.Options{Location: istanbul}, readFile(t, "testdata/seed-csms.log"))
	station, _ := read(t, capture.Options{Location: istanbul}, readFile(t, "testdata/seed-cp.log"))
	if len(central) != 22 || len(station) != 22 {
		t.Fatalf("%d and %d frames, want 22", len(central), len(station))
	}
	for i := range central {
		want := [...]hayalet.Direction{hayalet.In, hayalet.Out}[i%2]
		if string(central[i].Data) != string(station[i].Data) || central[i].Dir != want || station[i].Dir != want {
			t.Errorf("frame %d: central %s %s, station %s %s", i, central[i].Dir, central[i].Data, station[i].Dir, station[i].Data)
		}
		if apart := central[i].At.Sub(station[i].At).Abs(); apart > 10*time.Millisecond {
			t.Errorf("frame %d: %v apart", i, apart)
		}
	}
	if first := central[0]; first.Station != "CP Unknown" || first.At != instant(t, "2025-11-23T19:20:59.944Z") || station[0].Station != "CP_1" {
		t.Errorf("first frames: %+v, %+v", first, station[0])
	}
	for i, value := range []string{"12.01", "12.02", "12.03", "12.04", "12.05"} {
		if f := central[12+2*i]; !strings.Contains(string(f.Data), fmt.Sprintf(`"value":"%s"`, value)) {
			t.Errorf("phantom reading %d: %s", i, f.Data)
		}
	}
	if s := stats.Inputs[0]; s.Lines != s.Frames+s.Skipped() || len(s.Problems) != 1 {
		t.Errorf("stats: %+v", s)
	}
}
