package socket_test

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"github.com/gobwas/ws"

	"hayalet/internal/socket"
)

// FuzzWhole: what is taken in one go is what Read would have returned, and what is no such message is left to it.
func FuzzWhole(f *testing.F) {
	frame := func(op ws.OpCode, fin bool, n int) []byte {
		return ws.MustCompileFrame(ws.MaskFrameWith(ws.NewFrame(op, fin, bytes.Repeat([]byte("x"), n)), [4]byte{1, 2, 3, 4}))
	}
	for _, n := range []int{0, 1, 125, 126, 127, 200, 65535, 65536} {
		f.Add(frame(ws.OpText, true, n))
	}
	f.Add(frame(ws.OpText, false, 5))
	f.Add(frame(ws.OpPing, true, 5))
	f.Add(frame(ws.OpPong, true, 0))
	f.Add(frame(ws.OpClose, true, 2))
	f.Add(frame(ws.OpText, true, 5)[:7])
	f.Add(append(frame(ws.OpText, true, 5), frame(ws.OpText, true, 5)...))
	f.Add([]byte{0xc1, 0x80, 0, 0, 0, 0})
	f.Add([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 'x'})
	const limit = 70_000
	f.Fuzz(func(t *testing.T, data []byte) {
		if op, payload, ok := socket.Control(nil, data); ok {
			h, err := ws.ReadHeader(bytes.NewReader(data))
			if err != nil || !h.Fin || h.Rsv != 0 || !h.Masked || h.OpCode != op || !op.IsControl() || h.Length != int64(len(payload)) || len(data) != 6+len(payload) {
				t.Errorf("% x is taken for a %v of %d bytes", data, op, len(payload))
			}
		}
		got, ok := socket.Whole(nil, data, limit)
		if !ok {
			return
		}
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		go func() {
			_, _ = near.Write(data)
			_ = near.Close()
		}()
		c := socket.New(t.Context(), far, bufio.NewReaderSize(far, socket.ReadBuffer), socket.Config{MaxMessage: limit})
		c.Start(false)
		want, err := c.Read()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("% x is taken for %q; Read makes %q of it, %v", data, got, want, err)
		}
		if _, err := c.Read(); err == nil {
			t.Errorf("% x is taken whole, and holds more", data)
		}
	})
}
