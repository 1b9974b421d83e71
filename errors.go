package hayalet

import "errors"

// The sentinel errors that callers may test for.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")
	ErrUnavailable = errors.New("unavailable")
	ErrInvalid     = errors.New("invalid")
)
