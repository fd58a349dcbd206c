package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPercentiles(t *testing.T) {
	var l latencies
	assert.Zero(t, l.percentile(99), "of nothing")
	for i := 100; i > 0; i-- {
		l.add(time.Duration(i) * time.Millisecond)
	}
	assert.Equal(t, 50*time.Millisecond, l.percentile(50))
	assert.Equal(t, 95*time.Millisecond, l.percentile(95))
	assert.Equal(t, 99*time.Millisecond, l.percentile(99))
	assert.Equal(t, 100*time.Millisecond, l.percentile(100))
	assert.Equal(t, 100*time.Millisecond, l.max)
}

func TestPercentilesOfManyAreWithinOnePercent(t *testing.T) {
	var l latencies
	var all []time.Duration
	for range 10 * exactLatencies {
		d := time.Duration(math.Exp(rand.Float64() * 30)) // 1 ns to 3 hours
		l.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, p := range []float64{0, 1, 25, 50, 90, 95, 99, 99.9, 100} {
		want := all[max(1, int(math.Ceil(p/100*float64(len(all)))))-1]
		assert.InEpsilon(t, float64(want), float64(l.percentile(p)), 0.01, "p%v", p)
	}
	assert.Equal(t, all[len(all)-1], l.max)
	assert.Empty(t, l.exact, "kept twice")
}

func FuzzBuckets(f *testing.F) {
	for _, d := range []int64{0, 1, 127, 128, 129, 1 << 40, math.MaxInt64} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		d := time.Duration(max(n, 0))
		bucket := bucketOf(d)
		middle := middleOf(bucket)
		assert.Equal(t, bucket, bucketOf(middle), "%d", d)
		assert.LessOrEqual(t, math.Abs(float64(middle-d)), float64(d)*0.01, "%d", d)
		if d > 0 {
			assert.GreaterOrEqual(t, bucket, bucketOf(d-1), "%d", d)
		}
	})
}
