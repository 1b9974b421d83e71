// Package poll lets many sockets wait without a goroutine for each: one that is at rest costs its socket and a few words.
//
// A [Conn] is a [net.Conn], for whoever wants to wait for it. It can also be tried, which never waits, and be put at rest:
// then [Poller.Wait] returns it once there is something to try.
//
//	p, err := poll.New()
//	err := p.Adopt(tcp, &c, owner)
//	c.Rest()
//	ready, err := p.Wait()
//	n, err := ready[0].TryRead(buf)
//
// It is there on Linux alone; elsewhere New fails with [errors.ErrUnsupported].
package poll

import "errors"

// Owner is whose connection it is.
type Owner interface {
	// Ended is called once, by whoever has closed the connection.
	Ended()
}

// ErrWait is the error of a try that would have to wait.
var ErrWait = errors.New("the socket is not ready")
