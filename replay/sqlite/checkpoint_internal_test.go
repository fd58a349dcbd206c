package sqlite

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

func openFor(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func appendBody(t *testing.T, s *Store, body []byte) error {
	_, err := s.Append(t.Context(), replay.Incoming{
		Delivery: replay.Delivery{Method: "POST", Path: "/", Body: body, Verdict: replay.Undecodable},
		Arrival:  replay.Arrival{Time: time.Now()},
	})
	return err
}

func logSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	return info.Size()
}

// On a disk that is nearly full the log gives back what it took, also while the
// store never rests.
func TestTheLogLeavesRoomForTheDatabase(t *testing.T) {
	NearlyFull(t)
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFor(t, path, Options{})
	for range 80 {
		require.NoError(t, appendBody(t, s, make([]byte, 20_000)))
	}
	for n := 0; logSize(t, path) >= minLog; n++ {
		require.Less(t, n, 5000, "it grows")
		require.NoError(t, appendBody(t, s, nil))
	}
}

// What is removed without an arrival is in the log too.
func TestTheLogOfRetentionIsMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openFor(t, path, Options{})
	var group sync.WaitGroup
	for range 600 { // more than one step removes
		group.Go(func() { assert.NoError(t, appendBody(t, s, nil)) })
	}
	group.Wait()
	require.NoError(t, s.Close())

	NearlyFull(t)
	s = openFor(t, path, Options{Retain: true, Keep: replay.Keep{Deliveries: 1}})
	require.NoError(t, s.Answered(t.Context(), 1, 200)) // the first step
	require.Eventually(t, func() bool {
		n, err := s.Count(t.Context(), replay.Filter{})
		return err == nil && n == 1
	}, time.Minute, 10*time.Millisecond)
	c, err := RawConn(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.Eventually(t, func() bool {
		log, err := c.ints(background, "PRAGMA wal_checkpoint(NOOP)")
		return err == nil && log[1] == log[2]
	}, time.Minute, 10*time.Millisecond, "it is not moved")
}

func TestRoomForTheLog(t *testing.T) {
	before := freeSpace
	t.Cleanup(func() { freeSpace = before })
	w := &writer{path: "store.db"}
	for _, c := range []struct {
		free  uint64
		known bool
		room  int64
	}{
		{0, false, checkpointAt},
		{1 << 40, true, checkpointAt},
		{40 << 20, true, 10 << 20},
		{100, true, minLog},
	} {
		freeSpace = func(string) (uint64, bool) { return c.free, c.known }
		assert.Equal(t, c.room, w.room())
	}
}
