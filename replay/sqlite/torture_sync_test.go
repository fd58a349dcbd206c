//go:build linux

package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

// A checkpoint beside a reader, or beside the writer, copies without a sync: a
// later one syncs for both. When that sync fails, the system forgets the pages
// of both, though SQLite would copy only its own again.
func TestASyncThatFailsIsMadeGood(t *testing.T) {
	for name, next := range map[string]func(t *torture, path string, s *sqlite.Store) *sqlite.Store{
		"going on": func(t *torture, _ string, s *sqlite.Store) *sqlite.Store { return s },
		"closed": func(t *torture, path string, s *sqlite.Store) *sqlite.Store {
			require.NoError(t, s.Close())
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			return s
		},
		"closed while files cannot be opened": func(t *torture, path string, s *sqlite.Store) *sqlite.Store {
			t.disk.Inject(faultfs.Fault{Op: faultfs.Open})
			require.NoError(t, s.Close())
			require.Zero(t, t.disk.Heal())
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			return s
		},
		"left to another": func(t *torture, path string, s *sqlite.Store) *sqlite.Store {
			other, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			return other
		},
		"beside another": func(t *torture, path string, s *sqlite.Store) *sqlite.Store {
			other, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			s.Checkpoint()
			load{writers: 1, each: 5, maxBody: 2000}.run(t, s, newLedger(nil), 4)
			require.NoError(t, other.Close())
			return s
		},
		"while files cannot be opened": func(t *torture, _ string, s *sqlite.Store) *sqlite.Store {
			for first := range 6 {
				t.disk.Inject(faultfs.Fault{Op: faultfs.Open, First: first + 1})
				s.Checkpoint()
				_, err := s.Append(t.Context(), incoming(1))
				require.ErrorIs(t, err, sqlite.ErrWrite)
				require.NotZero(t, t.disk.Heal())
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTorture(t, "")
			sqlite.CheckpointEvery(t, time.Hour)
			path := filepath.Join(t.TempDir(), "store.db")
			l := load{writers: 1, each: 20, maxBody: 2000}
			records := recorded(tt, func(log *faultfs.Log) {
				owed := newLedger(log)
				s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
				require.NoError(t, err)
				l.run(tt, s, owed, 1)
				end := raw(t, path, "BEGIN", "SELECT count(*) FROM deliveries")
				l.run(tt, s, owed, 2)
				s.Checkpoint() // as far as the reader lets it, without a sync
				end()
				tt.disk.Inject(faultfs.Fault{Op: faultfs.Sync, File: "store.db", Times: 1})
				s.Checkpoint()
				require.Equal(t, 1, tt.disk.Heal())
				s = next(tt, path, s)
				s.Checkpoint()
				l.run(tt, s, owed, 3) // over the log
				require.NoError(t, s.Close())
			})
			losePower(tt, records, tt.times(6, 100), 0, tt.rng(1), func(files map[string][]byte, owed *ledger) {
				folder := t.TempDir()
				require.NoError(t, faultfs.WriteFiles(folder, files))
				after(tt, filepath.Join(folder, "store.db"), sqlite.Options{}, owed)
			})
		})
	}
}

// What Append gave an error for does not come back with a store that is closed,
// and not killed.
func TestACommitThatFailedIsGoneWhenClosed(t *testing.T) {
	tt := newTorture(t, "")
	sqlite.CheckpointEvery(t, time.Hour)
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	appendAll(t, s, 1, nil)
	tt.disk.Inject(faultfs.Fault{Op: faultfs.Sync, File: "-wal", Times: 1})
	_, err = s.Append(t.Context(), incoming(2))
	require.ErrorIs(t, err, sqlite.ErrWrite)
	require.Equal(t, 1, tt.disk.Heal())
	tt.disk.Inject(faultfs.Fault{Op: faultfs.Write, File: "store.db"})
	require.NoError(t, s.Close())
	require.NotZero(t, tt.disk.Heal(), "the log was to be left")
	s, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	assert.Equal(t, []int64{1}, kept(t, s, replay.Filter{}))
	require.NoError(t, s.Close())
}

// A process that was killed leaves a log, which has what the disk lacks. When the
// database cannot grow by it at the start, it does so later, without a write.
func TestTheLogOfAKilledProcessIsMoved(t *testing.T) {
	tt := newTorture(t, "")
	sqlite.CheckpointEvery(t, time.Hour)
	folder := t.TempDir()
	killed, path := filepath.Join(folder, "killed.db"), filepath.Join(folder, "store.db")
	s, err := sqlite.Open(t.Context(), killed, sqlite.Options{})
	require.NoError(t, err)
	appendAll(t, s, 60, func(_ int, in *replay.Incoming) { in.Delivery.Body = make([]byte, 20_000) })
	for _, file := range []string{"", "-wal"} {
		b, err := os.ReadFile(killed + file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+file, b, 0o600))
	}
	require.NoError(t, s.Close())

	sqlite.NearlyFull(t)
	tt.disk.Inject(faultfs.Fault{Op: faultfs.Write, File: "store.db", Way: faultfs.Full, Times: 1},
		faultfs.Fault{Op: faultfs.Write, File: "-wal", Way: faultfs.Full})
	s, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := s.Append(t.Context(), incoming(1))
		info, stat := os.Stat(path + "-wal")
		return errors.Is(err, sqlite.ErrFull) && stat == nil && info.Size() == 0
	}, time.Minute, time.Millisecond)
	require.Greater(t, tt.disk.Heal(), 1)
	_, err = s.Append(t.Context(), incoming(1))
	require.NoError(t, err)
	require.NoError(t, s.Close())
}
