package journal_test

import (
	"log/slog"
	"reflect"
	"testing"

	"hayalet"
	"hayalet/internal/journal"
)

// blockOf is what the journal makes of frames.
func blockOf(t testing.TB, fs []hayalet.Frame) hayalet.Block {
	t.Helper()
	var s store
	j, err := journal.Open(t.Context(), &s, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	if err := j.PutFrames(t.Context(), fs); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return s.all()[0]
}

// FuzzDamagedBodiesAreRefusedOrRead: whatever a body holds, it is read within bounds or refused, and never panics.
func FuzzDamagedBodiesAreRefusedOrRead(f *testing.F) {
	block := blockOf(f, append(exchange("c", 1), exchange("d", 1)...))
	f.Add(block.Body, block.Frames)
	opener, err := journal.NewOpener()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		b := hayalet.Block{Number: 1, First: 1, Frames: n, Body: body}
		fs, err := opener.Frames(&b)
		if err == nil && len(fs) != n {
			t.Errorf("%d frames, want %d", len(fs), n)
		}
	})
}

// FuzzFramesComeBack: any frame is kept verbatim, and its leaf depends on every part of it.
func FuzzFramesComeBack(f *testing.F) {
	f.Add("CP_1", "c", "ocpp1.6", uint64(1), int64(1_767_571_200_000_000), false, byte(0), []byte(`[3,"1",{}]`))
	f.Add("", "", "", uint64(1<<63), int64(-1), true, byte(3), []byte{})
	opener, err := journal.NewOpener()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, station, conn, protocol string, seq uint64, at int64, out bool, kind byte, data []byte) {
		frame := hayalet.Frame{
			Station: hayalet.StationID(station), Conn: hayalet.ConnID(conn), Protocol: hayalet.Protocol(protocol), Seq: max(seq, 1),
			At: hayalet.Instant(at), Kind: hayalet.FrameKind(kind % 4), Data: data,
		}
		if out {
			frame.Dir = hayalet.Out
		}
		if len(data) == 0 && frame.Kind != hayalet.Message {
			frame.Data = nil
		}
		block := blockOf(t, []hayalet.Frame{frame})
		fs, err := opener.Frames(&block)
		if err != nil {
			t.Fatal(err)
		}
		frame.Pos = 1
		if len(fs) != 1 || !reflect.DeepEqual(fs[0], frame) && !(len(data) == 0 && len(fs[0].Data) == 0) {
			t.Errorf("got %+v, want %+v", fs, frame)
		}
		header, err := journal.ParseHeader(block.Header)
		if err != nil || header.Root != journal.Leaf(&frame) {
			t.Errorf("header %+v, %v: its root is not the leaf of its one frame", header, err)
		}
		for i, change := range []func(*hayalet.Frame){
			func(f *hayalet.Frame) { f.Station += "x" },
			func(f *hayalet.Frame) { f.Conn += "x" },
			func(f *hayalet.Frame) { f.Protocol += "x" },
			func(f *hayalet.Frame) { f.Seq++ },
			func(f *hayalet.Frame) { f.At++ },
			func(f *hayalet.Frame) { f.Dir ^= 1 },
			func(f *hayalet.Frame) { f.Kind ^= 1 },
			func(f *hayalet.Frame) { f.Data = append([]byte("x"), f.Data...) },
		} {
			other := frame
			change(&other)
			if journal.Leaf(&other) == header.Root {
				t.Errorf("change %d does not show in the leaf", i)
			}
		}
	})
}

// TestHeadersOfOtherFormatsAreRefused and those that do not follow one another are told apart.
func TestHeadersOfOtherFormatsAreRefused(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("hjb1"), make([]byte, journal.HeaderSize), append(make([]byte, journal.HeaderSize), 0)} {
		if _, err := journal.ParseHeader(b); err == nil {
			t.Errorf("%d bytes were read", len(b))
		}
	}
	first := journal.Header{Number: 1, First: 1, Frames: 5}
	next := journal.Header{Number: 2, First: 6, Frames: 1, Prev: first.Hash()}
	follows := func(next journal.Header) *journal.Flaw {
		t.Helper()
		c, err := journal.NewChecker(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []journal.Header{first, next} {
			b := hayalet.Block{Number: h.Number, First: h.First, Frames: int(h.Frames), FirstAt: h.FirstAt, LastAt: h.LastAt, Header: h.Bytes()}
			if flaw := c.Block(&b); flaw != nil {
				return flaw
			}
		}
		return nil
	}
	if flaw := follows(next); flaw != nil {
		t.Error(flaw)
	}
	for _, change := range []func(*journal.Header){
		func(h *journal.Header) { h.Number = 3 },
		func(h *journal.Header) { h.Prev[0] ^= 1 },
		func(h *journal.Header) { h.First = 7 },
	} {
		other := next
		change(&other)
		if follows(other) == nil {
			t.Errorf("%+v follows %+v", other, first)
		}
	}
}
