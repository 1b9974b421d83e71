package foreign_test

import (
	"fmt"
	"testing"
)

const (
	goExample16  = "OCPP_GO_EXAMPLE"
	goExample201 = "OCPP_GO_EXAMPLE_201"
)

// visitor is a charge point that tells its stages and charges when it is told.
type visitor struct {
	station string
	phantom bool // its register grows after the stop
	node    bool
	orders  orders
	command func(b bins, url, id string) []string
}

func visitors() []visitor {
	ocppgo := func(flags ...string) func(b bins, url, id string) []string {
		return func(b bins, url, id string) []string {
			return append([]string{b.path("ocppgo"), "-url", url, "-id", id}, flags...)
		}
	}
	rpc := func(flags ...string) func(b bins, url, id string) []string {
		return func(_ bins, url, id string) []string {
			return append(script("station.mjs", url, id), flags...)
		}
	}
	return []visitor{
		{"OCPP_GO", false, false, orders16, ocppgo()},
		{"OCPP_GO_201", false, false, orders2, ocppgo("-protocol", "ocpp2.0.1")},
		{"OCPP_GO_201_PHANTOM", true, false, orders2, ocppgo("-protocol", "ocpp2.0.1", "-phantom")},
		{"OCPP_RPC", false, true, orders16, rpc()},
		{"OCPP_RPC_PHANTOM", true, true, orders16, rpc("--phantom")},
		{"OCPP_RPC_201", false, true, orders2, rpc("--protocol", "ocpp2.0.1")},
		{"OCPP_RPC_201_PHANTOM", true, true, orders2, rpc("--protocol", "ocpp2.0.1", "--phantom")},
		{"OCPP_RPC_21", false, true, orders2, rpc("--protocol", "ocpp2.1", "--send")},
		{"OCPP_RPC_21_PHANTOM", true, true, orders2, rpc("--protocol", "ocpp2.1", "--phantom")},
	}
}

// servePeers: every message of every peer gets an answer that its own library accepts, commands reach them, and of all
// of them only those whose register grows after the stop raise an incident, each its own.
func servePeers(t *testing.T, b bins) {
	s := startServer(t, b, "serve")
	var want []incident
	stations, sessions16 := []string{goExample16, goExample201}, 1
	t.Run("peers", func(t *testing.T) {
		for _, v := range visitors() {
			t.Run(v.station, func(t *testing.T) {
				t.Parallel()
				if v.node {
					b.needNode(t)
				}
				v.visit(t, s)
			})
			if v.node && b.node != nil {
				continue
			}
			stations = append(stations, v.station)
			if v.orders == orders16 {
				sessions16++
			}
			if v.phantom {
				want = append(want, phantomOf(v.station))
			}
		}
		t.Run(goExample16, func(t *testing.T) {
			t.Parallel()
			visitExample16(t, s)
		})
		t.Run(goExample201, func(t *testing.T) {
			t.Parallel()
			visitExample201(t, s)
		})
	})
	if t.Failed() {
		return
	}
	s.awaitIncidents(t, want)
	s.stop(t)
	checkIncidents(t, "analyze of the recording", s.analyze(t), want)
	checkAnswers(t, s.record, stations, nil)
	if b.node == nil {
		s.checkTrace(t, sessions16)
	}
}

// orders are the commands of a version that the visit is made of.
type orders struct {
	ask, start, stop, reset call
}

type call struct {
	action, payload string
	want            string // in the answer
}

var (
	orders16 = orders{
		ask:   call{"GetConfiguration", `{"key":["NumberOfConnectors","Nonsense"]}`, `"unknownKey":["Nonsense"]`},
		start: call{"RemoteStartTransaction", `{"connectorId":1,"idTag":"FOREIGN"}`, `"Accepted"`},
		stop:  call{"RemoteStopTransaction", `{"transactionId":%s}`, `"Accepted"`},
		reset: call{"Reset", `{"type":"Soft"}`, `"Accepted"`},
	}
	orders2 = orders{
		ask:   call{"GetVariables", `{"getVariableData":[{"component":{"name":"EVSE"},"variable":{"name":"Nonsense"}}]}`, `"UnknownComponent"`},
		start: call{"RequestStartTransaction", `{"evseId":1,"remoteStartId":1,"idToken":{"idToken":"FOREIGN","type":"Central"}}`, `"Accepted"`},
		stop:  call{"RequestStopTransaction", `{"transactionId":%s}`, `"Accepted"`},
		reset: call{"Reset", `{"type":"OnIdle"}`, `"Accepted"`},
	}
)

// visit plays the central system's part of a session with a peer that reports its stages.
func (v visitor) visit(t *testing.T, s *server) {
	p := startPeer(t, nil, v.command(s.bins, s.url, v.station)...)
	p.await(t, "ready")
	s.command(t, v.station, v.orders.ask)
	s.command(t, v.station, v.orders.start)
	metered := p.await(t, "metered")
	if st := s.station(t, v.station); st.state(1) != "active" {
		t.Errorf("connector 1 of %s while it charges: %q, want active", v.station, st.state(1))
	}
	stop := v.orders.stop
	stop.payload = fmt.Sprintf(stop.payload, metered.Transaction)
	s.command(t, v.station, stop)
	p.await(t, "idle")
	s.command(t, v.station, v.orders.reset)
	p.finish(t)
}

// visitExample16 lets the library's example go through its routine, which ends on an Available connector and then
// sleeps for minutes; it is asked to sample faster than its default.
func visitExample16(t *testing.T, s *server) {
	p := startPeer(t, []string{"CLIENT_ID=" + goExample16, "CENTRAL_SYSTEM_URL=" + s.url}, s.bins.path("cp"))
	p.poll(t, "connect", func() bool { return s.station(t, goExample16).Connected })
	s.command(t, goExample16, call{"ChangeConfiguration", `{"key":"MeterValueSampleInterval","value":"1"}`, `"Accepted"`})
	s.command(t, goExample16, call{"TriggerMessage", `{"requestedMessage":"Heartbeat"}`, `"Accepted"`})
	p.pollSession(t, s, goExample16)
}

// visitExample201 does so with the example of 2.0.1, whose interval is fixed.
func visitExample201(t *testing.T, s *server) {
	p := startPeer(t, []string{"CLIENT_ID=" + goExample201, "CSMS_URL=" + s.url}, s.bins.path("chargingstation"))
	p.poll(t, "connect", func() bool { return s.station(t, goExample201).Connected })
	s.command(t, goExample201, call{"TriggerMessage", `{"requestedMessage":"LogStatusNotification"}`, `"Accepted"`})
	p.pollSession(t, s, goExample201)
}
