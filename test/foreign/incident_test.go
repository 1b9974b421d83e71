package foreign_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// incident is as much of an incident as the tests look at.
type incident struct {
	Rule      string  `json:"rule"`
	Station   string  `json:"station"`
	Connector int     `json:"connector"`
	Severity  string  `json:"severity"`
	Readings  int     `json:"readings"`
	Energy    float64 `json:"energy_wh"`
	Excess    float64 `json:"excess_wh"`
}

// same compares what the peers make certain; what hangs on the clock of the run is left out.
func (i incident) same(j incident) bool {
	return i.Rule == j.Rule && i.Station == j.Station && i.Connector == j.Connector && i.Energy == j.Energy
}

func (s *server) incidents(t *testing.T) []incident {
	t.Helper()
	var all []incident
	s.runJSON(t, &all, "incidents", "list", "--url", s.http)
	return all
}

func (s *server) analyze(t *testing.T) []incident {
	t.Helper()
	var all []incident
	s.runJSON(t, &all, "analyze", s.record)
	return all
}

// awaitIncidents waits until the server knows what it must know, since it judges and saves behind its answers.
func (s *server) awaitIncidents(t *testing.T, want []incident) {
	t.Helper()
	var got []incident
	look(patience/4, func() bool {
		got = s.incidents(t)
		return len(got) == len(want) && (len(got) == 0 || got[0].same(want[0]))
	})
	checkIncidents(t, "incidents list", got, want)
}

// look calls done until it says so or the time is up, and tells which.
func look(limit time.Duration, done func() bool) bool {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); <-ticker.C {
		if done() {
			return true
		}
	}
	return false
}

// recorded is one line of a recording.
type recorded struct {
	Station   string            `json:"station"`
	Direction string            `json:"direction"`
	Frame     []json.RawMessage `json:"frame"`
}

// name is the station, the direction of the call and its message id: what a CALL and its answer share.
func (r recorded) name(call bool) string {
	if (r.Direction == "in") == call {
		return r.Station + " calls " + string(r.Frame[1])
	}
	return r.Station + " is called " + string(r.Frame[1])
}

// checkAnswers holds the recording against the rule that each CALL, of either side, gets one CALLRESULT.
func checkAnswers(t *testing.T, file string, node bool) {
	t.Helper()
	calls, stations := readRecording(t, file)
	for name, open := range calls {
		if open != "" {
			t.Errorf("%s: %s has no CALLRESULT", name, open)
		}
	}
	want := map[string]bool{goPeer: true, goExample: true, nodePeer: node, nodePhantom: node}
	for station, there := range want {
		if n := stations[station]; there && n < 20 {
			t.Errorf("the recording has %d messages of %s, want a whole session", n, station)
		}
	}
}

// readRecording returns the calls, each with its text until it is answered, and the messages of each station.
func readRecording(t *testing.T, file string) (calls map[string]string, stations map[string]int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls, stations = map[string]string{}, map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("line of the recording: %v\n%s", err, lines.Bytes())
		}
		if len(r.Frame) < 3 {
			continue // the connection opened or closed
		}
		stations[r.Station]++
		switch string(r.Frame[0]) {
		case "2":
			calls[r.name(true)] = lines.Text()
		case "3":
			if open := calls[r.name(false)]; open == "" {
				t.Errorf("an answer to no open call: %s", lines.Bytes())
			}
			calls[r.name(false)] = ""
		default:
			t.Errorf("neither CALL nor CALLRESULT: %s", lines.Bytes())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls, stations
}
