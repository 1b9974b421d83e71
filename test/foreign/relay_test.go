package foreign_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
)

// relayed is a station and the central system that it has behind the relay.
type relayed struct {
	station string
	phantom bool
	central string // of ocpp-go's examples, each its own; none is the one on top of ocpp-rpc
	command func(b bins, url, id string) []string
	env     string // of the address, for an example that ends on a free connector and then sleeps for minutes
}

const (
	central16  = "cs"
	central201 = "csms"
)

// inVain is what ocpp-go's example central systems ask of stations that have no answer to it.
var inVain = []string{"ReserveNow", "CancelReservation", "GetLocalListVersion", "SetVariables", "SetDisplayMessage"}

func relayedStations(b bins) []relayed {
	auto := func(flags ...string) func(b bins, url, id string) []string {
		return func(b bins, url, id string) []string {
			return append([]string{b.path("ocppgo"), "-url", url, "-id", id, "-auto"}, flags...)
		}
	}
	rpc := func(flags ...string) func(b bins, url, id string) []string {
		return func(_ bins, url, id string) []string { return append(script("station.mjs", url, id), flags...) }
	}
	example := func(name string) func(b bins, url, id string) []string {
		return func(b bins, _, _ string) []string { return []string{b.path(name)} }
	}
	all := []relayed{
		{station: "GO_16", central: central16, command: auto()},
		{station: "GO_16_PHANTOM", phantom: true, central: central16, command: auto("-phantom")},
		{station: "GO_201", central: central201, command: auto("-protocol", "ocpp2.0.1")},
		{station: "GO_201_PHANTOM", phantom: true, central: central201, command: auto("-protocol", "ocpp2.0.1", "-phantom")},
		{station: "GO_201_EXAMPLE", central: central201, command: example("chargingstation"), env: "CSMS_URL"},
		{station: "GO_16_EXAMPLE", command: example("cp"), env: "CENTRAL_SYSTEM_URL"},
		{station: "RPC_16", command: rpc()},
		{station: "RPC_16_PHANTOM", phantom: true, command: rpc("--phantom")},
		{station: "RPC_201", command: rpc("--protocol", "ocpp2.0.1")},
		{station: "RPC_201_PHANTOM", phantom: true, command: rpc("--protocol", "ocpp2.0.1", "--phantom")},
		{station: "RPC_21", command: rpc("--protocol", "ocpp2.1")},
		{station: "RPC_21_PHANTOM", phantom: true, command: rpc("--protocol", "ocpp2.1", "--phantom")},
	}
	if long() { // the example central system makes the example charge point slow
		all = append(all, relayed{station: "GO_16_EXAMPLES", central: central16, command: example("cp"), env: "CENTRAL_SYSTEM_URL"})
	}
	return slices.DeleteFunc(all, func(r relayed) bool { return r.central == "" && b.node != nil })
}

// relayPeers: stations and central systems that nobody of this project wrote have whole sessions through one relay, and
// the incidents are those of serve.
func relayPeers(t *testing.T, b bins) {
	all := relayedStations(b)
	var flags, stations []string
	var want []incident
	for _, r := range all {
		if r.central != "" {
			flags = append(flags, "--upstream", r.station+"=ws://"+exampleCentral(t, b, r.central)+"/{station}")
		}
		stations = append(stations, r.station)
		if r.phantom {
			want = append(want, phantomOf(r.station))
		}
	}
	if b.node == nil {
		flags = append(flags, "--upstream", "ws://"+rpcCentral(t).await(t, "listening").Address+"/{station}")
	}
	s := startServer(t, b, "relay", flags...)
	t.Run("stations", func(t *testing.T) {
		for _, r := range all {
			t.Run(r.station, func(t *testing.T) {
				t.Parallel()
				r.visit(t, s)
			})
		}
	})
	if t.Failed() {
		return
	}
	s.awaitIncidents(t, want)
	s.stop(t)
	checkIncidents(t, "analyze of the relay's recording", s.analyze(t), want)
	checkAnswers(t, s.record, stations, inVain)
}

func (r relayed) visit(t *testing.T, s *server) {
	if r.env == "" {
		p := startPeer(t, nil, r.command(s.bins, s.url, r.station)...)
		for _, event := range []string{"ready", "metered", "idle"} {
			p.await(t, event)
		}
		p.finish(t)
		return
	}
	p := startPeer(t, []string{"CLIENT_ID=" + r.station, r.env + "=" + s.url}, r.command(s.bins, s.url, r.station)...)
	p.pollSession(t, s, r.station)
}

// rpcCentral starts a central system on top of ocpp-rpc, which ends at the first message that breaks a schema.
func rpcCentral(t *testing.T, port ...string) *peer {
	return startPeer(t, nil, script("central.mjs", port...)...)
}

// exampleCentral starts one of the library's example central systems, which must be told a port, and returns its address.
func exampleCentral(t *testing.T, b bins, name string) string {
	t.Helper()
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	p := startPeer(t, []string{"SERVER_LISTEN_PORT=" + port}, b.path(name))
	p.poll(t, "listen", func() bool { return listens(address) })
	return address
}

// freeAddress is of a port that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func listens(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// upstreamRestart: the central system behind a relay dies and comes back, and so does its station, which hears of it.
func upstreamRestart(t *testing.T, b bins) {
	const station = "LOYAL"
	_, port, _ := net.SplitHostPort(freeAddress(t))
	central := rpcCentral(t, port)
	address := central.await(t, "listening").Address
	s := startServer(t, b, "relay", "--upstream", "ws://"+address+"/{station}")
	p := startPeer(t, nil, script("loyal.mjs", s.url, station)...)
	for range 3 {
		p.await(t, "open")
		p.await(t, "answered")
		awaitConnected(t, s, station, true)
		central.stop()
		p.await(t, "lost")
		awaitConnected(t, s, station, false)
		central = rpcCentral(t, port)
		central.await(t, "listening")
	}
	p.await(t, "open")
	p.await(t, "answered")
	p.stop()
	s.stop(t)
}

func awaitConnected(t *testing.T, s *server, station string, want bool) {
	t.Helper()
	if !look(patience/12, func() bool { return s.station(t, station).Connected == want }) {
		t.Errorf("%s is told as connected: %v, want %v", station, !want, want)
	}
}

// talkEnd is what one end of a talk tells.
type talkEnd struct {
	Station     string `json:"station"`
	Compression string `json:"compression"`
	Sent        said   `json:"sent"`
	Received    said   `json:"received"`
	Code        int    `json:"code"`
	Reason      string `json:"reason"`
}

// said is what one end of a talk tells of one direction, its messages hashed in their order.
type said struct {
	Count  int    `json:"count"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// relayTalk: messages of all sizes, compressed and fragmented by somebody else's library, come out of the relay on the
// other side as they went in, in their order, both ways at once.
func relayTalk(t *testing.T, b bins) {
	count, stations := 2_500, []string{"TALK_A", "TALK_B"}
	if long() {
		count, stations = 25_000, append(stations, "TALK_C", "TALK_D")
	}
	const limit = 1 << 20 // bytes of a message, the relay's own
	numbers := []string{fmt.Sprint(count), fmt.Sprint(limit)}
	central := startPeer(t, nil, script("chatter.mjs", append([]string{"server"}, numbers...)...)...)
	s := startServer(t, b, "relay", "--upstream", "ws://"+central.await(t, "listening").Address+"/{station}")
	before := s.usage(t)
	client := startPeer(t, nil, script("chatter.mjs", append(append([]string{"client"}, numbers...), append([]string{s.url}, stations...)...)...)...)
	ours, theirs := client.talkEnds(t, len(stations)), central.talkEnds(t, len(stations))
	client.finish(t)
	for _, station := range stations {
		checkTalk(t, station, ours[station], theirs[station], count)
	}
	t.Logf("%d messages both ways; before: %+v, after: %+v", 2*count*len(stations), before, s.usage(t))
	s.stop(t)
	checkComplete(t, s.record, len(stations), 2*count)
}

func (p *peer) talkEnds(t *testing.T, n int) map[string]talkEnd {
	t.Helper()
	ends := map[string]talkEnd{}
	for range n {
		var told talkEnd
		p.await(t, "talked").read(t, &told)
		ends[told.Station] = told
	}
	return ends
}

func checkTalk(t *testing.T, station string, client, server talkEnd, count int) {
	t.Helper()
	if client.Sent != server.Received || server.Sent != client.Received {
		t.Errorf("%s: not as it was sent: %+v and %+v", station, client, server)
	}
	for _, end := range []talkEnd{client, server} {
		if end.Sent.Count != count || end.Received.Count != count || end.Compression != "permessage-deflate" || end.Code != 4321 {
			t.Errorf("%s: %+v\nwant %d messages, compressed, and close code 4321", station, end, count)
		}
	}
	if server.Reason != "said everything" {
		t.Errorf("%s: the server heard the goodbye %q, want the client's", station, server.Reason)
	}
}
