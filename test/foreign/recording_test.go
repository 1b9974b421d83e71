package foreign_test

import (
	"bufio"
	"encoding/json"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
)

// recorded is one line of a recording.
type recorded struct {
	Station   string  `json:"station"`
	Conn      string  `json:"conn"`
	Seq       int     `json:"seq"`
	Kind      string  `json:"kind"`
	Direction string  `json:"direction"`
	Frame     message `json:"frame"`
	line      string
}

// message is the members of a frame that is an array. A text of random bytes may be another JSON value; then there are none.
type message []json.RawMessage

func (m *message) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return nil
	}
	return json.Unmarshal(b, (*[]json.RawMessage)(m))
}

// name is the station, the direction of the call and its message id: what a CALL and its answer share.
func (r recorded) name(call bool) string {
	if (r.Direction == "in") == call {
		return r.Station + " calls " + string(r.Frame[1])
	}
	return r.Station + " is called " + string(r.Frame[1])
}

// checkAnswers holds the recording against the rule that each CALL, of either side, gets one CALLRESULT.
// Each of the stations must have had a whole session. Only the actions that a station is asked for in vain may be
// answered with a CALLERROR.
func checkAnswers(t *testing.T, file string, whole, inVain []string) {
	t.Helper()
	calls, stations := readRecording(t, file, inVain...)
	for name, open := range calls {
		if open != "" {
			t.Errorf("%s: %s has no CALLRESULT", name, open)
		}
	}
	for _, station := range whole {
		if n := stations[station]; n < 20 {
			t.Errorf("the recording has %d messages of %s, want a whole session", n, station)
		}
	}
}

// readRecording returns the calls, each with its text until it is answered, and how many calls and answers each station
// has.
func readRecording(t *testing.T, file string, inVain ...string) (calls map[string]string, stations map[string]int) {
	t.Helper()
	calls, stations = map[string]string{}, map[string]int{}
	for r := range recording(t, file) {
		if len(r.Frame) < 3 {
			continue // the connection opened or closed
		}
		switch string(r.Frame[0]) {
		case "2":
			stations[r.Station]++
			calls[r.name(true)] = r.line
		case "3", "4":
			stations[r.Station]++
			open := calls[r.name(false)]
			if string(r.Frame[0]) == "4" && !slices.ContainsFunc(inVain, func(action string) bool { return strings.Contains(open, `"`+action+`"`) }) {
				t.Errorf("a CALLERROR: %s\nto: %s", r.line, open)
			}
			if open == "" {
				t.Errorf("an answer to no open call: %s", r.line)
			}
			calls[r.name(false)] = ""
		case "5", "6": // CALLRESULTERROR and SEND of 2.1, which get no answer
		default:
			t.Errorf("a message of no known kind: %s", r.line)
		}
	}
	return calls, stations
}

// checkComplete holds the recording of a relay against the rule that what happened on a connection is either there or
// told as a gap: its opening, its messages and its end.
func checkComplete(t *testing.T, file string, connections, messages int) {
	t.Helper()
	last, gaps := map[string]int{}, 0
	for r := range recording(t, file) {
		if r.Kind == "gap" {
			gaps++
			last[r.Conn] = max(last[r.Conn], r.Seq-1) // all up to it are accounted for
		}
		if r.Seq != last[r.Conn]+1 {
			t.Fatalf("after number %d of a connection follows: %.200s", last[r.Conn], r.line)
		}
		last[r.Conn] = r.Seq
	}
	if len(last) != connections {
		t.Errorf("the recording has %d connections, want %d", len(last), connections)
	}
	for conn, n := range last {
		if n != messages+2 {
			t.Errorf("connection %s ends with number %d, want %d", conn, n, messages+2)
		}
	}
	t.Logf("%d gaps in the recording", gaps)
}

// recording reads a recording line by line.
func recording(t *testing.T, file string) iter.Seq[recorded] {
	return func(yield func(recorded) bool) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			r := recorded{line: lines.Text()}
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatalf("line of the recording: %v\n%.200s", err, lines.Bytes())
			}
			if !yield(r) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
