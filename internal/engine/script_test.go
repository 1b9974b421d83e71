package engine_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/session"
)

// A script is a story in time steps, played through the whole pipeline as OCPP 1.6 frames.
//
//	title: what it shows
//	profile: rating=22kW dc          (optional)
//	only-1.6: why                    (optional: the story cannot be told in OCPP 2.x)
//	protocol: ocpp2.0.1              (optional: the story is one of that version)
//	expect: silent                   or one line for each incident: PE-01 connector=1 readings=5 energy=50 ...
//	---
//	+1s  meter 1 10.5 kWh !          time since the step before, step, marks
//
// Steps: open, close, gap, boot, wait (the time passes elsewhere), status C NAME, start C meter=N [id=N] [tag=T], stop id=N meter=N, meter C VALUE UNIT,
// electric C power=W current=A interval=WH, raw TEXT ({now} is the time), sent TEXT (by the central system). A value that begins with + grows from the connector's last one. "xN" before a
// step repeats it with its time. Options: claim=-10m shifts the claimed time, stamp= replaces it, tx=N, ctx=, phase=, loc=, label= (the unit
// that is written, whatever the value means). Marks: ! a reading alarm, ~ a notice, none neither, ? any of them.

var rewrite = flag.Bool("rewrite", false, "write the incidents that came out into the scripts' expect lines")

type script struct {
	path    string
	header  []string
	title   string
	profile session.Profile
	expect  []string
	body    []string
	only16  string // why the story cannot be told in 2.x
	version hayalet.Protocol
}

func readScript(t *testing.T, path string) script {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := script{path: path, version: hayalet.OCPP16}
	scan := bufio.NewScanner(f)
	for scan.Scan() && scan.Text() != "---" {
		key, val, _ := strings.Cut(scan.Text(), ":")
		val = strings.TrimSpace(val)
		switch key {
		case "title":
			s.title = val
		case "only-1.6":
			s.only16 = val
		case "protocol":
			s.version = hayalet.Protocol(val)
		case "expect":
			s.expect = append(s.expect, val)
			continue
		case "profile":
			for _, word := range strings.Fields(val) {
				switch {
				case word == "dc":
					s.profile.DC = true
				case word == "ac":
					s.profile.AC = true
				case strings.HasPrefix(word, "rating="):
					kw, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(word, "rating="), "kW"))
					if err != nil {
						t.Fatalf("%s: %v", path, err)
					}
					s.profile.Rating = hayalet.Power(kw) * hayalet.Kilowatt
				}
			}
		}
		s.header = append(s.header, scan.Text())
	}
	for scan.Scan() {
		s.body = append(s.body, scan.Text())
	}
	return s
}

// stage plays a script's steps as frames.
type stage struct {
	t       *testing.T
	now     time.Time
	conn    int
	seq     uint64
	frames  []hayalet.Frame
	marks   map[int]string // index of a frame to the mark that it must get
	last    map[int]hayalet.Energy
	message int

	protocol hayalet.Protocol
	runs     map[string]running // 2.x: connector to what runs there
}

func newStage(t *testing.T, protocol hayalet.Protocol) *stage {
	return &stage{
		t: t, protocol: protocol, runs: make(map[string]running), now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), conn: 1,
		marks: make(map[int]string), last: make(map[int]hayalet.Energy),
	}
}

func (s *stage) frame(kind hayalet.FrameKind, dir hayalet.Direction, text string) {
	s.seq++
	s.frames = append(s.frames, hayalet.Frame{
		Station: "CP_1", Conn: hayalet.ConnID(fmt.Sprint("c", s.conn)), Seq: s.seq, At: hayalet.InstantOf(s.now), Dir: dir, Kind: kind,
		Protocol: s.protocol, Data: []byte(text),
	})
}

func (s *stage) call(action, payload string) string {
	s.message++
	id := fmt.Sprint("m", s.message)
	s.frame(hayalet.Message, hayalet.In, fmt.Sprintf(`[2,%q,%q,%s]`, id, action, payload))
	return id
}

// line plays one line of the body.
func (s *stage) line(text string) {
	text, _, _ = strings.Cut(text, "#")
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	count := 1
	if n, ok := strings.CutPrefix(words[0], "x"); ok {
		var err error
		if count, err = strconv.Atoi(n); err != nil || len(words) < 2 {
			s.t.Fatalf("line %q: want xN +duration step", text)
		}
		words = words[1:]
	}
	step, err := time.ParseDuration(strings.TrimPrefix(words[0], "+"))
	if err != nil || len(words) < 2 {
		s.t.Fatalf("line %q: want +duration step", text)
	}
	mark := ""
	if last := words[len(words)-1]; last == "!" || last == "~" || last == "?" {
		mark, words = last, words[:len(words)-1]
	}
	for range count {
		s.now = s.now.Add(step)
		s.step(words[1:])
		s.marks[len(s.frames)-1] = mark
	}
}

// options are the words that a step may set.
var options = strings.Fields("claim stamp meter id tag tx ctx phase loc label power current interval")

func (s *stage) step(words []string) {
	opts := make(map[string]string)
	var args []string
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok && words[0] != "raw" && words[0] != "sent" {
			if !slices.Contains(options, k) {
				s.t.Fatalf("step %v: unknown option %s", words, k)
			}
			opts[k] = v
		} else {
			args = append(args, w)
		}
	}
	stamp := s.now
	if opts["claim"] != "" {
		shift, err := time.ParseDuration(opts["claim"])
		if err != nil {
			s.t.Fatalf("step %v: %v", words, err)
		}
		stamp = stamp.Add(shift)
	}
	claimed := stamp.Format("2006-01-02T15:04:05.000Z")
	if opts["stamp"] != "" {
		claimed = opts["stamp"]
	}
	switch args[0] {
	case "open":
		s.conn, s.seq = s.conn+1, 0
		s.frame(hayalet.ConnOpen, hayalet.In, "")
	case "close":
		s.frame(hayalet.ConnClose, hayalet.In, "")
	case "gap":
		s.frame(hayalet.Gap, hayalet.In, "")
	case "wait": // another station's frame drives the time
		s.frame(hayalet.Message, hayalet.In, `[2,"w","Heartbeat",{}]`)
		s.frames[len(s.frames)-1].Station = "OTHER"
		s.frames[len(s.frames)-1].Conn = "other"
	case "raw":
		s.frame(hayalet.Message, hayalet.In, strings.ReplaceAll(strings.Join(words[1:], " "), "{now}", claimed))
	case "sent":
		s.frame(hayalet.Message, hayalet.Out, strings.Join(words[1:], " "))
	default:
		if s.protocol == hayalet.OCPP16 {
			s.step16(args, opts, claimed)
		} else {
			s.step2(args, opts, claimed)
		}
	}
}

// step16 plays a step as a message of 1.6.
func (s *stage) step16(args []string, opts map[string]string, claimed string) {
	switch args[0] {
	case "boot":
		s.call("BootNotification", `{"chargePointVendor":"V","chargePointModel":"M"}`)
	case "status":
		s.call("StatusNotification", fmt.Sprintf(`{"connectorId":%s,"status":%q,"errorCode":"NoError","timestamp":%q}`, args[1], args[2], claimed))
	case "start":
		tag := opts["tag"]
		if tag == "" {
			tag = "T"
		}
		id := s.call("StartTransaction", fmt.Sprintf(`{"connectorId":%s,"idTag":%q,"meterStart":%s,"timestamp":%q}`, args[1], tag, opts["meter"], claimed))
		if opts["id"] != "" {
			s.frame(hayalet.Message, hayalet.Out, fmt.Sprintf(`[3,%q,{"transactionId":%s,"idTagInfo":{"status":"Accepted"}}]`, id, opts["id"]))
		}
	case "stop":
		s.call("StopTransaction", fmt.Sprintf(`{"transactionId":%s,"meterStop":%s,"timestamp":%q}`, opts["id"], opts["meter"], claimed))
	case "meter", "electric":
		s.meter(args, opts, claimed)
	default:
		s.t.Fatalf("unknown step %q", args[0])
	}
}

func (s *stage) meter(args []string, opts map[string]string, claimed string) {
	tx := ""
	if opts["tx"] != "" {
		tx = `"transactionId":` + opts["tx"] + ","
	}
	s.call("MeterValues", fmt.Sprintf(`{"connectorId":%s,%s"meterValue":[{"timestamp":%q,"sampledValue":[%s]}]}`,
		args[1], tx, claimed, s.samples(args, opts)))
}

// samples are the values of a step as the version writes them.
func (s *stage) samples(args []string, opts map[string]string) string {
	var samples []string
	add := func(value, measurand, unit, rest string) {
		if s.protocol == hayalet.OCPP16 {
			samples = append(samples, fmt.Sprintf(`{"value":%q,"measurand":%q,"unit":%q%s}`, value, measurand, unit, rest))
		} else {
			samples = append(samples, fmt.Sprintf(`{"value":%s,"measurand":%q,"unitOfMeasure":{"unit":%q}%s}`, number(value), measurand, unit, rest))
		}
	}
	if args[0] == "meter" {
		unit := args[3]
		text := s.value(args)
		if opts["label"] != "" {
			unit = opts["label"]
		}
		rest := ""
		for key, name := range map[string]string{"ctx": "context", "phase": "phase", "loc": "location"} {
			if opts[key] != "" {
				rest += fmt.Sprintf(`,%q:%q`, name, opts[key])
			}
		}
		add(text, "Energy.Active.Import.Register", unit, rest)
	}
	for _, extra := range [][3]string{
		{"power", "Power.Active.Import", "W"}, {"current", "Current.Import", "A"}, {"interval", "Energy.Active.Import.Interval", "Wh"},
	} {
		if opts[extra[0]] != "" {
			add(opts[extra[0]], extra[1], extra[2], "")
		}
	}
	return strings.Join(samples, ",")
}

// value is the text of a register: as written, or grown from the connector's last one.
func (s *stage) value(args []string) string {
	connector, err := strconv.Atoi(args[1])
	if err != nil {
		s.t.Fatalf("step %v: %v", args, err)
	}
	text, unit := args[2], args[3]
	if !strings.HasPrefix(text, "+") {
		s.last[connector] = parse(s.t, text, unit)
		return text
	}
	s.last[connector] += parse(s.t, text[1:], unit)
	if unit == "kWh" {
		return s.last[connector].KWh(3)
	}
	return hayalet.FormatDecimal(int64(s.last[connector]), 3, 0)
}

func parse(t *testing.T, text, unit string) hayalet.Energy {
	t.Helper()
	var e hayalet.Energy
	if err := e.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatalf("value %q: %v", text, err)
	}
	if unit == "kWh" {
		e *= 1000
	}
	return e
}

// ear collects what an engine concludes.
type ear struct {
	mu        sync.Mutex
	verdicts  []hayalet.Verdict
	incidents map[string]hayalet.Incident
	order     []string
}

func (e *ear) Judged(v hayalet.Verdict) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.verdicts = append(e.verdicts, v)
}

func (e *ear) Changed(inc hayalet.Incident) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.incidents == nil {
		e.incidents = make(map[string]hayalet.Incident)
	}
	if _, ok := e.incidents[inc.Key]; !ok {
		e.order = append(e.order, inc.Key)
	}
	e.incidents[inc.Key] = inc
}

func (e *ear) all() []hayalet.Incident {
	var all []hayalet.Incident
	for _, key := range e.order {
		all = append(all, e.incidents[key])
	}
	return all
}

// play runs frames through an engine, in batches of the given size, and returns what it concluded.
func play(t *testing.T, profile session.Profile, frames []hayalet.Frame, batch int) *ear {
	t.Helper()
	heard := new(ear)
	feed(t, engine.Config{
		Rules: detect.Defaults().All, Listeners: []engine.Listener{heard}, Shards: 1,
		Profiles: func(hayalet.StationID, string, string, hayalet.ConnectorID) session.Profile { return profile },
	}, frames, batch)
	return heard
}

// feed runs frames through a new engine to its end, in batches of the given size.
func feed(t *testing.T, cfg engine.Config, frames []hayalet.Frame, batch int) {
	t.Helper()
	e := engine.New(cfg)
	if _, err := e.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- e.Run(context.Background()) }()
	for len(frames) > 0 {
		n := min(batch, len(frames))
		if err := e.PutFrames(t.Context(), frames[:n]); err != nil {
			t.Fatal(err)
		}
		frames = frames[n:]
	}
	e.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/scripts/*/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "testdata/scripts/"), ".txt")
		t.Run(name, func(t *testing.T) { runScript(t, readScript(t, path)) })
	}
}

func runScript(t *testing.T, s script) {
	st := newStage(t, s.version)
	for _, line := range s.body {
		st.line(line)
	}
	heard := play(t, s.profile, st.frames, 512)
	checkMarks(t, st, heard)
	var got []string
	for _, inc := range heard.all() {
		got = append(got, describe(&inc))
	}
	if *rewrite {
		writeExpect(t, s, got)
		return
	}
	want := s.expect
	if len(want) == 0 {
		t.Fatal("the script expects nothing: say silent")
	}
	if len(want) == 1 && want[0] == "silent" {
		want = nil
	}
	if len(want) != len(got) {
		t.Fatalf("%s\ngot %d incidents:\n  %s\nwant %d:\n  %s", s.title, len(got), strings.Join(got, "\n  "), len(want), strings.Join(want, "\n  "))
	}
	for i := range want {
		have := " " + got[i] + " "
		for _, word := range strings.Fields(want[i]) {
			if !strings.Contains(have, " "+word+" ") {
				t.Errorf("%s\nincident %d: got %s\nwant %s (missing %s)", s.title, i+1, got[i], want[i], word)
			}
		}
	}
	var one []string
	for _, inc := range play(t, s.profile, st.frames, 1).all() {
		one = append(one, describe(&inc))
	}
	if !slices.Equal(one, got) {
		t.Errorf("batches of one give other incidents:\n  %s\ninstead of\n  %s", strings.Join(one, "\n  "), strings.Join(got, "\n  "))
	}
}

// checkMarks compares the verdicts on each frame with the marks.
func checkMarks(t *testing.T, st *stage, heard *ear) {
	t.Helper()
	at := make(map[hayalet.Instant]string)
	for _, v := range heard.verdicts {
		switch v.Kind {
		case hayalet.Alarm, hayalet.Found:
			at[v.At] = "!"
		case hayalet.Notice:
			if at[v.At] == "" {
				at[v.At] = "~"
			}
		}
	}
	want := make(map[hayalet.Instant]string)
	for i, mark := range st.marks {
		if mark != "" {
			want[st.frames[i].At] = mark
		}
	}
	for i := range st.frames {
		f := &st.frames[i]
		if want[f.At] != "?" && at[f.At] != want[f.At] {
			t.Errorf("at %s %s: got mark %q, want %q", f.At, f.Data, at[f.At], want[f.At])
			delete(at, f.At)
			delete(want, f.At)
		}
	}
}

func describe(inc *hayalet.Incident) string {
	tx := inc.Transaction.String()
	if tx == "" {
		tx = "none"
	}
	wh := func(e hayalet.Energy) string { return strings.TrimSuffix(e.String(), " Wh") }
	text := fmt.Sprintf("%s connector=%d transaction=%s state=%s severity=%s cause=%s readings=%d energy=%s excess=%s reason=%s",
		inc.Rule, inc.Connector, tx, inc.State, inc.Severity, inc.Cause, inc.Readings, wh(inc.Energy), wh(inc.Excess), inc.Reason)
	if inc.Outcome != "" {
		text += " outcome=" + string(inc.Outcome)
	}
	return text + " evidence=" + strings.Join(inc.Evidence, ",")
}

func writeExpect(t *testing.T, s script, got []string) {
	t.Helper()
	if len(got) == 0 {
		got = []string{"silent"}
	}
	var b strings.Builder
	for _, line := range s.header {
		fmt.Fprintln(&b, line)
	}
	for _, line := range got {
		fmt.Fprintln(&b, "expect: "+line)
	}
	fmt.Fprintln(&b, "---")
	for _, line := range s.body {
		fmt.Fprintln(&b, line)
	}
	if err := os.WriteFile(s.path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
