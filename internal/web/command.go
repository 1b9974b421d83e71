package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"hayalet"
)

func (a *api) command(w http.ResponseWriter, r *http.Request) {
	action := r.PathValue("action")
	if !isAction(action) {
		a.fail(w, r, fmt.Errorf("action %q: %w: want a name such as Reset", action, hayalet.ErrInvalid))
		return
	}
	payload, err := readPayload(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), CommandTimeout)
	defer cancel()
	result, err := a.cfg.Commander.Command(ctx, hayalet.StationID(r.PathValue("station")), action, payload)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, commandAnswer{result})
}

type commandAnswer struct {
	Result json.RawMessage `json:"result"`
}

// isAction reports whether the name could be one of the standard's; which of them exist is the Commander's to know.
func isAction(name string) bool {
	const longest = 64
	for _, c := range []byte(name) {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= longest
}

// readPayload returns the body, which must be one JSON object; an empty one is {}.
func readPayload(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge, Title: "Payload too large", Detail: fmt.Sprintf("at most %d bytes are taken", MaxPayload),
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read the payload: %w", hayalet.ErrInvalid, err)
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return json.RawMessage("{}"), nil
	}
	if !json.Valid(body) || body[0] != '{' {
		return nil, fmt.Errorf("%w: the payload is not a JSON object", hayalet.ErrInvalid)
	}
	return body, nil
}
