package sim_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"hayalet/internal/sim"
)

// ask sends calls to a station, one by one, and returns what it answers and then sends, in the order of the wire.
func ask(t *testing.T, steps string, stay time.Duration, calls ...string) (answers []string, s *central) {
	t.Helper()
	s = newCentral(t)
	return askOf(t, s, steps, stay, calls...), s
}

// askOf is ask against a central system that was prepared.
func askOf(t *testing.T, s *central, steps string, stay time.Duration, calls ...string) (answers []string) {
	t.Helper()
	s.onCall = func(_ net.Conn, c call) {
		if c.action == "Authorize" { // the mark in the script at which the questions come
			go func() {
				for _, text := range calls {
					<-time.After(time.Second) // of false time
					s.mu.Lock()
					conn := s.conn
					s.mu.Unlock()
					s.text(conn, text)
				}
			}()
		}
	}
	res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, steps), Stay: stay})
	if err != nil {
		t.Fatal(err)
	}
	if res.Commands+res.Unexpected != len(calls) {
		t.Errorf("%d commands for %d questions", res.Commands, len(calls))
	}
	return s.answers
}

func TestCommands(t *testing.T) {
	const script = "steps: [{boot: {}}, {start: {meter_start: 5}}, {meter: {value: 6}}, {authorize: {}}, {wait: 1h}, {stop: {meter_stop: 6}}]\n"
	for _, tt := range []struct{ name, call, want string }{
		{"reset", `"Reset",{"type":"Soft"}`, `3,{"status":"Accepted"}`},
		{"remote start in the script", `"RemoteStartTransaction",{"connectorId":2,"idTag":"X"}`, `3,{"status":"Rejected"}`},
		{"remote stop in the script", `"RemoteStopTransaction",{"transactionId":7}`, `3,{"status":"Rejected"}`},
		{"availability of a busy connector", `"ChangeAvailability",{"connectorId":1,"type":"Inoperative"}`, `3,{"status":"Scheduled"}`},
		{"availability of a free connector", `"ChangeAvailability",{"connectorId":2,"type":"Inoperative"}`, `3,{"status":"Accepted"}`},
		{"availability of no connector", `"ChangeAvailability",{"connectorId":9,"type":"Inoperative"}`, `3,{"status":"Rejected"}`},
		{"clear cache", `"ClearCache",{}`, `3,{"status":"Accepted"}`},
		{"data transfer", `"DataTransfer",{"vendorId":"x"}`, `3,{"status":"UnknownVendorId"}`},
		{"unlock", `"UnlockConnector",{"connectorId":1}`, `3,{"status":"Unlocked"}`},
		{"diagnostics", `"GetDiagnostics",{"location":"ftp://x"}`, `3,{}`},
		{"set profile", `"SetChargingProfile",{"connectorId":1,"csChargingProfiles":{}}`, `3,{"status":"Accepted"}`},
		{"clear no profile", `"ClearChargingProfile",{}`, `3,{"status":"Unknown"}`},
		{"composite schedule", `"GetCompositeSchedule",{"connectorId":1,"duration":60}`, `3,{"status":"Rejected"}`},
		{"local list", `"SendLocalList",{"listVersion":3,"updateType":"Full"}`, `3,{"status":"Accepted"}`},
		{"local list version", `"GetLocalListVersion",{}`, `3,{"listVersion":0}`},
		{"reserve a busy connector", `"ReserveNow",{"connectorId":1,"reservationId":1}`, `3,{"status":"Occupied"}`},
		{"reserve", `"ReserveNow",{"connectorId":2,"reservationId":1}`, `3,{"status":"Accepted"}`},
		{"cancel no reservation", `"CancelReservation",{"reservationId":1}`, `3,{"status":"Rejected"}`},
		{"update", `"UpdateFirmware",{"location":"ftp://x","retrieveDate":"2026-01-01T00:00:00Z"}`, `3,{}`},
		{"read-only key", `"ChangeConfiguration",{"key":"NumberOfConnectors","value":"9"}`, `3,{"status":"Rejected"}`},
		{"trigger of the unknown", `"TriggerMessage",{"requestedMessage":"Nothing"}`, `3,{"status":"NotImplemented"}`},
		{"trigger of no connector", `"TriggerMessage",{"requestedMessage":"Heartbeat","connectorId":9}`, `3,{"status":"Rejected"}`},
		{"certificate signed", `"CertificateSigned",{"certificateChain":"x"}`, `3,{"status":"Rejected"}`},
		{"delete certificate", `"DeleteCertificate",{}`, `3,{"status":"NotFound"}`},
		{"install certificate", `"InstallCertificate",{}`, `3,{"status":"Rejected"}`},
		{"certificate ids", `"GetInstalledCertificateIds",{}`, `3,{"status":"NotFound"}`},
		{"log", `"GetLog",{}`, `3,{"status":"Rejected"}`},
		{"signed update", `"SignedUpdateFirmware",{}`, `3,{"status":"Rejected"}`},
		{"unknown action", `"MakeCoffee",{}`, `4,"NotImplemented","",{}`},
		{"wrong type", `"Reset",{"type":5}`, `4,"FormationViolation","",{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, _ := ask(t, script, 0, `[2,"q",`+tt.call+`]`)
				kind, rest, _ := strings.Cut(tt.want, ",")
				if want := `[` + kind + `,"q",` + rest + `]`; !slices.Equal(got, []string{want}) {
					t.Errorf("got %v, want %s", got, want)
				}
			})
		})
	}
}

func TestStationRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _ := ask(
			t, "steps: [{boot: {}}, {authorize: {}}, {wait: 1h}]\n", 0,
			`[2,"1","ChangeConfiguration",{"key":"MeterValueSampleInterval","value":"15"}]`,
			`[2,"2","GetConfiguration",{"key":["MeterValueSampleInterval","Nonsense"]}]`,
			`[2,"3","SendLocalList",{"listVersion":4,"updateType":"Full"}]`,
			`[2,"4","GetLocalListVersion",{}]`,
			`[2,"5","ReserveNow",{"connectorId":2,"reservationId":9}]`,
			`[2,"6","CancelReservation",{"reservationId":9}]`,
			`[3,"nobody asked",{}]`,
		)
		want := []string{
			`[3,"1",{"status":"Accepted"}]`,
			`[3,"2",{"configurationKey":[{"key":"MeterValueSampleInterval","readonly":false,"value":"15"}],"unknownKey":["Nonsense"]}]`,
			`[3,"3",{"status":"Accepted"}]`,
			`[3,"4",{"listVersion":4}]`,
			`[3,"5",{"status":"Accepted"}]`,
			`[3,"6",{"status":"Accepted"}]`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestTriggeredMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := ask(
			t, "steps: [{boot: {}}, {meter: {value: 77}}, {status: {status: Faulted}}, {authorize: {}}, {wait: 1h}]\n", 0,
			`[2,"1","TriggerMessage",{"requestedMessage":"Heartbeat"}]`,
			`[2,"2","TriggerMessage",{"requestedMessage":"MeterValues","connectorId":1}]`,
			`[2,"3","TriggerMessage",{"requestedMessage":"StatusNotification"}]`,
			`[2,"4","ExtendedTriggerMessage",{"requestedMessage":"BootNotification"}]`,
			`[2,"5","TriggerMessage",{"requestedMessage":"FirmwareStatusNotification"}]`,
		)
		want := []string{"Heartbeat", "MeterValues", "StatusNotification", "StatusNotification", "BootNotification", "FirmwareStatusNotification"}
		if got := s.actions()[4:]; !slices.Equal(got, want) {
			t.Fatalf("got %v", got)
		}
		if c := s.calls[5]; c.value() != "77" || !strings.Contains(c.text, `"context":"Trigger"`) {
			t.Errorf("triggered value: %s", c.text)
		}
		if !strings.Contains(s.calls[6].text, "Faulted") || !strings.Contains(s.calls[7].text, `"status":"Available"`) {
			t.Errorf("triggered statuses: %s %s", s.calls[6].text, s.calls[7].text)
		}
	})
}

func TestAfterTheScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers, s := ask(
			t, "steps: [{boot: {}}, {meter: {value: 77}}, {authorize: {}}]\n", 9*time.Second,
			`[2,"1","RemoteStartTransaction",{"idTag":"X"}]`,
			`[2,"2","RemoteStartTransaction",{"idTag":"X","connectorId":1}]`,
			`[2,"3","RemoteStopTransaction",{"transactionId":6}]`,
			`[2,"4","RemoteStopTransaction",{"transactionId":7}]`,
			`[2,"5","Reset",{"type":"Hard"}]`,
		)
		want := []string{"StartTransaction", "StopTransaction", "BootNotification"}
		if got := s.actions()[3:]; !slices.Equal(got, want) || s.opened != 2 {
			t.Errorf("got %v over %d connections", got, s.opened)
		}
		statuses := ""
		for _, a := range answers {
			statuses += strings.TrimSuffix(strings.TrimPrefix(a[7:], `{"status":"`), `"}]`) + " "
		}
		if statuses != "Accepted Rejected Rejected Accepted Accepted " {
			t.Errorf("answers %v", answers)
		}
	})
}

func TestControlFramesAndFragments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCentral(t)
		s.answer = func(c call, _ int) string {
			if c.action == "Heartbeat" {
				return ""
			}
			return standard(c)
		}
		s.onCall = func(conn net.Conn, c call) {
			if c.action != "Heartbeat" {
				return
			}
			text := `[3,"` + c.id + `",{}]`
			go func() { // the pong comes while the answer is not yet complete
				s.frame(conn, ws.NewFrame(ws.OpText, false, []byte(text[:9])))
				s.frame(conn, ws.NewPingFrame([]byte("here?")))
				s.frame(conn, ws.NewFrame(ws.OpContinuation, true, []byte(text[9:])))
			}()
		}
		res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, "steps: [{boot: {}}, {heartbeat: {}}]\n")})
		if err != nil || res.Timeouts != 0 || !slices.Equal(s.answers, []string{"pong here?"}) {
			t.Errorf("%v, %+v, %v", err, res, s.answers)
		}
	})
}

// TestRemoteTwice asks twice for the same while the station waits for an answer: it starts once and stops once.
func TestRemoteTwice(t *testing.T) {
	for _, tt := range []struct{ name, steps, call, want string }{
		{"start", "{boot: {}}, {authorize: {}}", `"RemoteStartTransaction",{"idTag":"X","connectorId":1}`, "StartTransaction"},
		{"stop", "{boot: {}}, {start: {meter_start: 5}}, {authorize: {}}", `"RemoteStopTransaction",{"transactionId":7}`, "StopTransaction"},
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
				answers := askOf(
					t, s, "steps: ["+tt.steps+"]\n", 30*time.Second,
					`[2,"1","TriggerMessage",{"requestedMessage":"Heartbeat"}]`, `[2,"2",`+tt.call+`]`, `[2,"3",`+tt.call+`]`,
				)
				if n := len(s.of(tt.want)); n != 1 || len(answers) != 3 {
					t.Errorf("%d times %s, answers %v", n, tt.want, answers)
				}
			})
		})
	}
}
