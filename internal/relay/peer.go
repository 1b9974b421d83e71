package relay

import (
	"context"
	"errors"
	"log/slog"

	"hayalet"
	"hayalet/internal/socket"
)

// Peer is one station's upstream. The station's messages go up on the gateway's goroutine, the upstream's come down on
// one of the peer's own, so that neither direction waits for the other, and a side that does not read slows down the one
// that writes.
type Peer struct {
	link Link
	up   *upstream
	log  *slog.Logger
	done chan struct{} // closed when nothing comes down any more
}

func newPeer(link Link, up *upstream, log *slog.Logger) *Peer {
	p := &Peer{link: link, up: up, log: log, done: make(chan struct{})}
	go p.comeDown()
	return p
}

// Accept returns what the upstream answered to the handshake.
func (p *Peer) Accept() (hayalet.Protocol, []socket.Field) { return p.up.protocol, p.up.header }

// Receive passes a message up. Where that fails, the upstream has ended, and comeDown ends the station's connection in
// the upstream's way; so it returns no error.
func (p *Peer) Receive(ctx context.Context, data []byte) error {
	if err := p.up.Write(ctx, data); err != nil && !errors.Is(err, socket.ErrClosed) && ctx.Err() == nil {
		p.log.Warn("the central system does not take a message", "error", err)
	}
	return nil
}

// Closed ends the upstream's connection in the station's way, and waits for its answer.
func (p *Peer) Closed(code uint16, reason string) {
	p.up.Close(code, reason)
	<-p.done
	p.up.Cut()
}

// comeDown passes messages down until the upstream ends, and then ends the station's connection in the same way. Once
// the station is gone it reads on, for the upstream's goodbye.
func (p *Peer) comeDown() {
	defer close(p.done)
	err := p.passDown()
	if fault, ok := errors.AsType[*socket.Fault](err); ok {
		p.log.Warn("upstream connection closed by us", "code", fault.Code, "reason", fault.Reason)
		p.up.Close(fault.Code, fault.Reason)
		p.up.Drain()
	}
	code, reason := p.up.Ended()
	p.log.Info("upstream disconnected", "code", code, "reason", reason, "error", err)
	p.up.Cut()
	p.link.Close(code, reason)
}

func (p *Peer) passDown() error {
	ctx := p.up.Context()
	for {
		data, err := p.up.Read()
		if err != nil {
			return err
		}
		if err := p.link.Send(ctx, data); err != nil && !errors.Is(err, socket.ErrClosed) && ctx.Err() == nil {
			p.log.Warn("the station does not take a message", "error", err)
		}
	}
}
