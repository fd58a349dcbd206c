package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// On a disk that is nearly full the log gives back what it took.
func TestTheLogLeavesRoomForTheDatabase(t *testing.T) {
	before, every := freeSpace, checkpointEvery
	t.Cleanup(func() { freeSpace, checkpointEvery = before, every })
	freeSpace = func(string) (uint64, bool) { return 2 << 20, true }
	checkpointEvery = time.Millisecond

	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	for range 200 {
		_, err := s.Append(t.Context(), replay.Incoming{
			Delivery: replay.Delivery{Method: "POST", Path: "/", Body: make([]byte, 20_000), Verdict: replay.Undecodable},
			Arrival:  replay.Arrival{Time: time.Now()},
		})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		info, err := os.Stat(path + "-wal")
		return err == nil && info.Size() < minLog
	}, time.Minute, time.Millisecond)
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
