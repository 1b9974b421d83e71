package gateway

import (
	"context"
	"fmt"

	"hayalet"
	"hayalet/internal/socket"
)

// Answerer decides who answers a station.
type Answerer interface {
	// Open is called in the handshake, after path, authentication and identity were accepted, from the connection's
	// goroutine. An error refuses the station, with the error's HTTPStatus() int where it has one (its text is then the
	// body), else with 503. ctx ends with the handshake. The link may be kept; a Send waits until the handshake is done,
	// so Open itself must not call it.
	Open(ctx context.Context, link Link) (Peer, error)
}

// Peer answers one station over one link.
type Peer interface {
	// Receive takes one text message. It is called from the connection's one goroutine, in order; data is only good
	// during the call. An error ends the connection with 1011. ctx ends with the connection.
	Receive(ctx context.Context, data []byte) error
	// Closed is called once, after the last Receive, when Send no longer works. It ends what the peer has started. code
	// and reason are those of whoever said goodbye first, station or server: 1005 when it gave none, 1006 when the
	// connection was lost [RFC 6455 §7.1.5, §7.1.6].
	Closed(code uint16, reason string)
}

// Prompter is a Peer that can answer some messages at once. Between its messages the connection rests, where Config and the
// machine allow it, and holds no goroutine.
type Prompter interface {
	Peer
	// Prompt appends the answer to a message to b, without waiting for anything; or it returns false, having done nothing:
	// then Receive is called. It is never called while Receive is. data is only good during the call.
	Prompt(b, data []byte) ([]byte, bool)
}

// Accepter is a Peer that decides how the handshake is answered, where Config.Relay says so.
type Accepter interface {
	// Accept returns the subprotocol, "" for none, and further header lines of the answer. It is called once, after Open.
	Accept() (protocol hayalet.Protocol, header []socket.Field)
}

// Refusal is an error of Open that words the answer to the station itself.
type Refusal interface {
	error
	HTTPStatus() int
	// HTTPAnswer returns header lines and the body.
	HTTPAnswer() (header []socket.Field, body []byte)
}

// Link is our end of one station's socket. Any goroutine may use it.
type Link interface {
	Station() hayalet.StationID
	Protocol() hayalet.Protocol
	Conn() hayalet.ConnID
	RemoteAddr() string
	// Send taps data as an outgoing message, then writes it. Messages go out in the order of their frames' Seq. After
	// the end of the connection it returns ErrClosed.
	Send(ctx context.Context, data []byte) error
	// Answer is Send for the answer to the message that Receive is called with, once and from there. Message and answer
	// reach the sink in one call, so that they are kept together or not at all; nothing is sent before they are. A message
	// without an answer is kept alone: by Keep, or once Receive has returned. Behind a relay it was kept before Receive.
	Answer(ctx context.Context, data []byte) error
	// Keep is for a message whose receipt sets free what sends: the message is to stand before what that sends.
	Keep(ctx context.Context) error
	// Request is the station's handshake. It is for Open alone; afterwards it is nil.
	Request() *socket.Request
	// Close says goodbye with a status code of RFC 6455 §7.4 and a reason of at most 123 bytes; 1005 is a goodbye without
	// a status, 1006 cuts the connection. It does not wait for the other side's answer. Calling it again does nothing.
	Close(code uint16, reason string)
}

// ErrClosed is returned by Link.Send after the connection has ended.
var ErrClosed = socket.ErrClosed

// ConnInfo describes a live connection.
type ConnInfo struct {
	Station    hayalet.StationID `json:"station"`
	Conn       hayalet.ConnID    `json:"conn"`
	Since      hayalet.Instant   `json:"since"`
	RemoteAddr string            `json:"remote_addr"`
	Protocol   hayalet.Protocol  `json:"protocol"`
}

// refusal answers a handshake with an HTTP error of one clear line.
type refusal struct {
	status int
	reason string
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, reason: fmt.Sprintf(format, args...)}
}

func (r *refusal) Error() string   { return r.reason }
func (r *refusal) HTTPStatus() int { return r.status }
