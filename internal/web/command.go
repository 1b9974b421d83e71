package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

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
	if err := a.note(ctx, r); err != nil {
		a.fail(w, r, err)
		return
	}
	result, err := a.cfg.Commander.Command(ctx, hayalet.StationID(r.PathValue("station")), action, payload)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, commandAnswer{result})
}

// note writes the command to the audit log: who sends which action to whom. The payload may hold secrets and is left out.
func (a *api) note(ctx context.Context, r *http.Request) error {
	if a.cfg.Audit == nil {
		return nil
	}
	err := a.cfg.Audit(ctx, hayalet.AuditEntry{
		At: hayalet.InstantOf(time.Now()), Actor: a.who(r), Action: "command", Subject: r.PathValue("station"), Detail: r.PathValue("action"),
	})
	if err != nil {
		return fmt.Errorf("the command is not sent, because the audit log cannot be written: %w: %v", hayalet.ErrUnavailable, err)
	}
	return nil
}

// who is the address that a request came from, and whether it had the token.
func (a *api) who(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if a.cfg.Token != "" {
		host += " (token)"
	}
	return host
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
