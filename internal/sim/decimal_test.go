package sim_test

import (
	"errors"
	"testing"

	"hayalet"
	"hayalet/internal/sim"
)

func decimal(t *testing.T, s string) sim.Decimal {
	t.Helper()
	d, err := sim.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecimalAdd(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"12.01", "0.01", "12.02"},
		{"12.04", "0.01", "12.05"},
		{"10.0", "0.5", "10.5"},
		{"10.5", "0.5", "11.0"},
		{"0.1", "0.2", "0.3"},
		{"1254300", "2", "1254302"},
		{"1", "0.001", "1.001"},
		{"9.99", "0.01", "10.00"},
		{"-0.5", "0.25", "-0.25"},
		{"0.05", "-0.10", "-0.05"},
		{"+3", "0", "3"},
		{"007", "0.0", "7.0"},
	} {
		got, ok := decimal(t, tt.a).Add(decimal(t, tt.b))
		if !ok || got.String() != tt.want {
			t.Errorf("%s + %s = %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
	for _, tt := range [][2]string{{"999999999999999", "1"}, {"999999999999", "0.00001"}} {
		if got, ok := decimal(t, tt[0]).Add(decimal(t, tt[1])); ok {
			t.Errorf("%s + %s = %s, which has too many digits", tt[0], tt[1], got)
		}
	}
}

func TestDecimalThousandth(t *testing.T) {
	for _, tt := range []struct{ in, want string }{{"1254300", "1254.300"}, {"5", "0.005"}, {"-12.5", "-0.0125"}} {
		if got, ok := decimal(t, tt.in).Thousandth(); !ok || got.String() != tt.want {
			t.Errorf("%s / 1000 = %s, want %s", tt.in, got, tt.want)
		}
	}
	if _, ok := decimal(t, "0.1234567890123").Thousandth(); ok {
		t.Error("a thousandth with 16 decimals")
	}
}

func TestParseDecimalRefuses(t *testing.T) {
	for _, s := range []string{"", "-", "+-1", ".", "1.", ".5", "1e3", "0x10", "1_000", "NaN", "Inf", " 1", "1 ", "1,5", "1.2.3", "1234567890123456", "--1"} {
		if d, err := sim.ParseDecimal(s); !errors.Is(err, hayalet.ErrInvalid) {
			t.Errorf("%q is read as %s (%v)", s, d, err)
		}
	}
}

// FuzzDecimalKeepsItsText: a decimal in its plain form is written as it was read.
func FuzzDecimalKeepsItsText(f *testing.F) {
	f.Add("12.01")
	f.Add("-0.0")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := sim.ParseDecimal(s)
		if err != nil {
			return
		}
		again, err := sim.ParseDecimal(d.String())
		if err != nil || again != d {
			t.Errorf("%q is written as %q and read as %v (%v)", s, d, again, err)
		}
	})
}
