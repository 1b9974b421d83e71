package hayalet_test

import (
	"math"
	"testing"
	"time"

	"hayalet"
)

func TestEnergyPrintsExactly(t *testing.T) {
	for e, want := range map[hayalet.Energy]string{
		50 * hayalet.WattHour: "50 Wh", 44_972: "44.972 Wh", -1: "-0.001 Wh", 0: "0 Wh", 12_010_000: "12010 Wh", 100: "0.1 Wh",
	} {
		if got := e.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		b, _ := e.MarshalJSON()
		var back hayalet.Energy
		if err := back.UnmarshalJSON(b); err != nil || back != e {
			t.Errorf("%s came back as %v: %v", b, back, err)
		}
	}
}

func TestFormatDecimalRounds(t *testing.T) {
	for _, c := range []struct {
		v               int64
		scale, decimals int
		want            string
	}{
		{12_010_000, 6, 2, "12.01"},
		{12_005_000, 6, 2, "12.01"},
		{12_004_999, 6, 2, "12.00"},
		{-4, 3, 2, "0.00"},
		{-5, 3, 2, "-0.01"},
		{7, 0, 2, "7.00"},
		{999_999, 6, 0, "1"},
		{math.MinInt64, 3, 3, "-9223372036854775.808"},
	} {
		if got := hayalet.FormatDecimal(c.v, c.scale, c.decimals); got != c.want {
			t.Errorf("%d·10^-%d with %d decimals: got %s, want %s", c.v, c.scale, c.decimals, got, c.want)
		}
	}
}

func TestPowerAndEnergyDoNotOverflow(t *testing.T) {
	if got := (7400 * hayalet.Watt).Over(time.Hour); got != 7400*hayalet.WattHour {
		t.Errorf("7.4 kW for an hour: %s", got)
	}
	if got := hayalet.MeanPower(10*hayalet.WattHour, 2*time.Second); got != 18*hayalet.Kilowatt {
		t.Errorf("10 Wh in 2 s: %s", got)
	}
	if got := hayalet.Power(math.MaxInt64).Over(math.MaxInt64); got != math.MaxInt64 {
		t.Errorf("overflow: %d", got)
	}
	if got := hayalet.MeanPower(math.MaxInt64, 0); got != math.MaxInt64 {
		t.Errorf("overflow: %d", got)
	}
	if got := (-5 * hayalet.Watt).Over(time.Hour); got != 0 {
		t.Errorf("negative power: %s", got)
	}
}
