package v201_test

import (
	"slices"
	"testing"

	"hayalet/internal/ocpp/tolerant"
	"hayalet/internal/ocpp/v201"
)

func TestBadMemberHidesNoOther(t *testing.T) {
	const text = `{"reason":7,"chargingStation":{"vendorName":["V"],"model":5,"modem":null,"serialNumber":"S","firmwareVersion":{}}}`
	var got v201.BootNotificationRequest
	if err := tolerant.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if want := (v201.ChargingStation{Model: "5", SerialNumber: "S"}); got.ChargingStation.Value != want || !got.ChargingStation.IsSet {
		t.Errorf("got %+v, want %+v", got.ChargingStation, want)
	}
}

func TestCommands(t *testing.T) {
	got := v201.Commands()
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 40 {
		t.Errorf("want 40 different commands in order, got %d: %v", len(got), got)
	}
	for _, action := range []string{"TriggerMessage", "DataTransfer", "GetLog", "RequestStartTransaction", "SetVariables"} {
		if !slices.Contains(got, action) {
			t.Errorf("%s is missing", action)
		}
	}
	for _, action := range []string{v201.Heartbeat, v201.TransactionEvent, "ChangeConfiguration", "GetTariffs"} {
		if slices.Contains(got, action) {
			t.Errorf("%s is no command of 2.0.1", action)
		}
	}
}
