package lab_test

import (
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/lab"
)

func TestMonthsAreQuiet(t *testing.T) {
	if underRace {
		t.Skip("run by make test without the race detector")
	}
	months := 20
	if testing.Short() {
		months = 4
	}
	q, err := lab.RunMonths(t.Context(), months, 5000, hayalet.OCPP16, lab.Ours(detect.Defaults().All))
	if err != nil {
		t.Fatal(err)
	}
	if q.FalseAlarms > 0 {
		t.Errorf("%+v", q)
	}
	if q.ConnectorMonths < float64(months) {
		t.Errorf("only %.1f connector-months", q.ConnectorMonths)
	}
	t.Logf("%.1f connector-months", q.ConnectorMonths)
}
