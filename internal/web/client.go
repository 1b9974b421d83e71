package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hayalet"
)

// maxAnswer bounds what a client reads of one answer.
const maxAnswer = 64 << 20

// Client asks a running server. Its errors are one line; one that the server answered is a [*Problem], and a server
// that cannot be reached is hayalet.ErrUnavailable. The zero HTTP client is a good one.
type Client struct {
	Base  string // http://127.0.0.1:8080
	Token string // empty: none
	HTTP  http.Client
}

// Ready asks whether the server can work. Nil: it can; a [*Problem] of status 503: it says why not; any other error: what
// answers there, if anything, is no hayalet. It needs no token.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*ReadyTimeout)
	defer cancel()
	var a readyAnswer
	if err := c.do(ctx, http.MethodGet, "/readyz", nil, &a); err != nil {
		return err
	}
	if a.Status != statusReady {
		return fmt.Errorf("what answers at %s is no hayalet", c.Base)
	}
	return nil
}

// Command sends a command to a station and returns the payload of its answer. An empty payload is {}.
func (c *Client) Command(ctx context.Context, station hayalet.StationID, action string, payload json.RawMessage) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, CommandTimeout+15*time.Second)
	defer cancel()
	var a commandAnswer
	err := c.do(ctx, http.MethodPost, "/api/v1/stations/"+segment(string(station))+"/commands/"+segment(action), payload, &a)
	return a.Result, err
}

// Stations returns what is known of all stations.
func (c *Client) Stations(ctx context.Context) ([]StationView, error) {
	var a stationsAnswer
	err := c.get(ctx, "/api/v1/stations", &a)
	return a.Stations, err
}

// Incidents returns the incidents that the filter selects; without a limit, the newest [DefaultIncidents].
func (c *Client) Incidents(ctx context.Context, f hayalet.IncidentFilter) ([]hayalet.Incident, error) {
	var a incidentsAnswer
	err := c.get(ctx, "/api/v1/incidents?"+formatFilter(f), &a)
	return a.Incidents, err
}

// Incident returns one incident by its key, or by as much of the key's beginning as tells it from the others.
func (c *Client) Incident(ctx context.Context, key string) (hayalet.Incident, error) {
	var inc hayalet.Incident
	err := c.get(ctx, "/api/v1/incidents/"+segment(key), &inc)
	return inc, err
}

// History returns the revisions of one incident at which its state, severity or cause changed, the oldest first. The key
// is as for Incident.
func (c *Client) History(ctx context.Context, key string) ([]hayalet.Incident, error) {
	var a incidentsAnswer
	err := c.get(ctx, "/api/v1/incidents/"+segment(key)+"/history", &a)
	return a.Incidents, err
}

// segment escapes an element of a path. A dot is escaped where the element would mean a folder.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("address %q of the server: %w: %w", c.Base, hayalet.ErrInvalid, bare(err))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.direct().Do(req)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("no answer from the server at %s in time: %w", c.Base, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("cannot reach the server at %s (is it running?): %w: %w", c.Base, hayalet.ErrUnavailable, bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	return read(resp, into)
}

// direct follows no redirect: the interface sends none, and the token is for it alone.
func (c *Client) direct() *http.Client {
	h := c.HTTP
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

func read(resp *http.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w: %w", hayalet.ErrUnavailable, err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, into); err != nil {
			return fmt.Errorf("read the server's answer (is this address hayalet's?): %w", err)
		}
		return nil
	}
	p := Problem{Title: http.StatusText(resp.StatusCode)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), problemType) {
		_ = json.Unmarshal(body, &p) // the status alone says enough
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = fmt.Sprintf("the server answered %d", resp.StatusCode)
	}
	return &p
}

// bare takes the address off an error of the HTTP client: the message names it already.
func bare(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
