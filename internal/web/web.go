// Package web is the HTTP interface of a running hayalet: commands to stations, what is known of them, and incidents.
//
//	GET  /healthz                                        the process lives
//	GET  /readyz                                         it can work; 503 says why not
//	POST /api/v1/stations/{station}/commands/{action}    send a command; the body is its JSON payload, {} when empty
//	GET  /api/v1/stations                                {"stations":[…]}
//	GET  /api/v1/incidents                               {"incidents":[…]}; key (or its beginning), station, min_severity, open, limit
//	GET  /api/v1/incidents/{key}                         one incident by its key, or the beginning that it alone has
//	GET  /api/v1/incidents/{key}/history                 {"incidents":[…]}: its revisions at which state, severity or cause changed
//
// Errors are problem details [RFC 9457]. [Client] speaks to it.
//
// The package knows neither sockets of stations nor databases: it asks the interfaces in [Config].
package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"hayalet"
)

// Limits of the interface.
const (
	MaxPayload       = 64 << 10         // bytes of a command's payload
	CommandTimeout   = 60 * time.Second // for a station's answer, unless the Commander gives up earlier
	ReadyTimeout     = 5 * time.Second  // for the readiness check
	DefaultIncidents = 1000             // in one answer
	MaxIncidents     = 10000            // in one answer, when asked for
)

// Commander sends a command to a station and returns its answer's payload. The errors that it may wrap, and what they
// become: hayalet.ErrNotFound when the station is unknown or offline (404), hayalet.ErrInvalid for an action that does
// not exist or a payload that does not fit (400), hayalet.ErrUnavailable (503), context.DeadlineExceeded when the station
// did not answer (504), and a [CallError] (502). Their texts are shown to the caller.
type Commander interface {
	Command(ctx context.Context, station hayalet.StationID, action string, payload json.RawMessage) (json.RawMessage, error)
}

// CallError is an error that the station itself answered: the members of a CALLERROR [OCPP-J 1.6 §4.2.3].
type CallError interface {
	error
	CallError() (code, description string, details json.RawMessage)
}

// StationView is what is known of a station now.
type StationView struct {
	hayalet.Station
	Connected      bool            `json:"connected"`
	ConnectedSince hayalet.Instant `json:"connected_since"` // null when offline
	RemoteAddr     string          `json:"remote_addr"`
	Gaps           int             `json:"gaps"`     // spans of frames that were lost before they could be judged
	Unseen         float64         `json:"unseen_s"` // how long they were, all together
	Connectors     []ConnectorView `json:"connectors"`
}

// ConnectorView is what is known of a connector now.
type ConnectorView struct {
	Connector        hayalet.ConnectorID   `json:"connector"`
	Status           string                `json:"status"`            // the standard's word; empty: never reported
	TransactionState string                `json:"transaction_state"` // active, inactive or unknown
	Transaction      hayalet.TransactionID `json:"transaction"`       // the running one, or null
	Register         *hayalet.Energy       `json:"register_wh"`       // the last reading, or null
	RegisterMode     string                `json:"register_mode"`     // lifetime, per-session, per-boot or unknown
	Notes            []string              `json:"notes,omitempty"`   // what was concluded about its data: blind, unit-scaled, …
	OpenIncident     string                `json:"open_incident"`     // its key, or empty
}

// Config is what the interface serves and to whom.
type Config struct {
	Commander Commander
	Incidents hayalet.Incidents
	Stations  func(ctx context.Context) ([]StationView, error)
	Ready     func(ctx context.Context) error // nil error: ready; the text of an error is shown to anybody
	Log       *slog.Logger

	// Audit notes a command before it is sent. A command that cannot be noted is not sent (503). Nil: none are noted.
	Audit func(ctx context.Context, e hayalet.AuditEntry) error

	// Token, when set, is asked of every request but those to /healthz and /readyz ("Authorization: Bearer …").
	Token string
	// LoopbackOnly says that the listener is on loopback. Without a token, requests must then name a loopback host,
	// so that no web page can reach the interface under a name of its own.
	LoopbackOnly bool
}

// New returns the interface's handler.
func New(cfg Config) http.Handler {
	a := &api{cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("POST /api/v1/stations/{station}/commands/{action}", a.command)
	mux.HandleFunc("GET /api/v1/stations", a.stations)
	mux.HandleFunc("GET /api/v1/incidents", a.incidents)
	mux.HandleFunc("GET /api/v1/incidents/{key}", a.incident)
	mux.HandleFunc("GET /api/v1/incidents/{key}/history", a.history)
	return guard(cfg, noRoute(mux))
}

// NewServer returns a server with limits on what a client may hold up. Its write timeout leaves room for a command that
// a station answers at the last moment.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      CommandTimeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

type api struct{ cfg Config }

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), ReadyTimeout)
	defer cancel()
	if err := a.cfg.Ready(ctx); err != nil {
		writeProblem(w, &Problem{Status: http.StatusServiceUnavailable, Title: "Not ready", Detail: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, readyAnswer{statusReady})
}

const statusReady = "ready"

type readyAnswer struct {
	Status string `json:"status"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	writeBody(w, status, "application/json", v)
}

func writeBody(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil { // a value of ours: a mistake in this package or a broken result of a station
		status, contentType = http.StatusInternalServerError, problemType
		body = []byte(`{"title":"Internal error","status":500,"detail":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone when this fails
}
