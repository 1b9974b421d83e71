//go:build linux

package crash_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// frame is a line of the journal, as the command prints it.
type frame struct {
	At        time.Time       `json:"ts"`
	Station   string          `json:"station"`
	Conn      string          `json:"conn"`
	Seq       uint64          `json:"seq"`
	Pos       uint64          `json:"pos"`
	Kind      string          `json:"kind"`
	Direction string          `json:"direction"`
	Frame     json.RawMessage `json:"frame"`
}

// incident is what is compared of one when it has ended by time alone after the last frame.
type incident struct {
	Key      string     `json:"key"`
	Rev      uint64     `json:"rev"`
	Rule     string     `json:"rule"`
	Station  string     `json:"station"`
	State    string     `json:"state"`
	Cause    string     `json:"cause"`
	Severity string     `json:"severity"`
	Energy   float64    `json:"energy_wh"`
	Readings int        `json:"readings"`
	Ended    *time.Time `json:"ended_at"`
}

// check ends a server whose stations have finished, and compares what it has with what they know.
func (s *server) check(t *testing.T, l *load) {
	t.Helper()
	s.stop(t)
	journal := filepath.Join(t.TempDir(), "frames.jsonl")
	printed := s.run(t, "frames", "--db", s.db, "--output", "jsonl")
	if err := os.WriteFile(journal, printed, 0o600); err != nil {
		t.Fatal(err)
	}
	frames := parse[frame](t, printed)
	checkPositions(t, frames)
	checkRecords(t, frames, l.stations)
	checkTransactions(t, frames)
	analysed := parse[json.RawMessage](t, s.run(t, "analyze", "-o", "ndjson", journal))
	s.start(t)
	s.awaitReady(t)
	kept := parse[json.RawMessage](t, s.run(t, "incidents", "list", "--url", "http://"+s.http, "--limit", "10000", "-o", "ndjson"))
	s.checkHistory(t, kept)
	s.stop(t)
	compareIncidents(t, kept, analysed, frames[len(frames)-1].At)
	checkIncidents(t, kept, l.stations)
	s.told.check(t, kept, bytes.Count(tail(s.log.Name(), 1<<30), []byte("a notification is not noted")))
	t.Logf("%d calls answered; %d frames, %d incidents", l.calls.Load(), len(frames), len(kept))
}

func parse[T any](t *testing.T, lines []byte) (all []T) {
	t.Helper()
	in := bufio.NewScanner(bytes.NewReader(lines))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var v T
		if err := json.Unmarshal(in.Bytes(), &v); err != nil {
			t.Fatalf("%v in %s", err, in.Bytes())
		}
		all = append(all, v)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkPositions: no frame is missing in the journal, and none of a connection is twice or out of its order.
func checkPositions(t *testing.T, frames []frame) {
	t.Helper()
	last := map[string]uint64{}
	for i := range frames {
		f := &frames[i]
		if f.Pos != uint64(i+1) {
			t.Fatalf("frame %d is at position %d", i+1, f.Pos)
		}
		if f.Seq != last[f.Conn]+1 {
			t.Errorf("position %d, %s: number %d of its connection follows %d", f.Pos, f.Station, f.Seq, last[f.Conn])
		}
		last[f.Conn] = f.Seq
	}
}

// talk is one connection as the journal has it.
type talk struct {
	conn    string
	in, out []string
	behind  []string // what stands right behind each of in
}

// checkRecords compares the connections of each station, in their order.
func checkRecords(t *testing.T, frames []frame, stations []*station) {
	t.Helper()
	talks := map[string][]*talk{}
	byConn := map[string]*talk{}
	lastIn := map[string]bool{}
	for i := range frames {
		f := &frames[i]
		tk := byConn[f.Conn]
		if tk == nil {
			tk = &talk{conn: f.Conn}
			byConn[f.Conn] = tk
			talks[f.Station] = append(talks[f.Station], tk)
		}
		if f.Frame == nil {
			continue
		}
		if f.Direction == "in" {
			tk.in, tk.behind = append(tk.in, string(f.Frame)), append(tk.behind, "")
		} else {
			tk.out = append(tk.out, string(f.Frame))
			if lastIn[f.Conn] {
				tk.behind[len(tk.behind)-1] = string(f.Frame)
			}
		}
		lastIn[f.Conn] = f.Direction == "in"
	}
	for _, st := range stations {
		if err := st.compare(talks[st.id]); err != nil {
			t.Errorf("%s: %v", st.id, err)
		}
		delete(talks, st.id)
	}
	for name := range talks {
		t.Errorf("the journal has station %q, which does not exist", name)
	}
}

// compare finds each connection of the station in the journal, in order. The server may know some that the station does
// not, and the other way round, as long as nothing was answered on them.
func (s *station) compare(talks []*talk) error {
	talks = slices.DeleteFunc(talks, func(tk *talk) bool { return len(tk.in) == 0 }) // nothing reached the server, or the handshake not the station
	m := matcher{talks: talks, links: s.links, failed: map[[2]int]bool{}}
	if m.match(0, 0) {
		return nil
	}
	return m.why
}

// matcher looks for the connections of a journal among those of a station. What is said again may make several look alike.
type matcher struct {
	talks  []*talk
	links  []*link
	failed map[[2]int]bool // from this talk and this link on
	far    int             // the furthest link that was looked at
	why    error           // what was wrong with it
}

func (m *matcher) match(i, j int) bool {
	if m.failed[[2]int{i, j}] {
		return false
	}
	if j == len(m.links) {
		if i < len(m.talks) {
			m.blame(j, fmt.Errorf("the journal has a connection that the station did not make: %q", m.talks[i].in))
		}
		return i == len(m.talks)
	}
	l := m.links[j]
	if i < len(m.talks) {
		err := l.compare(m.talks[i])
		if err == nil && m.match(i+1, j+1) {
			return true
		}
		m.blame(j, err)
	}
	if l.answered() == 0 {
		if m.match(i, j+1) {
			return true
		}
	} else if i == len(m.talks) {
		m.blame(j, fmt.Errorf("answered, and the journal does not have it: %q", l.sent[:l.answered()]))
	}
	m.failed[[2]int{i, j}] = true
	return false
}

func (m *matcher) blame(link int, err error) {
	if err != nil && link >= m.far {
		m.far, m.why = link, err
	}
}

func (l *link) compare(tk *talk) error {
	if len(tk.in) > len(l.sent) || len(tk.in) < l.answered() {
		return fmt.Errorf("connection %s: the journal has %d messages, the station sent %d and was answered the first %d", tk.conn, len(tk.in), len(l.sent), l.answered())
	}
	for i, in := range tk.in {
		switch {
		case in != l.sent[i].data:
			return fmt.Errorf("connection %s: the journal has %s, the station sent %s", tk.conn, in, l.sent[i].data)
		case l.sent[i].answer != "" && tk.behind[i] != l.sent[i].answer:
			return fmt.Errorf("connection %s: the station was answered %s, behind its call the journal has %q", tk.conn, l.sent[i].answer, tk.behind[i])
		}
	}
	if len(l.received) > len(tk.out) || !slices.Equal(l.received, tk.out[:len(l.received)]) {
		return fmt.Errorf("connection %s: the station received %q, the journal has sent %q", tk.conn, l.received, tk.out)
	}
	return nil
}

// checkTransactions: a start that is said again has the id that it had, another one another id.
func checkTransactions(t *testing.T, frames []frame) {
	t.Helper()
	ids := map[string]string{}    // of a start, by station and payload
	starts := map[string]string{} // the other way round
	asked := map[string]string{}  // the start that is open on a connection
	for i := range frames {
		f := &frames[i]
		if f.Frame == nil {
			continue
		}
		var m []json.RawMessage
		if err := json.Unmarshal(f.Frame, &m); err != nil || len(m) < 3 {
			t.Fatalf("position %d: %s", f.Pos, string(f.Frame))
		}
		switch {
		case f.Direction == "in" && string(m[2]) == `"StartTransaction"`:
			asked[f.Conn] = f.Station + string(m[3])
		case f.Direction == "out" && asked[f.Conn] != "":
			start := asked[f.Conn]
			delete(asked, f.Conn)
			id, err := words16{}.started(m[2])
			if err != nil {
				t.Errorf("position %d: %v", f.Pos, err)
			}
			if before, again := ids[start]; again && before != id {
				t.Errorf("%s was given transaction %s, then %s", start, before, id)
			}
			if other, given := starts[id]; given && other != start {
				t.Errorf("transaction %s was given to %s and to %s", id, other, start)
			}
			ids[start], starts[id] = id, start
		}
	}
}

// compareIncidents: the server, with all that has happened to it, has come to what one look at its journal gives. Only
// what ended by time alone after the last frame may differ, by that end.
func compareIncidents(t *testing.T, kept, analysed []json.RawMessage, last time.Time) {
	t.Helper()
	want := map[string]json.RawMessage{}
	for _, raw := range analysed {
		want[decode(t, raw).Key] = raw
	}
	for _, raw := range kept {
		inc := decode(t, raw)
		other, known := want[inc.Key]
		delete(want, inc.Key)
		switch {
		case !known:
			t.Errorf("kept, and not found in the journal:\n%s", raw)
		case bytes.Equal(raw, other):
		case inc.Ended != nil && inc.Ended.After(last) && sameButEnd(inc, decode(t, other)):
		default:
			t.Errorf("kept\n%s, found in the journal\n%s", raw, other)
		}
	}
	for _, raw := range want {
		t.Errorf("found in the journal, and not kept:\n%s", raw)
	}
}

// checkHistory: what is kept of how an incident came to stand so are its turns alone, to the last.
func (s *server) checkHistory(t *testing.T, kept []json.RawMessage) {
	t.Helper()
	for _, raw := range kept {
		inc := decode(t, raw)
		resp, err := http.Get("http://" + s.http + "/api/v1/incidents/" + inc.Key + "/history")
		if err != nil {
			t.Fatal(err)
		}
		var history struct {
			Turns []incident `json:"incidents"`
		}
		err = json.NewDecoder(resp.Body).Decode(&history)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		turns := history.Turns
		for i := 1; i < len(turns); i++ {
			if turns[i].standing() == turns[i-1].standing() && turns[i].Cause == turns[i-1].Cause {
				t.Errorf("%s: revision %d is no turn after revision %d", inc.Key, turns[i].Rev, turns[i-1].Rev)
			}
		}
		if n := len(turns); n == 0 || turns[n-1].standing() != inc.standing() {
			t.Errorf("the history of this incident does not end with it: %+v\n%s", turns, raw)
		}
	}
}

func decode(t *testing.T, raw json.RawMessage) (inc incident) {
	t.Helper()
	if err := json.Unmarshal(raw, &inc); err != nil {
		t.Fatal(err)
	}
	return inc
}

func sameButEnd(a, b incident) bool {
	a.State, b.State, a.Rev, b.Rev, a.Ended, b.Ended = "", "", 0, 0, nil, nil
	return a == b
}

// checkIncidents: each flow after a stop is one incident, and nothing else is.
func checkIncidents(t *testing.T, kept []json.RawMessage, stations []*station) {
	t.Helper()
	found := map[string]int{}
	for _, raw := range kept {
		inc := decode(t, raw)
		if found[inc.Station]++; inc.Rule != "PE-01" {
			t.Errorf("nothing but flows after stops was to be found:\n%s", raw)
		}
	}
	for _, st := range stations {
		if found[st.id] != st.phantoms {
			t.Errorf("%s: %d incidents, want %d", st.id, found[st.id], st.phantoms)
		}
	}
}
