//go:build linux

package poll_test

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"hayalet/internal/poll"
)

// owner counts how often it is told of an end.
type owner struct{ ends atomic.Int32 }

func (o *owner) Ended() { o.ends.Add(1) }

// start returns a poller, and what has come for connections at rest.
func start(t *testing.T) (*poll.Poller, <-chan *poll.Conn) {
	t.Helper()
	p, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan *poll.Conn, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			cs, err := p.Wait()
			if err != nil {
				return
			}
			for _, c := range cs {
				select {
				case ready <- c:
				default: // nobody rests in this test
				}
			}
		}
	}()
	t.Cleanup(func() {
		_ = p.Close()
		<-ended
	})
	return p, ready
}

// pair returns a connection of the poller and its other end.
func pair(t *testing.T, p *poll.Poller, o poll.Owner) (*poll.Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := new(poll.Conn)
	if err := p.Adopt(near.(*net.TCPConn), c, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), far.Close() })
	return c, far.(*net.TCPConn)
}

func TestIsANetConn(t *testing.T) {
	p, _ := start(t)
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		a, far := pair(t, p, new(owner))
		b := new(poll.Conn)
		err := p.Adopt(far, b, new(owner))
		return a, b, func() { _, _ = a.Close(), b.Close() }, err
	})
}

func TestAddresses(t *testing.T) {
	p, _ := start(t)
	c, far := pair(t, p, new(owner))
	if c.LocalAddr().String() != far.RemoteAddr().String() || c.RemoteAddr().String() != far.LocalAddr().String() {
		t.Errorf("%v to %v; want %v to %v", c.LocalAddr(), c.RemoteAddr(), far.RemoteAddr(), far.LocalAddr())
	}
}

func TestRest(t *testing.T) {
	p, ready := start(t)
	c, far := pair(t, p, new(owner))
	say := func(what string) {
		if _, err := io.WriteString(far, what); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 100)
	hear := func(want string) {
		t.Helper()
		if got := await(t, ready); got != c {
			t.Fatalf("%p is ready; want %p", got, c)
		}
		n, more, err := c.TryRead(buf)
		if string(buf[:n]) != want || more || err != nil {
			t.Fatalf("read %q, %v, %v; want %q", buf[:n], more, err, want)
		}
		if _, _, err := c.TryRead(buf); !errors.Is(err, poll.ErrWait) {
			t.Fatalf("read again: %v; want %v", err, poll.ErrWait)
		}
	}

	if !c.Rest() {
		t.Fatal("it cannot rest")
	}
	say("one")
	hear("one")
	say("two") // without another Rest
	hear("two")

	// What came before the rest, with nobody there to read it, is told by it.
	say("three")
	for got := await(t, ready); got != c; { // until it has come
	}
	c.Rest()
	hear("three")

	_ = far.Close()
	await(t, ready)
	if n, more, err := c.TryRead(buf); n != 0 || !more || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v, %v; want 0, true, EOF", n, more, err)
	}
}

// TestEndBehindAMessage holds that an end that comes with a message is not forgotten: it is told once.
func TestEndBehindAMessage(t *testing.T) {
	p, ready := start(t)
	c, far := pair(t, p, new(owner))
	if _, err := io.WriteString(far, "last words"); err != nil {
		t.Fatal(err)
	}
	_ = far.CloseWrite()
	for ok := false; !ok; { // the end may come a moment later
		c.Rest()
		await(t, ready)
		buf := make([]byte, 100)
		_, more, err := c.TryRead(buf)
		ok = more || errors.Is(err, io.EOF)
	}
}

// TestARestForgetsNoWriter holds that whoever waits for room is told of it, though the connection was put at rest meanwhile.
func TestARestForgetsNoWriter(t *testing.T) {
	p, _ := start(t)
	c, far := pair(t, p, new(owner))
	chunk := make([]byte, 64<<10)
	for {
		if _, err := c.TryWrite(chunk); err != nil {
			break
		}
	}
	done := make(chan error, 1)
	go func() { _, err := c.Write(chunk); done <- err }()
	<-time.After(20 * time.Millisecond) // so that it waits
	c.Rest()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the writer was forgotten")
	}
}

// TestARestLeavesTheDeadline is for whoever reads already when Rest has not returned yet.
func TestARestLeavesTheDeadline(t *testing.T) {
	p, _ := start(t)
	c, _ := pair(t, p, new(owner))
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	c.Rest()
	done := make(chan error, 1)
	go func() { _, err := c.Read(make([]byte, 1)); done <- err }()
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v; want %v", err, os.ErrDeadlineExceeded)
		}
	case <-time.After(10 * time.Second):
		t.Error("the deadline was forgotten")
	}
}

func TestCloseTellsTheOwner(t *testing.T) {
	p, _ := start(t)
	o := new(owner)
	c, _ := pair(t, p, o)
	c.Rest()
	if err := c.Close(); err != nil || o.ends.Load() != 1 {
		t.Errorf("closed: %v, told %d times; want once", err, o.ends.Load())
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) || o.ends.Load() != 1 {
		t.Errorf("closed again: %v, told %d times; want net.ErrClosed, once", err, o.ends.Load())
	}
	if c.Rest() {
		t.Error("a closed connection rests")
	}
	if _, err := c.TryWrite([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v; want net.ErrClosed", err)
	}
}

func TestTryWriteDoesNotWait(t *testing.T) {
	p, _ := start(t)
	c, far := pair(t, p, new(owner))
	chunk := make([]byte, 64<<10)
	var sent int
	var err error
	for err == nil {
		var n int
		n, err = c.TryWrite(chunk)
		sent += n
	}
	if !errors.Is(err, poll.ErrWait) {
		t.Fatalf("full: %v; want %v", err, poll.ErrWait)
	}
	// The rest goes out once there is room.
	done := make(chan error, 1)
	go func() { _, err := c.Write(chunk); done <- err; _ = c.Close() }()
	n, err := io.Copy(io.Discard, far)
	if err != nil || n != int64(sent+len(chunk)) {
		t.Errorf("%d bytes arrived, %v; want %d", n, err, sent+len(chunk))
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDescriptorsAreUsedAgain(t *testing.T) {
	p, ready := start(t)
	for range 50 {
		c, far := pair(t, p, new(owner))
		c.Rest()
		_, _ = io.WriteString(far, "x")
		if got := await(t, ready); got != c {
			t.Fatal("another connection's event")
		}
		_ = c.Close()
	}
}

func TestManyAtOnce(t *testing.T) {
	p, ready := start(t)
	var want, got []*poll.Conn
	var far []*net.TCPConn
	for range 300 { // more than are asked for at a time
		c, f := pair(t, p, new(owner))
		c.Rest()
		want, far = append(want, c), append(far, f)
	}
	go func() {
		for _, f := range far {
			_, _ = io.WriteString(f, "x")
		}
	}()
	for range want {
		got = append(got, await(t, ready))
	}
	for _, c := range want {
		if !slices.Contains(got, c) {
			t.Fatal("one was not told of")
		}
	}
}

func await(t *testing.T, ready <-chan *poll.Conn) *poll.Conn {
	t.Helper()
	select {
	case c := <-ready:
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is ready")
		return nil
	}
}
