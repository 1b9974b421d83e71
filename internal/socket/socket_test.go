package socket_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hayalet/internal/socket"
)

const limit = 1 << 20

// pair returns both ends of one connection.
func pair(t testing.TB, deflate bool) (client, server *socket.Conn, rawClient net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	end := func(nc net.Conn, client bool) *socket.Conn {
		c := socket.New(t.Context(), nc, bufio.NewReaderSize(nc, socket.ReadBuffer), socket.Config{Client: client, MaxMessage: limit})
		c.Start(deflate)
		t.Cleanup(c.Cut)
		return c
	}
	return end(a, true), end(b, false), a
}

func TestMessagesArriveAsTheyWere(t *testing.T) {
	for _, deflate := range []bool{false, true} {
		client, server, _ := pair(t, deflate)
		r := rand.New(rand.NewPCG(1, 2))
		var all [][]byte
		for _, n := range []int{0, 1, 125, 126, 255, 256, 4096, 65535, 65536, 200_000, limit} {
			noise := make([]byte, n)
			for i := range noise {
				noise[i] = byte(r.Uint32())
			}
			all = append(all, noise, bytes.Repeat([]byte("a"), n))
		}
		for _, way := range [][2]*socket.Conn{{client, server}, {server, client}} {
			go func() {
				for _, data := range all {
					if err := way[0].Write(t.Context(), data); err != nil {
						t.Error(err)
					}
				}
			}()
			for i, want := range all {
				if got, err := way[1].Read(); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("deflate %v, message %d: got %d bytes, %v, want %d", deflate, i, len(got), err, len(want))
				}
			}
		}
	}
}

func deflated(t testing.TB, level int, data []byte, tail string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(data)
	_ = w.Flush()
	return append(bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff")), tail...)
}

// send writes one message; the other end may have heard enough before its end.
func send(nc net.Conn, packed bool, pieces ...[]byte) {
	for i, p := range pieces {
		op := ws.OpText
		if i > 0 {
			op = ws.OpContinuation
		}
		f := ws.NewFrame(op, i == len(pieces)-1, bytes.Clone(p))
		f.Header.Rsv = ws.Rsv(packed && i == 0, false, false)
		_ = ws.WriteFrame(nc, ws.MaskFrame(f))
	}
}

func TestDeflatedMessagesOfOthers(t *testing.T) {
	text := []byte(strings.Repeat(`[2,"1","Heartbeat",{}]`, 100))
	final := func() []byte { // a sender may end the stream itself [RFC 7692 §7.2.3.5]
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 9)
		_, _ = w.Write(text)
		_ = w.Close()
		return append(b.Bytes(), 0)
	}()
	bomb := deflated(t, 9, make([]byte, 64<<20), "")
	for _, tt := range []struct {
		name   string
		packed bool
		pieces [][]byte
		want   []byte
		code   uint16
	}{
		{"whole", true, [][]byte{deflated(t, 6, text, "")}, text, 0},
		{"stored", true, [][]byte{deflated(t, 0, text, "")}, text, 0},
		{"ended by the sender", true, [][]byte{final}, text, 0},
		{"empty", true, [][]byte{{0}}, []byte{}, 0},
		{"in pieces", true, [][]byte{deflated(t, 6, text, "")[:5], {}, deflated(t, 6, text, "")[5:]}, text, 0},
		{"not deflated", false, [][]byte{text}, text, 0},
		{"bomb", true, [][]byte{bomb}, nil, 1009},
		{"broken", true, [][]byte{[]byte("\xff\xff\xff")}, nil, 1007},
		{"more behind the end", true, [][]byte{append(bytes.Clone(final), text...)}, nil, 1002},
		{"too long as it comes", true, [][]byte{deflated(t, 0, make([]byte, 2*limit), "")}, nil, 1009},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, server, nc := pair(t, true)
			go send(nc, tt.packed, tt.pieces...)
			got, err := server.Read()
			fault, _ := errors.AsType[*socket.Fault](err)
			if tt.code == 0 && (err != nil || !bytes.Equal(got, tt.want)) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if tt.code != 0 && (fault == nil || fault.Code != tt.code) {
				t.Errorf("got %d bytes, %v, want %d", len(got), err, tt.code)
			}
		})
	}
	t.Run("not negotiated", func(t *testing.T) {
		_, server, nc := pair(t, false)
		go send(nc, true, deflated(t, 6, text, ""))
		if _, err := server.Read(); err == nil || !strings.Contains(err.Error(), "1002") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNegotiation(t *testing.T) {
	for offer, want := range map[string]bool{
		"":                   false,
		"permessage-deflate": true,
		"permessage-deflate; client_max_window_bits":                            true,
		"permessage-deflate; client_max_window_bits=10":                         true,
		"permessage-deflate; server_max_window_bits=10":                         false,
		`permessage-deflate; server_max_window_bits="15"`:                       true,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":     true,
		"x-webkit-deflate-frame":                                                false,
		"permessage-deflate; what=1":                                            false,
		"Permessage-Deflate;Server_No_Context_Takeover":                         true,
		"permessage-deflate; server_no_context_takeover=1":                      false,
		"x-other; a=b, permessage-deflate; client_no_context_takeover, x-third": true,
	} {
		if got := socket.AcceptsDeflate([]string{offer}); got != want {
			t.Errorf("%s: got %v", offer, got)
		}
	}
	for answer, want := range map[string]string{
		"":                   "false <nil>",
		socket.DeflateAnswer: "true <nil>",
		"permessage-deflate; server_no_context_takeover; server_max_window_bits=9": "true <nil>",
		"permessage-deflate": "error",
		"x-other":            "error",
		"permessage-deflate; server_no_context_takeover; client_max_window_bits=10": "error",
		"permessage-deflate; server_no_context_takeover, x":                         "error",
	} {
		on, err := socket.DeflateAccepted([]string{answer})
		if got := map[bool]string{true: "true <nil>", false: "false <nil>"}[on]; err != nil && want != "error" || err == nil && got != want {
			t.Errorf("%s: got %v %v, want %s", answer, on, err, want)
		}
	}
}

func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		close  func(c *socket.Conn)
		code   uint16
		reason string
	}{
		{"with a reason", func(c *socket.Conn) { c.Close(4000, "why") }, 4000, "why"},
		{"registered later", func(c *socket.Conn) { c.Close(1013, "") }, 1013, ""},
		{"without a status", func(c *socket.Conn) { c.Close(socket.NoStatus, "unsaid") }, socket.NoStatus, ""},
		{"lost", func(c *socket.Conn) { c.Close(socket.Lost, "unsaid") }, socket.Lost, ""},
		{"cut", (*socket.Conn).Cut, socket.Lost, ""},
		{"a long reason", func(c *socket.Conn) { c.Close(1000, strings.Repeat("ş", 100)) }, 1000, strings.Repeat("ş", 61)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server, _ := pair(t, false)
			go func() { _, _ = server.Read() }()
			tt.close(server)
			if _, err := client.Read(); err == nil {
				t.Fatal("the other end reads on")
			}
			if code, reason := client.Ended(); code != tt.code || reason != tt.reason {
				t.Errorf("the other end: %d %q", code, reason)
			}
			if code, reason := server.Ended(); code != tt.code || tt.code != 1000 && reason != tt.reason {
				t.Errorf("this end: %d %q", code, reason)
			}
			if err := server.Write(t.Context(), nil); !errors.Is(err, socket.ErrClosed) {
				t.Error("writing works after the end")
			}
		})
	}
}

func TestBuffersAreKept(t *testing.T) {
	client, server, _ := pair(t, false)
	data := bytes.Repeat([]byte("x"), 8<<10)
	exchange := func() {
		if err := client.Write(t.Context(), data); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Read(); err != nil {
			t.Fatal(err)
		}
	}
	exchange()
	if got := testing.AllocsPerRun(100, exchange); got > 0 {
		t.Errorf("%v allocations a message", got)
	}
}

// FuzzReadIsBoundedAndEnds: whatever comes, no message is longer than the limit, and reading ends.
func FuzzReadIsBoundedAndEnds(f *testing.F) {
	for _, p := range [][]byte{deflated(f, 6, []byte("hello"), ""), {0}, {}} {
		frame := ws.NewTextFrame(p)
		frame.Header.Rsv = ws.Rsv(true, false, false)
		f.Add(ws.MustCompileFrame(ws.MaskFrame(frame)))
	}
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1012, "x")))))
	f.Fuzz(func(t *testing.T, wire []byte) {
		near, far := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, near) }()
		go func() {
			_, _ = near.Write(wire)
			_ = near.Close()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := socket.New(ctx, far, bufio.NewReader(far), socket.Config{MaxMessage: 1000})
		c.Start(true)
		defer c.Cut()
		for {
			data, err := c.Read()
			if err != nil {
				return
			}
			if len(data) > 1000 {
				t.Fatalf("%d bytes", len(data))
			}
		}
	})
}

// TestOneAtRestHoldsNothing is for many that have said much at once and then rest.
func TestOneAtRestHoldsNothing(t *testing.T) {
	const conns = 100
	near, _ := net.Pipe()
	defer near.Close()
	var all []*socket.Conn
	for range conns {
		c := socket.New(t.Context(), near, bufio.NewReaderSize(near, 16), socket.Config{})
		c.Move(near)
		c.Start(false)
		if _, err := c.Read(); !errors.Is(err, socket.ErrAtRest) {
			t.Fatalf("read: %v; want %v", err, socket.ErrAtRest)
		}
		all = append(all, c)
	}
	before := heap()
	much := bytes.Repeat(ws.MustCompileFrame(ws.MaskFrame(ws.NewPongFrame(make([]byte, 125)))), 400)
	for _, c := range all {
		c.Resume(bytes.Clone(much))
		if _, err := c.Read(); !errors.Is(err, socket.ErrAtRest) {
			t.Fatalf("read: %v; want %v", err, socket.ErrAtRest)
		}
	}
	if grown := heap() - before; grown > conns*1000 {
		t.Errorf("each holds %d bytes", grown/conns)
	}
	runtime.KeepAlive(all)
}

// TestHalfAFrameIsHeldOnce: what was read ahead of a frame whose end does not come is not held beside it.
func TestHalfAFrameIsHeldOnce(t *testing.T) {
	const conns, size = 50, 60_000
	half := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(make([]byte, size+1000))))[:size]
	var all sync.WaitGroup
	defer all.Wait() // once their pipes are closed
	before := heap()
	for range conns {
		near, far := net.Pipe()
		defer far.Close()
		c := socket.New(t.Context(), near, bufio.NewReaderSize(near, 16), socket.Config{})
		c.Move(near)
		c.Start(false)
		c.Resume(bytes.Clone(half))
		all.Go(func() { _, _ = c.Read() })
		if _, err := far.Write(make([]byte, 1)); err != nil { // taken once all before it is
			t.Fatal(err)
		}
	}
	if held := (heap() - before) / conns; held > size*7/4 {
		t.Errorf("each holds %d bytes for %d of a frame", held, size)
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
