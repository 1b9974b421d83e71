package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"hayalet"
)

const problemType = "application/problem+json"

// Problem is an error as the interface writes it [RFC 9457] and as [Client] returns it. The last three members are set
// when the station answered with a CALLERROR.
type Problem struct {
	Status      int             `json:"status"`
	Title       string          `json:"title"`
	Detail      string          `json:"detail,omitempty"`
	Code        string          `json:"code,omitempty"`
	Description string          `json:"description,omitempty"`
	Details     json.RawMessage `json:"details,omitempty"`
}

// Error is title and detail on one line. What a station wrote may be in it, so control characters are left out.
func (p *Problem) Error() string {
	switch {
	case p.Detail == "":
		return oneLine(p.Title)
	case strings.Contains(strings.ToLower(p.Detail), strings.ToLower(p.Title)): // it says so itself
		return oneLine(p.Detail)
	}
	return oneLine(p.Title + ": " + p.Detail)
}

// Is makes hayalet's sentinels, and context.DeadlineExceeded for a station that did not answer, match by status.
func (p *Problem) Is(target error) bool {
	switch p.Status {
	case http.StatusBadRequest:
		return target == hayalet.ErrInvalid
	case http.StatusNotFound:
		return target == hayalet.ErrNotFound
	case http.StatusServiceUnavailable:
		return target == hayalet.ErrUnavailable
	case http.StatusGatewayTimeout:
		return target == context.DeadlineExceeded
	}
	return false
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// internal marks an error whose text is for our log, not for the client.
type internal struct{ error }

func (i internal) Unwrap() error { return i.error }

// fail answers with the problem that err stands for.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if r.Context().Err() != nil { // the client has gone, or the server ends
		p = &Problem{Status: http.StatusServiceUnavailable, Title: "Interrupted"}
	}
	if p.Status == http.StatusInternalServerError {
		a.cfg.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	writeProblem(w, p)
}

func problemOf(err error) *Problem {
	if _, ok := errors.AsType[internal](err); ok {
		return &Problem{Status: http.StatusInternalServerError, Title: "Internal error", Detail: "the server's log says more"}
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if ce, ok := errors.AsType[CallError](err); ok {
		return stationProblem(ce)
	}
	for _, c := range []struct {
		is     error
		status int
		title  string
	}{
		{context.DeadlineExceeded, http.StatusGatewayTimeout, "The station did not answer in time"},
		{hayalet.ErrNotFound, http.StatusNotFound, "Not found"},
		{hayalet.ErrInvalid, http.StatusBadRequest, "Bad request"},
		{hayalet.ErrUnavailable, http.StatusServiceUnavailable, "Unavailable"},
	} {
		if errors.Is(err, c.is) {
			return &Problem{Status: c.status, Title: c.title, Detail: err.Error()}
		}
	}
	return problemOf(internal{err})
}

func stationProblem(ce CallError) *Problem {
	p := &Problem{Status: http.StatusBadGateway, Title: "The station answered with an error"}
	p.Code, p.Description, p.Details = ce.CallError()
	p.Detail = p.Code
	if p.Description != "" {
		p.Detail = fmt.Sprintf("%s: %s", p.Code, p.Description)
	}
	if !json.Valid(p.Details) {
		p.Details = nil
	}
	return p
}

func writeProblem(w http.ResponseWriter, p *Problem) { writeBody(w, p.Status, problemType, p) }
