package v21_test

import (
	"slices"
	"testing"

	"hayalet/internal/ocpp/v201"
	"hayalet/internal/ocpp/v21"
)

func TestCommands(t *testing.T) {
	got := v21.Commands()
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 55 {
		t.Errorf("want 55 different commands in order, got %d: %v", len(got), got)
	}
	for _, action := range append(v201.Commands(), "AFRRSignal", "SetDERControl", "UsePriorityCharging", "NotifyWebPaymentStarted") {
		if !slices.Contains(got, action) {
			t.Errorf("%s is missing", action)
		}
	}
	for _, action := range []string{v21.VatNumberValidation, v21.NotifyPeriodicEventStream, v21.NotifySettlement} {
		if slices.Contains(got, action) {
			t.Errorf("%s is no command", action)
		}
	}
}
