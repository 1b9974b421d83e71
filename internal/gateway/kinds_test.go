//go:build linux

package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/gateway"
)

// TestStationsOfAllKinds mixes what loops and goroutines do, with stations that say much, little, or nonsense, and end in any
// way, while commands go out and the sink is slow now and then.
func TestStationsOfAllKinds(t *testing.T) {
	s := startTCP(t, gateway.Config{PingInterval: 20 * time.Millisecond, PongTimeout: 500 * time.Millisecond, WriteTimeout: time.Second})
	s.sink.mu.Lock()
	s.sink.pause = func() {
		if rand.IntN(20) == 0 {
			<-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond)
		}
	}
	s.sink.mu.Unlock()
	first := s.connect(t, "/first") // all is running then
	first.text("hello")
	first.wantText("hello")
	_, _ = first.nc.Write(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(nil))))
	_, _ = io.Copy(io.Discard, first.nc)
	first.close()
	eventually(t, "it has ended", func() bool { return len(s.Connections()) == 0 })
	goroutines, descriptors := runtime.NumGoroutine(), openFiles(t)
	var answered sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for n := range 8 {
				s.life(t, fmt.Sprintf("CP_%d_%d", i, n), &answered)
			}
		})
	}
	stop := make(chan struct{})
	commands := inBackground(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if opened, _ := s.echo.counts(); opened > 0 {
				l := s.echo.link(rand.IntN(opened))
				_ = l.Send(t.Context(), []byte("command"))
				if rand.IntN(30) == 0 {
					l.Close([]uint16{1000, 1006, 4001}[rand.IntN(3)], "")
				}
			}
		}
	})
	all.Wait()
	close(stop)
	<-commands
	eventually(t, "all have ended", func() bool { opened, closed := s.echo.counts(); return opened == closed && len(s.Connections()) == 0 })
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	eventually(t, "no descriptor is left", func() bool { return openFiles(t) <= descriptors+2 })
	now := time.Now()
	if !s.Horizon(now).Equal(now) {
		t.Error("something waits still")
	}
	last := map[hayalet.ConnID]hayalet.Frame{}
	for _, f := range s.sink.all() {
		if f.Seq != last[f.Conn].Seq+1 || last[f.Conn].Kind == hayalet.ConnClose {
			t.Errorf("%s: number %d (%v) behind %d (%v)", f.Station, f.Seq, f.Kind, last[f.Conn].Seq, last[f.Conn].Kind)
		}
		last[f.Conn] = f
		if f.Dir == hayalet.Out {
			answered.Delete(string(f.Data))
		}
	}
	for text := range answered.Range {
		t.Errorf("%q was sent and is not kept", text)
	}
	for _, f := range last {
		if f.Kind != hayalet.ConnClose {
			t.Errorf("%s: the last is %v", f.Station, f.Kind)
		}
	}
}

func openFiles(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// life is that of one station, from its connection to its end. It notes what it was answered.
func (s *server) life(t *testing.T, id string, answered *sync.Map) {
	nc, err := s.dial()
	if err != nil {
		t.Error(err)
		return
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, handshakeText("/"+id, offer16))
	br := bufio.NewReader(nc)
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			t.Errorf("%s: %v", id, err)
			return
		}
		if line == "\r\n" {
			break
		}
	}
	heard := make(chan string, 1000)
	var mu sync.Mutex
	write := func(b []byte, cuts ...int) (err error) {
		mu.Lock()
		defer mu.Unlock()
		_ = nc.SetWriteDeadline(time.Now().Add(5 * time.Second))
		for _, cut := range cuts {
			if _, err := nc.Write(b[:cut]); err != nil {
				return err
			}
			b = b[cut:]
			<-time.After(time.Duration(rand.IntN(2000)) * time.Microsecond)
		}
		_, err = nc.Write(b)
		return err
	}
	frame := func(op ws.OpCode, text string) []byte {
		return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, []byte(text))))
	}
	go func() {
		defer close(heard)
		for {
			h, err := ws.ReadHeader(br)
			if err != nil {
				return
			}
			p := make([]byte, h.Length)
			if _, err := io.ReadFull(br, p); err != nil {
				return
			}
			switch h.OpCode {
			case ws.OpPing:
				_ = write(frame(ws.OpPong, string(p)))
			case ws.OpText:
				if string(p) != "command" {
					heard <- string(p)
				}
			case ws.OpClose:
				_ = write(frame(ws.OpClose, string(p)))
			}
		}
	}()
	for n := range rand.IntN(12) {
		var bytes []byte
		var want []string
		for k := range 1 + rand.IntN(2) {
			text := fmt.Sprintf("%s %d %d %s", id, n, k, strings.Repeat("x", rand.IntN(300)))
			switch rand.IntN(8) {
			case 0:
				bytes = append(bytes, frame(ws.OpPing, "p")...)
			case 1:
				bytes = append(bytes, frame(ws.OpText, "quiet")...)
			case 2:
				bytes = append(bytes, frame(ws.OpText, "keep")...)
				want = append(want, "after keep")
			default:
				bytes = append(bytes, frame(ws.OpText, text)...)
				want = append(want, text)
			}
		}
		if rand.IntN(3) != 0 {
			err = write(bytes)
		} else {
			err = write(bytes, rand.IntN(len(bytes)))
		}
		if err != nil {
			return
		}
		if rand.IntN(4) == 0 {
			<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
		}
		for _, w := range want {
			select {
			case got, more := <-heard:
				if !more {
					return // closed by the server
				}
				answered.Store(got, true)
				if got != w {
					t.Errorf("%s: got %q; want %q", id, got, w)
					return
				}
			case <-time.After(8 * time.Second):
				t.Errorf("%s: no answer", id)
				return
			}
		}
	}
	tcp := nc.(*net.TCPConn)
	switch rand.IntN(6) {
	case 0:
		_ = tcp.SetLinger(0)
	case 1:
		_ = write(frame(ws.OpText, "last"))
		_ = tcp.CloseWrite()
		for range heard {
		}
	case 2:
		_ = write(frame(ws.OpText, "last"))
		_ = tcp.SetLinger(0)
	case 3:
		_ = write([]byte("garbage"))
		for range heard {
		}
	case 4:
		_ = write(frame(ws.OpClose, "\x03\xe8"))
		for range heard {
		}
	}
}
