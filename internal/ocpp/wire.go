package ocpp

import (
	"errors"
	"strconv"

	"hayalet"
	"hayalet/internal/jsonread"
)

// MessageType is the first element of an OCPP-J frame [1.6J §4.1.3, 2.1 part 4 §4.2].
type MessageType int

// The message types. The last two are of OCPP 2.1 alone and never answered; on another link they are unknown.
const (
	Call            MessageType = 2
	CallResult      MessageType = 3
	CallError       MessageType = 4
	CallResultError MessageType = 5 // a CALLRESULT could not be processed
	Send            MessageType = 6 // a CALL without an answer
)

// ErrorCode is the third element of a CALLERROR [1.6J §4.2.3, 2.x part 4 §4.3].
type ErrorCode string

// The error codes of 1.6J, in its own spelling. [ErrorCode.In] spells them for other versions.
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

// The words of 2.x that 1.6 does not have.
const (
	FormatViolation               ErrorCode = "FormatViolation"
	OccurrenceConstraintViolation ErrorCode = "OccurrenceConstraintViolation"
	RPCFrameworkError             ErrorCode = "RpcFrameworkError"
)

// In returns the code as the version spells it.
func (c ErrorCode) In(version hayalet.Protocol) ErrorCode {
	switch {
	case version == hayalet.OCPP16 || version == "":
	case c == FormationViolation:
		return FormatViolation
	case c == OccurenceConstraintViolation:
		return OccurrenceConstraintViolation
	}
	return c
}

// Message is an OCPP-J frame taken apart. Payload and Details are parts of the frame's bytes.
type Message struct {
	Type      MessageType
	ID        string
	Action    string // Call and Send
	Payload   []byte // Call, Send and CallResult: the JSON value as written
	ErrorCode string // CallError and CallResultError
	ErrorText string
	Details   []byte
}

// WireError says why a frame is none. It is what a CALLERROR carries.
type WireError struct {
	ID     string    // the frame's message id, or "-1" where none could be read
	Code   ErrorCode // in the words of 1.6
	Text   string
	Ignore bool // an unknown message type number: no answer is due [1.6J §4.1.3]

	framing bool // the frame is at fault, not its payload
}

// Error names the code and the fault.
func (e *WireError) Error() string { return string(e.Code) + ": " + e.Text }

// CodeIn returns the code in the words of a version: 2.x has one of its own for what is no frame [2.x part 4 §4.3].
func (e *WireError) CodeIn(version hayalet.Protocol) ErrorCode {
	if e.framing && version != hayalet.OCPP16 && version != "" {
		return RPCFrameworkError
	}
	return e.Code.In(version)
}

// ParseMessage takes a frame apart. The frame is checked as JSON to its end; the payload's schema is not looked at. Of a
// frame that is faulty Type is set where it could be read: only what may be a CALL is to be answered.
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

func violation(text string) *WireError {
	return &WireError{Code: FormationViolation, Text: text, framing: true}
}

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
	m.Type = MessageType(kind)
	if m.Type < Call || m.Type > Send {
		return unknownType(&r, m)
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
	m.ID = string(id)
	switch m.Type {
	case CallResult:
		return parseResult(&r, m)
	case CallError, CallResultError:
		return parseError(&r, m)
	}
	return parseCall(&r, m, isString)
}

func unknownType(r *jsonread.Reader, m *Message) *WireError {
	if r.More() {
		if id, ok := r.String(); ok && len(id) <= maxIDLength {
			m.ID = string(id)
		}
	}
	return &WireError{Code: ProtocolError, Text: "unknown message type number " + strconv.Itoa(int(m.Type)), Ignore: true}
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
	return appendCall(dst, "[2,", id, action, payload)
}

// AppendSend appends the frame of a SEND to dst: a CALL of OCPP 2.1 that is not answered. The payload is a JSON value.
func AppendSend(dst []byte, id, action string, payload []byte) []byte {
	return appendCall(dst, "[6,", id, action, payload)
}

func appendCall(dst []byte, begin, id, action string, payload []byte) []byte {
	dst = append(dst, begin...)
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
	return appendError(dst, "[4,", id, code, text)
}

// AppendResultError appends the frame of a CALLRESULTERROR without details to dst. It is of OCPP 2.1.
func AppendResultError(dst []byte, id string, code ErrorCode, text string) []byte {
	return appendError(dst, "[5,", id, code, text)
}

func appendError(dst []byte, begin, id string, code ErrorCode, text string) []byte {
	dst = append(dst, begin...)
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
	if plain(s) {
		return append(append(dst, s...), '"')
	}
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

// plain reports whether s is a JSON string as it stands.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
