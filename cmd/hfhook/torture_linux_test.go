package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// The torture tests do to the real program what a bad day does: they kill it,
// cut its tunnel, fill its disk, flood it. They are short among all tests, and
// long under `make torture`, which sets TORTURE_SEED. With TORTURE_SHORT too
// the short form is done again with that seed.

// torture is one such test: its name, its chances and what it has done so far.
type torture struct {
	*testing.T
	name string
	seed uint64
	long bool
	rand *rand.Rand // for the goroutine of the test

	faults atomic.Int64
}

func newTorture(t *testing.T, name string) *torture {
	t.Helper()
	to := &torture{T: t, name: name, seed: rand.Uint64()}
	if text := os.Getenv("TORTURE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "TORTURE_SEED is a number")
		to.seed, to.long = seed, os.Getenv("TORTURE_SHORT") == ""
	}
	to.rand = to.chance(0)
	t.Logf("TORTURE_SEED=%d", to.seed)
	return to
}

// chance gives the random numbers of one goroutine: the nth has the same ones
// in each run with this seed.
func (to *torture) chance(n int) *rand.Rand {
	return rand.New(rand.NewPCG(to.seed, uint64(n)))
}

// rounds is how often something is done.
func (to *torture) rounds(short, long int) int {
	if to.long {
		return long
	}
	return short
}

// report ends a torture with the line that `make torture` adds up.
func (to *torture) report(o toll) {
	to.Helper()
	to.Logf("torture: %s: faults=%d acknowledged=%d lost=%d doubled=%d disordered=%d",
		to.name, to.faults.Load(), o.acknowledged, len(o.lost), len(o.doubled), len(o.disordered))
	require.NotZero(to, o.acknowledged)
	require.Empty(to, few(o.lost), "acknowledged, but not kept as it was sent")
	require.Empty(to, few(o.doubled), "sent again after a success that was kept")
	require.Empty(to, few(o.disordered), "a repo's deliveries out of order")
}

// few are enough to look at.
func few(ids []string) []string { return ids[:min(len(ids), 10)] }
