package v16_test

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"hayalet/internal/ocpp/v16"
)

func TestInteger(t *testing.T) {
	for _, tt := range []struct {
		text  string
		value int64
		valid bool
	}{
		{`10`, 10, true},
		{`-1`, -1, true},
		{`10.0`, 10, true},
		{`1e1`, 10, true},
		{`"10"`, 10, true},
		{`" 10.0 "`, 10, true},
		{`9223372036854775807`, 9223372036854775807, true},
		{`70.14`, 70, false},
		{`"-70.9"`, -70, false},
		{`1e300`, 0, false},
		{`9223372036854775808`, 0, false},
		{`"NaN"`, 0, false},
		{`"Inf"`, 0, false},
		{`"ten"`, 0, false},
		{`""`, 0, false},
		{`null`, 0, false},
		{`true`, 0, false},
		{`{"n":1}`, 0, false},
		{`[1]`, 0, false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			var got v16.Integer
			if err := json.Unmarshal([]byte(tt.text), &got); err != nil {
				t.Fatal(err)
			}
			if want := (v16.Integer{Value: tt.value, Valid: tt.valid}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]v16.Text{
		`"A1"`: "A1", `"\u0041\n"`: "A\n", `42`: "42", `true`: "true", `null`: "", `{}`: "", `["A1"]`: "",
	} {
		var got v16.Text
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestBadMemberHidesNoOther(t *testing.T) {
	const text = `{"connectorId":{"id":1},"idTag":7,"meterStart":"12","timestamp":null,"ConnectorID":3}`
	var got v16.StartTransactionRequest
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := v16.StartTransactionRequest{IDTag: "7", MeterStart: v16.Integer{Value: 12, Valid: true}}
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
