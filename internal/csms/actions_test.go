package csms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/ocpp/v16"
	"hayalet/internal/ocpp/v201"
	"hayalet/internal/ocpp/v21"
)

// exchange is an action of a station with a payload that its schema allows, and the payload of the one right answer.
type exchange struct{ action, request, response string }

const (
	wireNow  = `"2025-11-23T19:20:59.945Z"` // of fixedClock
	ocspHash = `{"hashAlgorithm":"SHA256","issuerNameHash":"a1","issuerKeyHash":"b2","serialNumber":"c3"`
	ocspData = ocspHash + `,"responderURL":"http://ocsp.example"}`
)

func actions16() []exchange {
	return []exchange{
		{"Authorize", `{"idTag":"A1"}`, `{"idTagInfo":{"status":"Accepted"}}`},
		{"BootNotification", `{"chargePointVendor":"V","chargePointModel":"M"}`, `{"currentTime":` + wireNow + `,"interval":10,"status":"Accepted"}`},
		{"DataTransfer", `{"vendorId":"V"}`, `{"status":"UnknownVendorId"}`},
		{"DiagnosticsStatusNotification", `{"status":"Idle"}`, `{}`},
		{"FirmwareStatusNotification", `{"status":"Installed"}`, `{}`},
		{"Heartbeat", `{}`, `{"currentTime":` + wireNow + `}`},
		{"LogStatusNotification", `{"status":"Idle"}`, `{}`},
		{"MeterValues", `{"connectorId":1,"meterValue":[{"timestamp":` + wireNow + `,"sampledValue":[{"value":"1"}]}]}`, `{}`},
		{"SecurityEventNotification", `{"type":"StartupOfTheDevice","timestamp":` + wireNow + `}`, `{}`},
		{"SignCertificate", `{"csr":"-"}`, `{"status":"Rejected"}`},
		{"SignedFirmwareStatusNotification", `{"status":"Idle"}`, `{}`},
		{"StartTransaction", `{"connectorId":1,"idTag":"A1","meterStart":7,"timestamp":` + wireNow + `}`, `{"idTagInfo":{"status":"Accepted"},"transactionId":1}`},
		{"StatusNotification", `{"connectorId":1,"errorCode":"NoError","status":"Available"}`, `{}`},
		{"StopTransaction", `{"transactionId":1,"meterStop":9,"timestamp":` + wireNow + `}`, `{"idTagInfo":{"status":"Accepted"}}`},
	}
}

func actions201() []exchange {
	return []exchange{
		{"Authorize", `{"idToken":{"idToken":"A1","type":"ISO14443"}}`, `{"idTokenInfo":{"status":"Accepted"}}`},
		{
			"BootNotification", `{"reason":"PowerUp","chargingStation":{"vendorName":"V","model":"M"}}`,
			`{"currentTime":` + wireNow + `,"interval":10,"status":"Accepted"}`,
		},
		{"ClearedChargingLimit", `{"chargingLimitSource":"EMS"}`, `{}`},
		{"DataTransfer", `{"vendorId":"V","data":[1]}`, `{"status":"UnknownVendorId"}`},
		{"FirmwareStatusNotification", `{"status":"Idle"}`, `{}`},
		{
			"Get15118EVCertificate", `{"iso15118SchemaVersion":"urn:iso:15118:2:2013:MsgDef","action":"Install","exiRequest":"gA=="}`,
			`{"status":"Failed","exiResponse":""}`,
		},
		{"GetCertificateStatus", `{"ocspRequestData":` + ocspData + `}`, `{"status":"Failed"}`},
		{"Heartbeat", `{}`, `{"currentTime":` + wireNow + `}`},
		{"LogStatusNotification", `{"status":"Idle"}`, `{}`},
		{"MeterValues", `{"evseId":1,"meterValue":[{"timestamp":` + wireNow + `,"sampledValue":[{"value":1.5}]}]}`, `{}`},
		{"NotifyChargingLimit", `{"chargingLimit":{"chargingLimitSource":"EMS"}}`, `{}`},
		{"NotifyCustomerInformation", `{"data":"-","seqNo":0,"generatedAt":` + wireNow + `,"requestId":1}`, `{}`},
		{"NotifyDisplayMessages", `{"requestId":1}`, `{}`},
		{"NotifyEVChargingNeeds", `{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"DC"}}`, `{"status":"Rejected"}`},
		{
			"NotifyEVChargingSchedule",
			`{"evseId":1,"timeBase":` + wireNow + `,"chargingSchedule":{"id":1,"chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":1}]}}`,
			`{"status":"Accepted"}`,
		},
		{
			"NotifyEvent", `{"generatedAt":` + wireNow + `,"seqNo":0,"eventData":[{"eventId":1,"timestamp":` + wireNow + `,"trigger":"Delta",` +
				`"actualValue":"Occupied","eventNotificationType":"HardWiredNotification","component":{"name":"Connector","evse":{"id":1,"connectorId":1}},` +
				`"variable":{"name":"AvailabilityState"}}]}`, `{}`,
		},
		{"NotifyMonitoringReport", `{"requestId":1,"seqNo":0,"generatedAt":` + wireNow + `}`, `{}`},
		{"NotifyReport", `{"requestId":1,"seqNo":0,"generatedAt":` + wireNow + `}`, `{}`},
		{"PublishFirmwareStatusNotification", `{"status":"Idle"}`, `{}`},
		{
			"ReportChargingProfiles", `{"requestId":1,"chargingLimitSource":"CSO","evseId":1,"chargingProfile":[{"id":1,"stackLevel":0,` +
				`"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"chargingRateUnit":"W",` +
				`"chargingSchedulePeriod":[{"startPeriod":0,"limit":1}]}]}]}`, `{}`,
		},
		{"ReservationStatusUpdate", `{"reservationId":1,"reservationUpdateStatus":"Expired"}`, `{}`},
		{"SecurityEventNotification", `{"type":"StartupOfTheDevice","timestamp":` + wireNow + `}`, `{}`},
		{"SignCertificate", `{"csr":"-"}`, `{"status":"Rejected"}`},
		{"StatusNotification", `{"timestamp":` + wireNow + `,"connectorStatus":"Available","evseId":1,"connectorId":1}`, `{}`},
		{
			"TransactionEvent", `{"eventType":"Started","timestamp":` + wireNow + `,"triggerReason":"Authorized","seqNo":0,` +
				`"transactionInfo":{"transactionId":"t1"},"idToken":{"idToken":"A1","type":"ISO14443"}}`,
			`{"idTokenInfo":{"status":"Accepted"}}`,
		},
	}
}

// actions21 are those of 2.0.1, one of them with another answer, and those that 2.1 adds.
func actions21() []exchange {
	all := actions201()
	for i := range all {
		if all[i].action == "NotifyEVChargingNeeds" {
			all[i].response = `{"status":"NoChargingProfile"}`
		}
	}
	return append(
		all,
		exchange{
			"BatterySwap", `{"eventType":"BatteryIn","requestId":1,"idToken":{"idToken":"A1","type":"ISO14443"},` +
				`"batteryData":[{"evseId":1,"serialNumber":"s","soC":50,"soH":90}]}`, `{}`,
		},
		exchange{"ClosePeriodicEventStream", `{"id":1}`, `{}`},
		exchange{
			"GetCertificateChainStatus",
			`{"certificateStatusRequests":[{"certificateHashData":` + ocspHash + `},"source":"OCSP","urls":["http://ocsp.example"]}]}`,
			`{"certificateStatus":[{"certificateHashData":` + ocspHash + `},"source":"OCSP","status":"Failed","nextUpdate":` + wireNow + `}]}`,
		},
		exchange{"NotifyDERAlarm", `{"controlType":"EnterService","timestamp":` + wireNow + `}`, `{}`},
		exchange{"NotifyDERStartStop", `{"controlId":"c","started":true,"timestamp":` + wireNow + `}`, `{}`},
		exchange{"NotifyPriorityCharging", `{"transactionId":"t1","activated":true}`, `{}`},
		exchange{"NotifySettlement", `{"pspRef":"p","status":"Settled","settlementAmount":1.5,"settlementTime":` + wireNow + `}`, `{}`},
		exchange{
			"OpenPeriodicEventStream", `{"constantStreamData":{"id":1,"variableMonitoringId":1,"params":{"interval":10}}}`,
			`{"status":"Accepted"}`,
		},
		exchange{"PullDynamicScheduleUpdate", `{"chargingProfileId":1}`, `{"status":"Rejected"}`},
		exchange{"ReportDERControl", `{"requestId":1}`, `{}`},
		exchange{"VatNumberValidation", `{"vatNumber":"TR1","evseId":2}`, `{"vatNumber":"TR1","evseId":2,"status":"Rejected"}`},
	)
}

func actionsOf(version hayalet.Protocol) []exchange {
	return map[hayalet.Protocol]func() []exchange{
		hayalet.OCPP16: actions16, hayalet.OCPP201: actions201, hayalet.OCPP21: actions21,
	}[version]()
}

type versionedCall struct {
	version hayalet.Protocol
	message string
}

// everyCall lists the calls of all versions, as seeds.
func everyCall() (calls []versionedCall) {
	for _, version := range hayalet.Protocols() {
		for _, x := range actionsOf(version) {
			calls = append(calls, versionedCall{version, fmt.Sprintf("[2,%q,%q,%s]", "1", x.action, x.request)})
		}
	}
	return calls
}

func TestEveryActionIsAnswered(t *testing.T) {
	for _, version := range hayalet.Protocols() {
		for _, x := range actionsOf(version) {
			t.Run(string(version)+"/"+x.action, func(t *testing.T) {
				link := &fakeLink{protocol: version}
				_, p := open(t, csms.Config{}, &fakeLedger{}, link)
				defer p.Closed()
				if err := p.Receive(t.Context(), fmt.Appendf(nil, "[2,%q,%q,%s]", "1", x.action, x.request)); err != nil {
					t.Fatal(err)
				}
				if got, want := link.take(), fmt.Sprintf("[3,%q,%s]", "1", x.response); !slices.Equal(got, []string{want}) {
					t.Errorf("got %s\nwant %s", got, want)
				}
			})
		}
	}
}

// With any payload an action of the version is known, an action of the central system is told to be one, and all else is
// unknown: what one version has, another has not.
func TestActionsOfOtherVersions(t *testing.T) {
	commands := map[hayalet.Protocol][]string{hayalet.OCPP16: v16.Commands(), hayalet.OCPP201: v201.Commands(), hayalet.OCPP21: v21.Commands()}
	all := []string{"MakeCoffee"}
	for _, version := range hayalet.Protocols() {
		all = append(all, commands[version]...)
		for _, x := range actionsOf(version) {
			all = append(all, x.action)
		}
	}
	slices.Sort(all)
	for _, version := range hayalet.Protocols() {
		link := &fakeLink{protocol: version}
		_, p := open(t, csms.Config{}, &fakeLedger{}, link)
		for _, action := range slices.Compact(all) {
			want := `"NotImplemented"`
			switch {
			case slices.ContainsFunc(actionsOf(version), func(x exchange) bool { return x.action == action }):
				continue
			case slices.Contains(commands[version], action):
				want = `"NotSupported"`
			}
			if err := p.Receive(t.Context(), fmt.Appendf(nil, "[2,%q,%q,{}]", "1", action)); err != nil {
				t.Fatal(err)
			}
			if got := link.take(); len(got) != 1 || !strings.HasPrefix(got[0], `[4,"1",`+want) {
				t.Errorf("%s %s: got %q, want %s", version, action, got, want)
			}
		}
		p.Closed()
	}
}
