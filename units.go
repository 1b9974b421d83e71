package hayalet

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Energy is in milliwatt-hours, exact: 12.01 kWh is 12 010 000.
type Energy int64

// Power is in milliwatts.
type Power int64

// Units of energy and power.
const (
	WattHour     Energy = 1000
	KilowattHour        = 1000 * WattHour
	Watt         Power  = 1000
	Kilowatt            = 1000 * Watt
)

const msPerHour = int64(time.Hour / time.Millisecond)

// Over returns the energy that p delivers in d, rounded down; it saturates instead of overflowing, and is zero for a
// negative d.
func (p Power) Over(d time.Duration) Energy {
	ms := d.Milliseconds()
	if p <= 0 || ms <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(p), uint64(ms))
	if hi >= uint64(msPerHour) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(msPerHour))
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return Energy(q)
}

// MeanPower returns the power that delivers e in d. A d under one millisecond counts as one.
func MeanPower(e Energy, d time.Duration) Power {
	if e <= 0 {
		return 0
	}
	ms := max(d.Milliseconds(), 1)
	hi, lo := bits.Mul64(uint64(e), uint64(msPerHour))
	if hi >= uint64(ms) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(ms))
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return Power(q)
}

// MarshalJSON writes watt-hours as a decimal number: 50, 44.972.
func (e Energy) MarshalJSON() ([]byte, error) { return appendMilli(nil, int64(e)), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Energy) UnmarshalJSON(b []byte) error {
	v, err := parseMilli(b)
	*e = Energy(v)
	return err
}

// String is the exact value with its unit: "50 Wh".
func (e Energy) String() string { return string(appendMilli(nil, int64(e))) + " Wh" }

// KWh writes e in kilowatt-hours with the given number of decimals (0 to 6), rounded half away from zero.
func (e Energy) KWh(decimals int) string {
	return FormatDecimal(int64(e), 6, decimals)
}

// MarshalJSON writes watts as a decimal number.
func (p Power) MarshalJSON() ([]byte, error) { return appendMilli(nil, int64(p)), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Power) UnmarshalJSON(b []byte) error {
	v, err := parseMilli(b)
	*p = Power(v)
	return err
}

// String is the exact value with its unit: "18000 W".
func (p Power) String() string { return string(appendMilli(nil, int64(p))) + " W" }

// Money is an amount in millionths of a currency's unit.
type Money int64

// Cost returns what e costs at the tariff, in units of the currency per kilowatt-hour, rounded to the nearest millionth.
func (e Energy) Cost(perKWh Money) Money {
	return Money(math.Round(float64(e) * float64(perKWh) / float64(KilowattHour)))
}

// FormatDecimal writes v·10^−scale with the given number of decimals, rounded half away from zero.
func FormatDecimal(v int64, scale, decimals int) string {
	neg := v < 0
	u := uint64(v)
	if neg {
		u = -u
	}
	for ; scale > decimals; scale-- {
		if scale-1 == decimals {
			u += 5
		}
		u /= 10
	}
	s := strconv.FormatUint(u, 10)
	if pad := scale + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	if scale > 0 {
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if pad := decimals - scale; pad > 0 {
		if scale == 0 {
			s += "."
		}
		s += strings.Repeat("0", pad)
	}
	if neg && strings.Trim(s, "0.") != "" {
		s = "-" + s
	}
	return s
}

func appendMilli(b []byte, v int64) []byte {
	s := FormatDecimal(v, 3, 3)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	return append(b, s...)
}

var errMilli = errors.New("want a decimal number with at most three decimals")

func parseMilli(b []byte) (int64, error) {
	s := string(b)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 3 {
		return 0, errMilli
	}
	v, err := strconv.ParseInt(whole+frac+"000"[len(frac):], 10, 64)
	if err != nil {
		return 0, errMilli
	}
	if neg {
		v = -v
	}
	return v, nil
}
