package sim

import (
	"fmt"
	"strconv"
	"strings"

	"hayalet"
)

// maxDigits bounds a decimal so that its integer fits 64 bits after any shift that is made here.
const maxDigits = 15

// Decimal is an exact decimal number that remembers how many decimals it was written with: 12.01 + 0.01 is 12.02, and
// 10.0 stays 10.0. The zero value is the number 0.
type Decimal struct {
	unscaled int64
	scale    int // decimals written, 0 to maxDigits
}

// ParseDecimal reads digits with an optional sign and decimal point; at most 15 digits and no exponent.
func ParseDecimal(s string) (Decimal, error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if len(s)-len(digits) > 1 {
		return Decimal{}, errDecimal(s)
	}
	whole, frac, dotted := strings.Cut(digits, ".")
	if whole == "" || dotted && frac == "" || len(whole)+len(frac) > maxDigits || !isDigits(whole) || !isDigits(frac) {
		return Decimal{}, errDecimal(s)
	}
	v, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return Decimal{}, errDecimal(s)
	}
	if s[0] == '-' {
		v = -v
	}
	return Decimal{unscaled: v, scale: len(frac)}, nil
}

func errDecimal(s string) error {
	return fmt.Errorf("%.40q is not a decimal number: write it as 12.01, with at most %d digits: %w", s, maxDigits, hayalet.ErrInvalid)
}

func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// String writes the number with the decimals that it has.
func (d Decimal) String() string { return hayalet.FormatDecimal(d.unscaled, d.scale, d.scale) }

// Add returns d + e with the decimals of the finer one. It is false where the sum has too many digits.
func (d Decimal) Add(e Decimal) (Decimal, bool) {
	scale := max(d.scale, e.scale)
	a, okA := d.rescaled(scale)
	b, okB := e.rescaled(scale)
	sum := a + b
	return Decimal{unscaled: sum, scale: scale}, okA && okB && fits(sum)
}

// Thousandth returns d/1000, exactly, with three decimals more: 1254300 is 1254.300.
func (d Decimal) Thousandth() (Decimal, bool) {
	return d.shifted(3)
}

// shifted returns d divided by ten to the power, exactly. It is false where that has too many digits.
func (d Decimal) shifted(power int) (Decimal, bool) {
	d.scale += power
	if d.scale < 0 {
		v, ok := Decimal{unscaled: d.unscaled}.rescaled(-d.scale)
		return Decimal{unscaled: v}, ok
	}
	return d, d.scale <= maxDigits
}

// rescaled returns the integer of d at a scale that is not smaller than its own.
func (d Decimal) rescaled(scale int) (int64, bool) {
	v := d.unscaled
	for range scale - d.scale {
		v *= 10
		if !fits(v) {
			return 0, false
		}
	}
	return v, true
}

func fits(v int64) bool {
	const limit = 1_000_000_000_000_000 // ten to the power of maxDigits
	return -limit < v && v < limit
}

// energy returns d as energy in the unit, "Wh" or "kWh". It is false where d is finer than a milliwatt-hour.
func (d Decimal) energy(unit string) (hayalet.Energy, bool) {
	decimals := 3
	if unit == unitKWh {
		decimals = 6
	}
	if d.scale > decimals {
		return 0, false
	}
	v, ok := Decimal{unscaled: d.unscaled, scale: d.scale}.rescaled(decimals)
	return hayalet.Energy(v), ok
}

// MarshalJSON writes the number as a string, so that its decimals are kept.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(d.String())), nil }
