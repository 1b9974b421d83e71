//go:build linux

package gateway_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/gateway"
)

// messages are what the sink has of one station, in its order.
func (s *server) messages(st hayalet.StationID) (texts []string) {
	for _, f := range s.sink.all() {
		if f.Station == st && f.Kind == hayalet.Message {
			texts = append(texts, fmt.Sprintf("%v %s", f.Dir, f.Data))
		}
	}
	return texts
}

func TestSilentStationsHoldNoGoroutine(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	before := runtime.NumGoroutine()
	const stations = 100
	for i := range stations {
		st := s.connect(t, fmt.Sprintf("/CP_%d", i))
		st.text("hello")
		st.wantText("hello")
	}
	eventually(t, "they rest", func() bool { return runtime.NumGoroutine() < before+stations/4 })
}

func TestWhatALoopCannotAnswerAtOnce(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	whole := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("in pieces"))))
	for _, piece := range [][]byte{whole[:1], whole[1:4], whole[4:9], whole[9:]} {
		if _, err := st.nc.Write(piece); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Millisecond) // so that each arrives alone
	}
	st.wantText("in pieces")

	many := []byte(strings.Repeat(string(whole), 3))
	if _, err := st.nc.Write(many); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		st.wantText("in pieces")
	}

	st.send(ws.OpText, false, "frag")
	st.send(ws.OpPing, true, "are you there")
	if f := st.read(); f.Header.OpCode != ws.OpPong || string(f.Payload) != "are you there" {
		t.Fatalf("got %+v %q, want a pong", f.Header, f.Payload)
	}
	st.send(ws.OpContinuation, true, "ments")
	st.wantText("fragments")

	long := strings.Repeat("long ", 13_000) // more than is read at once
	st.text(long)
	st.wantText(long)
	for _, text := range []string{"", strings.Repeat("x", 125), strings.Repeat("y", 126), strings.Repeat("z", 65_000)} {
		st.text(text)
		st.wantText(text)
	}

	st.text("keep") // answered by a goroutine
	st.wantText("after keep")
	st.text("at last")
	st.wantText("at last")
	st.send(ws.OpClose, true, "\x03\xe8")
	st.wantClose(1000)
	eventually(t, "its end is noted", func() bool { fs := s.sink.all(); return fs[len(fs)-1].Kind == hayalet.ConnClose })
	for i, f := range s.sink.all() {
		if f.Seq != uint64(i+1) {
			t.Fatalf("frame %d has number %d", i, f.Seq)
		}
	}
}

func TestAPromptPeerThatPanics(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	st.text("panic-prompt")
	st.wantText("panic-prompt") // Receive knows better
	if !strings.Contains(s.logs.String(), "panic on a connection") {
		t.Error("the log does not tell of the panic")
	}
	st.text("alive")
	st.wantText("alive")
}

func TestRestingStationsAreAskedForALifeSign(t *testing.T) {
	s := startTCP(t, gateway.Config{PingInterval: 40 * time.Millisecond, PongTimeout: 200 * time.Millisecond})
	alive, dead := s.connect(t, "/alive"), s.connect(t, "/dead")
	for range 5 {
		if f := alive.read(); f.Header.OpCode != ws.OpPing {
			t.Fatalf("got %+v, want a ping", f.Header)
		}
		alive.send(ws.OpPong, true, "")
	}
	alive.text("and kicking")
	for f := alive.read(); f.Header.OpCode != ws.OpText; f = alive.read() {
		alive.send(ws.OpPong, true, "")
	}
	if f := dead.read(); f.Header.OpCode != ws.OpPing {
		t.Fatalf("got %+v, want a ping", f.Header)
	}
	dead.wantEOF()
	eventually(t, "the end is logged", func() bool { return strings.Contains(s.logs.String(), "disconnected") })
	s.wantLog(t, `msg="station does not answer a ping" .*station=dead`)
	s.wantLog(t, `msg="station disconnected" .*station=dead .*code=1006 reason="" error="cut by us"`)
}

func TestOneThatDoesNotReadHoldsUpNobody(t *testing.T) {
	s := startTCP(t, gateway.Config{WriteTimeout: 2 * time.Second})
	bad, good := s.connect(t, "/bad"), s.onAllLoops(t, "good")
	done := inBackground(func() {
		long := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(strings.Repeat("x", 20_000)))))
		for { // until it is cut
			if _, err := bad.nc.Write(long); err != nil {
				return
			}
			<-time.After(time.Millisecond) // so that each arrives alone, and a loop answers
		}
	})
	answeredUntil(done, good)
}

// loops is how many stations in a row are on all loops.
const loops = 8

func (s *server) onAllLoops(t *testing.T, name string) (all []*station) {
	t.Helper()
	for i := range loops {
		all = append(all, s.connect(t, fmt.Sprintf("/%s_%d", name, i)))
	}
	return all
}

// answeredUntil holds that stations are answered soon, at least once, until done is closed.
func answeredUntil(done <-chan struct{}, all []*station) {
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		for _, st := range all {
			st.t.Helper()
			start := time.Now()
			st.text("hello")
			st.wantText("hello")
			if waited := time.Since(start); waited > time.Second {
				st.t.Fatalf("%v for an answer", waited)
			}
		}
	}
}

// hold makes the sink wait after a message, until release is called.
func (r *recorder) hold() (held <-chan struct{}, release func()) {
	var once sync.Once
	in, out := make(chan struct{}), make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause = func() {
		once.Do(func() { close(in) })
		<-out
	}
	return in, func() { close(out) }
}

func TestWhileNothingCanBeKept(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	waits, leaves, pings, queued := s.connect(t, "/waits"), s.connect(t, "/leaves"), s.connect(t, "/pings"), s.connect(t, "/queued")
	held, release := s.sink.hold()
	waits.text("first")
	<-held
	leaves.text("last words")
	queued.text("second")
	eventually(t, "the messages wait", func() bool { return s.Horizon(time.Now()).Before(time.Now().Add(-time.Millisecond)) })
	pings.send(ws.OpPing, true, "there?")
	if f := pings.read(); f.Header.OpCode != ws.OpPong {
		t.Fatalf("got %+v, want a pong", f.Header)
	}
	leaves.close()
	sent := make(chan error, 1)
	go func() { sent <- s.echo.link(3).Send(t.Context(), []byte("a command")) }()
	release()
	waits.wantText("first")
	queued.wantText("second")
	queued.wantText("a command")
	if err := <-sent; err != nil {
		t.Error(err)
	}
	eventually(t, "all is kept", func() bool { _, closed := s.echo.counts(); return closed == 1 })
	eventually(t, "nothing waits", func() bool { now := time.Now(); return s.Horizon(now).Equal(now) })
	for st, want := range map[hayalet.StationID][]string{
		"waits": {"in first", "out first"}, "leaves": {"in last words", "out last words"},
		"queued": {"in second", "out second", "out a command"},
	} {
		if got := s.messages(st); !slices.Equal(got, want) {
			t.Errorf("%s: kept %q; want %q", st, got, want)
		}
	}
	last := map[hayalet.ConnID]uint64{}
	for _, f := range s.sink.all() {
		if f.Seq != last[f.Conn]+1 {
			t.Errorf("%s: number %d behind %d", f.Station, f.Seq, last[f.Conn])
		}
		last[f.Conn] = f.Seq
	}
}

// TestTheOrderOfWhatWaits holds that a message without an answer, which no loop receives, does not overtake one that waits in
// a loop: the journal would take the older ones for kept.
func TestTheOrderOfWhatWaits(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	busy, others := s.onAllLoops(t, "busy"), s.onAllLoops(t, "CP")
	before := len(s.sink.sizes())
	_, release := s.sink.hold()
	for _, st := range busy {
		st.text("busy")
	}
	eventually(t, "all loops wait", func() bool { return len(s.sink.sizes()) >= before+min(runtime.NumCPU(), loops) })
	for _, st := range others {
		st.text("first")
	}
	<-time.After(20 * time.Millisecond) // so that each arrives alone
	for _, st := range others {
		st.text("quiet")
	}
	<-time.After(20 * time.Millisecond) // so that they could overtake
	release()
	for _, st := range others {
		st.wantText("first")
	}
	eventually(t, "all is kept", func() bool { now := time.Now(); return s.Horizon(now).Equal(now) })
	last := map[hayalet.ConnID]uint64{}
	for _, f := range s.sink.all() {
		if f.Seq != last[f.Conn]+1 {
			t.Errorf("%s: number %d behind %d", f.Station, f.Seq, last[f.Conn])
		}
		last[f.Conn] = f.Seq
	}
}

// TestHorizonOfOneStation holds that a message of which a loop takes care is not forgotten over the next one's, nor that
// over it.
func TestHorizonOfOneStation(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	held, release := s.sink.hold()
	release = sync.OnceFunc(release)
	defer release()
	st.text("first")
	<-held
	between := time.Now()
	st.text("stuck") // with a goroutine that keeps it once it ends
	for range 30 {
		if got := s.Horizon(time.Now()); !got.Before(between) {
			t.Fatalf("horizon %v behind a message that waits", got.Sub(between))
		}
		<-time.After(time.Millisecond)
	}
	release()
	st.wantText("first")
	for range 30 {
		now := time.Now()
		if s.Horizon(now).Equal(now) {
			t.Fatal("a message that is being answered does not count")
		}
		<-time.After(time.Millisecond)
	}
}

// TestAPongThatIsOwed holds that a loop does not wait for one that asks for pongs and does not read them.
func TestAPongThatIsOwed(t *testing.T) {
	small := func(_, _ string, raw syscall.RawConn) error {
		var failed [2]error
		controlled := raw.Control(func(fd uintptr) {
			for i, option := range []int{syscall.SO_SNDBUF, syscall.SO_RCVBUF} {
				failed[i] = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, 4<<10)
			}
		})
		return errors.Join(controlled, failed[0], failed[1])
	}
	ln, err := (&net.ListenConfig{Control: small}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func() (net.Conn, error) {
		return (&net.Dialer{Control: small}).DialContext(t.Context(), "tcp", ln.Addr().String())
	}
	s := startWith(t, ln, dial, gateway.Config{WriteTimeout: 2 * time.Second}, nil)
	t.Cleanup(func() { s.end(t) })
	bad, good := s.onAllLoops(t, "bad"), s.onAllLoops(t, "good")
	s.sink.mu.Lock()
	s.sink.pause = func() { <-time.After(10 * time.Millisecond) }
	s.sink.mu.Unlock()
	message := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("hello"))))
	ping := ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte(strings.Repeat("y", 125)))))
	var attackers sync.WaitGroup
	for _, st := range bad {
		attackers.Go(func() {
			for range 150 {
				if _, err := st.nc.Write(message); err != nil {
					return
				}
				<-time.After(2 * time.Millisecond)
				if _, err := st.nc.Write(ping); err != nil {
					return
				}
				<-time.After(20 * time.Millisecond)
			}
		})
	}
	answeredUntil(inBackground(attackers.Wait), good)
}

// TestShutdownWhileNothingIsKept holds that messages that wait for a loop, which waits for the sink, end with it.
func TestShutdownWhileNothingIsKept(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	all := append(s.onAllLoops(t, "first"), s.onAllLoops(t, "second")...)
	before := len(s.sink.sizes())
	s.sink.mu.Lock()
	s.sink.stuck = true
	s.sink.mu.Unlock()
	for _, st := range all {
		st.text("hello")
		<-time.After(2 * time.Millisecond)
	}
	eventually(t, "all loops wait", func() bool { return len(s.sink.sizes()) >= before+min(runtime.NumCPU(), loops) })
	s.end(t)
	s.done <- nil
}

func TestWhatCannotBeKeptIsNotAnswered(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	st := s.connect(t, "/CP_1")
	st.text("hello")
	st.wantText("hello")
	s.sink.failWith(errors.New("no room"))
	st.text("lost")
	st.wantClose(ws.StatusInternalServerError)
}

func TestAStationAtRestIsToldTheEnd(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	closed, cut := s.connect(t, "/closed"), s.connect(t, "/cut")
	for _, st := range []*station{closed, cut} {
		st.text("hello")
		st.wantText("hello")
	}
	s.echo.link(0).Close(4001, "go")
	closed.wantClose(4001)
	s.echo.link(1).Close(1006, "")
	cut.wantEOF()
	eventually(t, "both have ended", func() bool { _, n := s.echo.counts(); return n == 2 && len(s.Connections()) == 0 })
}

func TestAStationAtRestIsTakenOver(t *testing.T) {
	s := startTCP(t, gateway.Config{DuplicateTimeout: 100 * time.Millisecond})
	dead := s.connect(t, "/CP_1")
	dead.text("hello")
	dead.wantText("hello")
	newcomer := s.connect(t, "/CP_1") // dead does not answer the ping
	newcomer.text("hello")
	newcomer.wantText("hello")

	alive := inBackground(func() {
		if f := newcomer.read(); f.Header.OpCode == ws.OpPing {
			newcomer.send(ws.OpPong, true, "")
		}
	})
	_, resp := s.request(t, "/CP_1", offer16)
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("a third one is answered with %s", resp.Status)
	}
	<-alive
	newcomer.text("still here")
	newcomer.wantText("still here")
}

func TestShutdownOfManyAtRest(t *testing.T) {
	s := startTCP(t, gateway.Config{})
	var all []*station
	for i := range 50 {
		st := s.connect(t, fmt.Sprintf("/CP_%d", i))
		st.text("hello")
		st.wantText("hello")
		all = append(all, st)
	}
	s.stop()
	for _, st := range all {
		st.wantClose(ws.StatusGoingAway)
	}
}
