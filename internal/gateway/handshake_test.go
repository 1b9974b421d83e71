package gateway_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/gateway"
)

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

type statusError struct{ error }

func (statusError) HTTPStatus() int { return http.StatusForbidden }

func TestHandshakeAccepts(t *testing.T) {
	s := startTCP(t, gateway.Config{
		PathPrefixes: []string{"/", "/ocpp", "/a/b/"},
		Protocols:    []hayalet.Protocol{"ocpp2.0.1", hayalet.OCPP16},
	})
	for _, tt := range []struct {
		name, path, offer string
		station           hayalet.StationID
		protocol          hayalet.Protocol
	}{
		{"plain", "/CP_1", "ocpp1.6", "CP_1", "ocpp1.6"},
		{"prefix", "/ocpp/CP_2", "ocpp1.6", "CP_2", "ocpp1.6"},
		{"long prefix", "/a/b/CP_3", "ocpp1.6", "CP_3", "ocpp1.6"},
		{"query", "/CP_4?token=1", "ocpp1.6", "CP_4", "ocpp1.6"},
		{"encoded", "/DE*ABC%20E1%7C2%3A@%2B", "ocpp1.6", "DE*ABC E1|2:@+", "ocpp1.6"},
		{"letters", "/%C5%9Farj", "ocpp1.6", "şarj", "ocpp1.6"},
		{"255 bytes", "/" + strings.Repeat("x", 255), "ocpp1.6", hayalet.StationID(strings.Repeat("x", 255)), "ocpp1.6"},
		{"the station prefers 1.6", "/CP_5", "ocpp1.6, ocpp2.0.1", "CP_5", "ocpp1.6"},
		{"the station prefers 2.0.1", "/CP_6", "ocpp9, ocpp2.0.1, ocpp1.6", "CP_6", "ocpp2.0.1"},
		{"two headers", "/CP_7", "ocpp9\r\nsec-websocket-protocol: ocpp1.6", "CP_7", "ocpp1.6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opened, _ := s.echo.counts()
			st, resp := s.request(t, tt.path, "Sec-WebSocket-Protocol: "+tt.offer)
			defer st.close()
			if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Protocol") != string(tt.protocol) {
				t.Fatalf("got %s, protocol %q", resp.Status, resp.Header.Get("Sec-WebSocket-Protocol"))
			}
			if got := resp.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Errorf("accept %q", got)
			}
			link := s.echo.link(opened)
			if link.Station() != tt.station || link.Protocol() != tt.protocol {
				t.Errorf("got %q %q", link.Station(), link.Protocol())
			}
		})
	}
}

func TestHandshakeRefuses(t *testing.T) {
	keys := map[hayalet.StationID]string{"CP_1": "secret", "a:b": "c:d"}
	s := startTCP(t, gateway.Config{Auth: gateway.StaticKeys(keys), MaxAuthFailures: 1000})
	good := basic("CP_1", "secret")
	for _, tt := range []struct {
		name, path string
		headers    []string
		status     int
		body       string
	}{
		{"no id", "/", []string{offer16, good}, 404, "without a station id"},
		{"unknown prefix", "/other/CP_1", []string{offer16, good}, 404, "last element"},
		{"relative path", "CP_1", []string{offer16, good}, 404, "no stations"},
		{"id too long", "/" + strings.Repeat("x", 256), []string{offer16, good}, 404, "longer"},
		{"encoded slash", "/CP%2F1", []string{offer16, good}, 404, "last element"},
		{"control character", "/CP%0A1", []string{offer16, good}, 404, "printed"},
		{"not UTF-8", "/CP%FF", []string{offer16, good}, 404, "printed"},
		{"broken encoding", "/CP%zz", []string{offer16, good}, 404, "percent"},
		{"no credentials", "/CP_1", []string{offer16}, 401, "authentication failed"},
		{"wrong key", "/CP_1", []string{offer16, basic("CP_1", "Secret")}, 401, "authentication failed"},
		{"empty key", "/CP_1", []string{offer16, basic("CP_1", "")}, 401, "authentication failed"},
		{"another station's user", "/CP_1", []string{offer16, basic("CP_2", "secret")}, 401, "authentication failed"},
		{"unknown station", "/CP_2", []string{offer16, basic("CP_2", "secret")}, 401, "authentication failed"},
		{"other scheme", "/CP_1", []string{offer16, "Authorization: Bearer secret"}, 401, "authentication failed"},
		{"bad base64", "/CP_1", []string{offer16, "Authorization: Basic !!"}, 401, "authentication failed"},
		{"no subprotocol", "/CP_1", []string{good}, 400, "ocpp1.6"},
		{"none in common", "/CP_1", []string{good, "Sec-WebSocket-Protocol: ocpp2.1, mqtt"}, 400, "ocpp1.6"},
		{"header too large", "/CP_1", []string{offer16, good, "X: " + strings.Repeat("x", 8<<10)}, 431, "too large"},
		{"old WebSocket", "/CP_1", []string{offer16, good, "Sec-WebSocket-Version: 8"}, 426, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, resp := s.request(t, tt.path, tt.headers...)
			defer st.close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
				t.Errorf("got %s %q, want %d with %q", resp.Status, body, tt.status, tt.body)
			}
			if strings.Count(strings.TrimSuffix(string(body), "\n"), "\n") > 0 {
				t.Errorf("more than one line: %q", body)
			}
			if (resp.StatusCode == 401) != (resp.Header.Get("WWW-Authenticate") != "") {
				t.Error("WWW-Authenticate belongs to 401 alone")
			}
			st.wantEOF()
		})
	}
	if frames := s.sink.all(); len(frames) != 0 {
		t.Errorf("a refused station was tapped: %v", frames)
	}
	s.connect(t, "/CP_1", good).close()
	s.connect(t, "/a:b", basic("a:b", "c:d")).close()
	if strings.Contains(s.logs.String(), "ecret") {
		t.Error("a key is in the log")
	}
}

func TestAnswererRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"with a status", statusError{errors.New("not your station")}, 403, "not your station\n"},
		{"without", errors.New("dial tcp 10.0.0.1: refused"), 503, "this station cannot be served now\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startTCP(t, gateway.Config{})
			s.echo.refuse = tt.err
			st, resp := s.request(t, "/CP_1", offer16)
			defer st.close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("got %s %q", resp.Status, body)
			}
		})
	}
}

func TestAuthFailuresAreLimited(t *testing.T) {
	s := startTCP(t, gateway.Config{
		Auth: gateway.StaticKeys(map[hayalet.StationID]string{"CP_1": "secret"}), MaxAuthFailures: 3,
	})
	for i := range 5 {
		st, resp := s.request(t, "/CP_1", offer16, basic("CP_1", "guess"))
		st.close()
		if want := []int{401, 401, 401, 429, 429}[i]; resp.StatusCode != want {
			t.Errorf("attempt %d: got %s, want %d", i+1, resp.Status, want)
		}
	}
	st, resp := s.request(t, "/CP_1", offer16, basic("CP_1", "secret"))
	st.close()
	if resp.StatusCode != 429 {
		t.Errorf("the right key within the window: got %s, want 429", resp.Status)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]gateway.Config{
		"message limit":     {MaxMessage: gateway.LimitMaxMessage + 1},
		"negative limit":    {MaxConns: -1},
		"negative time-out": {PingInterval: -1},
		"prefix":            {PathPrefixes: []string{"ocpp/"}},
		"duplicate longer":  {HandshakeTimeout: 5, DuplicateTimeout: 5},
	} {
		if _, err := gateway.New(nil, cfg, nil, nil, nil); !errors.Is(err, hayalet.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// An id that is accepted is what the path says, and never one that could be mistaken for two path elements.
func FuzzStationIDFromPath(f *testing.F) {
	for _, path := range []string{"/CP_1", "/ocpp/CP_1", "/ocpp/", "/%2F", "/a%20b", "/%00", "//", "/x?y", "", "/%C5%9F"} {
		f.Add(path)
	}
	prefixes := []string{"/", "/ocpp/"}
	f.Fuzz(func(t *testing.T, path string) {
		id, err := gateway.StationIDFromPath(path, prefixes)
		if err != nil {
			if id != "" {
				t.Fatalf("%q: id %q beside %v", path, id, err)
			}
			return
		}
		if id == "" || len(id) > 255 || strings.ContainsAny(string(id), "/\x00\n\r\x7f") {
			t.Fatalf("%q: id %q", path, id)
		}
		encoded := "/" + strings.ReplaceAll(strings.ReplaceAll(string(id), "%", "%25"), "?", "%3F")
		if again, err := gateway.StationIDFromPath(encoded, prefixes); err != nil || again != id {
			t.Fatalf("%q: %q came back as %q, %v", path, id, again, err)
		}
	})
}
