package engine_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hayalet"
)

// running is a transaction of 2.x on the stage.
type running struct {
	id  string
	seq int
}

// step2 plays a step as messages of 2.x. The words of the scripts are those of 1.6: of its statuses 2.x knows the plug, and
// has the rest as the charging state of a transaction.
func (s *stage) step2(args []string, opts map[string]string, claimed string) {
	switch args[0] {
	case "boot":
		s.call("BootNotification", `{"reason":"PowerUp","chargingStation":{"vendorName":"V","model":"M"}}`)
	case "status":
		s.status2(args[1], args[2], claimed)
	case "start":
		id := opts["id"]
		if id == "" {
			id = fmt.Sprint("own-", s.message)
		}
		tag := opts["tag"]
		if tag == "" {
			tag = "T"
		}
		s.runs[args[1]] = running{id: id}
		s.transaction(args[1], id, "Started", "Authorized", claimed, fmt.Sprintf(
			`,"evse":{"id":%s,"connectorId":1},"idToken":{"idToken":%q,"type":"Central"},%s`, args[1], tag, register2(opts, "Transaction.Begin", claimed)))
	case "stop":
		connector := ""
		for c, run := range s.runs {
			if run.id == opts["id"] {
				connector = c
			}
		}
		s.transaction(connector, opts["id"], "Ended", "Deauthorized", claimed, ","+register2(opts, "Transaction.End", claimed))
		delete(s.runs, connector)
	case "meter", "electric":
		values := fmt.Sprintf(`"meterValue":[{"timestamp":%q,"sampledValue":[%s]}]`, claimed, s.samples(args, opts))
		if id := opts["tx"]; id != "" {
			s.transaction(args[1], id, "Updated", "MeterValuePeriodic", claimed, fmt.Sprintf(`,"evse":{"id":%s},%s`, args[1], values))
			return
		}
		s.call("MeterValues", fmt.Sprintf(`{"evseId":%s,%s}`, args[1], values))
	default:
		s.t.Fatalf("unknown step %q", args[0])
	}
}

func (s *stage) status2(connector, name, claimed string) {
	status := hayalet.ParseStatus([]byte(name))
	run, active := s.runs[connector]
	switch status {
	case hayalet.Charging, hayalet.SuspendedEV, hayalet.SuspendedEVSE:
		if active {
			s.transaction(connector, run.id, "Updated", "ChargingStateChanged", claimed, "", name)
			return
		}
		name = "Occupied"
	case hayalet.Preparing, hayalet.Finishing:
		name = "Occupied"
	}
	s.call("StatusNotification", fmt.Sprintf(`{"timestamp":%q,"connectorStatus":%q,"evseId":%s,"connectorId":1}`, claimed, name, connector))
}

// transaction sends a TransactionEvent. What is no transaction of the stage (a stale id) has numbers of its own.
func (s *stage) transaction(connector, id, event, trigger, claimed, rest string, state ...string) {
	run := s.runs[connector]
	seq := run.seq
	if run.id == id {
		run.seq++
		s.runs[connector] = run
	}
	info := fmt.Sprintf(`{"transactionId":%q`, id)
	if len(state) > 0 {
		info += fmt.Sprintf(`,"chargingState":%q`, state[0])
	}
	s.call("TransactionEvent", fmt.Sprintf(`{"eventType":%q,"timestamp":%q,"triggerReason":%q,"seqNo":%d,"transactionInfo":%s}%s}`,
		event, claimed, trigger, seq, info, rest))
}

// register2 is meterStart or meterStop as a sample.
func register2(opts map[string]string, context, claimed string) string {
	return fmt.Sprintf(`"meterValue":[{"timestamp":%q,"sampledValue":[{"value":%s,"context":%q,"unitOfMeasure":{"unit":"Wh"}}]}]`,
		claimed, number(opts["meter"]), context)
}

// number is a value as 2.x writes it; what is no number stays the string that it is.
func number(text string) string {
	if json.Valid([]byte(text)) {
		return text
	}
	return fmt.Sprintf("%q", text)
}

// TestScriptsInEveryVersion tells the scripts' stories in OCPP 2.0.1 and 2.1: the same incidents, in every detail.
func TestScriptsInEveryVersion(t *testing.T) {
	paths, err := filepath.Glob("testdata/scripts/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, path := range paths {
		s := readScript(t, path)
		if s.only16 != "" || s.version != hayalet.OCPP16 || slices.ContainsFunc(s.body, of16) {
			continue
		}
		told++
		name := strings.TrimSuffix(strings.TrimPrefix(path, "testdata/scripts/"), ".txt")
		t.Run(name, func(t *testing.T) {
			want := tell(t, s, hayalet.OCPP16)
			for _, p := range []hayalet.Protocol{hayalet.OCPP201, hayalet.OCPP21} {
				if got := tell(t, s, p); !slices.Equal(got, want) {
					t.Errorf("%s\nin %s:\n  %s\nin 1.6:\n  %s", s.title, p, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
				}
			}
		})
	}
	if told < len(paths)/2 {
		t.Errorf("only %d of %d stories were told in every version", told, len(paths))
	}
}

// TestRestartAnywhereIn2 cuts the stories of 2.x at every frame: starts that wait for their EVSE, and what else only 2.x
// keeps, is saved and carries on to the same incidents.
func TestRestartAnywhereIn2(t *testing.T) {
	paths, err := filepath.Glob("testdata/scripts/*/*-2-*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		s := readScript(t, path)
		if s.version == hayalet.OCPP16 {
			continue
		}
		st := newStage(t, s.version)
		for _, line := range s.body {
			st.line(line)
		}
		whole := newMemory()
		through(t, whole, st.frames)
		for cut := 1; cut < len(st.frames); cut++ {
			parts := newMemory()
			through(t, parts, st.frames[:cut])
			through(t, parts, st.frames[cut-1:]) // with one frame said again
			if !reflect.DeepEqual(parts.incidents, whole.incidents) {
				t.Errorf("%s cut at %d: got %+v, want %+v", path, cut, parts.incidents, whole.incidents)
				break
			}
		}
	}
}

// of16 reports whether a line of a script is a message of 1.6 as it stands.
func of16(line string) bool {
	words := strings.Fields(line)
	return slices.Contains(words, "raw") || slices.Contains(words, "sent")
}

func tell(t *testing.T, s script, p hayalet.Protocol) []string {
	st := newStage(t, p)
	for _, line := range s.body {
		st.line(line)
	}
	var told []string
	for _, inc := range play(t, s.profile, st.frames, 512).all() {
		told = append(told, describe(&inc))
	}
	return told
}
