package gateway_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/gateway"
)

func TestFramesAreTappedInOrder(t *testing.T) {
	at := time.Date(2025, 11, 23, 19, 20, 59, 944555666, time.UTC)
	s := startTCP(t, gateway.Config{Clock: func() time.Time { return at }})
	st := s.connect(t, "/CP_1")
	for _, text := range []string{"", "two \xff", ""} { // text that is not UTF-8 is evidence, and so is none
		st.text(text)
		st.wantText(text)
	}
	st.send(ws.OpClose, true, string(ws.NewCloseFrameBody(1000, "bye")))
	st.wantClose(1000)
	eventually(t, "the end is tapped", func() bool { return len(s.sink.all()) == 8 })

	var got []string
	frames := s.sink.all()
	for i, f := range frames {
		got = append(got, fmt.Sprintf("%v %v %s", f.Kind, f.Dir, f.Data))
		if f.Seq != uint64(i+1) || f.Conn != frames[0].Conn || f.Station != "CP_1" || f.Protocol != hayalet.OCPP16 {
			t.Errorf("frame %d: %+v", i, f)
		}
		if f.At != hayalet.InstantOf(at) {
			t.Errorf("frame %d at %v", i, f.At)
		}
		if f.Kind != hayalet.Message && f.Data != nil {
			t.Errorf("frame %d: a control frame with data", i)
		}
	}
	want := "open in |message in |message out |message in two \xff|message out two \xff|message in |message out |close in "
	if strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
	if len(frames[0].Conn) != 36 {
		t.Errorf("conn id %q", frames[0].Conn)
	}
}

func TestFragmentsAndControlFrames(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	st.send(ws.OpText, false, "[2,")
	st.send(ws.OpPing, true, "are you there")
	st.send(ws.OpContinuation, false, "")
	st.send(ws.OpPong, true, "unasked")
	st.send(ws.OpContinuation, false, `"1",`)
	st.send(ws.OpContinuation, true, `"Heartbeat",{}]`)
	if f := st.read(); f.Header.OpCode != ws.OpPong || string(f.Payload) != "are you there" {
		t.Errorf("got %+v %q", f.Header, f.Payload)
	}
	st.wantText(`[2,"1","Heartbeat",{}]`)
	big := strings.Repeat("x", gateway.DefaultMaxMessage)
	st.text(big)
	st.wantText(big)
	st.text("small again")
	st.wantText("small again")
}

func TestBadFramesEndTheConnection(t *testing.T) {
	masked := func(op ws.OpCode, fin bool, payload string) ws.Frame {
		return ws.MaskFrame(ws.NewFrame(op, fin, []byte(payload)))
	}
	rsv := masked(ws.OpText, true, "x")
	rsv.Header.Rsv = ws.Rsv(true, false, false)
	reserved := masked(ws.OpText, true, "x")
	reserved.Header.OpCode = 3
	huge := ws.MaskFrame(ws.NewTextFrame(nil))
	huge.Header.Length = 1 << 40 // announced, never sent
	for _, tt := range []struct {
		name   string
		frames []ws.Frame
		code   ws.StatusCode
	}{
		{"binary", []ws.Frame{masked(ws.OpBinary, true, "x")}, 1003},
		{"unmasked", []ws.Frame{ws.NewTextFrame([]byte("x"))}, 1002},
		{"reserved bit", []ws.Frame{rsv}, 1002},
		{"reserved opcode", []ws.Frame{reserved}, 1002},
		{"continuation of nothing", []ws.Frame{masked(ws.OpContinuation, true, "x")}, 1002},
		{"text within text", []ws.Frame{masked(ws.OpText, false, "x"), masked(ws.OpText, true, "y")}, 1002},
		{"fragmented ping", []ws.Frame{masked(ws.OpPing, false, "x")}, 1002},
		{"long ping", []ws.Frame{masked(ws.OpPing, true, strings.Repeat("x", 126))}, 1002},
		{"bad close code", []ws.Frame{masked(ws.OpClose, true, "\x00\x01")}, 1002},
		{"half a close code", []ws.Frame{masked(ws.OpClose, true, "\x03")}, 1002},
		{"oversize", []ws.Frame{masked(ws.OpText, true, strings.Repeat("x", 1001))}, 1009},
		{"oversize in parts", []ws.Frame{
			masked(ws.OpText, false, strings.Repeat("x", 999)), masked(ws.OpContinuation, true, "yy"),
		}, 1009},
		{"announced oversize", []ws.Frame{huge}, 1009},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startTCP(t, gateway.Config{MaxMessage: 1000})
			st := s.connect(t, "/CP_1")
			for _, f := range tt.frames {
				st.write(f)
			}
			st.wantClose(tt.code)
			eventually(t, "the peer is closed", func() bool { _, closed := s.echo.counts(); return closed == 1 })
			eventually(t, "open and close are tapped, and nothing else", func() bool { return len(s.sink.all()) == 2 })
		})
	}
}

// A station that is told so can still send its message to the end, and read why it was refused.
func TestOversizeIsReadToItsEnd(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	st.text(strings.Repeat("x", 8<<20)) // more than the sockets' buffers hold
	st.wantClose(1009)
}

// A message that follows the request at once is not lost in the handshake's buffer.
func TestMessageRightBehindTheRequest(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("early"))))
	st, resp := s.exchange(t, handshakeText("/CP_1", offer16)+string(frame))
	if resp.StatusCode != 101 {
		t.Fatal(resp.Status)
	}
	st.wantText("early")
}

func TestPeerTrouble(t *testing.T) {
	for _, tt := range []struct{ name, message, log string }{
		{"error", "error", "cannot answer"},
		{"panic", "panic", "panic on a connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startTCP(t, gateway.Config{})
			other := s.connect(t, "/CP_2")
			st := s.connect(t, "/CP_1")
			st.text(tt.message)
			st.wantClose(1011)
			eventually(t, "the peer is closed", func() bool { _, closed := s.echo.counts(); return closed == 1 })
			other.text("still here")
			other.wantText("still here")
			if !strings.Contains(s.logs.String(), tt.log) {
				t.Errorf("log: %s", s.logs)
			}
		})
	}
	t.Run("panic in the handshake", func(t *testing.T) {
		s := startTCP(t, gateway.Config{})
		if _, resp := s.request(t, "/panic-open", offer16); resp.StatusCode != 500 {
			t.Errorf("got %s", resp.Status)
		}
		s.connect(t, "/CP_1").close()
	})
}

// What cannot be kept is not answered.
func TestSinkTrouble(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	s.sink.failWith(errors.New("disk full"))
	st.text("x")
	st.wantClose(1011)
	eventually(t, "the end is tapped", func() bool { return len(s.sink.all()) == 2 })
	if f := s.sink.all()[1]; f.Kind != hayalet.ConnClose || f.Seq != 4 {
		t.Errorf("got %+v: the message and its answer keep their numbers", f)
	}
}

// A message and its answer are kept together, and a message without an answer alone, whatever becomes of it.
func TestExchangesAreKeptWhole(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	st.text("one")
	st.wantText("one")
	st.text("quiet")
	st.text("two")
	st.wantText("two")
	st.text("panic")
	st.wantClose(1011)
	eventually(t, "the end is tapped", func() bool { return len(s.sink.all()) == 8 })
	var got []string
	for _, f := range s.sink.all() {
		got = append(got, fmt.Sprintf("%d %v %s", f.Seq, f.Dir, f.Data))
	}
	want := []string{"1 in ", "2 in one", "3 out one", "4 in quiet", "5 in two", "6 out two", "7 in panic", "8 in "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if calls := s.sink.sizes(); !slices.Equal(calls, []int{1, 2, 1, 2, 1, 1}) {
		t.Errorf("frames of each call: %v", calls)
	}
}

// While a message is being answered the time of its receipt is not over.
func TestHorizonWaitsForWhatIsBeingAnswered(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	later := func() time.Time { return time.Now().Add(time.Hour) }
	if now := later(); !s.Horizon(now).Equal(now) {
		t.Errorf("the horizon is %v, although nothing is being answered", s.Horizon(now))
	}
	st.text("") // a message of nothing is one
	st.wantText("")
	eventually(t, "nothing is kept and answered", func() bool { now := later(); return s.Horizon(now).Equal(now) })
	before := time.Now().Truncate(time.Microsecond)
	st.text("stuck")
	eventually(t, "the message is received", func() bool { now := later(); return s.Horizon(now).Before(now) })
	if at := s.Horizon(later()); at.Before(before) || at.After(time.Now()) {
		t.Errorf("the horizon is %v, want when the message was received", at)
	}
	st.close()
	s.echo.link(0).Close(1006, "")
	eventually(t, "it is kept without an answer", func() bool { now := later(); return s.Horizon(now).Equal(now) })
}

// Behind a relay a message is kept before it is handed on; so is one whose receipt sets others free.
func TestAMessageIsKeptBeforeItActs(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	st.text("keep")
	eventually(t, "both are tapped", func() bool { return len(s.sink.all()) == 3 })
	if fs := s.sink.all(); fs[1].Dir != hayalet.In || string(fs[1].Data) != "keep" || string(fs[2].Data) != "after keep" {
		t.Errorf("got %+v", fs)
	}
}

// The order on the wire is the order of Seq, and of the sink, whoever sends, and while the station sends too.
func TestConcurrentSendKeepsOrder(t *testing.T) {
	const senders, each = 50, 100
	s := startTCP(t, gateway.Config{})
	s.sink.pause = runtime.Gosched // invites others in between tap and write
	st := s.connect(t, "/CP_1")
	link := s.echo.link(0)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				if err := link.Send(t.Context(), fmt.Appendf(nil, "%d/%d", i, j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for j := range each {
			_ = ws.WriteFrame(st.nc, ws.MaskFrame(ws.NewTextFrame(fmt.Appendf(nil, "echo/%d", j))))
		}
	})
	var wire []string
	for range (senders + 1) * each {
		wire = append(wire, string(st.read().Payload))
	}
	wg.Wait()
	var out []string
	for i, f := range s.sink.all() {
		if f.Seq != uint64(i+1) {
			t.Fatalf("the sink's frame %d has Seq %d", i, f.Seq)
		}
		if f.Kind == hayalet.Message && f.Dir == hayalet.Out {
			out = append(out, string(f.Data))
		}
	}
	for i := range wire {
		if wire[i] != out[i] {
			t.Fatalf("message %d on the wire is %s, in the sink %s", i, wire[i], out[i])
		}
	}
}

func TestPingAndPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		st := s.connect(t, "/CP_1")
		began := time.Now()
		for i := 1; i <= 3; i++ {
			if f := st.read(); f.Header.OpCode != ws.OpPing {
				t.Fatalf("got %+v", f.Header)
			}
			if got, want := time.Since(began), time.Duration(i)*gateway.DefaultPingInterval; got != want {
				t.Errorf("ping %d after %v, want %v", i, got, want)
			}
			st.send(ws.OpPong, true, "")
		}
		st.read() // not answered
		st.wantEOF()
		want := 4*gateway.DefaultPingInterval + gateway.DefaultPongTimeout
		if got := time.Since(began); got != want {
			t.Errorf("given up after %v, want %v", got, want)
		}
		s.wantLog(t, `msg="station disconnected" .*code=1006 reason="" error="no answer to a ping: .*timeout"`)
	})
}

// The log says how a connection ended, and blames neither side for what follows from that.
func TestEndsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		st := s.connect(t, "/CP_1")
		synctest.Wait() // until the server knows that the handshake is done
		stop := inBackground(func() { s.end(t) })
		st.read() // the goodbye, which is not answered
		st.wantEOF()
		<-stop
		s.wantLog(t, `msg="station disconnected" .*code=1001 reason="going away" error="no answer to our goodbye: .*timeout"`)
	})
	for _, tt := range []struct {
		name, want string
		end        func(*station)
	}{
		{"a goodbye", `code=4000 reason=enough error="closed by the other side"`, func(st *station) {
			st.send(ws.OpClose, true, string(ws.NewCloseFrameBody(4000, "enough")))
		}},
		{"ours, while it is being answered", `code=1000 reason=enough error="our goodbye was answered"`, func(st *station) {
			st.text("leave")
			st.wantClose(1000)
		}},
		{"cut while it is being answered", `code=1006 reason="" error="cannot answer: `, func(st *station) {
			st.text("cut")
			st.wantEOF()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startTCP(t, gateway.Config{})
			tt.end(s.connect(t, "/CP_1"))
			eventually(t, "the end is logged", func() bool { return strings.Contains(s.logs.String(), "disconnected") })
			s.wantLog(t, `msg="station disconnected" .*`+tt.want)
			if log := s.logs.String(); strings.Contains(log, "closed by us") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestSlowHandshakeIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		nc, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, _ = nc.Write([]byte("GET /CP_1 HTTP/1.1\r\nHost: "))
		_, _ = nc.Read(make([]byte, 1))
		if got := time.Since(began); got != gateway.DefaultHandshakeTimeout {
			t.Errorf("cut after %v", got)
		}
	})
}

func TestSlowFrameIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		st := s.connect(t, "/CP_1")
		frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("half a message"))))
		began := time.Now()
		_, _ = st.nc.Write(frame[:10])
		st.wantEOF()
		if got := time.Since(began); got != time.Minute {
			t.Errorf("cut after %v", got)
		}
	})
}

func TestUnreadAnswersCutTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		st := s.connect(t, "/CP_1")
		link := s.echo.link(0)
		began := time.Now()
		if err := link.Send(t.Context(), []byte("x")); err == nil || time.Since(began) != gateway.DefaultWriteTimeout {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		st.wantEOF()
		synctest.Wait()
		if err := link.Send(t.Context(), []byte("y")); !errors.Is(err, gateway.ErrClosed) || !errors.Is(err, hayalet.ErrUnavailable) {
			t.Errorf("after the end: got %v", err)
		}
	})
}

func TestDuplicateOfALiveStationIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		first := s.connect(t, "/CP_1")
		synctest.Wait() // until the server knows that the handshake is done
		answered := inBackground(func() {
			if f := first.read(); f.Header.OpCode == ws.OpPing {
				first.send(ws.OpPong, true, string(f.Payload))
			}
		})
		began := time.Now()
		st, resp := s.request(t, "/CP_1", offer16)
		defer st.close()
		if resp.StatusCode != 409 || time.Since(began) != 0 {
			t.Errorf("got %s after %v", resp.Status, time.Since(began))
		}
		<-answered
		first.text("still here")
		first.wantText("still here")
		if log := s.logs.String(); !strings.Contains(log, "newcomer refused") || strings.Count(log, "level=WARN") != 1 {
			t.Errorf("log: %s", log)
		}
	})
}

func TestDuplicateOfADeadStationWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		first := s.connect(t, "/CP_1")
		synctest.Wait()                                 // until the server knows that the handshake is done
		pinged := inBackground(func() { first.read() }) // the ping arrives, and is not answered
		began := time.Now()
		second := s.connect(t, "/CP_1")
		if got := time.Since(began); got != gateway.DefaultDuplicateTimeout {
			t.Errorf("admitted after %v", got)
		}
		<-pinged
		first.wantEOF()
		second.text("mine now")
		second.wantText("mine now")
		if conns := s.Connections(); len(conns) != 1 || conns[0].Conn != s.echo.link(1).Conn() {
			t.Errorf("got %+v", conns)
		}
		frames := s.sink.all()
		if frames[1].Kind != hayalet.ConnClose || frames[2].Kind != hayalet.ConnOpen {
			t.Errorf("the former connection must end before the new one begins: %+v", frames[:3])
		}
		log := s.logs.String()
		if !strings.Contains(log, "taken over") || !strings.Contains(log, "connected=pipe newcomer=pipe") {
			t.Errorf("log: %s", log)
		}
	})
}

// Of many newcomers at once at most one waits; there are never two live peers (the echo would panic).
func TestManyDuplicatesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, gateway.Config{})
		defer s.end(t)
		first := s.connect(t, "/CP_1")
		synctest.Wait() // until the server knows that the handshake is done
		go func() { first.read() }()
		var wg sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 10 {
			wg.Go(func() {
				_, resp := s.request(t, "/CP_1", offer16)
				mu.Lock()
				defer mu.Unlock()
				statuses[resp.StatusCode]++
			})
		}
		wg.Wait()
		if statuses[101] != 1 || statuses[409] != 9 {
			t.Errorf("got %v", statuses)
		}
	})
}

func TestConnections(t *testing.T) {
	at := time.Date(2025, 11, 23, 19, 20, 59, 0, time.UTC)
	s := startTCP(t, gateway.Config{Clock: func() time.Time { return at }})
	b := s.connect(t, "/b")
	s.connect(t, "/a")
	eventually(t, "both are listed", func() bool { return len(s.Connections()) == 2 })
	got := s.Connections()
	if got[0].Station != "a" || got[1].Station != "b" || got[1].RemoteAddr != b.nc.LocalAddr().String() ||
		got[1].Since != hayalet.InstantOf(at) || got[1].Protocol != hayalet.OCPP16 || got[1].Conn == got[0].Conn {
		t.Errorf("got %+v", got)
	}
	b.close()
	eventually(t, "the one that left is not listed", func() bool { return len(s.Connections()) == 1 })
}

func TestTooManySockets(t *testing.T) {
	s := startTCP(t, gateway.Config{MaxConns: 1})
	st := s.connect(t, "/CP_1")
	for range 2 {
		nc, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Error("the second socket lives")
		}
	}
	st.text("x")
	st.wantText("x")
	if strings.Count(s.logs.String(), "too many sockets") != 1 {
		t.Errorf("want one line in the log: %s", s.logs)
	}
}

func TestLinkClose(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	link := s.echo.link(0)
	link.Close(4000, strings.Repeat("ş", 100))
	link.Close(4001, "again")
	if err := link.Send(context.Background(), []byte("x")); !errors.Is(err, gateway.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
	f := st.read()
	if code := binary.BigEndian.Uint16(f.Payload); code != 4000 || len(f.Payload) > 125 {
		t.Errorf("got close %d of %d bytes", code, len(f.Payload))
	}
	st.text("evidence") // tapped, not answered
	st.send(ws.OpClose, true, string(f.Payload[:2]))
	st.wantEOF()
	eventually(t, "the end is tapped", func() bool { return len(s.sink.all()) == 3 })
	if f := s.sink.all()[1]; string(f.Data) != "evidence" {
		t.Errorf("got %+v", f)
	}
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
		s := startPipe(t, gateway.Config{})
		polite, rude, stuck := s.connect(t, "/polite"), s.connect(t, "/rude"), s.connect(t, "/stuck")
		waiting, err := s.dial() // never asks for anything
		if err != nil {
			t.Fatal(err)
		}
		stuck.text("stuck")
		go polite.wantClose(1001)
		go func() { rude.read(); rude.wantEOF() }()
		go func() { stuck.read(); stuck.wantEOF() }()
		synctest.Wait()
		began := time.Now()
		s.end(t)
		if got := time.Since(began); got > 5*time.Second {
			t.Errorf("took %v", got)
		}
		if opened, closed := s.echo.counts(); opened != 3 || closed != 3 {
			t.Errorf("%d peers opened, %d closed", opened, closed)
		}
		ends := 0
		for _, f := range s.sink.all() {
			if f.Kind == hayalet.ConnClose {
				ends++
			}
		}
		if ends != 3 {
			t.Errorf("%d ends tapped", ends)
		}
		_ = waiting.Close()
	})
}
