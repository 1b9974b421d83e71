package hayalet

import (
	"context"
	"fmt"
)

// StationID is the identity of a charging station: the last element of its connection's path, decoded.
type StationID string

// ConnID names one connection of one station. It is globally unique, so that (Conn, Seq) names a frame.
type ConnID string

// ConnectorID is the 1.6 connectorId or the 2.x evse id. Zero is the station itself.
type ConnectorID int32

// Protocol is the WebSocket subprotocol of a connection.
type Protocol string

// The subprotocols of OCPP-J [1.6J §3.1.2, 2.x part 4 §3.1.2].
const (
	OCPP16  Protocol = "ocpp1.6"
	OCPP201 Protocol = "ocpp2.0.1"
	OCPP21  Protocol = "ocpp2.1"
)

// Protocols returns those that are understood, the newest first.
func Protocols() []Protocol { return []Protocol{OCPP21, OCPP201, OCPP16} }

// Direction tells who sent a frame.
type Direction uint8

// The directions.
const (
	In  Direction = iota // station to central system
	Out                  // central system to station
)

// String is "in" or "out".
func (d Direction) String() string {
	if d == Out {
		return "out"
	}
	return "in"
}

// ParseDirection reads "in" or "out".
func ParseDirection[T ~string | ~[]byte](s T) (Direction, error) {
	switch string(s) {
	case "in":
		return In, nil
	case "out":
		return Out, nil
	}
	return 0, fmt.Errorf("direction %q: want in or out", s)
}

// FrameKind tells messages from control frames.
type FrameKind uint8

// The kinds of frames.
const (
	Message   FrameKind = iota // Data is the text of one WebSocket message
	ConnOpen                   // the connection was accepted
	ConnClose                  // the connection ended
	Gap                        // frames up to and including Seq were lost before they could be kept
)

var frameKinds = [...]string{"message", "open", "close", "gap"}

// String is the kind's word in our JSONL.
func (k FrameKind) String() string {
	if int(k) < len(frameKinds) {
		return frameKinds[k]
	}
	return fmt.Sprintf("FrameKind(%d)", uint8(k))
}

// ParseFrameKind reads what String writes.
func ParseFrameKind[T ~string | ~[]byte](s T) (FrameKind, error) {
	for k, name := range frameKinds {
		if name == string(s) {
			return FrameKind(k), nil
		}
	}
	return 0, fmt.Errorf("frame kind %q: want message, open, close or gap", s)
}

// Frame is one message, or one fact about its connection, as it was seen at the tap.
type Frame struct {
	Station  StationID
	Conn     ConnID
	Pos      uint64  // the place in the journal, from 1; zero for what stands in none
	Seq      uint64  // one counter per Conn over both directions, from 1; assigned before anything is forwarded or answered
	At       Instant // our receipt, or our sending for Out; zero when a log does not say
	Dir      Direction
	Kind     FrameKind
	Protocol Protocol
	Data     []byte // verbatim; nil for control frames
}

// FrameSink takes frames, in the order of each connection; all of them or none. It may block; it must not keep Data
// after it returns. Several goroutines may call it, one for each connection.
type FrameSink interface {
	PutFrames(ctx context.Context, fs []Frame) error
}

// Loss is frames of a journal that nobody can read any more.
type Loss struct {
	Block        uint64               // number
	First, Last  uint64               // positions, both included
	Since, Until Instant              // receipts, both included
	Of           func(StationID) bool // whether some of them may be of the station; any goroutine may call it
}

// LossSink is a [FrameSink] that can be told of frames that it will not get.
type LossSink interface {
	FrameSink
	// PutLoss is called in the place of the frames, from the goroutine that puts those around them.
	PutLoss(ctx context.Context, l Loss) error
}
