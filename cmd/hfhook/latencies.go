package main

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// latencies gives percentiles of any number of durations in bounded memory:
// exactly up to exactLatencies of them, and beyond to within 1 %.
type latencies struct {
	exact   []time.Duration
	buckets []int // used when there are more
	n       int
	max     time.Duration
}

const (
	exactLatencies = 10_000

	// Each power of two is split into this many buckets, as a power of two; the
	// middle of one is within half its width of all that is in it.
	bucketBits = 6
)

func (l *latencies) add(d time.Duration) {
	d = max(d, 0)
	l.n++
	l.max = max(l.max, d)
	if l.buckets == nil && l.n <= exactLatencies {
		l.exact = append(l.exact, d)
		return
	}
	if l.buckets == nil {
		l.buckets = make([]int, bucketOf(math.MaxInt64)+1)
		for _, d := range l.exact {
			l.buckets[bucketOf(d)]++
		}
		l.exact = nil
	}
	l.buckets[bucketOf(d)]++
}

// bucketOf numbers the buckets in the order of what is in them. Small durations
// have one each.
func bucketOf(d time.Duration) int {
	n := uint64(d)
	shift := max(0, bits.Len64(n)-bucketBits-1)
	return shift<<bucketBits + int(n>>shift)
}

// middleOf is the middle of a bucket.
func middleOf(bucket int) time.Duration {
	shift := max(0, bucket>>bucketBits-1)
	low := uint64(bucket-shift<<bucketBits) << shift
	return time.Duration(low + (1<<shift-1)/2)
}

// percentile is the smallest duration that p percent of all do not exceed; 0
// when there is none.
func (l *latencies) percentile(p float64) time.Duration {
	if l.n == 0 {
		return 0
	}
	rank := max(1, int(math.Ceil(p/100*float64(l.n))))
	if l.buckets == nil {
		slices.Sort(l.exact)
		return l.exact[rank-1]
	}
	for i, n := range l.buckets {
		if rank -= n; rank <= 0 {
			return min(middleOf(i), l.max)
		}
	}
	return l.max
}
