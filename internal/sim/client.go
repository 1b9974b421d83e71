package sim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/socket"
)

const (
	dialTimeout     = 10 * time.Second
	pingInterval    = 24 * time.Hour // the other side is asked for a sign of life by its silence to a call
	maxMessageBytes = 1 << 20
	inboxSize       = 16
)

// dialFunc opens the stream under a WebSocket.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// address is where and as whom a station connects.
type address struct {
	url     string // without user information
	header  http.Header
	station hayalet.StationID
	dial    dialFunc
	tls     *tls.Config
}

// parseAddress takes the station's identity from the last element of the URL's path, and its credentials from the
// URL's user information or else from key.
func parseAddress(raw, key string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, fmt.Errorf("bad URL: write it as ws://host:port/station: %w", hayalet.ErrInvalid) // the text may hold a password
	}
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return address{}, fmt.Errorf("bad URL %q: write it as ws://host:port/station: %w", u.Redacted(), hayalet.ErrInvalid)
	}
	station, err := url.PathUnescape(path.Base(u.EscapedPath()))
	if err != nil || station == "." || station == "/" {
		return address{}, fmt.Errorf("URL %q names no station: end it with /station: %w", u.Redacted(), hayalet.ErrInvalid)
	}
	a := address{header: http.Header{}, station: hayalet.StationID(station)}
	user := u.User
	if user == nil && key != "" {
		user = url.UserPassword(station, key)
	}
	if user != nil {
		password, _ := user.Password()
		a.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	u.User, u.Fragment = nil, ""
	a.url = u.String()
	return a, nil
}

// inbound is one message from the central system, or the end of the connection.
type inbound struct {
	at   time.Time
	data []byte
	err  error
}

// client is one WebSocket of one station. One goroutine reads it and fills the inbox, until the connection ends; the others
// are called from one other goroutine.
type client struct {
	sock  *socket.Conn
	inbox chan inbound
	quit  chan struct{}
	done  chan struct{}
}

// connect opens a WebSocket and refuses one without the subprotocol.
func connect(ctx context.Context, a address, protocol hayalet.Protocol) (*client, error) {
	d := ws.Dialer{
		Timeout:   dialTimeout,
		Protocols: []string{string(protocol)},
		Header:    ws.HandshakeHeaderHTTP(a.header),
		NetDial:   a.dial,
		TLSConfig: a.tls,
	}
	conn, br, hs, err := d.Dial(ctx, a.url)
	if err != nil {
		return nil, dialError(a.url, err)
	}
	if hs.Protocol != string(protocol) {
		return nil, errors.Join(fmt.Errorf("connect to %s: the server did not select the subprotocol %s", a.url, protocol), conn.Close())
	}
	if br == nil {
		br = bufio.NewReaderSize(conn, socket.ReadBuffer)
	}
	sock := socket.New(context.WithoutCancel(ctx), conn, br, socket.Config{Client: true, MaxMessage: maxMessageBytes, PingInterval: pingInterval})
	sock.Start(false)
	c := &client{sock: sock, inbox: make(chan inbound, inboxSize), quit: make(chan struct{}), done: make(chan struct{})}
	go c.receive()
	return c, nil
}

func dialError(to string, err error) error {
	var status ws.StatusError
	switch {
	case !errors.As(err, &status):
		return fmt.Errorf("connect to %s: %w", to, err)
	case int(status) == http.StatusUnauthorized:
		return fmt.Errorf("connect to %s: the server refused the station's key (401): %w", to, hayalet.ErrUnavailable)
	default:
		return fmt.Errorf("connect to %s: the server answered %d %s: %w", to, int(status), http.StatusText(int(status)), hayalet.ErrUnavailable)
	}
}

func (c *client) receive() {
	defer close(c.done)
	for {
		data, err := c.read()
		select {
		case c.inbox <- inbound{at: time.Now(), data: data, err: err}:
		case <-c.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// read returns the next message. A goodbye is io.EOF.
func (c *client) read() ([]byte, error) {
	data, err := c.sock.Read()
	if err == nil {
		return bytes.Clone(data), nil
	}
	if fault, ok := errors.AsType[*socket.Fault](err); ok {
		c.sock.Close(fault.Code, fault.Reason)
		return nil, err
	}
	if code, reason := c.sock.Ended(); code != socket.Lost {
		return nil, fmt.Errorf("closed by the server (%d %s): %w", code, reason, io.EOF)
	}
	return nil, err
}

// write sends one text message.
func (c *client) write(data []byte) error { return c.sock.Write(context.Background(), data) }

// leave says goodbye and ends the connection.
func (c *client) leave() {
	c.sock.Close(uint16(ws.StatusNormalClosure), "") // as polite as possible
	c.drop()
}

// drop ends the connection at once, as a lost link does, and waits for its goroutine.
func (c *client) drop() {
	close(c.quit)
	c.sock.Cut()
	<-c.done
}
