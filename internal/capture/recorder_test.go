package capture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/capture"
)

func record(t testing.TB, fs ...hayalet.Frame) string {
	t.Helper()
	var b bytes.Buffer
	r := capture.NewRecorder(&b)
	if err := r.PutFrames(t.Context(), fs); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRecorderWritesLines(t *testing.T) {
	at := instant(t, "2025-11-23T19:21:04.98Z")
	got := record(t,
		hayalet.Frame{Station: "CP_1", Conn: "c7", Seq: 1, At: at, Protocol: hayalet.OCPP16, Kind: hayalet.ConnOpen},
		hayalet.Frame{Station: "CP_1", Conn: "c7", Seq: 2, At: at, Protocol: hayalet.OCPP16, Data: []byte(`[2, "é"]`)},
		hayalet.Frame{Station: `C"P`, Conn: "c7", Seq: 3, Dir: hayalet.Out, Data: []byte("[2,\n]")},
		hayalet.Frame{Station: "CP_1", Conn: "c7", Seq: 4, Data: []byte("\xff")},
	)
	want := `{"ts":"2025-11-23T19:21:04.980000Z","station":"CP_1","conn":"c7","seq":1,"protocol":"ocpp1.6","kind":"open"}
{"ts":"2025-11-23T19:21:04.980000Z","station":"CP_1","conn":"c7","seq":2,"protocol":"ocpp1.6","direction":"in","frame":[2, "é"]}
{"ts":null,"station":"C\"P","conn":"c7","seq":3,"direction":"out","text":"[2,\n]"}
{"ts":null,"station":"CP_1","conn":"c7","seq":4,"direction":"in","base64":"/w=="}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	at := hayalet.InstantOf(time.Date(2025, 11, 23, 19, 21, 4, 980123456, time.UTC))
	for name, data := range map[string]string{
		"call":            `[2,"a","Heartbeat",{}]`,
		"spaces":          "[ 2 ,\t\"a\" ]",
		"leading space":   ` [2,"a","Heartbeat",{}]`,
		"trailing space":  `[2,"a","Heartbeat",{}] `,
		"two values":      `[1][2]`,
		"empty":           ``,
		"cut":             `[2,"a","Meter`,
		"not json":        `hello "you" \ there`,
		"newline":         "[2,\"a\",\n\"Heartbeat\",{}]",
		"carriage return": "[2,\r\n3]",
		"control":         "\x00\x01\x1f\x7f",
		"bad utf-8":       "[2,\"\xff\xfe\"]",
		"half a rune":     "\xe2\x82",
		"replacement":     `["` + "\ufffd" + `"]`,
		"separator":       "[\"\u2028\"]",
		"escapes":         `["\u0041\ud83d\ude00\ud83d\n\/"]`,
		"brackets":        `["]}","[",{"a":"],["}]`,
		"inner comma":     `[2,"a","X",{"a":[1],"b":2}]`,
		"object":          `{"a":1}`,
		"null":            `null`,
		"string":          `"[2]"`,
		"number":          `12`,
		"deep":            strings.Repeat("[", 40) + strings.Repeat("]", 40),
		"deepest":         strings.Repeat("[", 31) + `"]"` + strings.Repeat("]", 31),
		"deepest pair":    `[` + strings.Repeat("[", 31) + `"]"` + strings.Repeat("]", 31) + `]`,
		"deepest two":     strings.Repeat("[", 20) + strings.Repeat("]", 20) + "," + strings.Repeat("[", 20) + strings.Repeat("]", 20),
		"duplicate keys":  `[{"a":1,"a":2}]`,
		"envelope inside": `[2,"x"],"direction":"out","frame":[3]`,
	} {
		t.Run(name, func(t *testing.T) {
			in := []hayalet.Frame{
				{Station: "S 1", Conn: "c", Seq: 1, At: at, Kind: hayalet.ConnOpen, Protocol: hayalet.OCPP16},
				{Station: "S 1", Conn: "c", Seq: 2, At: at, Data: []byte(data), Protocol: hayalet.OCPP16},
				{Station: "S\"\\\n1é", Conn: "c", Seq: math.MaxUint64, Dir: hayalet.Out, Data: []byte(data)},
				{Station: "S 1", Conn: "c", Seq: 7, At: -1, Dir: hayalet.Out, Kind: hayalet.Gap},
				{Station: "S 1", Conn: "c", Seq: 8, At: at, Kind: hayalet.ConnClose},
			}
			text := record(t, in...)
			if strings.Count(text, "\n") != len(in) || strings.Contains(text, "\r") {
				t.Errorf("line breaks inside lines: %q", text)
			}
			out, stats := read(t, capture.Options{}, text)
			if len(stats.Inputs[0].Problems) > 0 || len(out) != len(in) {
				t.Fatalf("got %d frames, problems %+v, from\n%s", len(out), stats.Inputs[0].Problems, text)
			}
			for i := range in {
				if !sameFrame(in[i], out[i]) {
					t.Errorf("frame %d: got %+v, want %+v, from\n%s", i, out[i], in[i], text)
				}
			}
		})
	}
}

func TestRecorderMarksWhatNobodyCouldRead(t *testing.T) {
	big := []byte(`["` + strings.Repeat("x", capture.MaxLine) + `"]`)
	var b bytes.Buffer
	r := capture.NewRecorder(&b)
	if err := r.PutFrames(t.Context(), []hayalet.Frame{
		{Station: "S", Conn: "c", Seq: 5, Data: big}, {Station: "S", Conn: "c", Seq: 6, Data: []byte(`[]`)},
	}); err != nil {
		t.Fatal(err)
	}
	if lost := r.Lost(); len(lost) != 1 || lost[0].Loss != capture.LostSize || lost[0].Count != 1 || !strings.HasPrefix(lost[0].Example, `S ["xxx`) {
		t.Errorf("lost %+v", lost)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	out, stats := read(t, capture.Options{}, b.String())
	if len(stats.Inputs[0].Problems) > 0 || len(out) != 2 || out[0].Kind != hayalet.Gap || out[0].Seq != 5 || out[1].Seq != 6 {
		t.Errorf("got %+v, %+v", out, stats)
	}
}

// limitedWriter fails when it has taken left bytes.
type limitedWriter struct{ left int }

var errFull = errors.New("disk full")

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestRecorderErrorsStay(t *testing.T) {
	r := capture.NewRecorder(&limitedWriter{})
	f := []hayalet.Frame{{Station: "S", Data: []byte("[]")}}
	if err := r.PutFrames(t.Context(), f); err != nil {
		t.Fatalf("buffered: %v", err)
	}
	for range 2 {
		if err := r.Flush(); !errors.Is(err, errFull) {
			t.Errorf("flush: %v, want %v", err, errFull)
		}
	}
	if err := r.PutFrames(t.Context(), f); !errors.Is(err, errFull) {
		t.Errorf("put: %v, want %v", err, errFull)
	}
	if err := r.Close(); !errors.Is(err, errFull) {
		t.Errorf("close: %v, want %v", err, errFull)
	}
	if err := r.PutFrames(t.Context(), f); !errors.Is(err, capture.ErrClosed) {
		t.Errorf("put after close: %v, want %v", err, capture.ErrClosed)
	}
}

func TestRecorderTakesManyConnections(t *testing.T) {
	var b bytes.Buffer
	r := capture.NewRecorder(&b)
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for seq := range uint64(1000) {
				f := hayalet.Frame{Station: "S", Conn: hayalet.ConnID(rune('a' + c)), Seq: seq + 1, Data: []byte(`[2,"x","Heartbeat",{}]`)}
				if err := r.PutFrames(t.Context(), []hayalet.Frame{f}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	last := make(map[hayalet.ConnID]uint64)
	frames, _ := read(t, capture.Options{}, b.String())
	for _, f := range frames {
		if f.Seq != last[f.Conn]+1 {
			t.Fatalf("%s: %d after %d", f.Conn, f.Seq, last[f.Conn])
		}
		last[f.Conn] = f.Seq
	}
	if len(frames) != 4000 {
		t.Errorf("%d frames, want 4000", len(frames))
	}
}

func FuzzRecordRoundTrip(f *testing.F) {
	f.Add("CP_1", "c7", uint64(1), int64(1763925664980000), false, uint8(0), "ocpp1.6", []byte(`[2,"a","Heartbeat",{}]`))
	f.Add("\xff\"", "", uint64(math.MaxUint64), int64(-1), true, uint8(3), "", []byte("[\n"))
	f.Add("a", "b", uint64(9), int64(0), true, uint8(0), "x", []byte(`["]}","[",{"a":[1],"b":"\\"}]`))
	f.Fuzz(func(t *testing.T, station, conn string, seq uint64, at int64, out bool, kind uint8, protocol string, data []byte) {
		const longest = 253402300799999999 // 9999-12-31
		if station == "" || conn == "" || max(len(station), len(conn), len(protocol)) > 512 || at < 0 || at > longest {
			t.Skip()
		}
		want := hayalet.Frame{
			Station: hayalet.StationID(station), Conn: hayalet.ConnID(conn), Seq: max(seq, 1), At: hayalet.Instant(at),
			Kind: hayalet.FrameKind(kind % 4), Protocol: hayalet.Protocol(protocol),
		}
		if out {
			want.Dir = hayalet.Out
		}
		if want.Kind == hayalet.Message {
			want.Data = data
		}
		text := record(t, want)
		if strings.Count(text, "\n") != 1 || utf8.ValidString(station+conn+protocol) && !json.Valid([]byte(text)) {
			t.Fatalf("not one line of JSON: %q", text)
		}
		got, _ := read(t, capture.Options{}, text+text)
		if len(got) != 2 || !sameFrame(got[0], want) || !sameFrame(got[1], want) {
			t.Errorf("got %+v, want %+v, from %q", got, want, text)
		}
	})
}

func BenchmarkRecorder(b *testing.B) {
	fs := []hayalet.Frame{{Station: "CP_1", Conn: "01J9Z", Seq: 12345, At: 1763925664980000, Protocol: hayalet.OCPP16, Data: []byte(meterValues)}}
	r := capture.NewRecorder(&limitedWriter{left: math.MaxInt})
	b.ReportAllocs()
	b.SetBytes(int64(len(meterValues)))
	for b.Loop() {
		if err := r.PutFrames(b.Context(), fs); err != nil {
			b.Fatal(err)
		}
	}
}
