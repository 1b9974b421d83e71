//go:build linux

package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// link is one connection of a station, and the station's own record of it. Its fields may be read by others under mu.
type link struct {
	conn   net.Conn
	rw     readWriter
	within time.Duration // for an answer

	mu       sync.Mutex
	sent     []sent
	received []string
}

// sent is a message of the station: a call, or its answer to a command.
type sent struct {
	data   string
	answer string // as it was received; "" where there was none
}

// readWriter reads what the handshake may have read already.
type readWriter struct {
	*bufio.Reader
	net.Conn
}

func (rw readWriter) Read(b []byte) (int, error) { return rw.Reader.Read(b) }

func dial(ctx context.Context, url, protocol string, within time.Duration) (*link, error) {
	d := ws.Dialer{Protocols: []string{protocol}, Timeout: within}
	conn, br, _, err := d.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReader(conn)
	}
	return &link{conn: conn, rw: readWriter{br, conn}, within: within}, nil
}

// How long stations wait for an answer before they take the connection for lost.
const (
	impatient = 3 * time.Second
	patient   = 30 * time.Second
)

var errRefused = errors.New("answered with an error")

// call sends a call and returns the payload of its answer. Commands that come before it are answered.
func (l *link) call(id string, message []byte) (json.RawMessage, error) {
	l.mu.Lock()
	l.sent = append(l.sent, sent{data: string(message)})
	place := len(l.sent) - 1
	l.mu.Unlock()
	if err := l.conn.SetDeadline(time.Now().Add(l.within)); err != nil {
		return nil, err
	}
	if err := wsutil.WriteClientText(l.conn, message); err != nil {
		return nil, err
	}
	for {
		data, err := wsutil.ReadServerText(l.rw)
		if err != nil {
			return nil, err
		}
		var kind int
		var itsID string
		parts := []any{&kind, &itsID}
		if err := json.Unmarshal(data, &parts); err != nil {
			return nil, fmt.Errorf("received %s: %w", data, err)
		}
		l.mu.Lock()
		l.received = append(l.received, string(data))
		if kind != 2 && itsID == id {
			l.sent[place].answer = string(data)
		}
		l.mu.Unlock()
		switch {
		case kind == 2:
			err = l.refuse(itsID)
		case itsID != id:
			err = fmt.Errorf("received %s, which answers nothing that was asked", data)
		case kind != 3:
			return nil, fmt.Errorf("%w: %s to %s", errRefused, data, message)
		default:
			return result(data)
		}
		if err != nil {
			return nil, err
		}
	}
}

func result(data []byte) (payload json.RawMessage, err error) {
	parts := []any{new(int), new(string), &payload}
	return payload, json.Unmarshal(data, &parts)
}

// refuse answers a command: these stations know none.
func (l *link) refuse(id string) error {
	message := fmt.Sprintf(`[4,%q,"NotSupported","",{}]`, id)
	l.mu.Lock()
	l.sent = append(l.sent, sent{data: message})
	l.mu.Unlock()
	return wsutil.WriteClientText(l.conn, []byte(message))
}

// answered is how many messages at the beginning the server must have: all up to the last that was answered.
func (l *link) answered() int {
	for i := len(l.sent); i > 0; i-- {
		if l.sent[i-1].answer != "" {
			return i
		}
	}
	return 0
}
