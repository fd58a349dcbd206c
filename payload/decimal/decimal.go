// Package decimal compares numbers of JSON by value, whatever their size and
// precision: 1e2 and 100.0 are the same, 2^53 and 2^53+1 are not.
package decimal

import (
	"math/big"
	"strings"
)

// Canonical writes a number of JSON in the one way that all of the same value
// have in common: digits without zeros at the ends, and a power of ten. It
// needs time and room for the literal only, also for 1e999999999. A number with
// a power of more than 1000 digits is left as it is.
func Canonical(literal string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(literal, "-"); ok {
		sign, literal = "-", rest
	}
	mantissa, exponent := literal, ""
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		mantissa, exponent = literal[:i], strings.TrimPrefix(literal[i+1:], "+")
	}
	if len(exponent) > maxExponent {
		return sign + literal
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	power := new(big.Int)
	if exponent != "" {
		power.SetString(exponent, 10)
	}
	power.Sub(power, big.NewInt(int64(len(fraction))))
	short := strings.TrimRight(digits, "0")
	power.Add(power, big.NewInt(int64(len(digits)-len(short))))
	return sign + short + "e" + power.String()
}

// maxExponent is how long an exponent may be to be computed with: the time for
// that grows faster than the length.
const maxExponent = 1000
