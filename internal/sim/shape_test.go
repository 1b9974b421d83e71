package sim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hayalet"
)

// A shape says what a JSON value must be: an object's members, with a "!" behind the names of those that must be there; a
// list of at least one; one of several words; or by its name "text", "stamp", "integer", "number" or "boolean". What is not
// named must not be there.
type (
	object map[string]any
	list   struct{ of any }
	words  []string
)

// misfits lists what is wrong with v.
func misfits(at string, v, shape any) []string {
	switch shape := shape.(type) {
	case object:
		return objectMisfits(at, v, shape)
	case list:
		l, ok := v.([]any)
		if !ok || len(l) == 0 {
			return []string{at + " is no list with something in it"}
		}
		var all []string
		for _, e := range l {
			all = append(all, misfits(at+"[]", e, shape.of)...)
		}
		return all
	case words:
		if s, ok := v.(string); !ok || !slices.Contains(shape, s) {
			return []string{fmt.Sprintf("%s is %v, not one of %v", at, v, shape)}
		}
	case string:
		if !fits(v, shape) {
			return []string{fmt.Sprintf("%s is %v, not %s", at, v, shape)}
		}
	}
	return nil
}

func objectMisfits(at string, v any, shape object) []string {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{at + " is no object"}
	}
	var all []string
	for key := range m {
		if shape[key] == nil && shape[key+"!"] == nil {
			all = append(all, at+"."+key+" is not in the schema")
		}
	}
	for key, of := range shape {
		name, required := strings.CutSuffix(key, "!")
		value, there := m[name]
		switch {
		case there:
			all = append(all, misfits(at+"."+name, value, of)...)
		case required:
			all = append(all, at+"."+name+" is missing")
		}
	}
	return all
}

func fits(v any, kind string) bool {
	switch v := v.(type) {
	case string:
		if kind == "stamp" {
			_, err := time.Parse("2006-01-02T15:04:05.000Z", v)
			return err == nil
		}
		return kind == "text" && len(v) <= 36
	case float64:
		return kind == "number" || kind == "integer" && v == math.Trunc(v)
	case bool:
		return kind == "boolean"
	}
	return false
}

// shapes are those of the calls of a station that a scenario can make, by action.
func shapes(p hayalet.Protocol) map[string]object {
	if p == hayalet.OCPP16 {
		return shapes16()
	}
	upstream := p == hayalet.OCPP21
	values := list{object{"timestamp!": "stamp", "sampledValue!": list{sampleShape2(upstream)}}}
	token := object{"idToken!": "text", "type!": words{"Central", "ISO14443"}}
	return map[string]object{
		"BootNotification": {
			"reason!":          words{"PowerUp", "RemoteReset", "Triggered"},
			"chargingStation!": object{"model!": "text", "vendorName!": "text", "serialNumber": "text", "firmwareVersion": "text"},
		},
		"Authorize": {"idToken!": token},
		"Heartbeat": {},
		"StatusNotification": {
			"timestamp!": "stamp", "evseId!": "integer", "connectorId!": "integer",
			"connectorStatus!": words{"Available", "Occupied", "Reserved", "Unavailable", "Faulted"},
		},
		"NotifyEvent": {
			"generatedAt!": "stamp", "seqNo!": "integer", "eventData!": list{object{
				"eventId!": "integer", "timestamp!": "stamp", "trigger!": words{"Alerting", "Delta", "Periodic"}, "actualValue!": "text",
				"eventNotificationType!": words{"HardWiredNotification", "HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"},
				"component!":             object{"name!": "text"}, "variable!": object{"name!": "text"},
			}},
		},
		"MeterValues": {"evseId!": "integer", "meterValue!": values},
		"TransactionEvent": {
			"eventType!": words{"Started", "Updated", "Ended"}, "timestamp!": "stamp", "seqNo!": "integer", "offline": "boolean",
			"triggerReason!": words{
				"AbnormalCondition", "Authorized", "ChargingStateChanged", "Deauthorized", "EVCommunicationLost", "MeterValueClock",
				"MeterValuePeriodic", "RemoteStart", "RemoteStop", "ResetCommand", "StopAuthorized", "Trigger", "UnlockCommand",
			},
			"transactionInfo!": object{
				"transactionId!": "text", "chargingState": words{"Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Idle"},
				"stoppedReason": words{
					"DeAuthorized", "EmergencyStop", "EVDisconnected", "ImmediateReset", "Local", "Other", "PowerLoss", "Reboot", "Remote",
				},
				"remoteStartId": "integer",
			},
			"evse": object{"id!": "integer", "connectorId": "integer"}, "idToken": token, "meterValue": values,
		},
		"NotifyReport": {
			"requestId!": "integer", "generatedAt!": "stamp", "seqNo!": "integer", "reportData!": list{object{
				"component!": object{"name!": "text"}, "variable!": object{"name!": "text"},
				"variableAttribute!":      list{object{"value!": "text", "mutability!": words{"ReadOnly", "ReadWrite"}}},
				"variableCharacteristics": object{"dataType!": words{"integer", "boolean", "MemberList", "OptionList"}, "supportsMonitoring!": "boolean"},
			}},
		},
		"FirmwareStatusNotification": {"status!": words{"Idle"}},
		"LogStatusNotification":      {"status!": words{"Idle"}},
		"DataTransfer":               {"vendorId!": "text", "messageId": "text", "data": "text"},
	}
}

func sampleShape2(upstream bool) object {
	locations := words{"Body", "Cable", "EV", "Inlet", "Outlet"}
	if upstream {
		locations = append(locations, "Upstream")
	}
	return object{
		"value!": "number", "context": contextWords(), "location": locations,
		"measurand": words{"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage", "SoC"},
		"phase":     words{"L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"},
		"unitOfMeasure": object{
			"unit": words{"Wh", "kWh", "W", "A", "V", "Percent"}, "multiplier": "integer",
		},
	}
}

func contextWords() words {
	return words{
		"Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic", "Transaction.Begin",
		"Transaction.End", "Trigger",
	}
}

func shapes16() map[string]object {
	sample := object{
		"value!": "text", "context": contextWords(), "format": words{"Raw"}, "phase": words{"L1", "L2", "L3"}, "location": words{"Outlet"},
		"measurand": words{"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage", "SoC"},
		"unit":      words{"Wh", "kWh", "W", "A", "V", "Percent"},
	}
	return map[string]object{
		"BootNotification": {
			"chargePointModel!": "text", "chargePointVendor!": "text", "firmwareVersion": "text", "chargePointSerialNumber": "text",
		},
		"Authorize":          {"idTag!": "text"},
		"StatusNotification": {"connectorId!": "integer", "errorCode!": words{"NoError"}, "status!": words{"Available", "Preparing", "Charging", "Finishing"}, "timestamp": "stamp"},
		"StartTransaction":   {"connectorId!": "integer", "idTag!": "text", "meterStart!": "integer", "timestamp!": "stamp"},
		"MeterValues": {
			"connectorId!": "integer", "transactionId": "integer",
			"meterValue!": list{object{"timestamp!": "stamp", "sampledValue!": list{sample}}},
		},
		"StopTransaction": {"meterStop!": "integer", "timestamp!": "stamp", "transactionId!": "integer", "reason": words{"Local", "EVDisconnected"}},
	}
}
