package ocpp

import (
	"math"

	"hayalet"
)

// maxDigits is how many significant digits of a value are kept; an int64 holds them all.
const maxDigits = 18

// largest is the value, in thousandths of its base unit, beyond which none is read: a terawatt-hour is more than any
// register holds, and sums and differences of such values still fit.
const largest = 1_000_000_000_000_000

// fits marks a value beyond the largest.
func fits(v int64) hayalet.Flaw {
	if v > largest || v < -largest {
		return hayalet.FlawRange
	}
	return 0
}

// decimal is mantissa·10^exp.
type decimal struct {
	mantissa int64
	exp      int
	lossy    bool // digits were dropped
}

// parseDecimal reads a decimal number with blanks around it and an optional sign, fraction and exponent. Not a number,
// infinity, hexadecimal and digit grouping are refused.
func parseDecimal(b []byte) (decimal, bool) {
	b = trim(b)
	var d decimal
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	i, seen, significant, point := 0, 0, 0, false
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen++
		if significant == maxDigits {
			d.lossy = d.lossy || c != '0'
			if !point {
				d.exp++
			}
			continue
		}
		d.mantissa = d.mantissa*10 + int64(c-'0')
		if d.mantissa > 0 {
			significant++
		}
		if point {
			d.exp--
		}
	}
	if seen == 0 {
		return decimal{}, false
	}
	if i < len(b) {
		e, ok := parseExponent(b[i:])
		if !ok {
			return decimal{}, false
		}
		d.exp += e
	}
	if significant > exactDigits && point {
		d.denoise(significant)
	}
	if neg {
		d.mantissa = -d.mantissa
	}
	return d, true
}

// exactDigits is how many digits a 64-bit floating point number carries through unharmed.
const exactDigits = 15

// denoise takes a fraction that was calculated in floating point for what was meant: 12.300000000000001 is 12.3, and its
// last digit is that of the 3. No meter has a resolution beyond that.
func (d *decimal) denoise(digits int) {
	cut := int64(1)
	for range digits - exactDigits {
		cut *= 10
		d.exp++
	}
	d.mantissa = (d.mantissa + cut/2) / cut
	for d.mantissa != 0 && d.mantissa%10 == 0 && d.exp < 0 {
		d.mantissa /= 10
		d.exp++
	}
}

func parseExponent(b []byte) (int, bool) {
	if b[0] != 'e' && b[0] != 'E' || len(b) < 2 {
		return 0, false
	}
	b = b[1:]
	neg := b[0] == '-'
	if b[0] == '-' || b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 3 {
		return 0, false
	}
	e := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		e = e*10 + int(c-'0')
	}
	if neg {
		e = -e
	}
	return e, true
}

func trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// milli returns the value in thousandths after multiplying with 10^prefix, the step of its last digit in the same, and
// the flaws of the conversion.
func (d decimal) milli(prefix int) (value, quantum int64, flaws hayalet.Flaw) {
	shift := d.exp + prefix + 3
	if d.lossy {
		flaws |= hayalet.FlawRounded
	}
	if shift >= 0 {
		quantum = 1
		value = d.mantissa
		for range shift {
			if value > math.MaxInt64/10 || value < math.MinInt64/10 {
				return 0, 1, flaws | hayalet.FlawRange
			}
			value *= 10
			quantum = min(quantum*10, math.MaxInt64/10)
		}
		return value, quantum, flaws
	}
	value = d.mantissa
	remainder, lost := int64(0), false
	for range -shift {
		lost = lost || remainder != 0
		remainder = value % 10
		value /= 10
		if value == 0 && remainder == 0 {
			break
		}
	}
	if lost || remainder != 0 {
		flaws |= hayalet.FlawRounded
	}
	switch {
	case remainder >= 5:
		value++
	case remainder <= -5:
		value--
	}
	return value, 1, flaws
}
