//go:build linux

package main

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller says which sockets have something to read.
type poller struct {
	fd     int
	events [512]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	return &poller{fd: fd}, nil
}

func (p *poller) add(fd int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// wait returns those that are ready, none when the time is over. A negative time is without end.
func (p *poller) wait(atMost time.Duration) ([]unix.EpollEvent, error) {
	ms := int(atMost.Milliseconds())
	if atMost < 0 {
		ms = -1
	}
	n, err := unix.EpollWait(p.fd, p.events[:], ms)
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	return p.events[:max(n, 0)], err
}

// read and write do not tell Go's scheduler: the sockets never block.
func read(fd int, b []byte) (int, error)  { return call(unix.SYS_READ, fd, b) }
func write(fd int, b []byte) (int, error) { return call(unix.SYS_WRITE, fd, b) }

func call(number uintptr, fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// inbox keeps what has come of a frame that is not whole yet.
type inbox struct{ rest []byte }

// take hands what was kept and what is new to parse, which returns how much of it is done with.
func (i *inbox) take(fresh []byte, parse func([]byte) (int, error)) error {
	if len(i.rest) > 0 {
		i.rest = append(i.rest, fresh...)
		fresh = i.rest
	}
	n, err := parse(fresh)
	i.rest = append(i.rest[:0], fresh[n:]...)
	return err
}
