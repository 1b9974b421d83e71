package hayalet_test

import (
	"encoding/json"
	"testing"

	"hayalet"
)

func TestTransactionIDSurvivesJSON(t *testing.T) {
	for _, id := range []hayalet.TransactionID{
		{},
		hayalet.NumericTransaction(0), hayalet.NumericTransaction(-1), hayalet.NumericTransaction(9223372036854775807),
		hayalet.TextTransaction("a\x01\x7f\"/"), hayalet.TextTransaction("007"), hayalet.TextTransaction(""),
	} {
		b, err := json.Marshal(id)
		if err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		var back hayalet.TransactionID
		if err := json.Unmarshal(b, &back); err != nil || back != id {
			t.Errorf("%s came back as %v: %v", b, back, err)
		}
	}
}

func TestUsableTransactionIDs(t *testing.T) {
	for id, want := range map[hayalet.TransactionID]bool{
		{}:                             false,
		hayalet.NumericTransaction(0):  false,
		hayalet.NumericTransaction(-1): false,
		hayalet.NumericTransaction(9223372036854766666): false,
		hayalet.NumericTransaction(1):                   true,
		hayalet.TextTransaction("x"):                    true,
	} {
		if id.Usable() != want {
			t.Errorf("%q: usable %v, want %v", id, !want, want)
		}
	}
}
