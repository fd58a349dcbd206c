//go:build linux

package sqlite_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

// recorded runs f while all that is written is noted.
func recorded(t *torture, f func(log *faultfs.Log)) []faultfs.Record {
	path := filepath.Join(t.TempDir(), "log")
	log, err := faultfs.OpenLog(path)
	require.NoError(t, err)
	t.disk.Record(log)
	f(log)
	t.disk.Record(nil)
	require.NoError(t, log.Close())
	records, err := faultfs.ReadLog(path)
	require.NoError(t, err)
	return records
}

// losePower gives f what n power losses leave, at moments spread over the
// records, and what was owed then.
func losePower(t *torture, records []faultfs.Record, n, keep int, rng *rand.Rand, f func(files map[string][]byte, owed *ledger)) {
	disk, owed := faultfs.NewDisk(rng.Uint64(), records), newLedger(nil)
	owed.keep = keep
	done := 0
	for i, r := range records {
		disk.Apply(r)
		if r.Kind == faultfs.Marked {
			owed.marked(r.Path)
		}
		for left := len(records) - i; done < n && rng.IntN(left) < n-done; {
			loss := faultfs.Losses[rng.IntN(len(faultfs.Losses))]
			f(disk.PowerLoss(loss, rng), owed)
			done++
			t.faults++
		}
	}
}

// after opens what a power loss has left, and makes sure of all that a store
// promises. It goes on with it, as somebody would.
func after(t *torture, path string, o sqlite.Options, owed *ledger) {
	s, err := sqlite.Open(t.Context(), path, o)
	require.NoError(t, err)
	sound(t, path)
	lost, twice, err := owed.check(t.Context(), s)
	require.NoError(t, err)
	t.lost += len(lost)
	t.twice += len(twice)
	require.Empty(t, lost, "lost")
	require.Empty(t, twice, "doubled")

	in := incoming(1)
	in.Targets = []string{target}
	r, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	require.Greater(t, r.DeliveryID, owed.delivery, "an id was given twice")
	require.Greater(t, r.Arrival.ID, owed.event, "an id was given twice")
	d, err := s.Get(t.Context(), r.DeliveryID)
	require.NoError(t, err)
	require.Equal(t, in.Delivery.Body, d.Body)
	require.Equal(t, []string{target}, d.Queued)
	require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: r.DeliveryID, Target: target, Kind: replay.Live, Status: 200, Started: time.Now()}))
	require.NoError(t, s.Close())
}

// TestTorturePowerLoss records a load once and lets the power fail at moments of
// it, and once more while what was left is brought back.
func TestTorturePowerLoss(t *testing.T) {
	tt := newTorture(t, "power loss in the store")
	sqlite.CheckpointEvery(t, time.Hour)
	for salt, c := range []struct {
		sqlite.Options
		syncs string // of this file fail now and then
	}{
		{Options: sqlite.Options{Exclusive: true}},
		{Options: sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 40}}},
		{syncs: "store.db"},
		{syncs: "-wal"},
	} {
		o, rng := c.Options, tt.rng(1000+uint64(salt))
		path := filepath.Join(t.TempDir(), "store.db")
		l := load{writers: 6, each: tt.times(20, 60), maxBody: 20_000}
		if c.syncs != "" {
			l.failed = func(err error) { assert.ErrorIs(t, err, sqlite.ErrWrite) }
		}
		keep := 0
		if o.Retain {
			keep = o.Keep.Deliveries - 2*l.writers // others may not be acknowledged yet, or not finished
		}
		records := recorded(tt, func(log *faultfs.Log) {
			s, err := sqlite.Open(t.Context(), path, o)
			require.NoError(t, err)
			end := beside(tt, s)
			owed := newLedger(log)
			if c.syncs != "" {
				for first := range 20 {
					tt.disk.Inject(faultfs.Fault{Op: faultfs.Sync, File: c.syncs, First: 1 + 5*first + rng.IntN(5), Times: 1})
				}
			}
			l.run(tt, s, owed, uint64(salt))
			end()
			tt.faults += tt.disk.Heal()
			require.NoError(t, s.Close())
			tt.acknowledged += len(owed.arrivals) + len(owed.finished)
		})
		losePower(tt, records, tt.times(8, 250), keep, rng, func(files map[string][]byte, owed *ledger) {
			folder := t.TempDir()
			require.NoError(t, faultfs.WriteFiles(folder, files))
			path := filepath.Join(folder, "store.db")
			if rng.IntN(4) > 0 {
				after(tt, path, o, owed)
				return
			}
			again := recorded(tt, func(*faultfs.Log) {
				s, err := sqlite.Open(t.Context(), path, o)
				require.NoError(t, err)
				require.NoError(t, s.Close())
			})
			losePower(tt, again, 2, keep, rng, func(files map[string][]byte, _ *ledger) {
				folder := t.TempDir()
				require.NoError(t, faultfs.WriteFiles(folder, files))
				after(tt, filepath.Join(folder, "store.db"), o, owed)
			})
		})
	}
	tt.summary()
}

// TestTorturePowerLossAtTheStart lets the power fail while a store is made, and
// while an old one is brought up to date.
func TestTorturePowerLossAtTheStart(t *testing.T) {
	tt := newTorture(t, "power loss at the start of the store")
	for name, prepare := range map[string]func(path string){
		"new": func(string) {},
		"old": func(path string) { sqlite.FirstSchema(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			prepare(path)
			records := recorded(tt, func(log *faultfs.Log) {
				s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
				require.NoError(t, err)
				owed := newLedger(log)
				load{writers: 1, each: 3, maxBody: 1}.run(tt, s, owed, 1)
				require.NoError(t, s.Close())
				tt.acknowledged += len(owed.arrivals) + len(owed.finished)
			})
			rng := tt.rng(2000)
			losePower(tt, records, tt.times(8, 150), 0, rng, func(files map[string][]byte, owed *ledger) {
				folder := t.TempDir()
				require.NoError(t, faultfs.WriteFiles(folder, files))
				path := filepath.Join(folder, "store.db")
				after(tt, path, sqlite.Options{}, owed)
				if name == "new" {
					return
				}
				s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
				require.NoError(t, err)
				d, err := s.Get(t.Context(), 1)
				require.NoError(t, err)
				require.Len(t, d.Attempts, 1)
				require.NoError(t, s.Close())
			})
		})
	}
	tt.summary()
}

// TestALostSyncIsSeen is a store that does not sync: the tests above would say
// so.
func TestALostSyncIsSeen(t *testing.T) {
	tt := newTorture(t, "")
	path := filepath.Join(t.TempDir(), "store.db")
	records := recorded(tt, func(log *faultfs.Log) {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		s.WriterScript(t, "PRAGMA synchronous = off")
		load{writers: 2, each: 20, maxBody: 5000}.run(tt, s, newLedger(log), 1)
		require.NoError(t, s.Close())
	})
	seen := 0
	losePower(tt, records, 20, 0, tt.rng(3000), func(files map[string][]byte, owed *ledger) {
		folder := t.TempDir()
		require.NoError(t, faultfs.WriteFiles(folder, files))
		s, err := sqlite.Open(t.Context(), filepath.Join(folder, "store.db"), sqlite.Options{})
		if err != nil {
			seen++
			return
		}
		if lost, _, err := owed.check(t.Context(), s); err != nil || len(lost) > 0 {
			seen++
		}
		require.NoError(t, s.Close())
	})
	require.NotZero(t, seen)
}
