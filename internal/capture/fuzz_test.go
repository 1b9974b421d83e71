package capture_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"hayalet"
	"hayalet/internal/capture"
)

// maxFuzz is how long a fuzzed input may be, in bytes: as long as the fuzzer makes them, and short of a second each.
const maxFuzz = 64 << 10

// readAll reads one input whole and checks what holds for all of them: the same frames whatever the reader returns, nothing more
// than was there, and no frame without a name.
func readAll(t *testing.T, data []byte) []hayalet.Frame {
	t.Helper()
	if len(data) > maxFuzz {
		t.Skip()
	}
	frames, stats := readBytes(t, bytes.NewReader(data))
	again, _ := readBytes(t, iotest.OneByteReader(bytes.NewReader(data)))
	if !slices.EqualFunc(frames, again, sameFrame) {
		t.Errorf("by single bytes %d frames, else %d", len(again), len(frames))
	}
	for _, s := range stats.Inputs {
		if s.Frames+s.Skipped() > s.Lines {
			t.Errorf("more than was there: %+v", s)
		}
	}
	for _, f := range frames {
		if f.Station == "" || f.Conn == "" || f.Seq == 0 || (f.Kind == hayalet.Message) != (f.Data != nil) {
			t.Errorf("incomplete frame %+v", f)
		}
	}
	return frames
}

func readBytes(t *testing.T, r interface{ Read([]byte) (int, error) }) ([]hayalet.Frame, capture.Stats) {
	t.Helper()
	var c collector
	stats, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "a", R: r}}, &c)
	if err != nil {
		t.Fatal(err)
	}
	return c.frames, stats
}

// FuzzLogReadsAnyChunksAlike is for the logs of programs, and messages over several lines.
func FuzzLogReadsAnyChunksAlike(f *testing.F) {
	for _, s := range []string{
		"[INFO ] 2025-11-23 19:21:04,000 x (q) - [chargeBoxId=CP_1, sessionId=s] Received: [2,\"a\",\"Heartbeat\",{}]\n[chargeBoxId=, sessionId=] Connection is closed",
		"[ocpp  ] TRACE 2025/11/23 19:21:04 recv CP_1: [2,\"a\",\"X\",\n{\n}]\nsend : [2,",
		`time="2025-11-23T19:21:04Z" msg="received JSON message from server: [2,\"a\",\"Heartbeat\",{}]" logger=x`,
		"trce: X[0] @ 2025-11-23T22:21:03.0000000+03:00\n  SendOcppMessage: [3,\"\",{}]\n  Msg=[4,\n\n",
		"S: send [2,\"\n\\\"\n]\n\xef\xbb\xbf{}\n[\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { readAll(t, data) })
}

// FuzzTableReadsAnyChunksAlike is for CSV.
func FuzzTableReadsAnyChunksAlike(f *testing.F) {
	for _, s := range []string{
		"time,station,direction,message\n2025-11-23 19:21:04,CP_1,in,\"[2,\"\"a\"\",\"\"Heartbeat\"\",{}]\"\n",
		"message;dir\n\"[2,\n\n3]\";out\n;;\n\"\nmessage\tstation\n[3]\tx",
		"id,msg\n\"\"\"\",[2,\"a\",\"Heartbeat\",{}]\nX,[3,\"a\",{}]\nmsg,id,dir\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { readAll(t, data) })
}

// FuzzTraceComesBack: a trace that was read, and can be written, reads as the same messages again.
func FuzzTraceComesBack(f *testing.F) {
	for _, s := range []string{
		`{"schemaVersion":"1.1","timestamp":"2025-11-23T19:21:04Z","transport":"json","chargePointId":"C","direction":"cp-to-csms","messageType":"CALL","messageId":"a","action":"X","payload":{"a":[1]},"meta":{"seq":1}}`,
		`[{"messageType":"CALLERROR","direction":"csms-to-cp","messageId":"a","error":{"code":"E","details":[]},"timestamp":"2025-11-23T19:21:04Z"},` + "\n" + `{"raw":"[3,\"a\",\n{}]","messageType":"CALLRESULT","direction":"csms-to-cp","timestamp":"2025-01-01T00:00:00Z"}]`,
		`{"log":"S: send [3]\n","time":"2025-11-23T19:21:04Z"}` + "\n" + `{"message":[2,"a","Heartbeat",{}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frames := readAll(t, data)
		var b bytes.Buffer
		w := capture.NewTraceWriter(&b)
		if err := w.PutFrames(t.Context(), frames); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		lost := int64(0)
		for _, l := range w.Lost() {
			lost += l.Count
		}
		back, stats := readBytes(t, &b)
		if int64(len(back))+lost != int64(len(frames)) || len(stats.Inputs[0].Problems) > 0 {
			t.Fatalf("%d frames, %d lost, %d came back: %+v", len(frames), lost, len(back), stats)
		}
		for i, j := 0, 0; i < len(frames) && lost == 0; i, j = i+1, j+1 {
			if !sameFrame(frames[i], back[j]) {
				t.Errorf("%+v came back as %+v", frames[i], back[j])
			}
		}
	})
}

// FuzzCompressedIsBounded: no compressed input takes more than a window of memory, nor fails otherwise than by being
// broken.
func FuzzCompressedIsBounded(f *testing.F) {
	text := strings.Repeat(short(1)+"\n", 100)
	f.Add([]byte(gz(f, text)))
	f.Add([]byte(zst(f, text)))
	f.Add([]byte(gz(f, text)[:40]))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFuzz {
			t.Skip()
		}
		var d discard
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "a", R: bytes.NewReader(data)}}, &d)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		const most = 256 << 20
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > most {
			t.Errorf("%d bytes took %d MB", len(data), grown>>20)
		}
	})
}
