package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/gateway"
)

type discard struct{}

func (discard) PutFrames(context.Context, []hayalet.Frame) error { return nil }

// A message in, tapped, answered, tapped and out: one round trip of a station over loopback.
func BenchmarkRoundTrip(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	g, err := gateway.New(ln, gateway.Config{}, &echo{}, discard{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	s := &server{Server: g, dial: func() (net.Conn, error) { return net.Dial("tcp", g.Addr().String()) }}
	st := s.connect(b, "/CP_1")
	message := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(strings.Repeat("x", 420)))))
	answer := make([]byte, len(message)-4) // no mask
	b.ReportAllocs()
	b.SetBytes(420)
	for b.Loop() {
		if _, err := st.nc.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(st.br, answer); err != nil {
			b.Fatal(err)
		}
	}
	st.close()
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
