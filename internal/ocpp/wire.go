package ocpp

import (
	"errors"
	"strconv"

	"hayalet/internal/jsonread"
)

// MessageType is the first element of an OCPP-J frame [1.6J §4.1.3].
type MessageType int

// The message types.
const (
	Call       MessageType = 2
	CallResult MessageType = 3
	CallError  MessageType = 4
)

// ErrorCode is the third element of a CALLERROR [1.6J §4.2.3].
type ErrorCode string

// The error codes of 1.6J, in its own spelling.
const (
	NotImplemented               ErrorCode = "NotImplemented"
	NotSupported                 ErrorCode = "NotSupported"
	InternalError                ErrorCode = "InternalError"
	ProtocolError                ErrorCode = "ProtocolError"
	SecurityError                ErrorCode = "SecurityError"
	FormationViolation           ErrorCode = "FormationViolation"
	PropertyConstraintViolation  ErrorCode = "PropertyConstraintViolation"
	OccurenceConstraintViolation ErrorCode = "OccurenceConstraintViolation"
	TypeConstraintViolation      ErrorCode = "TypeConstraintViolation"
	GenericError                 ErrorCode = "GenericError"
	unknownID                              = "-1"
	maxIDLength                            = 255 // the standard says 36; stations exceed it
	maxActionLength                        = 64
)

// Message is an OCPP-J frame taken apart. Payload and Details are parts of the frame's bytes.
type Message struct {
	Type      MessageType
	ID        string
	Action    string // Call
	Payload   []byte // Call and CallResult: the JSON value as written
	ErrorCode string // CallError
	ErrorText string
	Details   []byte
}

// WireError says why a frame is none. It is what a CALLERROR carries.
type WireError struct {
	ID     string // the frame's message id, or "-1" where none could be read
	Code   ErrorCode
	Text   string
	Ignore bool // an unknown message type number: no answer is due [1.6J §4.1.3]
}

// Error names the code and the fault.
func (e *WireError) Error() string { return string(e.Code) + ": " + e.Text }

// ParseMessage takes a frame apart. The frame is checked as JSON to its end; the payload's schema is not looked at.
func ParseMessage(data []byte) (Message, *WireError) {
	m := Message{}
	fault := parseMessage(data, &m)
	if fault == nil {
		return m, nil
	}
	fault.ID = m.ID
	if m.ID == "" {
		fault.ID = unknownID
	}
	return m, fault
}

func violation(text string) *WireError { return &WireError{Code: FormationViolation, Text: text} }

func parseMessage(data []byte, m *Message) *WireError {
	r := jsonread.New(data)
	if !r.Array() || !r.More() {
		return violation("a frame is a JSON array")
	}
	number, ok := r.Number()
	if !ok {
		return violation("the first element is not a message type number")
	}
	kind, err := strconv.Atoi(string(number))
	if err != nil {
		return violation("the first element is not a message type number")
	}
	if !r.More() {
		return violation("the message id is missing")
	}
	id, isString := r.String()
	if !isString {
		id = r.Skip() // a number as id: kept as written, so that the station finds its answer
	}
	if len(id) > maxIDLength {
		return violation("the message id is too long")
	}
	m.Type, m.ID = MessageType(kind), string(id)
	switch m.Type {
	case Call:
		return parseCall(&r, m, isString)
	case CallResult:
		return parseResult(&r, m)
	case CallError:
		return parseError(&r, m)
	}
	return &WireError{Code: ProtocolError, Text: "unknown message type number " + strconv.Itoa(kind), Ignore: true}
}

func parseCall(r *jsonread.Reader, m *Message, idIsString bool) *WireError {
	if !r.More() {
		return violation("the action is missing")
	}
	action, ok := r.String()
	if !ok || len(action) > maxActionLength {
		return violation("the action is not a short string")
	}
	m.Action = string(action)
	if !r.More() {
		return violation("the payload is missing")
	}
	m.Payload = r.Skip()
	if fault := finish(r); fault != nil {
		return fault
	}
	if !idIsString || m.ID == "" {
		return violation("the message id is not a string")
	}
	return nil
}

func parseResult(r *jsonread.Reader, m *Message) *WireError {
	if !r.More() {
		return violation("the payload is missing")
	}
	m.Payload = r.Skip()
	return finish(r)
}

func parseError(r *jsonread.Reader, m *Message) *WireError {
	for n := 0; r.More(); n++ {
		switch text, ok := r.String(); {
		case n == 0 && ok:
			m.ErrorCode = string(text)
		case n == 1 && ok:
			m.ErrorText = string(text)
		case !ok:
			m.Details = r.Skip()
		}
	}
	if r.Err() != nil || !r.End() {
		return violation("invalid JSON")
	}
	return nil
}

// finish takes the end of a frame; elements beyond the standard's are refused.
func finish(r *jsonread.Reader) *WireError {
	more := r.More()
	switch {
	case errors.Is(r.Err(), jsonread.ErrDepth):
		return violation("JSON nested too deep")
	case r.Err() != nil:
		return violation("invalid JSON")
	case more:
		return violation("too many elements")
	case !r.End():
		return violation("text behind the frame")
	}
	return nil
}

// AppendCall appends the frame of a CALL to dst. The payload is a JSON value.
func AppendCall(dst []byte, id, action string, payload []byte) []byte {
	dst = append(dst, "[2,"...)
	dst = appendString(dst, id)
	dst = append(dst, ',')
	dst = appendString(dst, action)
	dst = append(dst, ',')
	dst = append(dst, payload...)
	return append(dst, ']')
}

// AppendResult appends the frame of a CALLRESULT to dst. The payload is a JSON value.
func AppendResult(dst []byte, id string, payload []byte) []byte {
	dst = append(dst, "[3,"...)
	dst = appendString(dst, id)
	dst = append(dst, ',')
	dst = append(dst, payload...)
	return append(dst, ']')
}

// AppendError appends the frame of a CALLERROR without details to dst.
func AppendError(dst []byte, id string, code ErrorCode, text string) []byte {
	dst = append(dst, "[4,"...)
	dst = appendString(dst, id)
	dst = append(dst, ',')
	dst = appendString(dst, string(code))
	dst = append(dst, ',')
	dst = appendString(dst, text)
	return append(dst, ",{}]"...)
}

// appendString appends s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, string(c)...)
		}
	}
	return append(dst, '"')
}
