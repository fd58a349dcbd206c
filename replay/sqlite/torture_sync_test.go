//go:build linux

package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		"beside another": func(t *torture, path string, s *sqlite.Store) *sqlite.Store {
			other, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			s.Checkpoint()
			load{writers: 1, each: 5, maxBody: 2000}.run(t, s, newLedger(nil), 4)
			require.NoError(t, other.Close())
			return s
		},
		"while files cannot be opened": func(t *torture, _ string, s *sqlite.Store) *sqlite.Store {
			for first := range 5 {
				t.disk.Inject(faultfs.Fault{Op: faultfs.Open, First: first + 1})
				s.Checkpoint()
				_, err := s.Append(t.Context(), incoming(1))
				if first > 1 { // the two before were of the connection that holds the file
					require.ErrorIs(t, err, sqlite.ErrWrite)
				}
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
