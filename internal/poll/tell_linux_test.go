package poll

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestAnotherOnesEnd holds that an event of a closed connection, which reaches the next one with its descriptor, is soon
// forgotten.
func TestAnotherOnesEnd(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := &Conn{fd: 7, poller: p}
	p.enter(7, c)
	for _, events := range []uint32{unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP, unix.EPOLLIN} {
		p.events[0] = unix.EpollEvent{Events: events, Fd: 7}
		if p.tell(1); len(p.ready) != 1 {
			t.Fatal("nobody is told")
		}
	}
	if c.hungUp {
		t.Error("it has hung up for ever")
	}
}
