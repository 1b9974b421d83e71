package ocpp_test

import (
	"testing"

	"hayalet"
	"hayalet/internal/ocpp"
)

// The message types that 2.1 adds are read like those that they resemble.
func TestParseMessageTypesOf21(t *testing.T) {
	m, fault := ocpp.ParseMessage(ocpp.AppendSend(nil, "s1", "NotifyPeriodicEventStream", []byte(`{"id":1}`)))
	if fault != nil || m.Type != ocpp.Send || m.ID != "s1" || m.Action != "NotifyPeriodicEventStream" || string(m.Payload) != `{"id":1}` {
		t.Errorf("got %+v, %v", m, fault)
	}
	m, fault = ocpp.ParseMessage(ocpp.AppendResultError(nil, "c1", ocpp.FormatViolation, "no"))
	if fault != nil || m.Type != ocpp.CallResultError || m.ID != "c1" || m.ErrorCode != "FormatViolation" || m.ErrorText != "no" || string(m.Details) != "{}" {
		t.Errorf("got %+v, %v", m, fault)
	}
}

// What is never answered is told by its type, even where the rest cannot be read.
func TestParseMessageKnowsTheTypeOfWhatIsBroken(t *testing.T) {
	for text, want := range map[string]ocpp.MessageType{
		`[3]`: ocpp.CallResult, `[4,{}`: ocpp.CallError, `[5`: ocpp.CallResultError, `[6,"1"]`: ocpp.Send, `[6,"1","A",{`: ocpp.Send, `[2]`: ocpp.Call,
	} {
		if m, fault := ocpp.ParseMessage([]byte(text)); fault == nil || fault.Ignore || m.Type != want {
			t.Errorf("%s: got type %d, %v", text, m.Type, fault)
		}
	}
	for _, text := range []string{`[7,"1","A",{}]`, `[1]`, `[-2,"1"`} {
		if _, fault := ocpp.ParseMessage([]byte(text)); fault == nil || !fault.Ignore {
			t.Errorf("%s: got %v", text, fault)
		}
	}
}

func TestErrorCodesInTheWordsOfTheVersion(t *testing.T) {
	_, framing := ocpp.ParseMessage([]byte(`not json`))
	for _, c := range []struct {
		fault *ocpp.WireError
		old   ocpp.ErrorCode
		new   ocpp.ErrorCode
	}{
		{framing, "FormationViolation", "RpcFrameworkError"},
		{&ocpp.WireError{Code: ocpp.FormationViolation}, "FormationViolation", "FormatViolation"},
		{&ocpp.WireError{Code: ocpp.OccurenceConstraintViolation}, "OccurenceConstraintViolation", "OccurrenceConstraintViolation"},
		{&ocpp.WireError{Code: ocpp.NotImplemented}, "NotImplemented", "NotImplemented"},
	} {
		for version, want := range map[hayalet.Protocol]ocpp.ErrorCode{"": c.old, hayalet.OCPP16: c.old, hayalet.OCPP201: c.new, hayalet.OCPP21: c.new} {
			if got := c.fault.CodeIn(version); got != want {
				t.Errorf("%s in %q: got %s, want %s", c.fault.Code, version, got, want)
			}
		}
	}
}
