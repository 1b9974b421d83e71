//go:build !linux

package poll

import (
	"errors"
	"net"
)

// Poller is not to be had here.
type Poller struct{}

// Conn is not to be had here.
type Conn struct {
	net.Conn
	Owner Owner
}

// New fails with [errors.ErrUnsupported].
func New() (*Poller, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (*Poller) Close() error { return nil }

// Adopt fails with [errors.ErrUnsupported].
func (*Poller) Adopt(*net.TCPConn, *Conn, Owner) error { return errors.ErrUnsupported }

// Wait fails with [errors.ErrUnsupported].
func (*Poller) Wait() ([]*Conn, error) { return nil, errors.ErrUnsupported }

// Rest reports false.
func (*Conn) Rest() bool { return false }

// TryRead fails with [errors.ErrUnsupported].
func (*Conn) TryRead([]byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }

// TryWrite fails with [errors.ErrUnsupported].
func (*Conn) TryWrite([]byte) (int, error) { return 0, errors.ErrUnsupported }
