package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"hayalet"
	"hayalet/internal/sim"
)

const stationURL = "ws://central.test/ocpp/CP_1"

func shipped(t *testing.T, name string) *sim.Scenario {
	t.Helper()
	s, err := sim.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// play runs a scenario against the central system in false time and waits for both to end.
func play(ctx context.Context, t *testing.T, s *central, o sim.Options) (sim.Result, *log, error) {
	t.Helper()
	l := &log{}
	o.Listener, o.Dial = l, s.dial
	if o.URL == "" {
		o.URL = stationURL
	}
	if o.Protocol == "" {
		o.Protocol = hayalet.Protocol(s.protocol)
	}
	res, err := sim.Play(ctx, o)
	s.wg.Wait()
	return res, l, err
}

func TestSeedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCentral(t)
		begun := time.Now()
		res, l, err := play(t.Context(), t, s, sim.Options{Scenario: shipped(t, "s1-phantom-current")})
		if err != nil {
			t.Fatal(err)
		}
		const meter = `"MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"@","sampledValue":[{"value":"#","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","unit":"kWh"}]}]}]`
		want := []struct {
			second float64
			text   string
		}{
			{0, `"BootNotification",{"chargePointModel":"PhantomSim-01","chargePointVendor":"SimulatedAttacker"}]`},
			{0, `"StartTransaction",{"connectorId":1,"idTag":"User123","meterStart":10,"timestamp":"@"}]`},
			{1, strings.Replace(meter, "#", "10.0", 1)},
			{2, strings.Replace(meter, "#", "10.5", 1)},
			{3, strings.Replace(meter, "#", "11.0", 1)},
			{3, `"StopTransaction",{"meterStop":12,"timestamp":"@","transactionId":7}]`},
			{5, strings.Replace(meter, "#", "12.01", 1)},
			{7, strings.Replace(meter, "#", "12.02", 1)},
			{9, strings.Replace(meter, "#", "12.03", 1)},
			{11, strings.Replace(meter, "#", "12.04", 1)},
			{13, strings.Replace(meter, "#", "12.05", 1)},
		}
		if len(s.calls) != len(want) {
			t.Fatalf("calls: %v", s.actions())
		}
		for i, w := range want {
			c := s.calls[i]
			stamp := c.at.UTC().Format("2006-01-02T15:04:05.000Z")
			if text := `[2,"` + c.id + `",` + strings.Replace(w.text, "@", stamp, 1); c.text != text {
				t.Errorf("call %d:\n got %s\nwant %s", i, c.text, text)
			}
			if got := c.at.Sub(begun).Seconds(); got != w.second {
				t.Errorf("call %d at %v s, want %v", i, got, w.second)
			}
		}
		checkSeedTruth(t, res, s)
		checkSeedNotes(t, l, begun)
	})
}

func checkSeedTruth(t *testing.T, res sim.Result, s *central) {
	t.Helper()
	if res.PhantomEnergy != 50*hayalet.WattHour || res.Readings != 8 || !res.Complete || res.Connector != 1 || len(res.Phantom) != 5 {
		t.Errorf("truth: %+v", res)
	}
	var values []string
	for i, p := range res.Phantom {
		values = append(values, p.Value+" "+p.Unit)
		c := s.calls[6+i]
		if p.MessageID != c.id || p.Index != 4+i || p.SentAt != hayalet.InstantOf(c.at) || p.ClaimedAt != hayalet.InstantOf(c.stamp(t)) {
			t.Errorf("phantom reading %d: %+v", i, p)
		}
	}
	if want := []string{"12.01 kWh", "12.02 kWh", "12.03 kWh", "12.04 kWh", "12.05 kWh"}; !slices.Equal(values, want) {
		t.Errorf("phantom values %v", values)
	}
	var out bytes.Buffer
	var back sim.Result
	if err := errors.Join(res.Write(&out), json.Unmarshal(out.Bytes(), &back)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"phantom_energy_wh": 50,`) || back.Phantom[4] != res.Phantom[4] {
		t.Errorf("truth as JSON: %s", &out)
	}
}

func checkSeedNotes(t *testing.T, l *log, begun time.Time) {
	t.Helper()
	want := []sim.NoteKind{
		sim.NoteConnected, sim.NoteBootAccepted, sim.NoteChargingStarts, sim.NoteMetering, sim.NoteMetering, sim.NoteMetering,
		sim.NoteStopping, sim.NoteStopped, sim.NoteAttackBegins, sim.NotePhantom, sim.NotePhantom, sim.NotePhantom,
		sim.NotePhantom, sim.NotePhantom, sim.NoteFinished,
	}
	var got []sim.NoteKind
	for i, n := range l.notes {
		got = append(got, n.Kind)
		if n.Kind == sim.NoteAttackBegins && l.noteAt[i].Sub(begun) != 3*time.Second {
			t.Errorf("the attack begins at %v", l.noteAt[i].Sub(begun))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("notes %v, want %v", got, want)
	}
	if len(l.lines) != 22 || !strings.HasPrefix(l.lines[0], `send [2,`) || !strings.HasPrefix(l.lines[1], `receive [3,`) {
		t.Errorf("lines: %q", l.lines)
	}
}

func TestStampsShowScenarioTime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		speed float64
		gap   time.Duration // between two phantom stamps, two seconds of scenario apart
		wall  time.Duration
	}{
		{"as written", 1, 2 * time.Second, 13 * time.Second},
		{"ten times faster", 10, 2 * time.Second, 1300 * time.Millisecond},
		{"a hundred times faster", 100, 2 * time.Second, 130 * time.Millisecond},
		{"half as fast", 0.5, 2 * time.Second, 26 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCentral(t)
				begun := time.Now()
				_, _, err := play(t.Context(), t, s, sim.Options{Scenario: shipped(t, "s1-phantom-current"), Speed: tt.speed})
				if err != nil {
					t.Fatal(err)
				}
				if got := time.Since(begun); got != tt.wall {
					t.Errorf("took %v, want %v", got, tt.wall)
				}
				meters := s.of("MeterValues")
				for i, c := range meters {
					if c.stamp(t).After(c.at) {
						t.Errorf("reading %d claims %v, which is after %v", i, c.stamp(t), c.at)
					}
					if i > 3 && c.stamp(t).Sub(meters[i-1].stamp(t)) != tt.gap {
						t.Errorf("reading %d comes %v after the one before", i, c.stamp(t).Sub(meters[i-1].stamp(t)))
					}
				}
				if last := meters[len(meters)-1]; tt.speed >= 1 && last.at.Sub(last.stamp(t)) >= time.Millisecond {
					t.Errorf("the last reading claims %v at %v", last.stamp(t), last.at)
				}
			})
		})
	}
}

func TestShippedScenariosAsSent(t *testing.T) {
	for _, name := range sim.Names() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, sc := newCentral(t), shipped(t, name)
				res, _, err := play(t.Context(), t, s, sim.Options{Scenario: sc, Speed: 60})
				if err != nil {
					t.Fatal(err)
				}
				if res.PhantomEnergy != sc.Truth.Energy || (len(res.Phantom) > 0) != sc.Truth.Phantom || res.CallErrors+res.Timeouts+res.Unexpected != 0 {
					t.Errorf("sent %+v, the scenario says %+v", res, sc.Truth)
				}
				if name == "s1-stale-id" {
					last := s.calls[len(s.calls)-1]
					if last.payload["transactionId"] != 7.0 {
						t.Errorf("no stale id in %s", last.text)
					}
				}
			})
		})
	}
}

func TestAnswersThatFail(t *testing.T) {
	const steps = `
steps:
  - boot: {}
  - start: {meter_start: 100}
  - meter: {value: 100}
  - stop: {meter_stop: 100}
`
	for _, tt := range []struct {
		name             string
		start            string // the answer to StartTransaction
		stopID           float64
		errors, timeouts int
		took             time.Duration
	}{
		{"error", `4,"InternalError","no",{}`, -1, 1, 0, 0},
		{"silence", ``, -1, 0, 1, 10 * time.Second},
		{"nonsense", `3,[1]`, -1, 1, 0, 0},
		{"no id", `3,{"idTagInfo":{"status":"Accepted"}}`, -1, 0, 0, 0},
		{"id zero", `3,{"transactionId":0,"idTagInfo":{"status":"Blocked"}}`, 0, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCentral(t)
				s.answer = func(c call, _ int) string {
					if c.action == "StartTransaction" {
						return tt.start
					}
					return standard(c)
				}
				begun := time.Now()
				res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, steps)})
				if err != nil {
					t.Fatal(err)
				}
				if res.CallErrors != tt.errors || res.Timeouts != tt.timeouts || time.Since(begun) != tt.took {
					t.Errorf("%+v after %v", res, time.Since(begun))
				}
				if id := s.of("StopTransaction")[0].payload["transactionId"]; id != tt.stopID {
					t.Errorf("stop of %v, want %v", id, tt.stopID)
				}
			})
		})
	}
}

func TestBoot(t *testing.T) {
	steps := "steps: [{boot: {}}, {wait: 1s}, {heartbeat: {}}]\n"
	t.Run("accepted at last", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newCentral(t)
			s.answer = func(c call, n int) string {
				if c.action == "BootNotification" && n < 3 {
					return `3,{"status":"Pending","interval":4}`
				}
				return standard(c)
			}
			begun := time.Now()
			if _, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, steps)}); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(begun); got != 9*time.Second {
				t.Errorf("took %v, want twice 4 s and the script's second", got)
			}
		})
	})
	t.Run("never accepted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newCentral(t)
			s.answer = func(call, int) string { return `3,{"status":"Rejected","interval":1000000}` }
			res, l, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, steps)})
			if !errors.Is(err, hayalet.ErrUnavailable) || res.Complete || !l.has(sim.NoteBootRefused) {
				t.Errorf("%v, %+v", err, res)
			}
			if n := len(s.of("Heartbeat")); n != 0 {
				t.Errorf("%d heartbeats of a station that was not accepted", n)
			}
		})
	})
}

func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCentral(t)
		res, l, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, `
steps:
  - boot: {}
  - start: {meter_start: 100}
  - disconnect: {for: 5s}
  - meter: {value: 110}
  - disconnect: {}
  - wait: 1s
  - heartbeat: {}
  - stop: {meter_stop: 120}
  - wait: 1s
  - start: {meter_start: 120}
  - meter: {value: 121}
  - wait: 1s
  - reconnect: {}
  - stop: {meter_stop: 125}
`)})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"BootNotification", "StartTransaction", "MeterValues", "StopTransaction", "StartTransaction", "MeterValues", "StopTransaction"}
		if got := s.actions(); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		if s.opened != 3 || !l.has(sim.NoteQueued) || !l.has(sim.NoteSkipped) || len(res.Transactions) != 2 {
			t.Errorf("%d connections, %+v", s.opened, res)
		}
		queued := s.calls[3]
		if late := queued.at.Sub(queued.stamp(t)); late != 2*time.Second {
			t.Errorf("the queued stop is stamped %v before it is sent", late)
		}
		if id := s.calls[5].payload["transactionId"]; id != 7.0 {
			t.Errorf("the queued value names transaction %v, want the one that the queued start got", id)
		}
	})
}

func TestConnectionLost(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s *central, conn net.Conn)
	}{
		{"cut", func(_ *central, conn net.Conn) { _ = conn.Close() }},
		{"closed", func(s *central, conn net.Conn) {
			s.frame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, "bye")))
		}},
		{"too long", func(_ *central, conn net.Conn) {
			_ = ws.WriteHeader(conn, ws.Header{Fin: true, OpCode: ws.OpText, Length: 1 << 40})
		}},
		{"masked by the server", func(s *central, conn net.Conn) { s.frame(conn, ws.MaskFrame(ws.NewTextFrame([]byte("[]")))) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCentral(t)
				s.answer = func(c call, _ int) string {
					if c.action == "Heartbeat" {
						return ""
					}
					return standard(c)
				}
				s.onCall = func(conn net.Conn, c call) {
					if c.action == "Heartbeat" {
						tt.end(s, conn)
					}
				}
				res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, "steps: [{boot: {}}, {heartbeat: {}}, {wait: 1h}]\n")})
				if err == nil || !strings.Contains(err.Error(), "lost") || res.Complete {
					t.Errorf("%v, %+v", err, res)
				}
				if tt.name == "closed" && !errors.Is(err, io.EOF) {
					t.Errorf("%v is not the end of the connection", err)
				}
			})
		})
	}
}

func TestEndOfContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		res, _, err := play(ctx, t, newCentral(t), sim.Options{Scenario: shipped(t, "s1-phantom-current")})
		if !errors.Is(err, context.DeadlineExceeded) || res.Complete || len(res.Phantom) != 0 {
			t.Errorf("in the script: %v, %+v", err, res)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		s := newCentral(t)
		res, _, err = play(ctx, t, s, sim.Options{Scenario: shipped(t, "s1-phantom-current"), Stay: -1})
		if err != nil || !res.Complete || len(s.of("Heartbeat")) != 4 {
			t.Errorf("in the stay: %v, %+v, %d heartbeats", err, res, len(s.of("Heartbeat")))
		}
	})
}

func TestHandshake(t *testing.T) {
	script := "steps: [{heartbeat: {}}]\n"
	for _, tt := range []struct {
		name, url, key, auth, path string
		station                    hayalet.StationID
	}{
		{"no key", "ws://central.test/CP_1", "", "", "/CP_1", "CP_1"},
		{"key", "ws://central.test/a/b/CP_1", "s3cret", basic("CP_1", "s3cret"), "/a/b/CP_1", "CP_1"},
		{"user information wins", "ws://u:p%40@central.test/CP_1", "other", basic("u", "p@"), "/CP_1", "CP_1"},
		{"escaped identity", "ws://central.test/ocpp/CP%20%2F1", "k", basic("CP /1", "k"), "/ocpp/CP%20%2F1", "CP /1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCentral(t)
				res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, script), URL: tt.url, Key: tt.key})
				if err != nil || s.auth != tt.auth || s.path != tt.path || res.Station != tt.station {
					t.Errorf("%v: %q %q %q", err, s.auth, s.path, res.Station)
				}
			})
		})
	}
	for _, bad := range []string{"", "http://central.test/CP_1", "ws://central.test", "ws://central.test/", "ws:///CP_1", "ws://u:hunter2@central.test", "ws://u:hunter2@%zz/CP_1"} {
		_, err := sim.Play(t.Context(), sim.Options{Scenario: parse(t, script), URL: bad})
		if !errors.Is(err, hayalet.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, speed := range []float64{-1, 1e9} {
		if _, err := sim.Play(t.Context(), sim.Options{Scenario: parse(t, script), URL: stationURL, Speed: speed}); !errors.Is(err, hayalet.ErrInvalid) {
			t.Errorf("speed %v: %v", speed, err)
		}
	}
}

func TestServerWithoutSubprotocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCentral(t)
		s.protocol = ""
		_, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, "steps: [{heartbeat: {}}]\n")})
		if err == nil || !strings.Contains(err.Error(), "ocpp1.6") || len(s.calls) != 0 {
			t.Errorf("%v, %v", err, s.actions())
		}
	})
}

func TestRaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCentral(t)
		res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, `
steps:
  - raw: '[2,"x1","Heartbeat",{}]'
  - raw: '[2,"broken'
  - meter: {value: 12.50, measurand: Voltage, unit: V, connector: 0, shift: -1h}
  - data_transfer: {vendor_id: com.example, data: "<&>"}
`)})
		if err != nil {
			t.Fatal(err)
		}
		if s.calls[0].text != `[2,"x1","Heartbeat",{}]` || !slices.Contains(s.answers, `[2,"broken`) || res.Calls != 3 {
			t.Errorf("%v %v %+v", s.calls, s.answers, res)
		}
		meter := s.of("MeterValues")[0]
		if meter.value() != "12.50" || meter.at.Sub(meter.stamp(t)) != time.Hour {
			t.Errorf("%s", meter.text)
		}
	})
}

func TestOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := newCentral(t)
	s.wg.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		s.serve(conn)
	})
	res, err := sim.Play(t.Context(), sim.Options{Scenario: shipped(t, "normal"), URL: "ws://" + listener.Addr().String() + "/CP_2", Speed: 200})
	s.wg.Wait()
	if err != nil || res.Readings != 9 || len(res.Phantom) != 0 || res.PhantomEnergy != 0 {
		t.Errorf("%v, %+v", err, res)
	}
	_ = listener.Close()
	if _, err := sim.Play(t.Context(), sim.Options{Scenario: shipped(t, "normal"), URL: "ws://" + listener.Addr().String() + "/CP_2"}); err == nil {
		t.Error("played to a port where nobody listens")
	}
}
