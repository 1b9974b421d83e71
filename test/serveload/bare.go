//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// bare is the least that a central system can do: one thread, one read and one write a message, no JSON, no deadlines,
// nothing allocated. It answers each CALL with [3,"id",{}], and finds the id by its place.
type bare struct {
	poll  *poller
	ln    int
	conns []*bareConn // by descriptor
	in    [64 << 10]byte
	out   []byte // the answers to one read
}

type bareConn struct {
	inbox
	upgraded bool
}

func serveBare() error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	ln, addr, err := listenBare()
	if err != nil {
		return err
	}
	poll, err := newPoller()
	if err != nil {
		return err
	}
	if err := poll.add(ln); err != nil {
		return err
	}
	b := &bare{poll: poll, ln: ln}
	fmt.Println("ws://" + addr)
	for {
		ready, err := poll.wait(-1)
		if err != nil {
			return err
		}
		for i := range ready {
			b.serve(int(ready[i].Fd))
		}
	}
}

func listenBare() (fd int, addr string, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, "", err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, "", err
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return 0, "", err
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return 0, "", err
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port), nil
}

func (b *bare) serve(fd int) {
	if fd == b.ln {
		b.accept()
		return
	}
	c := b.conns[fd]
	n, err := read(fd, b.in[:])
	if errors.Is(err, unix.EAGAIN) {
		return
	}
	if err == nil && n > 0 {
		b.out = b.out[:0]
		if err = c.take(b.in[:n], func(data []byte) (int, error) { return b.parse(c, data) }); err == nil && len(b.out) > 0 {
			_, err = write(fd, b.out) // it fits: a client has one call open
		}
	}
	if err != nil || n == 0 {
		b.conns[fd] = nil
		_ = unix.Close(fd)
	}
}

func (b *bare) accept() {
	for {
		fd, _, err := unix.Accept4(b.ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		for fd >= len(b.conns) {
			b.conns = append(b.conns, nil)
		}
		b.conns[fd] = new(bareConn)
		if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil || b.poll.add(fd) != nil {
			_ = unix.Close(fd)
		}
	}
}

// parse answers all that is whole, into out.
func (b *bare) parse(c *bareConn, data []byte) (used int, err error) {
	if !c.upgraded {
		return b.upgrade(c, data)
	}
	for {
		f := cutFrame(data[used:])
		if f.size == 0 {
			return used, nil
		}
		used += f.size
		switch f.op {
		case opText:
			b.answer(f)
		case opClose:
			return used, unix.ECONNRESET
		}
	}
}

// answer unmasks what lies between the first two quotes.
func (b *bare) answer(f frame) {
	const before = len(`[2,"`)
	start := len(b.out)
	b.out = append(b.out, fin|opText, 0, '[', '3', ',', '"')
	for i := before; i < len(f.payload); i++ {
		ch := f.payload[i] ^ f.mask[i&3]
		if ch == '"' {
			break
		}
		b.out = append(b.out, ch)
	}
	b.out = append(b.out, `",{}]`...)
	b.out[start+1] = byte(len(b.out) - start - 2) // less than 126: an id has at most 36 characters
}

func (b *bare) upgrade(c *bareConn, data []byte) (used int, err error) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, nil
	}
	_, key, _ := bytes.Cut(data[:end], []byte("Sec-WebSocket-Key: "))
	key, _, _ = bytes.Cut(key, []byte("\r\n"))
	b.out = fmt.Appendf(b.out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Accept: %s\r\n\r\n", acceptKey(key))
	c.upgraded = true
	return end + 4, nil
}
