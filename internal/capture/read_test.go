package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"hayalet"
	"hayalet/internal/capture"
)

const meterValues = `[2,"5802feb2-1fbd-4a4b-8991-15b1d9d592db","MeterValues",{"connectorId":1,"transactionId":17,"meterValue":[{"timestamp":"2025-11-23T19:21:00.951Z","sampledValue":[{"value":"1254310.5","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},{"value":"7360.0","context":"Sample.Periodic","format":"Raw","measurand":"Power.Active.Import","location":"Outlet","unit":"W"}]}]}]`

func TestReadJSONL(t *testing.T) {
	const call = `[2,"a","Heartbeat",{}]`
	plain := hayalet.Frame{Station: "S", Conn: "a.log#S", Seq: 1, Data: []byte(call)}
	with := func(change func(*hayalet.Frame)) hayalet.Frame {
		f := plain
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		line string
		want hayalet.Frame
	}{
		"required only":    {`{"station":"S","direction":"in","frame":` + call + `}`, plain},
		"frame first":      {`{"frame":` + call + `,"direction":"in","station":"S"}`, plain},
		"array follows":    {`{"station":"S","direction":"in","frame":` + call + `,"tags":["x"]}`, plain},
		"array and blank":  {`{"station":"S","direction":"in","frame":` + call + ` , "tags":["x"]}`, plain},
		"brackets in text": {`{"station":"S","direction":"in","frame":[3,"[",{}],"tags":["]"]}`, with(func(f *hayalet.Frame) { f.Data = []byte(`[3,"[",{}]`) })},
		"unknown members":  {`{"v":1,"x":{"a":[null]},"station":"S","direction":"in","frame":` + call + `}`, plain},
		"blanks":           {"\t{ \"station\" : \"S\" , \"direction\" : \"in\" , \"frame\" : " + call + " } \r", plain},
		"byte order mark":  {"\xef\xbb\xbf" + `{"station":"S","direction":"in","frame":` + call + `}`, plain},
		"null ts":          {`{"ts":null,"station":"S","direction":"in","frame":` + call + `}`, plain},
		"seq without conn": {`{"seq":77,"station":"S","direction":"in","frame":` + call + `}`, plain},
		"conn without seq": {`{"conn":"c","station":"S","direction":"in","frame":` + call + `}`, with(func(f *hayalet.Frame) { f.Conn = "c" })},
		"conn and seq":     {`{"conn":"c","seq":77,"station":"S","direction":"in","frame":` + call + `}`, with(func(f *hayalet.Frame) { f.Conn, f.Seq = "c", 77 })},
		"odd seq":          {`{"conn":"c","seq":-1.5,"station":"S","direction":"in","frame":` + call + `}`, with(func(f *hayalet.Frame) { f.Conn = "c" })},
		"escaped name":     {`{"station":"\u015e","direction":"in","frame":` + call + `}`, with(func(f *hayalet.Frame) { f.Station, f.Conn = "Ş", "a.log#Ş" })},
		"out":              {`{"station":"S","direction":"out","frame":` + call + `}`, with(func(f *hayalet.Frame) { f.Dir = hayalet.Out })},
		"message by name":  {`{"station":"S","kind":"message","direction":"in","frame":` + call + `}`, plain},
		"frame as string":  {`{"station":"S","direction":"in","frame":"[2,\"a\",\"Heartbeat\",{}]"}`, plain},
		"zone":             {`{"ts":"2025-11-23T22:21:04.98+03:00","station":"S","direction":"in","frame":` + call + `}`, with(func(f *hayalet.Frame) { f.At = instant(t, "2025-11-23T19:21:04.98Z") })},
		"gap":              {`{"conn":"c","seq":9,"station":"S","kind":"gap"}`, with(func(f *hayalet.Frame) { f.Conn, f.Seq, f.Kind, f.Data = "c", 9, hayalet.Gap, nil })},
	} {
		t.Run(name, func(t *testing.T) {
			got, stats := read(t, capture.Options{}, c.line)
			if len(got) != 1 || !sameFrame(got[0], c.want) {
				t.Errorf("got %+v\nwant %+v\nstats %+v", got, c.want, stats)
			}
		})
	}
}

func TestReadCountsWhatItCannotRead(t *testing.T) {
	long := `{"station":"` + strings.Repeat("x", 3*capture.MaxLine) + `"}`
	text := strings.Join([]string{
		`{"station":"S","direction":"in","frame":[2,"a","Heartbeat",{}]}`, // 1
		``,
		`{"station":"S","direction":"in","frame":[2,"a"`,                          // 3 cut off
		`{"station":"S","direction":"in","frame":[2,[3]}`,                         // cut off behind a bracket
		`{"station":"S","direction":"in","frame":[2]}{"station":"S","frame":[3]}`, // two in one
		`{"station":"S","direction":"in"}`,                                        // 6
		`{"direction":"in","frame":[2]}`,
		`{"station":7,"direction":"in","frame":[2]}`,
		`{"station":"S","frame":[2]}`,
		`{"station":"S","direction":"up","frame":[2]}`,
		`{"station":"S","kind":"future"}`, // 11
		`{"ts":"yesterday","station":"S","direction":"in","frame":[3,"b",{}]}`,
		`{"station":"` + strings.Repeat("n", 513) + `","direction":"in","frame":[2]}`,
		long, // 14
		"2025-11-23 22:21:04,980 - CMS - \x1b[2Jhello",
		`: receive message [2,"a","Heartbeat",{}]`,
		`2025-13-41 22:21:04,980 - CMS - S: receive message [2,"c","Heartbeat",{}]`,
		strings.Repeat("y", capture.MaxLine) + "\r",
		strings.Repeat("y", capture.MaxLine+1), // 19
	}, "\n")
	frames, stats := read(t, capture.Options{}, text)
	if len(frames) != 3 || !frames[1].At.IsZero() || !frames[2].At.IsZero() {
		t.Errorf("frames: %+v", frames)
	}
	s := stats.Inputs[0]
	if s.Lines != 19 || s.Bytes != int64(len(text)) || s.Skipped() != 15 {
		t.Errorf("%d lines, %d bytes, %d skipped; want 19, %d, 15", s.Lines, s.Bytes, s.Skipped(), len(text))
	}
	want := map[capture.Kind][2]int64{
		capture.NotJSON: {3, 3}, capture.NoFrame: {3, 6}, capture.NoStation: {3, 7}, capture.NoDirection: {2, 9},
		capture.BadKind: {1, 11}, capture.BadTime: {2, 12}, capture.BadName: {1, 13}, capture.TooLong: {2, 14},
	}
	for _, p := range s.Problems {
		if got := [2]int64{p.Count, p.Line}; got != want[p.Kind] {
			t.Errorf("%s: count and first line %v, want %v", p.Kind, got, want[p.Kind])
		}
		if len(p.Example) == 0 || len(p.Example) > 120 || strings.ContainsRune(p.Example, '\x1b') {
			t.Errorf("%s: example %q", p.Kind, p.Example)
		}
		delete(want, p.Kind)
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
}

func line(ts, station, id string) string {
	return fmt.Sprintf(`{"ts":%s,"station":%q,"direction":"in","frame":[3,%q,{}]}`+"\n", ts, station, id)
}

func TestReadMergesByTime(t *testing.T) {
	at := func(second int) string { return fmt.Sprintf(`"2025-01-01T00:00:%02dZ"`, second) }
	a := line(at(1), "A", "a1") + line(at(4), "A", "a4") + line("null", "A", "a-none") + line(at(2), "A", "a2-late") + line(at(9), "A", "a9")
	b := line("null", "B", "b-none") + line(at(3), "B", "b3") + line(at(4), "B", "b4") + line(at(5), "B", "b5")
	c := ""
	d := line(at(4), "D", "d4") + line(at(10), "D", "d10")
	frames, stats := read(t, capture.Options{}, a, b, c, d)
	var got []string
	for _, f := range frames {
		got = append(got, strings.Split(string(f.Data), `"`)[1])
	}
	const want = "b-none a1 b3 a4 a-none a2-late b4 d4 b5 a9 d10"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if s := stats.Inputs[2]; s.Name != "logs/c.log" || s.Lines != 0 || s.Frames != 0 {
		t.Errorf("empty input: %+v", s)
	}
}

func TestReadNamesConnections(t *testing.T) {
	text := line("null", "A", "1") + line("null", "B", "2") + line("null", "A", "3")
	inputs := []capture.Input{
		{Name: "/x/site.log", R: strings.NewReader(text)},
		{Name: "/y/site.log", R: strings.NewReader(text)},
		{Name: "-", R: strings.NewReader(text)},
	}
	var c collector
	if _, err := capture.Read(t.Context(), capture.Options{}, inputs, &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range c.frames {
		got = append(got, fmt.Sprintf("%s:%d", f.Conn, f.Seq))
	}
	const want = "site.log#A:1 site.log#B:1 site.log#A:2 site.log~2#A:1 site.log~2#B:1 site.log~2#A:2 -#A:1 -#B:1 -#A:2"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// TestReadNumbersOnceBeyondItsTables reads more stations than are remembered: no number may come twice.
func TestReadNumbersOnceBeyondItsTables(t *testing.T) {
	var b strings.Builder
	for round := range 2 {
		for i := range 70_000 {
			b.WriteString(line("null", fmt.Sprintf("S%d", i), fmt.Sprint(round)))
		}
	}
	frames, _ := read(t, capture.Options{}, b.String())
	last := make(map[hayalet.ConnID]uint64)
	for _, f := range frames {
		if f.Seq <= last[f.Conn] {
			t.Fatalf("%s: %d after %d", f.Conn, f.Seq, last[f.Conn])
		}
		last[f.Conn] = f.Seq
	}
	if len(frames) != 140_000 {
		t.Errorf("%d frames", len(frames))
	}
}

func TestReadDeliversInBatches(t *testing.T) {
	var b strings.Builder
	for i := range 2000 {
		b.WriteString(line("null", "S", fmt.Sprint(i)))
	}
	big := strings.Repeat("z", 300<<10)
	b.WriteString(line("null", "S", big) + line("null", "S", big))
	var c collector
	inputs := []capture.Input{{Name: "x", R: iotest.HalfReader(strings.NewReader(b.String()))}}
	if _, err := capture.Read(t.Context(), capture.Options{}, inputs, &c); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint([]int{512, 512, 512, 464, 1, 1}); fmt.Sprint(c.batches) != want {
		t.Errorf("batches %v, want %s", c.batches, want)
	}
	for i, f := range c.frames[:2000] {
		if want := fmt.Sprintf(`[3,"%d",{}]`, i); string(f.Data) != want || f.Seq != uint64(i+1) {
			t.Fatalf("frame %d: %s, seq %d", i, f.Data, f.Seq)
		}
	}
	if want := `[3,"` + big + `",{}]`; string(c.frames[2001].Data) != want {
		t.Error("large frame was changed")
	}
}

// TestReadByAnyChunks holds the line reader to the same lines whatever a Read returns.
func TestReadByAnyChunks(t *testing.T) {
	text := readFile(t, "testdata/seed-csms.log") + strings.Repeat("x", capture.MaxLine+5) + "\n" + line("null", "S", "end")
	want, wantStats := read(t, capture.Options{}, text)
	for name, r := range map[string]io.Reader{
		"halves":   iotest.HalfReader(strings.NewReader(text)),
		"one byte": iotest.OneByteReader(strings.NewReader(text)),
		"data+eof": iotest.DataErrReader(strings.NewReader(text)),
	} {
		t.Run(name, func(t *testing.T) {
			var c collector
			stats, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "logs/a.log", R: r}}, &c)
			if err != nil || fmt.Sprint(stats) != fmt.Sprint(wantStats) || len(c.frames) != len(want) {
				t.Fatalf("%v, %+v", err, stats)
			}
			for i := range want {
				if !sameFrame(c.frames[i], want[i]) {
					t.Errorf("frame %d: %+v, want %+v", i, c.frames[i], want[i])
				}
			}
		})
	}
}

func TestReadFailures(t *testing.T) {
	broken := errors.New("cable cut")
	text := line("null", "S", "1") + line("null", "S", "2")
	partial := io.MultiReader(strings.NewReader(text+`{"station":"S","direction":"in","frame":[3]}`), iotest.ErrReader(broken))

	t.Run("reader", func(t *testing.T) {
		var c collector
		_, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "x.log", R: partial}}, &c)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "x.log") || len(c.frames) != 2 {
			t.Errorf("%v after %d frames", err, len(c.frames))
		}
	})
	t.Run("log held back", func(t *testing.T) {
		var c collector
		r := io.MultiReader(strings.NewReader("S: send [3,\"1\",{}]\n"), iotest.ErrReader(broken))
		_, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "x.log", R: r}}, &c)
		if !errors.Is(err, broken) || len(c.frames) != 1 {
			t.Errorf("%v after %d frames", err, len(c.frames))
		}
	})
	t.Run("sink", func(t *testing.T) {
		c := collector{err: broken}
		_, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "x.log", R: strings.NewReader(text)}}, &c)
		if !errors.Is(err, broken) || len(c.batches) != 1 {
			t.Errorf("%v after %d batches", err, len(c.batches))
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := capture.Read(ctx, capture.Options{}, []capture.Input{{Name: "x.log", R: strings.NewReader(text)}}, &collector{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	t.Run("silent reader", func(t *testing.T) {
		_, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "x.log", R: silentReader{}}}, &collector{})
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%v", err)
		}
	})
}

type silentReader struct{}

func (silentReader) Read([]byte) (int, error) { return 0, nil }

func FuzzReadNeverPanics(f *testing.F) {
	f.Add([]byte(line(`"2025-01-01T00:00:00Z"`, "S", "1")), []byte("2025-11-23 22:21:04,980 - CMS - S: receive message [2,\"a\",\"Heartbeat\",{}]\n"))
	f.Add([]byte(`{"station":"S","direction":"in","frame":[[]],"x":"]"}`), []byte("S send [2,\"a\",\"Heartbeat\",{}]\r\n\r\n\x1b[0m - : send [3\x1b[m"))
	f.Add([]byte(`{"text":"\ud800","base64":"!","station":"S","direction":"in"}`), []byte("2025-11-23 22:21:04+03: send [4]\n{"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 64<<10 {
			t.Skip()
		}
		var c collector
		inputs := []capture.Input{{Name: "a", R: bytes.NewReader(a)}, {Name: "b", R: iotest.HalfReader(bytes.NewReader(b))}}
		stats, err := capture.Read(t.Context(), capture.Options{}, inputs, &c)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stats.Inputs {
			if s.Frames+s.Skipped() > s.Lines {
				t.Errorf("more than was there: %+v", s)
			}
		}
		for _, f := range c.frames {
			if f.Station == "" || f.Conn == "" || f.Seq == 0 || (f.Kind == hayalet.Message) != (f.Data != nil) {
				t.Errorf("incomplete frame %+v", f)
			}
		}
	})
}

// discard is a sink that costs nothing.
type discard struct{ frames int }

func (d *discard) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	d.frames += len(fs)
	return nil
}

func BenchmarkRead(b *testing.B) {
	fs := make([]hayalet.Frame, 1000)
	for i := range fs {
		fs[i] = hayalet.Frame{
			Station: hayalet.StationID(fmt.Sprintf("CP_%d", i%100)), Conn: hayalet.ConnID(fmt.Sprintf("01J9Z%d", i%100)),
			Seq: uint64(i/100 + 1), At: hayalet.Instant(1763925664980000 + i*1000), Protocol: hayalet.OCPP16, Data: []byte(meterValues),
		}
	}
	jsonl := record(b, fs...)
	var log strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&log, "2025-11-23 22:21:04,%03d - CMS - CP_%d: receive message %s\n", i, i%100, meterValues)
	}
	for _, c := range []struct{ name, text string }{
		{"jsonl", jsonl},
		{"jsonl-frame-first", strings.Repeat(`{"frame":`+meterValues+`,"station":"CP_1","direction":"in","ts":"2025-11-23T19:21:04.980000Z"}`+"\n", 1000)},
		{"log", log.String()},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := strings.Repeat(c.text, 20)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var d discard
			for b.Loop() {
				if _, err := capture.Read(b.Context(), capture.Options{}, []capture.Input{{Name: "x", R: strings.NewReader(text)}}, &d); err != nil {
					b.Fatal(err)
				}
			}
			if d.frames == 0 || d.frames%20_000 != 0 {
				b.Fatalf("%d frames", d.frames)
			}
			b.ReportMetric(float64(len(text))/20_000, "B/line")
		})
	}
}
