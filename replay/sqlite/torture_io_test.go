//go:build linux

package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

// TestTortureIO lets each kind of operation fail at each place where a store
// does it: once, a few times, and until the disk is well again.
func TestTortureIO(t *testing.T) {
	tt := newTorture(t, "I/O errors of the store")
	sqlite.CheckpointEvery(t, time.Hour)
	for _, fault := range []faultfs.Fault{
		{Op: faultfs.Write, Way: faultfs.EIO}, {Op: faultfs.Write, Way: faultfs.Full}, {Op: faultfs.Write, Way: faultfs.Short},
		{Op: faultfs.Write, File: "store.db"}, {Op: faultfs.Sync, File: "-wal"}, {Op: faultfs.Sync, File: "store.db"},
		{Op: faultfs.Truncate}, {Op: faultfs.Open}, {Op: faultfs.ShmMap}, {Op: faultfs.Delete}, {Op: faultfs.Read},
	} {
		t.Run(fmt.Sprintf("%s %s %s", fault.Op, fault.Way, fault.File), func(t *testing.T) {
			rng := tt.rng(uint64(len(fault.Op)+len(fault.Way))<<8 + uint64(len(fault.File)))
			step := map[faultfs.Op]int{
				faultfs.Write: 120, faultfs.Read: 200, faultfs.Sync: 30, faultfs.Truncate: 20, faultfs.Open: 4, faultfs.ShmMap: 4, faultfs.Delete: 2,
			}[fault.Op]
			if tt.long {
				step = 1 + step/20
			}
			for n := 1 + rng.IntN(step); ; n += step {
				fault.First, fault.Times = n, []int{1, 5, 0}[rng.IntN(3)]
				if !failAt(tt, fault, rng.IntN(2) == 0) {
					break
				}
			}
		})
	}
	tt.summary()
}

// failAt has a store meet the fault and tells whether it did.
func failAt(t *torture, fault faultfs.Fault, exclusive bool) bool {
	path := filepath.Join(t.TempDir(), "store.db")
	o := sqlite.Options{Exclusive: exclusive, BusyTimeout: time.Second}
	t.disk.Inject(fault)
	what := fmt.Sprintf("%+v", fault)
	right := func(err error) {
		if !errors.Is(err, sqlite.ErrWrite) && (fault.Op != faultfs.Open || !errors.Is(err, sqlite.ErrReadOnly)) {
			assert.Fail(t, "not the right error", "%s: %v", what, err)
		}
	}
	owed := newLedger(nil)
	s, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		right(err)
	} else {
		end := beside(t, s)
		load{writers: 2, each: 5, maxBody: 12_000, failed: right}.run(t, s, owed, uint64(fault.First))
		end()
	}
	failed := t.disk.Heal()
	t.faults += failed
	if s == nil {
		s, err = sqlite.Open(t.Context(), path, o)
		require.NoError(t, err, what)
	}

	verify := func() {
		lost, twice, err := owed.check(t.Context(), s)
		require.NoError(t, err, what)
		t.lost += len(lost)
		t.twice += len(twice)
		assert.Empty(t, lost, "lost: %s", what)
		assert.Empty(t, twice, "doubled: %s", what)
		for d, err := range s.List(t.Context(), replay.Filter{}) {
			require.NoError(t, err)
			assert.Contains(t, owed.deliveries, d.ID, "kept in spite of an error: %s", what)
		}
	}
	verify()
	load{writers: 2, each: 2, maxBody: 100}.run(t, s, owed, 1<<30) // it goes on by itself
	verify()
	require.NoError(t, s.Close(), what)
	s, err = sqlite.Open(t.Context(), path, o)
	require.NoError(t, err, what)
	verify()
	require.NoError(t, s.Close(), what)
	sound(t, path)
	t.acknowledged += len(owed.arrivals) + len(owed.finished)
	return failed > 0
}
