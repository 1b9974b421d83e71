package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/session"
)

// tale feeds a relay's tap as its gateway would.
type tale struct {
	t   *testing.T
	s   *server
	seq uint64
}

func (l *tale) say(dir hayalet.Direction, kind hayalet.FrameKind, format string, args ...any) {
	l.t.Helper()
	l.seq++
	f := hayalet.Frame{
		Station: "CP_1", Conn: "c", Seq: l.seq, At: hayalet.InstantOf(time.Now()), Dir: dir, Kind: kind, Protocol: hayalet.OCPP16,
		Data: fmt.Appendf(nil, format, args...),
	}
	if err := l.s.tap.PutFrames(l.t.Context(), []hayalet.Frame{f}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tale) session(id string, from, to int) {
	l.say(hayalet.In, hayalet.Message, `[2,"a%s","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":%d,"timestamp":%q}]`, id, from, stamp())
	l.say(hayalet.Out, hayalet.Message, `[3,"a%s",{"transactionId":%s,"idTagInfo":{"status":"Accepted"}}]`, id, id)
	l.say(hayalet.In, hayalet.Message, `[2,"b%s","StopTransaction",{"transactionId":%s,"meterStop":%d,"timestamp":%q}]`, id, id, to, stamp())
	l.say(hayalet.Out, hayalet.Message, `[3,"b%s",{}]`, id)
}

func (l *tale) meter(id string, value int) {
	l.say(hayalet.In, hayalet.Message, `[2,%q,"MeterValues",{"connectorId":1,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"%d"}]}]}]`, id, stamp(), value)
}

func stamp() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

func (l *tale) state() session.TxState {
	l.t.Helper()
	states, err := l.s.engine.Stations(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	if len(states) == 0 || len(states[0].Connectors) == 0 {
		return session.Unknown
	}
	return states[0].Connectors[0].State
}

// stall is a listener at which the detector stands still once it is armed.
type stall struct {
	armed   atomic.Bool
	reached chan struct{}
	open    chan struct{}
}

func (s *stall) Judged(hayalet.Verdict)   {}
func (s *stall) Changed(hayalet.Incident) {}

func (s *stall) Observed(session.View) {
	if s.armed.CompareAndSwap(true, false) {
		close(s.reached)
		<-s.open
	}
}

// TestBlindSpan: while detection stands still the traffic goes on; afterwards the connector's state is unknown, not
// clean, until a fact settles it.
func TestBlindSpan(t *testing.T) {
	cfg := defaultConfig()
	cfg.Listen, cfg.HTTP, cfg.DB = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "a.db")
	cfg.Relay.Upstreams, cfg.Relay.Buffer = []string{"ws://127.0.0.1:1"}, 16<<10
	g := &stall{reached: make(chan struct{}), open: make(chan struct{})}
	s, err := (&app{text: lang.New(lang.EN)}).newRelay(t.Context(), cfg, slog.New(slog.DiscardHandler), g)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	l := &tale{t: t, s: s}
	l.say(hayalet.In, hayalet.ConnOpen, "")
	l.session("1", 1000, 2000)
	wait(t, "the stop is known", func() bool { return l.state() == session.Inactive })
	g.armed.Store(true)
	l.meter("m", 2000)
	<-g.reached
	wait(t, "frames are lost", func() bool {
		for range 1000 {
			l.say(hayalet.In, hayalet.Message, `[2,"h","Heartbeat",{}]`)
		}
		return s.tap.Stats().Dropped > 0
	})
	l.session("2", 2500, 3000) // nobody sees this
	close(g.open)
	wait(t, "the blind span is told", func() bool { st := s.tap.Stats(); return st.Gaps > 0 && l.state() == session.Unknown })
	l.session("3", 3000, 4000)
	if views, err := s.stationViews(t.Context()); err != nil || len(views) != 1 || views[0].Gaps == 0 {
		t.Errorf("the station's gaps are not shown: %+v %v", views, err)
	}
	wait(t, "the state is known again", func() bool { return l.state() == session.Inactive })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// TestUpstreamCA: a central system whose certificate is of a CA of its own is relayed to with --upstream-ca, and only so.
func TestUpstreamCA(t *testing.T) {
	csms := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, append([]byte("answer to "), data...)) != nil {
				return
			}
		}
	}))
	csms.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	csms.StartTLS()
	defer csms.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: csms.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"with its CA": ca, "without": ""} {
		t.Run(name, func(t *testing.T) {
			cfg := defaultConfig()
			cfg.Listen, cfg.HTTP, cfg.DB = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "a.db")
			cfg.Relay.Upstreams, cfg.Relay.CA = []string{"wss" + strings.TrimPrefix(csms.URL, "https")}, file
			s, err := (&app{text: lang.New(lang.EN)}).newRelay(t.Context(), cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.run(ctx) }()
			defer func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			station, resp, err := websocket.Dial(t.Context(), "ws://"+s.gateway.Addr().String()+"/CP_1", nil)
			if file == "" {
				if err == nil || resp == nil || resp.StatusCode != http.StatusBadGateway {
					t.Errorf("an unknown certificate was taken: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = station.CloseNow() }()
			if err := station.Write(t.Context(), websocket.MessageText, []byte("call")); err != nil {
				t.Fatal(err)
			}
			if _, data, err := station.Read(t.Context()); err != nil || string(data) != "answer to call" {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}
