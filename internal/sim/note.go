package sim

import "time"

// NoteKind is what a note tells.
type NoteKind uint8

// The kinds of notes, with the fields of Note that each one sets.
const (
	NoteConnected      NoteKind = iota // Text: the URL without credentials
	NoteDisconnected                   // the scenario cut the connection
	NoteBootAccepted                   // the station may go on
	NoteBootRefused                    // Text: the status; the station asks again
	NoteChargingStarts                 // before the start is sent: Connector
	NoteTokenRefused                   // Text: the status of the token; charging goes on all the same
	NoteMetering                       // after a value inside a transaction: Connector, Value, Unit
	NoteIdleValue                      // after a value outside any that is not phantom: Connector, Value, Unit
	NoteStopping                       // before the end of a transaction is sent: Connector, Action
	NoteStopped                        // after its answer: Connector
	NoteAttackBegins                   // the first phantom reading comes next
	NotePhantom                        // before a phantom reading: Connector, Value, Unit
	NoteAnswerRefused                  // a call was answered with an error: Action, Text
	NoteNoAnswer                       // a call was not answered in time: Action
	NoteQueued                         // a message waits for the connection: Action
	NoteSkipped                        // a message was not sent, for want of a connection: Action
	NoteCommand                        // the central system's call was answered: Action, Text: the status, if it has one
	NoteFinished                       // the last step is done
)

// Note is a fact about the play that a person wants to read, in whatever language.
type Note struct {
	Kind      NoteKind
	Connector int
	Value     string // as written in the message
	Unit      string
	Action    string
	Text      string
}

// Listener watches a play. Its methods are called one at a time, in the order of what happens, and hold up the play;
// data is good until they return. Sent comes before the bytes are on the wire, so before whatever answers them.
type Listener interface {
	Sent(at time.Time, data []byte)
	Received(at time.Time, data []byte)
	Note(at time.Time, n Note)
}

type silence struct{}

func (silence) Sent(time.Time, []byte)     {}
func (silence) Received(time.Time, []byte) {}
func (silence) Note(time.Time, Note)       {}
