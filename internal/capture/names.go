package capture

import (
	"strings"

	"hayalet"
)

// maxNames is how many names and connections are remembered at a time.
const maxNames = 1 << 16

// names keeps one string for each name that was read, and counts the frames of connections that do not count themselves.
// It is bounded: a full table is emptied and filled anew.
type names struct {
	texts map[string]string
	conns map[string]*connCount
	key   []byte
	floor uint64 // counting went up to here when the table was emptied
	high  uint64 // the highest number given since
}

type connCount struct {
	id   hayalet.ConnID
	last uint64
}

func newNames() *names {
	return &names{texts: make(map[string]string), conns: make(map[string]*connCount)}
}

// text returns b as a string, without allocating for one that is known.
func (n *names) text(b []byte) string {
	if s, ok := n.texts[string(b)]; ok {
		return s
	}
	if len(n.texts) >= maxNames {
		clear(n.texts)
	}
	s := strings.Clone(string(b))
	n.texts[s] = s
	return s
}

// derived returns the connection of a station in an input that names none.
func (n *names) derived(base string, station []byte) *connCount {
	n.key = append(n.key[:0], base...)
	n.key = append(n.key, '#')
	n.key = append(n.key, station...)
	return n.conn(n.key)
}

func (n *names) conn(b []byte) *connCount {
	if c, ok := n.conns[string(b)]; ok {
		return c
	}
	if len(n.conns) >= maxNames {
		clear(n.conns)
		n.floor = n.high // so that no number is given twice to a connection that comes back
	}
	c := &connCount{id: hayalet.ConnID(b), last: n.floor}
	n.conns[string(c.id)] = c
	return c
}

// next numbers a frame that has no number.
func (n *names) next(c *connCount) uint64 {
	c.last++
	n.high = max(n.high, c.last)
	return c.last
}
