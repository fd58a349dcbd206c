package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPace(t *testing.T) {
	for text, want := range map[string]float64{"": 0, "10": 10, "10/s": 10, "0.5/s": 0.5, "600/m": 10, "7200/h": 2} {
		got, err := parseRate(text)
		require.NoError(t, err, text)
		assert.InDelta(t, want, got, 1e-9, text)
	}
	for _, text := range []string{"0", "-1", "x", "/s", "10/", "10/d", "10/s/s", "NaN", "Inf", "1e300", "10 /s"} {
		_, err := parseRate(text)
		assert.Error(t, err, text)
	}
	for text, want := range map[string]float64{"": 0, "1x": 1, "10x": 10, "0.5x": 0.5, "2": 2} {
		got, err := parseSpeed(text)
		require.NoError(t, err, text)
		assert.InDelta(t, want, got, 1e-9, text)
	}
	for _, text := range []string{"0x", "x", "-1x", "1xx", "fast", "NaN", "Infx", "0"} {
		_, err := parseSpeed(text)
		assert.Error(t, err, text)
	}
}

func FuzzPace(f *testing.F) {
	for _, s := range []string{"", "10", "600/m", "0.5x", "1e9", "0x1p-2", "nan", "+inf/s", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (float64, error){parseRate, parseSpeed} {
			n, err := parse(s)
			if err == nil && s != "" {
				assert.True(t, n > 0 && !math.IsInf(n, 0), "%q is %v", s, n)
			}
		}
	})
}
