package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/web"
)

// back is everything behind the interface, as a test wants it.
type back struct {
	command  func(st hayalet.StationID, action string, payload json.RawMessage) (json.RawMessage, error)
	found    []hayalet.Incident
	err      error // of Find, Stations and Ready
	filter   hayalet.IncidentFilter
	asked    string // for the history of this incident
	stations []web.StationView
	log      bytes.Buffer
}

func (b *back) Command(_ context.Context, st hayalet.StationID, action string, payload json.RawMessage) (json.RawMessage, error) {
	return b.command(st, action, payload)
}

func (b *back) History(_ context.Context, key string) ([]hayalet.Incident, error) {
	b.asked = key
	return b.found, b.err
}

func (b *back) Find(_ context.Context, f hayalet.IncidentFilter) ([]hayalet.Incident, error) {
	b.filter = f
	return b.found, b.err
}

func (b *back) config() web.Config {
	return web.Config{
		Commander: b, Incidents: b, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Stations: func(context.Context) ([]web.StationView, error) { return b.stations, b.err },
		Ready:    func(context.Context) error { return b.err },
	}
}

// do serves one request without a socket.
func do(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// expect checks the status and, as JSON text, the body. An error must be a problem.
func expect(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	want := "application/json"
	if status >= 400 {
		want = "application/problem+json"
	}
	if got := w.Header().Get("Content-Type"); got != want {
		t.Errorf("content type %q, want %q", got, want)
	}
	if got := strings.TrimSpace(w.Body.String()); w.Code != status || body != "" && got != body {
		t.Errorf("answer %d %s, want %d %s", w.Code, got, status, body)
	}
}

func TestProbes(t *testing.T) {
	b := &back{}
	h := web.New(b.config())
	expect(t, do(h, "GET", "/healthz", ""), 200, `{"status":"ok"}`)
	expect(t, do(h, "GET", "/readyz", ""), 200, `{"status":"ready"}`)
	b.err = errors.New("the disk is full")
	expect(t, do(h, "GET", "/healthz", ""), 200, "")
	expect(t, do(h, "GET", "/readyz", ""), 503, `{"status":503,"title":"Not ready","detail":"the disk is full"}`)
}

// callError is a CALLERROR that a station sent.
type callError struct{ details string }

func (callError) Error() string { return "call error" }

func (c callError) CallError() (code, description string, details json.RawMessage) {
	return "GenericError", "no <way>", json.RawMessage(c.details)
}

func TestCommand(t *testing.T) {
	echo := func(st hayalet.StationID, action string, payload json.RawMessage) (json.RawMessage, error) {
		return json.Marshal(map[string]any{"station": st, "action": action, "payload": payload})
	}
	answer := func(err error) func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) {
		return func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) { return nil, err }
	}
	const path = "/api/v1/stations/CP_1/commands/Reset"
	for _, c := range []struct {
		name         string
		command      func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error)
		target, body string
		status       int
		want         string
	}{
		{"payload", echo, path, ` {"type": "Soft"} `, 200, `{"result":{"action":"Reset","payload":{"type":"Soft"},"station":"CP_1"}}`},
		{"no payload", echo, path, "", 200, `{"result":{"action":"Reset","payload":{},"station":"CP_1"}}`},
		{"odd station", echo, "/api/v1/stations/a%2Fb%20*%7C%40+:/commands/Reset", "", 200, `{"result":{"action":"Reset","payload":{},"station":"a/b *|@+:"}}`},
		{"nothing answered", answer(nil), path, "", 200, `{"result":null}`},
		{"payload at the limit", echo, path, `{"x":"` + strings.Repeat("x", web.MaxPayload-8) + `"}`, 200, ""},
		{"payload too large", echo, path, `{"x":"` + strings.Repeat("x", web.MaxPayload-7) + `"}`, 413, ""},
		{"not JSON", echo, path, "{", 400, `{"status":400,"title":"Bad request","detail":"invalid: the payload is not a JSON object"}`},
		{"two values", echo, path, "{}{}", 400, ""},
		{"an array", echo, path, "[]", 400, ""},
		{"bad action", echo, "/api/v1/stations/CP_1/commands/Re%20set", "", 400, `{"status":400,"title":"Bad request","detail":"action \"Re set\": invalid: want a name such as Reset"}`},
		{"endless action", echo, "/api/v1/stations/CP_1/commands/" + strings.Repeat("a", 65), "", 400, ""},
		{"offline", answer(fmt.Errorf("station CP_1 is offline: %w", hayalet.ErrNotFound)), path, "", 404, `{"status":404,"title":"Not found","detail":"station CP_1 is offline: not found"}`},
		{"unknown action", answer(fmt.Errorf("%w: no action Reset", hayalet.ErrInvalid)), path, "", 400, ""},
		{"timeout", answer(fmt.Errorf("wait for the answer: %w", context.DeadlineExceeded)), path, "", 504, `{"status":504,"title":"The station did not answer in time","detail":"wait for the answer: context deadline exceeded"}`},
		{"busy", answer(hayalet.ErrUnavailable), path, "", 503, ""},
		{
			"call error", answer(fmt.Errorf("send Reset: %w", callError{`{"a":[1]}`})), path, "", 502,
			`{"status":502,"title":"The station answered with an error","detail":"GenericError: no \u003cway\u003e","code":"GenericError","description":"no \u003cway\u003e","details":{"a":[1]}}`,
		},
		{"call error with broken details", answer(callError{`{"a"`}), path, "", 502, ""},
		{"broken result", func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage("{"), nil
		}, path, "", 500, ""},
		{"other error", answer(errors.New("secret path")), path, "", 500, `{"status":500,"title":"Internal error","detail":"the server's log says more"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &back{command: c.command}
			expect(t, do(web.New(b.config()), "POST", c.target, c.body), c.status, c.want)
			if strings.Contains(b.log.String(), "secret path") != (c.name == "other error") {
				t.Errorf("log: %s", &b.log)
			}
		})
	}
}

// TestCommandIsNoted: who sends what to whom is in the audit log before it is sent, without what may be secret; what
// cannot be noted is not sent.
func TestCommandIsNoted(t *testing.T) {
	sent := 0
	b := &back{command: func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) {
		sent++
		return json.RawMessage("{}"), nil
	}}
	var noted []hayalet.AuditEntry
	cfg := b.config()
	cfg.Audit = func(_ context.Context, e hayalet.AuditEntry) error {
		if len(noted) != sent {
			t.Error("noted after it was sent")
		}
		e.At = 0
		noted = append(noted, e)
		return b.err
	}
	const path, body = "/api/v1/stations/CP%201/commands/ChangeConfiguration", `{"key":"AuthorizationKey","value":"secret"}`
	expect(t, do(web.New(cfg), "POST", path, body), 200, `{"result":{}}`)
	cfg.Token = "t"
	expect(t, do(web.New(cfg), "POST", path, body, "Authorization", "Bearer t"), 200, `{"result":{}}`)
	expect(t, do(web.New(cfg), "POST", path, body), 401, "")
	b.err = errors.New("disk full")
	expect(t, do(web.New(cfg), "POST", path, body, "Authorization", "Bearer t"), 503, "")
	entry := hayalet.AuditEntry{Actor: "192.0.2.1", Action: "command", Subject: "CP 1", Detail: "ChangeConfiguration"}
	token := entry
	token.Actor += " (token)"
	if want := []hayalet.AuditEntry{entry, token, token}; !slices.Equal(noted, want) || sent != 2 {
		t.Errorf("noted %+v and sent %d, want %+v and 2", noted, sent, want)
	}
}

func TestHistory(t *testing.T) {
	b := &back{found: []hayalet.Incident{{Key: "abc"}}}
	h := web.New(b.config())
	if w := do(h, "GET", "/api/v1/incidents/ab/history", ""); w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"incidents":[{"key":"abc"`) || b.asked != "abc" {
		t.Errorf("answer %d %s, asked for %q, want the history of abc", w.Code, w.Body, b.asked)
	}
	b.found = nil
	expect(t, do(h, "GET", "/api/v1/incidents/ab/history", ""), 404, "")
}

func TestStations(t *testing.T) {
	b := &back{}
	h := web.New(b.config())
	expect(t, do(h, "GET", "/api/v1/stations", ""), 200, `{"stations":[]}`)
	reg := 12*hayalet.KilowattHour + 10*hayalet.WattHour
	b.stations = []web.StationView{{
		Station: hayalet.Station{ID: "CP_1", Vendor: "V", LastSeen: 1763925669000000}, Connected: true,
		ConnectedSince: 1763925659000000, RemoteAddr: "127.0.0.1:4711", Gaps: 2, Unseen: 1.5,
		Connectors: []web.ConnectorView{{Connector: 1, Status: "Available", TransactionState: "inactive", Register: &reg, RegisterMode: "lifetime", Notes: []string{"blind"}, OpenIncident: "k"}},
	}, {Station: hayalet.Station{ID: "CP_2"}}}
	expect(t, do(h, "GET", "/api/v1/stations", ""), 200, `{"stations":[`+
		`{"station":"CP_1","vendor":"V","model":"","serial":"","firmware":"","protocol":"","first_seen":null,`+
		`"last_seen":"2025-11-23T19:21:09Z","last_boot":null,"connected":true,"connected_since":"2025-11-23T19:20:59Z",`+
		`"remote_addr":"127.0.0.1:4711","gaps":2,"unseen_s":1.5,"connectors":[{"connector":1,"status":"Available","transaction_state":"inactive",`+
		`"transaction":null,"register_wh":12010,"register_mode":"lifetime","notes":["blind"],"open_incident":"k"}]},`+
		`{"station":"CP_2","vendor":"","model":"","serial":"","firmware":"","protocol":"","first_seen":null,"last_seen":null,`+
		`"last_boot":null,"connected":false,"connected_since":null,"remote_addr":"","gaps":0,"unseen_s":0,"connectors":[]}]}`)
	b.err = errors.New("secret path")
	expect(t, do(h, "GET", "/api/v1/stations", ""), 500, `{"status":500,"title":"Internal error","detail":"the server's log says more"}`)
}

func TestIncidentsQuery(t *testing.T) {
	for _, c := range []struct {
		query  string
		status int
		want   hayalet.IncidentFilter
	}{
		{"", 200, hayalet.IncidentFilter{Limit: web.DefaultIncidents}},
		{
			"?key=ab&station=CP%201&min_severity=high&open=true&limit=5", 200,
			hayalet.IncidentFilter{Key: "ab", Station: "CP 1", MinSeverity: hayalet.High, OpenOnly: true, Limit: 5},
		},
		{"?open=0", 200, hayalet.IncidentFilter{Limit: web.DefaultIncidents}},
		{"?limit=10000", 200, hayalet.IncidentFilter{Limit: web.MaxIncidents}},
		{query: "?limit=10001", status: 400},
		{query: "?limit=0", status: 400},
		{query: "?limit=-1", status: 400},
		{query: "?limit=x", status: 400},
		{query: "?open=maybe", status: 400},
		{query: "?min_severity=bad", status: 400},
		{query: "?severity=high", status: 400},
		{query: "?station=a&station=b", status: 400},
		{query: "?station=%zz", status: 400},
	} {
		t.Run(c.query, func(t *testing.T) {
			b := &back{}
			expect(t, do(web.New(b.config()), "GET", "/api/v1/incidents"+c.query, ""), c.status, "")
			if b.filter != c.want {
				t.Errorf("filter %+v, want %+v", b.filter, c.want)
			}
		})
	}
}

func TestIncidents(t *testing.T) {
	inc := hayalet.Incident{Key: "abc", Rev: 2, Rule: "PE-01", Station: "CP_1", Severity: hayalet.High, Evidence: []string{}}
	canonical, _ := json.Marshal(inc)
	b := &back{}
	h := web.New(b.config())
	expect(t, do(h, "GET", "/api/v1/incidents", ""), 200, `{"incidents":[]}`)
	expect(t, do(h, "GET", "/api/v1/incidents/abc", ""), 404, `{"status":404,"title":"Not found","detail":"incident \"abc\": not found"}`)
	b.found = []hayalet.Incident{inc}
	expect(t, do(h, "GET", "/api/v1/incidents", ""), 200, `{"incidents":[`+string(canonical)+`]}`)
	expect(t, do(h, "GET", "/api/v1/incidents/ab", ""), 200, string(canonical))
	b.found = []hayalet.Incident{inc, {Key: "abd"}}
	expect(t, do(h, "GET", "/api/v1/incidents/ab", ""), 400, "")
	b.err = errors.New("secret path")
	expect(t, do(h, "GET", "/api/v1/incidents", ""), 500, "")
	expect(t, do(h, "GET", "/api/v1/incidents/abc", ""), 500, `{"status":500,"title":"Internal error","detail":"the server's log says more"}`)
}

func TestNoRoute(t *testing.T) {
	h := web.New((&back{}).config())
	expect(t, do(h, "GET", "/nowhere", ""), 404, `{"status":404,"title":"Not Found","detail":"there is no GET /nowhere"}`)
	w := do(h, "DELETE", "/api/v1/stations", "")
	expect(t, w, 405, "")
	if allow := w.Header().Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestToken(t *testing.T) {
	cfg := (&back{}).config()
	cfg.Token, cfg.LoopbackOnly = "t0ken", true
	h := web.New(cfg)
	for _, c := range []struct {
		name, path, authorization string
		status                    int
	}{
		{"right", "/api/v1/stations", "Bearer t0ken", 200},
		{"scheme in lower case", "/api/v1/stations", "bearer t0ken", 200},
		{"none", "/api/v1/stations", "", 401},
		{"wrong", "/api/v1/stations", "Bearer t0kex", 401},
		{"empty", "/api/v1/stations", "Bearer ", 401},
		{"longer", "/api/v1/stations", "Bearer t0kent0ken", 401},
		{"other scheme", "/api/v1/stations", "Basic t0ken", 401},
		{"no route", "/nowhere", "", 401},
		{"almost a probe", "/healthz/../api/v1/stations", "", 401},
		{"health", "/healthz", "", 200},
		{"readiness", "/readyz", "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := do(h, "GET", c.path, "", "Authorization", c.authorization, "Host", "csms.example")
			expect(t, w, c.status, "")
			if (w.Header().Get("WWW-Authenticate") == "Bearer") != (c.status == 401) {
				t.Errorf("WWW-Authenticate: %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestLoopbackHost(t *testing.T) {
	cfg := (&back{}).config()
	open := web.New(cfg)
	cfg.LoopbackOnly = true
	h := web.New(cfg)
	for host, status := range map[string]int{
		"127.0.0.1:8080": 200, "127.0.0.1": 200, "127.9.9.9:1": 200, "localhost:8080": 200, "LOCALHOST": 200,
		"[::1]:8080": 200, "[::1]": 200, "[::ffff:127.0.0.1]:80": 200,
		"evil.example": 403, "evil.example:8080": 403, "127.0.0.1.evil.example:8080": 403, "localhost.evil.example": 403,
		"192.168.1.2:8080": 403, "[2001:db8::1]:80": 403, "": 403, "0.0.0.0": 403,
	} {
		t.Run(host, func(t *testing.T) {
			expect(t, do(h, "GET", "/api/v1/stations", "", "Host", host), status, "")
			expect(t, do(open, "GET", "/api/v1/stations", "", "Host", host), 200, "")
		})
	}
}

func TestForeignPages(t *testing.T) {
	commands := 0
	b := &back{command: func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) {
		commands++
		return json.RawMessage("{}"), nil
	}}
	h := web.New(b.config())
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"no browser", nil, 200},
		{"own page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"foreign page", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"sibling site", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"old browser, foreign page", []string{"Host", "127.0.0.1:8080", "Origin", "http://evil.example"}, 403},
		{"old browser, own page", []string{"Host", "127.0.0.1:8080", "Origin", "http://127.0.0.1:8080"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := commands
			expect(t, do(h, "POST", "/api/v1/stations/CP_1/commands/Reset", "", c.headers...), c.status, "")
			if sent := commands - before; (sent == 1) != (c.status == 200) {
				t.Errorf("%d commands sent", sent)
			}
		})
	}
}

func TestServerTimeouts(t *testing.T) {
	s := web.NewServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
	if s.WriteTimeout <= web.CommandTimeout {
		t.Errorf("write timeout %v leaves no room for a command of %v", s.WriteTimeout, web.CommandTimeout)
	}
}

// serve runs the interface on a socket and returns a client of it.
func serve(t *testing.T, cfg web.Config) *web.Client {
	t.Helper()
	srv := httptest.NewServer(web.New(cfg))
	t.Cleanup(srv.Close)
	return &web.Client{Base: srv.URL + "/", Token: cfg.Token}
}

// raw runs a handler that is not ours.
func raw(t *testing.T, h http.HandlerFunc) *web.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &web.Client{Base: srv.URL}
}
