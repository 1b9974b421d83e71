package poll

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conn is a socket of a poller, once it was adopted.
type Conn struct {
	Owner Owner

	mu          sync.Mutex
	hungUp      bool // as the last event says
	fd          int  // negative: closed
	poller      *Poller
	read, write side

	local, remote netip.AddrPort
}

var _ net.Conn = (*Conn)(nil)

// side is one direction.
type side struct {
	deadline time.Time
	wake     chan struct{} // closed when those who wait are to look again; nil: they have been told
	waiters  int
}

func (s *side) signal() {
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

func addrOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}

// LocalAddr implements [net.Conn].
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements [net.Conn].
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// tell wakes whoever waits for what the events say, and reports whether something has come that nobody waits for.
func (c *Conn) tell(events uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	const in, out, over = unix.EPOLLIN | unix.EPOLLRDHUP, unix.EPOLLOUT, unix.EPOLLHUP | unix.EPOLLERR
	c.hungUp = events&(unix.EPOLLRDHUP|over) != 0 // each event says it, and one of the descriptor's former owner is forgotten
	if events&(out|over) != 0 {
		c.write.signal()
	}
	if events&(in|over) == 0 {
		return false
	}
	c.read.signal()
	return c.read.waiters == 0
}

// Rest says that nobody reads. What has come and was not read, and what comes from now on, is for [Poller.Wait], which may
// return it, and others read it, before Rest returns. It reports false for a connection that is closed.
func (c *Conn) Rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return false
	}
	events := uint32(interest)
	if c.write.waiters > 0 {
		events |= unix.EPOLLOUT
	}
	return c.poller.control(unix.EPOLL_CTL_MOD, c.fd, events) == nil // the kernel looks again, and tells what is there
}

// TryRead reads what is there. It fails with ErrWait when nothing is, and with io.EOF at the end. Where it fills b, or more
// reports true, there may be more, or an end, which Wait does not tell of again.
func (c *Conn) TryRead(b []byte) (n int, more bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err = c.readNow(b)
	return n, c.hungUp, err
}

// TryWrite writes what goes out at once, which may be nothing: then it fails with ErrWait.
func (c *Conn) TryWrite(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeNow(b)
}

// Read implements [net.Conn].
func (c *Conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.usable(&c.read); err != nil {
			return 0, err
		}
		n, err := c.readNow(b)
		if err != ErrWait { //nolint:errorlint // it is never wrapped
			return n, err
		}
		c.await(&c.read)
	}
}

// Write implements [net.Conn].
func (c *Conn) Write(b []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.usable(&c.write); err != nil {
			return n, err
		}
		m, err := c.writeNow(b[n:])
		if n += m; n == len(b) || err != nil && err != ErrWait { //nolint:errorlint // it is never wrapped
			return n, err
		}
		if err := c.poller.control(unix.EPOLL_CTL_MOD, c.fd, interest|unix.EPOLLOUT); err != nil {
			return n, err
		}
		c.await(&c.write)
	}
}

// usable says why a side cannot be used, or nil.
func (c *Conn) usable(s *side) error {
	switch {
	case c.fd < 0:
		return net.ErrClosed
	case !s.deadline.IsZero() && !time.Now().Before(s.deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// await waits until there is a reason to look again. It is for the holder of the lock, which others may have meanwhile.
func (c *Conn) await(s *side) {
	if s.wake == nil {
		s.wake = make(chan struct{})
	}
	wake, deadline := s.wake, s.deadline
	s.waiters++
	c.mu.Unlock()
	if deadline.IsZero() {
		<-wake
	} else {
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	c.mu.Lock()
	s.waiters--
}

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // they do not fail
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.read, t) }

// SetWriteDeadline implements [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.write, t) }

func (c *Conn) setDeadline(s *side, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return net.ErrClosed
	}
	s.deadline = t
	s.signal()
	return nil
}

// Close implements [net.Conn]. Whoever waits is woken, and the owner is told.
func (c *Conn) Close() error {
	c.mu.Lock()
	fd := c.fd
	c.fd = -1
	c.read.signal()
	c.write.signal()
	c.mu.Unlock()
	if fd < 0 {
		return net.ErrClosed
	}
	c.poller.leave(fd)
	c.Owner.Ended()
	return nil
}

func (c *Conn) readNow(b []byte) (int, error) {
	n, err := c.call(unix.SYS_RECVFROM, "recv", b, 0)
	if n == 0 && err == nil && len(b) > 0 {
		return 0, io.EOF
	}
	return n, err
}

func (c *Conn) writeNow(b []byte) (int, error) {
	return c.call(unix.SYS_SENDTO, "send", b, unix.MSG_NOSIGNAL)
}

// call does not tell Go's scheduler, for the socket never waits.
func (c *Conn) call(number uintptr, name string, b []byte, flags uintptr) (int, error) {
	if c.fd < 0 {
		return 0, net.ErrClosed
	}
	for {
		n, _, errno := unix.RawSyscall6(number, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			return 0, ErrWait
		case unix.EINTR:
		default:
			return 0, os.NewSyscallError(name, errno)
		}
	}
}

// epollNow is epoll_wait without waiting.
func epollNow(fd int, events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
