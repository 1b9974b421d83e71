package evidence_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

// FuzzLine: whatever a station sent, the line of its frame reads back as the same leaf, or is refused.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`[2,"1","Heartbeat",{}]`), "CP_1", uint8(0), int64(begin))
	f.Add([]byte("{\"a\":\"<\u2028>\"}\n"), "CP 1", uint8(1), int64(-5))
	f.Add([]byte("\xff\x00"), "ş", uint8(6), int64(0))
	f.Add([]byte(`[1e400,{"a":1,"a":2}]`), "", uint8(4), int64(1))
	f.Fuzz(func(t *testing.T, data []byte, name string, marks uint8, at int64) {
		want := hayalet.Frame{
			Station: hayalet.StationID(name), Conn: "c", Pos: 7, Seq: 3, At: hayalet.Instant(at % (1 << 52)), Protocol: hayalet.OCPP21,
			Dir: hayalet.Direction(marks & 1), Kind: hayalet.FrameKind(marks >> 1 & 3),
		}
		if want.Kind == hayalet.Message {
			want.Data = data
		}
		text, err := evidence.AppendLine(nil, &want)
		if err != nil {
			if utf8.ValidString(name) {
				t.Fatalf("a frame cannot be written: %v", err)
			}
			return
		}
		if bytes.IndexByte(text, '\n') != len(text)-1 {
			t.Fatalf("more than a line: %q", text)
		}
		got, err := evidence.ReadLine(text[:len(text)-1])
		if err != nil || journal.Leaf(&got) != journal.Leaf(&want) || got.Pos != want.Pos {
			t.Fatalf("%v: %+v was read, %+v was written: %s", err, got, want, text)
		}
	})
}

// collected are frames that a reader gave.
type collected []hayalet.Frame

func (c *collected) PutFrames(_ context.Context, fs []hayalet.Frame) error {
	for _, f := range fs {
		f.Data = bytes.Clone(f.Data)
		*c = append(*c, f)
	}
	return nil
}

// TestRecordReaderReadsTheLines of a case as those of any record.
func TestRecordReaderReadsTheLines(t *testing.T) {
	lines := unpack(t, exported(t, filled(t), keyOf(1)))["frames.jsonl"]
	var got collected
	if _, err := capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "frames.jsonl", R: strings.NewReader(lines)}}, &got); err != nil {
		t.Fatal(err)
	}
	i := 0
	for text := range strings.Lines(lines) {
		want, err := evidence.ReadLine([]byte(strings.TrimSuffix(text, "\n")))
		if err != nil || i >= len(got) || journal.Leaf(&got[i]) != journal.Leaf(&want) {
			t.Fatalf("line %d: %v: %s", i+1, err, text)
		}
		i++
	}
}
