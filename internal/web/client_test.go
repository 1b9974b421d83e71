package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/web"
)

func TestClientCommand(t *testing.T) {
	b := &back{}
	cfg := b.config()
	cfg.Token = "t0ken"
	c := serve(t, cfg)
	for _, station := range []hayalet.StationID{"CP_1", "a/b c*|@+:?#%", "..", ".", "şarj"} {
		b.command = func(st hayalet.StationID, action string, payload json.RawMessage) (json.RawMessage, error) {
			if st != station || action != "Reset" || string(payload) != `{"type":"Soft"}` {
				t.Errorf("command %q %q %s for station %q", st, action, payload, station)
			}
			return json.RawMessage(`{"status":"Accepted"}`), nil
		}
		got, err := c.Command(t.Context(), station, "Reset", json.RawMessage(`{"type":"Soft"}`))
		if err != nil || string(got) != `{"status":"Accepted"}` {
			t.Errorf("station %q: %s, %v", station, got, err)
		}
	}
}

func TestClientReady(t *testing.T) {
	cfg := (&back{}).config()
	cfg.Token = "t0ken"
	c := serve(t, cfg)
	c.Token = "" // probes need none
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	cfg.Ready = func(context.Context) error { return errors.New("the disk is full") }
	err := serve(t, cfg).Ready(t.Context())
	if p, ok := errors.AsType[*web.Problem](err); !ok || p.Status != http.StatusServiceUnavailable || p.Detail != "the disk is full" {
		t.Errorf("not ready: %v", err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"UP"}`) }))
	defer other.Close()
	if err := (&web.Client{Base: other.URL}).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "is no hayalet") {
		t.Errorf("another program: %v", err)
	}
}

func TestClientCommandErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"offline", fmt.Errorf("station CP_1 is offline: %w", hayalet.ErrNotFound), hayalet.ErrNotFound, "station CP_1 is offline: not found"},
		{"refused", hayalet.ErrInvalid, hayalet.ErrInvalid, "Bad request: invalid"},
		{"busy", hayalet.ErrUnavailable, hayalet.ErrUnavailable, "unavailable"},
		{"timeout", context.DeadlineExceeded, context.DeadlineExceeded, "The station did not answer in time: context deadline exceeded"},
		{"call error", callError{`{"a":1}`}, nil, "The station answered with an error: GenericError: no <way>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &back{command: func(hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) { return nil, c.err }}
			_, err := serve(t, b.config()).Command(t.Context(), "CP_1", "Reset", nil)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
			p, ok := errors.AsType[*web.Problem](err)
			if !ok || c.name == "call error" && (p.Code != "GenericError" || p.Description != "no <way>" || string(p.Details) != `{"a":1}`) {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

func TestClientReads(t *testing.T) {
	inc := hayalet.Incident{Key: "abc", Rev: 2, Station: "CP_1", Energy: 44_972, OpenedAt: 1763925669123456, Evidence: []string{"x"}}
	b := &back{found: []hayalet.Incident{inc}, stations: []web.StationView{{
		Station: hayalet.Station{ID: "CP_1", LastBoot: 1763925669123456}, Connected: true,
		Connectors: []web.ConnectorView{{Connector: 2, Transaction: hayalet.NumericTransaction(7)}},
	}}}
	c := serve(t, b.config())
	filter := hayalet.IncidentFilter{Key: "a", Station: "CP 1&", MinSeverity: hayalet.Low, OpenOnly: true, Limit: 7}
	incs, err := c.Incidents(t.Context(), filter)
	if err != nil || !reflect.DeepEqual(incs, b.found) || b.filter != filter {
		t.Errorf("incidents %+v, %v by filter %+v", incs, err, b.filter)
	}
	if _, err := c.Incidents(t.Context(), hayalet.IncidentFilter{}); err != nil || b.filter != (hayalet.IncidentFilter{Limit: web.DefaultIncidents}) {
		t.Errorf("no filter became %+v, %v", b.filter, err)
	}
	one, err := c.Incident(t.Context(), "a/b")
	if err != nil || !reflect.DeepEqual(one, inc) || b.filter.Key != "a/b" {
		t.Errorf("incident %+v, %v by filter %+v", one, err, b.filter)
	}
	views, err := c.Stations(t.Context())
	if err != nil || !reflect.DeepEqual(views, b.stations) {
		t.Errorf("stations %+v, %v, want %+v", views, err, b.stations)
	}
}

func TestClientWrongToken(t *testing.T) {
	cfg := (&back{}).config()
	cfg.Token = "t0ken"
	c := serve(t, cfg)
	c.Token = "other"
	_, err := c.Stations(t.Context())
	if want := "Unauthorized: the bearer token is missing or wrong"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestClientNoServer(t *testing.T) {
	c := serve(t, (&back{}).config())
	for name, base := range map[string]string{"nobody listens": "http://127.0.0.1:1", "no scheme": "127.0.0.1:8080", "not a URL": "http://a b"} {
		c.Base = base
		_, err := c.Stations(t.Context())
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), base) > 1 {
			t.Errorf("%s: error %v", name, err)
		}
		if name == "nobody listens" && !errors.Is(err, hayalet.ErrUnavailable) {
			t.Errorf("%s: error %v is not ErrUnavailable", name, err)
		}
	}
}

// TestClientGivesUp: a caller who waits no longer is not told that there is no server.
func TestClientGivesUp(t *testing.T) {
	left := make(chan struct{})
	c := raw(t, func(http.ResponseWriter, *http.Request) { <-left })
	t.Cleanup(func() { close(left) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := c.Command(ctx, "CP_1", "Reset", nil)
	want := "no answer from the server at " + c.Base + " in time: context deadline exceeded"
	if err == nil || err.Error() != want || errors.Is(err, hayalet.ErrUnavailable) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestClientForeignAnswers: what some other server answers is still one clear line, without control characters.
func TestClientForeignAnswers(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"a page", "text/html", "<h1>Hi</h1>", 200, "read the server's answer (is this address hayalet's?): invalid character '<' looking for beginning of value"},
		{"a page with an error", "text/html", "<h1>No</h1>", 404, "Not Found"},
		{"a redirect", "text/html", "", 302, "Found"},
		{"an odd status", "text/html", "", 599, "the server answered 599"},
		{"a broken problem", "application/problem+json", "{", 500, "Internal Server Error"},
		{"control characters", "application/problem+json", `{"title":"a\nb","detail":"\u001b[31mred\u0007\u0085 \u2028end"}`, 500, "a b: [31mred end"},
		{"a lie about the status", "application/problem+json", `{"title":"t","status":200}`, 500, "t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := raw(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := client.Stations(t.Context())
			if err == nil || err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
		})
	}
}
