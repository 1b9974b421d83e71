package socket

// Field is one header line, its name in canonical form.
type Field struct{ Name, Value string }

// Request is what a client's handshake says.
type Request struct {
	Target     string   // path and query as they were sent
	Header     []Field  // in order, without those of the handshake itself: Host, Connection, Upgrade, Sec-WebSocket-*
	Protocols  []string // the offered subprotocols in the client's order
	Extensions []string // the values of Sec-WebSocket-Extensions
}
