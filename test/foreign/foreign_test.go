package foreign_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const (
	goPeer      = "OCPP_GO"
	goExample   = "OCPP_GO_EXAMPLE"
	nodePeer    = "OCPP_RPC"
	nodePhantom = "OCPP_RPC_PHANTOM"
)

// TestForeignPeers: every message of every peer gets an answer that its own library accepts, commands reach them, and
// of all of them only the one whose register grows after the stop raises an incident.
func TestForeignPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and takes some 15 s")
	}
	dir := t.TempDir()
	s := startServer(t, dir)
	node := nodeInstalled()
	t.Run("peers", func(t *testing.T) {
		t.Run("ocpp-go", func(t *testing.T) {
			t.Parallel()
			visit(t, s, goPeer, s.bin("ocppgo"), "-url", s.url, "-id", goPeer)
		})
		t.Run("ocpp-go example", func(t *testing.T) {
			t.Parallel()
			visitExample(t, s)
		})
		t.Run("ocpp-rpc", func(t *testing.T) {
			t.Parallel()
			needNode(t, node)
			visit(t, s, nodePeer, "node", nodeScript, s.url, nodePeer)
		})
		t.Run("ocpp-rpc phantom", func(t *testing.T) {
			t.Parallel()
			needNode(t, node)
			visit(t, s, nodePhantom, "node", nodeScript, s.url, nodePhantom, "--phantom")
		})
	})
	if t.Failed() {
		return
	}
	var want []incident
	if node == nil {
		want = []incident{{Rule: "PE-01", Station: nodePhantom, Connector: 1, Energy: 50}}
	}
	s.awaitIncidents(t, want)
	s.stop(t)
	checkIncidents(t, "analyze of the recording", s.analyze(t), want)
	checkAnswers(t, s.record, node == nil)
}

// visit plays the central system's part of a session with a peer that reports its stages.
func visit(t *testing.T, s *server, station string, command ...string) {
	p := startPeer(t, nil, command...)
	p.await(t, "ready")
	s.command(t, station, "GetConfiguration", `{"key":["NumberOfConnectors","Nonsense"]}`, `"unknownKey":["Nonsense"]`)
	s.command(t, station, "RemoteStartTransaction", `{"connectorId":1,"idTag":"FOREIGN"}`, `"Accepted"`)
	metered := p.await(t, "metered")
	if st := s.station(t, station); st.state(1) != "active" {
		t.Errorf("connector 1 of %s while it charges: %q, want active", station, st.state(1))
	}
	s.command(t, station, "RemoteStopTransaction", fmt.Sprintf(`{"transactionId":%d}`, metered.Transaction), `"Accepted"`)
	p.await(t, "idle")
	s.command(t, station, "Reset", `{"type":"Soft"}`, `"Accepted"`)
	p.finish(t)
}

// visitExample lets the library's example go through its routine, which ends on an Available connector and then sleeps
// for minutes; it is asked to sample faster than its default.
func visitExample(t *testing.T, s *server) {
	p := startPeer(t, []string{"CLIENT_ID=" + goExample, "CENTRAL_SYSTEM_URL=" + s.url}, s.bin("cp"))
	p.poll(t, "connect", func() bool { return s.station(t, goExample).Connected })
	s.command(t, goExample, "ChangeConfiguration", `{"key":"MeterValueSampleInterval","value":"1"}`, `"Accepted"`)
	s.command(t, goExample, "TriggerMessage", `{"requestedMessage":"Heartbeat"}`, `"Accepted"`)
	p.poll(t, "charge", func() bool { return s.station(t, goExample).state(1) == "active" })
	p.poll(t, "finish its routine", func() bool {
		st := s.station(t, goExample)
		return st.state(1) == "inactive" && st.status(1) == "Available"
	})
	p.stop()
}

var nodeScript = filepath.Join("..", "node", "station.mjs")

// nodeInstalled tells why the npm peer cannot be run, or nil.
func nodeInstalled() error {
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("no node here: the npm peer is left out")
	}
	if _, err := os.Stat(filepath.Join("..", "node", "node_modules", "ocpp-rpc")); err != nil {
		return fmt.Errorf("npm's packages are not installed: make test installs them")
	}
	return nil
}

func needNode(t *testing.T, missing error) {
	t.Helper()
	if missing != nil {
		t.Skip("LEFT OUT:", missing)
	}
}

func checkIncidents(t *testing.T, where string, got, want []incident) {
	t.Helper()
	if !slices.EqualFunc(got, want, incident.same) {
		t.Errorf("incidents by %s: %+v\nwant: %+v", where, got, want)
	}
	for _, inc := range got {
		if inc.Severity != "medium" || inc.Readings < 6 || inc.Excess < 40 {
			t.Errorf("incident by %s: %+v\nwant severity medium, at least 6 readings and 40 Wh of excess", where, inc)
		}
	}
}

const (
	patience = 60 * time.Second       // for anything that a peer or the server does
	pause    = 100 * time.Millisecond // between two looks
)
