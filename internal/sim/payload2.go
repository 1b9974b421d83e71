package sim

import "encoding/json"

// The payloads of OCPP 2.x. Members stand in the order in which they are written.

type boot2 struct {
	Reason  bootReason `json:"reason"`
	Station station2   `json:"chargingStation"`
}

type station2 struct {
	Model    string `json:"model"`
	Vendor   string `json:"vendorName"`
	Serial   string `json:"serialNumber,omitempty"`
	Firmware string `json:"firmwareVersion,omitempty"`
}

type token2 struct {
	ID   string `json:"idToken"`
	Type string `json:"type"`
}

type authorize2 struct {
	Token token2 `json:"idToken"`
}

type status2 struct {
	Timestamp string `json:"timestamp"`
	Status    string `json:"connectorStatus"`
	EVSE      int    `json:"evseId"`
	Connector int    `json:"connectorId"`
}

type evse2 struct {
	ID        int `json:"id"`
	Connector int `json:"connectorId,omitempty"`
}

type transactionEvent2 struct {
	Type      string        `json:"eventType"`
	Timestamp string        `json:"timestamp"`
	Trigger   string        `json:"triggerReason"`
	Seq       int           `json:"seqNo"`
	Offline   bool          `json:"offline,omitempty"`
	Info      info2         `json:"transactionInfo"`
	EVSE      *evse2        `json:"evse,omitempty"`
	Token     *token2       `json:"idToken,omitempty"`
	Values    []meterValue2 `json:"meterValue,omitempty"`
}

type info2 struct {
	ID          string `json:"transactionId"`
	State       string `json:"chargingState,omitempty"`
	Stopped     string `json:"stoppedReason,omitempty"`
	RemoteStart *int   `json:"remoteStartId,omitempty"`
}

type meter2 struct {
	EVSE   int           `json:"evseId"`
	Values []meterValue2 `json:"meterValue"`
}

type meterValue2 struct {
	Timestamp string    `json:"timestamp"`
	Samples   []sample2 `json:"sampledValue"`
}

type sample2 struct {
	Value     json.Number `json:"value"`
	Context   string      `json:"context,omitempty"`
	Measurand string      `json:"measurand,omitempty"`
	Phase     string      `json:"phase,omitempty"`
	Location  string      `json:"location,omitempty"`
	Unit      *unit2      `json:"unitOfMeasure,omitempty"`
}

type unit2 struct {
	Unit       string `json:"unit,omitempty"`
	Multiplier int    `json:"multiplier,omitempty"` // a power of ten
}

type component2 struct {
	Name     string `json:"name"`
	Instance string `json:"instance,omitempty"`
	EVSE     *evse2 `json:"evse,omitempty"`
}

type variable2 struct {
	Name     string `json:"name"`
	Instance string `json:"instance,omitempty"`
}

type notifyEvent2 struct {
	GeneratedAt string   `json:"generatedAt"`
	Seq         int      `json:"seqNo"`
	Events      []event2 `json:"eventData"`
}

type event2 struct {
	ID        int        `json:"eventId"`
	Timestamp string     `json:"timestamp"`
	Trigger   string     `json:"trigger"`
	Actual    string     `json:"actualValue"`
	Kind      string     `json:"eventNotificationType"`
	Component component2 `json:"component"`
	Variable  variable2  `json:"variable"`
}

type report2 struct {
	Request     int         `json:"requestId"`
	GeneratedAt string      `json:"generatedAt"`
	Seq         int         `json:"seqNo"`
	Data        []reported2 `json:"reportData"`
}

type reported2 struct {
	Component       component2   `json:"component"`
	Variable        variable2    `json:"variable"`
	Attributes      []attribute2 `json:"variableAttribute"`
	Characteristics kind2        `json:"variableCharacteristics"`
}

type attribute2 struct {
	Value      string `json:"value"`
	Mutability string `json:"mutability"`
}

type kind2 struct {
	DataType  string `json:"dataType"`
	Monitored bool   `json:"supportsMonitoring"`
}
