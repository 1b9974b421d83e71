package poll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// atOnce is how many sockets are asked for at a time.
const atOnce = 256

// interest is what a socket is watched for: each time that something comes, once.
const interest = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// Poller waits for its connections. Adopt may be called by any goroutine, Wait by one.
type Poller struct {
	fd     int
	file   *os.File        // the same, in the poller of Go: so no thread is held up while nothing comes
	raw    syscall.RawConn // of file
	events [atOnce]unix.EpollEvent
	ready  []*Conn

	mu    sync.Mutex
	conns []*Conn // by descriptor
}

// New returns a poller without connections.
func New() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // Go's poller takes no others
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("setnonblock", err)
	}
	p := &Poller{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		_ = p.file.Close()
		return nil, fmt.Errorf("wait for sockets: %w", err)
	}
	return p, nil
}

// Close ends Wait. Connections that are open still are to be closed by whoever has them.
func (p *Poller) Close() error { return p.file.Close() }

// Adopt takes a connection out of Go's poller and into this one, as c, which its owner may keep where it likes. It is not at
// rest. The TCP connection itself is used up, also by an error.
func (p *Poller) Adopt(tcp *net.TCPConn, c *Conn, owner Owner) error {
	c.poller, c.Owner, c.local, c.remote = p, owner, addrOf(tcp.LocalAddr()), addrOf(tcp.RemoteAddr())
	fd, err := detach(tcp)
	if err != nil {
		return err
	}
	c.fd = fd
	p.enter(fd, c)
	if err := p.control(unix.EPOLL_CTL_ADD, fd, interest); err != nil {
		c.fd = -1
		p.leave(fd)
		return err
	}
	return nil
}

// detach returns a descriptor of the same socket that Go knows nothing of.
func detach(tcp *net.TCPConn) (fd int, err error) {
	defer tcp.Close()
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("take a socket over: %w", err)
	}
	controlled := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(controlled, err); err != nil {
		return 0, fmt.Errorf("take a socket over: %w", err)
	}
	return fd, nil
}

func (p *Poller) control(op, fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

func (p *Poller) enter(fd int, c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd >= len(p.conns) {
		p.conns = append(p.conns, nil)
	}
	p.conns[fd] = c
}

// leave closes a descriptor, which somebody else may get at once.
func (p *Poller) leave(fd int) {
	p.mu.Lock()
	p.conns[fd] = nil
	p.mu.Unlock()
	_ = unix.Close(fd)
}

// Wait waits until something has come for connections that nobody reads, and returns them; who reads one is woken. The
// connections are good until the next call. Some may be among them without cause. It fails after Close.
func (p *Poller) Wait() ([]*Conn, error) {
	for {
		var n int
		var err error
		waited := p.raw.Read(func(uintptr) bool { // it looks before it waits, and not after Close
			n, err = p.poll()
			return n > 0 || err != nil
		})
		if err = errors.Join(waited, err); err != nil {
			return nil, err
		}
		if p.tell(n); len(p.ready) > 0 {
			return p.ready, nil
		}
	}
}

// poll fetches what has come, without waiting.
func (p *Poller) poll() (int, error) {
	n, err := epollNow(p.fd, p.events[:])
	if errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, os.NewSyscallError("epoll_wait", err)
}

// tell sorts the first n events: those of somebody who waits, and the others.
func (p *Poller) tell(n int) {
	p.ready = p.ready[:0]
	p.mu.Lock()
	for i := range n {
		p.ready = append(p.ready, p.conns[p.events[i].Fd])
	}
	p.mu.Unlock()
	left := p.ready[:0]
	for i, c := range p.ready {
		if c != nil && c.tell(p.events[i].Events) {
			left = append(left, c)
		}
	}
	p.ready = left
}
