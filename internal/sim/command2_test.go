package sim_test

import (
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/sim"
)

func TestCommandsOf2(t *testing.T) {
	const script = "steps: [{boot: {}}, {start: {meter_start: 5}}, {meter: {value: 6}}, {authorize: {}}, {wait: 1h}, {stop: {meter_stop: 6}}]\n"
	both := map[string]string{
		`"Reset",{"type":"Immediate"}`:            `3,{"status":"Accepted"}`,
		`"Reset",{"type":"OnIdle"}`:               `3,{"status":"Scheduled"}`,
		`"Reset",{"type":"Immediate","evseId":1}`: `3,{"status":"Rejected"}`,
		`"Reset",{"type":5}`:                      `4,"FormatViolation","",{}`,
		`"RequestStartTransaction",{"evseId":2,"remoteStartId":1,"idToken":{"idToken":"X","type":"Central"}}`: `3,{"status":"Rejected"}`,
		`"RequestStopTransaction",{"transactionId":"nobody's"}`:                                               `3,{"status":"Rejected"}`,
		`"GetTransactionStatus",{}`:                                                   `3,{"messagesInQueue":false}`,
		`"GetTransactionStatus",{"transactionId":"nobody's"}`:                         `3,{"ongoingIndicator":false,"messagesInQueue":false}`,
		`"ChangeAvailability",{"evse":{"id":1},"operationalStatus":"Inoperative"}`:    `3,{"status":"Scheduled"}`,
		`"ChangeAvailability",{"evse":{"id":2},"operationalStatus":"Inoperative"}`:    `3,{"status":"Accepted"}`,
		`"ChangeAvailability",{"evse":{"id":9},"operationalStatus":"Inoperative"}`:    `3,{"status":"Rejected"}`,
		`"UnlockConnector",{"evseId":1,"connectorId":1}`:                              `3,{"status":"OngoingAuthorizedTransaction"}`,
		`"UnlockConnector",{"evseId":2,"connectorId":1}`:                              `3,{"status":"Unlocked"}`,
		`"UnlockConnector",{"evseId":2,"connectorId":2}`:                              `3,{"status":"UnknownConnector"}`,
		`"ReserveNow",{"id":1,"evseId":1,"idToken":{"idToken":"X","type":"Central"}}`: `3,{"status":"Occupied"}`,
		`"ReserveNow",{"id":1,"evseId":2,"idToken":{"idToken":"X","type":"Central"}}`: `3,{"status":"Accepted"}`,
		`"CancelReservation",{"reservationId":1}`:                                     `3,{"status":"Rejected"}`,
		`"SetChargingProfile",{"evseId":1,"chargingProfile":{}}`:                      `3,{"status":"Accepted"}`,
		`"ClearChargingProfile",{"chargingProfileId":1}`:                              `3,{"status":"Unknown"}`,
		`"SendLocalList",{"versionNumber":3,"updateType":"Full"}`:                     `3,{"status":"Accepted"}`,
		`"GetLocalListVersion",{}`:                                                    `3,{"versionNumber":0}`,
		`"TriggerMessage",{"requestedMessage":"SignV2GCertificate"}`:                  `3,{"status":"NotImplemented"}`,
		`"TriggerMessage",{"requestedMessage":"Heartbeat","evse":{"id":9}}`:           `3,{"status":"Rejected"}`,
		`"TriggerMessage",{"requestedMessage":"DiagnosticsStatusNotification"}`:       `3,{"status":"NotImplemented"}`,
		`"GetBaseReport",{"requestId":1,"reportBase":"SummaryInventory"}`:             `3,{"status":"NotSupported"}`,
		`"GetVariables",{"getVariableData":[]}`:                                       `4,"OccurrenceConstraintViolation","",{}`,
		`"GetVariables",{"getVariableData":{}}`:                                       `4,"FormatViolation","",{}`,
		`"ClearCache",{}`:                                                             `3,{"status":"Accepted"}`,
		`"CostUpdated",{"totalCost":1,"transactionId":"x"}`:                           `3,{}`,
		`"DataTransfer",{"vendorId":"x"}`:                                             `3,{"status":"UnknownVendorId"}`,
		`"GetDisplayMessages",{"requestId":1}`:                                        `3,{"status":"Unknown"}`,
		`"GetInstalledCertificateIds",{}`:                                             `3,{"status":"NotFound"}`,
		`"GetChargingProfiles",{"requestId":1,"chargingProfile":{}}`:                  `3,{"status":"NoProfiles"}`,
		`"GetReport",{"requestId":1}`:                                                 `3,{"status":"NotSupported"}`,
		`"UnpublishFirmware",{"checksum":"x"}`:                                        `3,{"status":"NoFirmware"}`,
		`"UpdateFirmware",{"requestId":1,"firmware":{}}`:                              `3,{"status":"Rejected"}`,
		`"ClearVariableMonitoring",{"id":[1]}`:                                        `4,"NotSupported","",{}`,
		`"RemoteStartTransaction",{"idTag":"X"}`:                                      `4,"NotImplemented","",{}`,
		`"MakeCoffee",{}`:                                                             `4,"NotImplemented","",{}`,
	}
	of := map[hayalet.Protocol]map[string]string{
		hayalet.OCPP201: {`"SetDERControl",{}`: `4,"NotImplemented","",{}`, `"GetTariffs",{"evseId":1}`: `4,"NotImplemented","",{}`},
		hayalet.OCPP21: {
			`"SetDERControl",{}`: `3,{"status":"NotSupported"}`, `"GetTariffs",{"evseId":1}`: `3,{"status":"NoTariff"}`,
			`"GetPeriodicEventStream",{}`: `3,{}`, `"ClearTariffs",{}`: `4,"NotSupported","",{}`, `"AFRRSignal",{}`: `3,{"status":"Rejected"}`,
			`"UsePriorityCharging",{}`: `3,{"status":"NoProfile"}`, `"ChangeTransactionTariff",{}`: `3,{"status":"TxNotFound"}`,
		},
	}
	for p, own := range of {
		maps.Copy(own, both)
		for call, want := range own {
			t.Run(string(p)+" "+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got := askOf(t, centralOf(t, p), script, 0, `[2,"q",`+call+`]`)
					kind, rest, _ := strings.Cut(want, ",")
					if want := `[` + kind + `,"q",` + rest + `]`; !slices.Equal(got, []string{want}) {
						t.Errorf("got %v, want %s", got, want)
					}
				})
			})
		}
	}
}

func TestVariables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := centralOf(t, hayalet.OCPP201)
		got := askOf(
			t, s, "steps: [{boot: {}}, {authorize: {}}, {wait: 1h}]\n", 0,
			`[2,"1","SetVariables",{"setVariableData":[`+
				`{"attributeValue":"60","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}},`+
				`{"attributeValue":"1","component":{"name":"DeviceDataCtrlr"},"variable":{"name":"ItemsPerMessage","instance":"GetReport"}},`+
				`{"attributeValue":"1","attributeType":"Target","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}]`,
			`[2,"2","GetVariables",{"getVariableData":[`+
				`{"component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"},"attributeType":"Actual"},`+
				`{"component":{"name":"SampledDataCtrlr"},"variable":{"name":"Nothing"}},`+
				`{"component":{"name":"Nobody","evse":{"id":1}},"variable":{"name":"Nothing"}}]}]`,
			`[2,"3","GetBaseReport",{"requestId":77,"reportBase":"FullInventory"}]`,
		)
		want := []string{
			`[3,"1",{"setVariableResult":[` +
				`{"attributeStatus":"Accepted","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}},` +
				`{"attributeStatus":"Rejected","component":{"name":"DeviceDataCtrlr"},"variable":{"name":"ItemsPerMessage","instance":"GetReport"}},` +
				`{"attributeStatus":"NotSupportedAttributeType","attributeType":"Target","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}]`,
			`[3,"2",{"getVariableResult":[` +
				`{"attributeStatus":"Accepted","attributeType":"Actual","attributeValue":"60","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}},` +
				`{"attributeStatus":"UnknownVariable","component":{"name":"SampledDataCtrlr"},"variable":{"name":"Nothing"}},` +
				`{"attributeStatus":"UnknownComponent","component":{"name":"Nobody","evse":{"id":1}},"variable":{"name":"Nothing"}}]}]`,
			`[3,"3",{"status":"Accepted"}]`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %s", strings.Join(got, "\n"))
		}
		reports := s.of("NotifyReport")
		if len(reports) != 1 || reports[0].payload["requestId"] != 77.0 || !strings.Contains(reports[0].text, `{"component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"},"variableAttribute":[{"value":"60","mutability":"ReadWrite"}]`) {
			t.Errorf("reports %v", reports)
		}
		conform(t, hayalet.OCPP201, s.calls)
	})
}

func TestTriggeredMessagesOf2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := centralOf(t, hayalet.OCPP21)
		askOf(
			t, s, "steps: [{boot: {}}, {start: {meter_start: 70}}, {meter: {value: 77}}, {authorize: {}}, {wait: 1h}, {stop: {meter_stop: 80}}]\n", 0,
			`[2,"1","TriggerMessage",{"requestedMessage":"MeterValues","evse":{"id":1}}]`,
			`[2,"2","TriggerMessage",{"requestedMessage":"TransactionEvent"}]`,
			`[2,"3","TriggerMessage",{"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}]`,
			`[2,"4","TriggerMessage",{"requestedMessage":"BootNotification"}]`,
			`[2,"5","TriggerMessage",{"requestedMessage":"LogStatusNotification"}]`,
		)
		want := []string{"MeterValues", "TransactionEvent", "StatusNotification", "BootNotification", "LogStatusNotification", "TransactionEvent"}
		if got := s.actions()[4:]; !slices.Equal(got, want) {
			t.Fatalf("got %v", got)
		}
		conform(t, hayalet.OCPP21, s.calls)
		sequence(t, s)
		for i, part := range []string{`"context":"Trigger"`, `"triggerReason":"Trigger"`, `"connectorStatus":"Occupied"`, `"reason":"Triggered"`} {
			if c := s.calls[4+i]; !strings.Contains(c.text, part) {
				t.Errorf("no %s in %s", part, c.text)
			}
		}
	})
}

// TestRemoteOf2 starts and stops on request once the script is done, and then resets.
func TestRemoteOf2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := centralOf(t, hayalet.OCPP201)
		var id string
		s.onCall = func(conn net.Conn, c call) {
			switch info, _ := c.payload["transactionInfo"].(map[string]any); {
			case c.action == "Authorize": // the stay begins next
				go func() {
					<-time.After(time.Second) // of false time
					s.text(conn, `[2,"1","RequestStartTransaction",{"evseId":2,"remoteStartId":41,"idToken":{"idToken":"X","type":"KeyCode"}}]`)
				}()
			case c.payload["eventType"] == "Started":
				id = info["transactionId"].(string)
				go func() {
					<-time.After(time.Second)
					s.text(conn, `[2,"2","RequestStopTransaction",{"transactionId":"`+id+`"}]`)
				}()
			case c.payload["eventType"] == "Ended":
				go func() {
					<-time.After(time.Second)
					s.text(conn, `[2,"3","Reset",{"type":"OnIdle"}]`)
				}()
			}
		}
		scenario := parse(t, "steps: [{boot: {}}, {meter: {value: 77, connector: 2}}, {authorize: {}}]\n")
		res, _, err := play(t.Context(), t, s, sim.Options{Scenario: scenario, Stay: 9 * time.Second})
		if err != nil || res.Commands != 3 || len(res.Transactions) != 1 || res.Transactions[0].String() != id || s.opened != 2 {
			t.Errorf("%v, %+v over %d connections", err, res, s.opened)
		}
		if want := []string{`[3,"1",{"status":"Accepted"}]`, `[3,"2",{"status":"Accepted"}]`, `[3,"3",{"status":"Accepted"}]`}; !slices.Equal(s.answers, want) {
			t.Errorf("answers %v", s.answers)
		}
		events := s.of("TransactionEvent")
		if len(events) != 2 || !strings.Contains(events[0].text, `"triggerReason":"RemoteStart"`) || !strings.Contains(events[0].text, `"remoteStartId":41`) ||
			!strings.Contains(events[0].text, `"idToken":{"idToken":"X","type":"KeyCode"}`) || !strings.Contains(events[1].text, `"triggerReason":"RemoteStop"`) ||
			!strings.Contains(events[1].text, `"stoppedReason":"Remote"`) || !strings.Contains(events[1].text, `"value":77`) {
			t.Errorf("events %v", events)
		}
		if boots := s.of("BootNotification"); len(boots) != 2 || !strings.Contains(boots[1].text, `"reason":"RemoteReset"`) {
			t.Errorf("boots %v", boots)
		}
	})
}
