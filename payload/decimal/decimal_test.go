package decimal

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCanonical(t *testing.T) {
	for _, same := range [][]string{
		{"0", "-0", "0.0", "0e5", "-0.00E-3", "0e99999999999999999999"},
		{"1", "1.0", "10e-1", "0.1e1", "1E0", "1e+0", "1e-00"},
		{"-100", "-1e2", "-100.000", "-0.001e5"},
		{"9007199254740993"}, {"9007199254740992"}, {"-9007199254740993"},
		{"1e999999999999999999999", "10e999999999999999999998", "0.1E+1000000000000000000000"},
		{"1e-400", "0.1e-399"},
		{"1e" + strings.Repeat("9", 2000)}, {"1e" + strings.Repeat("9", 2001)},
	} {
		for _, literal := range same {
			assert.Equal(t, Canonical(same[0]), Canonical(literal), literal)
		}
	}
	distinct := []string{"0", "1", "-1", "10", "0.1", "9007199254740992", "9007199254740993", "1e400", "1e401", "1e-400", "12", "120"}
	seen := map[string]string{}
	for _, literal := range distinct {
		c := Canonical(literal)
		assert.Empty(t, seen[c], literal)
		seen[c] = literal
	}
}

// FuzzCanonical holds it against exact arithmetic, where that is possible.
func FuzzCanonical(f *testing.F) {
	f.Add("100", "1e2")
	f.Add("9007199254740993", "9007199254740992.0")
	f.Add("-0.10", "-1e-1")
	f.Fuzz(func(t *testing.T, a, b string) {
		number := func(s string) (*big.Rat, bool) {
			if !json.Valid([]byte(s)) || strings.Trim(s, "0123456789+-.eE") != "" {
				return nil, false
			}
			if i := strings.IndexAny(s, "eE"); len(s) > 40 || i >= 0 && len(s)-i > 4 {
				return nil, false
			}
			return new(big.Rat).SetString(s)
		}
		x, ok := number(a)
		y, okToo := number(b)
		if !ok || !okToo {
			return
		}
		assert.Equal(t, x.Cmp(y) == 0, Canonical(a) == Canonical(b), "%s %s", a, b)
		assert.Equal(t, Canonical(a), Canonical(Canonical(a)))
	})
}
