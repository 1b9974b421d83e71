package v16_test

import (
	"slices"
	"testing"

	"hayalet/internal/ocpp/tolerant"
	"hayalet/internal/ocpp/v16"
)

func TestBadMemberHidesNoOther(t *testing.T) {
	const text = `{"connectorId":{"id":1},"idTag":7,"meterStart":"12","timestamp":null,"ConnectorID":3}`
	var got v16.StartTransactionRequest
	if err := tolerant.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := v16.StartTransactionRequest{IDTag: "7", MeterStart: tolerant.Integer{Value: 12, Valid: true}}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCommands(t *testing.T) {
	got := v16.Commands()
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 26 {
		t.Errorf("want 26 different commands in order, got %d: %v", len(got), got)
	}
	for _, action := range []string{"TriggerMessage", "DataTransfer", "GetLog", "ReserveNow"} {
		if !slices.Contains(got, action) {
			t.Errorf("%s is missing", action)
		}
	}
	if slices.Contains(got, v16.Heartbeat) {
		t.Error("Heartbeat is no command")
	}
}
