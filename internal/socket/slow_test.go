package socket_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"hayalet/internal/socket"
)

// piped returns an end whose other side is the test's, on the bubble's clock.
func piped(t *testing.T, cfg socket.Config) (*socket.Conn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	cfg.MaxMessage = limit
	c := socket.New(context.Background(), far, bufio.NewReaderSize(far, socket.ReadBuffer), cfg)
	c.Start(false)
	t.Cleanup(func() { c.Cut(); _ = near.Close() })
	return c, near
}

// A line of 2 KiB/s carries a message of 1 MiB in nine minutes, either way; one that stands still is cut.
func TestSlowLine(t *testing.T) {
	data := bytes.Repeat([]byte("x"), limit)
	const step = 8 << 10
	crawl := func() { time.Sleep(step * time.Second / (2 << 10)) }
	t.Run("in", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, nc := piped(t, socket.Config{})
			var line sync.WaitGroup
			defer line.Wait()
			defer c.Cut()
			line.Go(func() {
				for rest := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(bytes.Clone(data)))); len(rest) > 0; crawl() {
					n, err := nc.Write(rest[:min(step, len(rest))])
					if err != nil {
						return
					}
					rest = rest[n:]
				}
			})
			if got, err := c.Read(); err != nil || !bytes.Equal(got, data) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	})
	t.Run("out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, nc := piped(t, socket.Config{WriteTimeout: time.Minute})
			var line sync.WaitGroup
			defer line.Wait()
			defer c.Cut()
			line.Go(func() {
				for buf := make([]byte, step); ; crawl() {
					if _, err := io.ReadFull(nc, buf); err != nil {
						return
					}
				}
			})
			if err := c.Write(t.Context(), data); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("standing still", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, nc := piped(t, socket.Config{WriteTimeout: time.Minute})
			go func() { _, _ = io.CopyN(io.Discard, nc, limit/2) }()
			began := time.Now()
			if err := c.Write(t.Context(), data); err == nil || time.Since(began) != time.Minute {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
	})
}

// Reading goes on while a write is stuck: the pong follows the write, one for all the pings of that time, and there is no
// ping of ours meanwhile.
func TestPingsWhileAWriteIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, nc := piped(t, socket.Config{WriteTimeout: 10 * time.Minute})
		wrote := make(chan error, 1)
		go func() { wrote <- c.Write(t.Context(), []byte("down")) }()
		synctest.Wait()
		got := make(chan string, 1)
		go func() {
			data, _ := c.Read()
			got <- string(data)
		}()
		for _, payload := range []string{"1", "2", "3"} {
			_ = ws.WriteFrame(nc, ws.MaskFrame(ws.NewPingFrame([]byte(payload))))
		}
		time.Sleep(2 * socket.DefaultPingInterval)
		_ = ws.WriteFrame(nc, ws.MaskFrame(ws.NewTextFrame([]byte("up"))))
		synctest.Wait()
		select {
		case text := <-got:
			if text != "up" {
				t.Errorf("got %q", text)
			}
		default:
			t.Fatal("nothing is read while the write is stuck")
		}
		want := append(ws.MustCompileFrame(ws.NewTextFrame([]byte("down"))), ws.MustCompileFrame(ws.NewPongFrame([]byte("3")))...)
		wire := make([]byte, len(want))
		if _, err := io.ReadFull(nc, wire); err != nil || !bytes.Equal(wire, want) {
			t.Errorf("got %q, %v, want %q", wire, err, want)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

// A connection that has been silent gives its buffers back. What comes then is taken like anything else, in whatever
// pieces it comes.
func TestMessagesAfterASilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, nc := piped(t, socket.Config{})
		got := make(chan string)
		go func() {
			for {
				data, err := c.Read()
				if err != nil {
					return
				}
				got <- string(data)
			}
		}()
		for _, size := range []int{0, 1, 9, 10, 17, 125, 420, 1024, 5000, 70_000} {
			if h, err := ws.ReadHeader(nc); err != nil || h.OpCode != ws.OpPing { // the silence before it
				t.Fatalf("got %+v, %v", h, err)
			}
			_ = ws.WriteFrame(nc, ws.MaskFrame(ws.NewPongFrame(nil)))
			for _, text := range []string{strings.Repeat("a", size), "next"} {
				go func() { _ = ws.WriteFrame(nc, ws.MaskFrame(ws.NewTextFrame([]byte(text)))) }()
				if back := <-got; back != text {
					t.Errorf("%d bytes after a silence: got %.20q of %d", size, back, len(back))
				}
			}
		}
	})
}
