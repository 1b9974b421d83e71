package sim

import (
	"cmp"
	"maps"
	"slices"

	"hayalet/internal/ocpp"
)

const (
	maxItems         = 100  // in one call; this is what ItemsPerMessage says
	maxVariableChars = 1000 // [2.0.1 SetVariableDataType]
)

// variableKey names a variable of the device model.
type variableKey struct{ component, variable string }

type variableState struct {
	value    string
	kind     string // DataEnumType
	readOnly bool
}

// variables2 is the part of the device model that a simulated station has. It knows no instances, but takes any of a
// variable that it knows.
type variables2 map[variableKey]variableState

func newVariables2() variables2 {
	return variables2{
		{"AlignedDataCtrlr", "Enabled"}:             {value: "true", kind: "boolean"},
		{"AlignedDataCtrlr", "Interval"}:            {value: "0", kind: "integer"},
		{"AlignedDataCtrlr", "Measurands"}:          {value: energyRegister, kind: "MemberList"},
		{"AlignedDataCtrlr", "SendDuringIdle"}:      {value: "true", kind: "boolean"},
		{"AlignedDataCtrlr", "TxEndedInterval"}:     {value: "0", kind: "integer"},
		{"AlignedDataCtrlr", "TxEndedMeasurands"}:   {value: energyRegister, kind: "MemberList"},
		{"AuthCtrlr", "AuthorizeRemoteStart"}:       {value: "false", kind: "boolean"},
		{"DeviceDataCtrlr", "ItemsPerMessage"}:      {value: "100", kind: "integer", readOnly: true},
		{"OCPPCommCtrlr", "HeartbeatInterval"}:      {value: "0", kind: "integer"},
		{"OCPPCommCtrlr", "MessageTimeout"}:         {value: "10", kind: "integer", readOnly: true},
		{"OCPPCommCtrlr", "WebSocketPingInterval"}:  {value: "0", kind: "integer"},
		{"SampledDataCtrlr", "Enabled"}:             {value: "true", kind: "boolean"},
		{"SampledDataCtrlr", "TxEndedInterval"}:     {value: "0", kind: "integer"},
		{"SampledDataCtrlr", "TxEndedMeasurands"}:   {value: energyRegister, kind: "MemberList"},
		{"SampledDataCtrlr", "TxStartedMeasurands"}: {value: energyRegister, kind: "MemberList"},
		{"SampledDataCtrlr", "TxUpdatedInterval"}:   {value: "0", kind: "integer"},
		{"SampledDataCtrlr", "TxUpdatedMeasurands"}: {value: energyRegister, kind: "MemberList"},
		{"TxCtrlr", "StopTxOnEVSideDisconnect"}:     {value: "true", kind: "boolean"},
		{"TxCtrlr", "StopTxOnInvalidId"}:            {value: "false", kind: "boolean"},
		{"TxCtrlr", "TxStartPoint"}:                 {value: "Authorized", kind: "OptionList"},
		{"TxCtrlr", "TxStopPoint"}:                  {value: "Authorized", kind: "OptionList"},
	}
}

// asked2 is one element of GetVariables and of SetVariables.
type asked2 struct {
	Component component2 `json:"component"`
	Variable  variable2  `json:"variable"`
	Type      string     `json:"attributeType"`
	Value     string     `json:"attributeValue"`
}

// result2 is one element of the answer to either.
type result2 struct {
	Status    string     `json:"attributeStatus"`
	Type      string     `json:"attributeType,omitempty"`
	Value     *string    `json:"attributeValue,omitempty"` // of GetVariables, where accepted
	Component component2 `json:"component"`
	Variable  variable2  `json:"variable"`
}

// find says how far the station knows what is asked for: "Accepted" where it has it.
func (v variables2) find(a *asked2) (variableKey, variableState, string) {
	key := variableKey{a.Component.Name, a.Variable.Name}
	state, ok := v[key]
	switch {
	case ok && cmp.Or(a.Type, "Actual") != "Actual":
		return key, state, "NotSupportedAttributeType"
	case ok:
		return key, state, "Accepted"
	}
	for k := range v {
		if k.component == key.component {
			return key, state, "UnknownVariable"
		}
	}
	return key, state, "UnknownComponent"
}

func (v variables2) get(_ *player, req *request2) (any, ocpp.ErrorCode) {
	results, code := each(req.Get, func(a *asked2, r *result2) {
		var state variableState
		if _, state, r.Status = v.find(a); r.Status == "Accepted" {
			r.Value = &state.value
		}
	})
	return struct {
		Results []result2 `json:"getVariableResult"`
	}{results}, code
}

func (v variables2) set(_ *player, req *request2) (any, ocpp.ErrorCode) {
	results, code := each(req.Set, func(a *asked2, r *result2) {
		var key variableKey
		var state variableState
		key, state, r.Status = v.find(a)
		switch {
		case r.Status != "Accepted":
		case state.readOnly || len(a.Value) > maxVariableChars:
			r.Status = "Rejected"
		default:
			state.value = a.Value
			v[key] = state
		}
	})
	return struct {
		Results []result2 `json:"setVariableResult"`
	}{results}, code
}

// each answers every element in its place.
func each(asked []asked2, do func(*asked2, *result2)) ([]result2, ocpp.ErrorCode) {
	if len(asked) == 0 || len(asked) > maxItems {
		return nil, ocpp.OccurenceConstraintViolation
	}
	results := make([]result2, len(asked))
	for i := range asked {
		a := &asked[i]
		results[i] = result2{Type: a.Type, Component: a.Component, Variable: a.Variable}
		do(a, &results[i])
	}
	return results, ""
}

// report lists all variables, as a NotifyReport of one part [2.x B07].
func (v variables2) report(request int, stamp string) message {
	keys := slices.SortedFunc(maps.Keys(v), func(a, b variableKey) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.variable, b.variable))
	})
	r := report2{Request: request, GeneratedAt: stamp}
	for _, k := range keys {
		state := v[k]
		mutability := "ReadWrite"
		if state.readOnly {
			mutability = "ReadOnly"
		}
		r.Data = append(r.Data, reported2{
			Component: component2{Name: k.component}, Variable: variable2{Name: k.variable},
			Attributes: []attribute2{{Value: state.value, Mutability: mutability}}, Characteristics: kind2{DataType: state.kind},
		})
	}
	return message{action: "NotifyReport", payload: r}
}
