package sqlite_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

const target = "http://localhost:3000"

func appendAll(t *testing.T, s *sqlite.Store, n int, change func(i int, in *replay.Incoming)) (last replay.Receipt) {
	t.Helper()
	for i := range n {
		in := incoming(int64(i))
		if change != nil {
			change(i, &in)
		}
		r, err := s.Append(t.Context(), in)
		require.NoError(t, err)
		last = r
	}
	return last
}

func kept(t *testing.T, s replay.Store, f replay.Filter) (ids []int64) {
	t.Helper()
	for d, err := range s.List(t.Context(), f) {
		require.NoError(t, err)
		ids = append(ids, d.ID)
	}
	return ids
}

// eventuallyKeeps waits for what is removed beside the writes.
func eventuallyKeeps(t *testing.T, s replay.Store, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(kept(t, s, replay.Filter{})) == n }, 20*time.Second, 5*time.Millisecond)
}

func TestKeepDeliveries(t *testing.T) {
	s := open(t, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 10, Bytes: replay.NoLimit}})
	in := incoming(0)
	in.Targets = []string{target}
	held, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	appendAll(t, s, 100, nil)

	assert.Equal(t, []int64{1, 93, 94, 95, 96, 97, 98, 99, 100, 101}, kept(t, s, replay.Filter{}))
	require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: held.DeliveryID, Target: target, Kind: replay.Live, Status: 200, Started: time.Now()}))
	_, err = s.Get(t.Context(), 50)
	assert.ErrorIs(t, err, replay.ErrNotFound)

	// What was removed is forgotten: it would be a new delivery, with a new id.
	again, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, replay.Retry, again.Arrival.Repeat, "the held one is still there")
	assert.Equal(t, []string(nil), again.Queued)
}

func TestKeptIDsAreNeverUsedAgain(t *testing.T) {
	path := t.TempDir() + "/store.db"
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Retain: true, Keep: replay.Keep{Age: time.Nanosecond}})
	require.NoError(t, err)
	in := incoming(1)
	before, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, kept(t, s, replay.Filter{}), "too old at once")
	again, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, replay.First, again.Arrival.Repeat)
	require.NoError(t, s.Close())

	s, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	after, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.Equal(t, before.DeliveryID+2, after.DeliveryID)
	assert.Greater(t, after.Arrival.ID, again.Arrival.ID)
}

func TestKeepBytes(t *testing.T) {
	s := open(t, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: replay.NoLimit, Bytes: 100_000}})
	appendAll(t, s, 100, nil) // of about 1,900 bytes each
	n := len(kept(t, s, replay.Filter{}))
	assert.Greater(t, n, 40)
	assert.Less(t, n, 60)

	// Answers count as well.
	ids := kept(t, s, replay.Filter{})
	last := ids[len(ids)-1]
	require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: last, Target: target, Kind: replay.Replayed, Body: make([]byte, 90_000), Started: time.Now()}))
	eventuallyKeeps(t, s, 5)
	assert.Contains(t, kept(t, s, replay.Filter{}), last)
	require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: last, Target: target, Kind: replay.Replayed, Body: make([]byte, 90_000), Started: time.Now()}))
	eventuallyKeeps(t, s, 0)
	appendAll(t, s, 30, nil)
	assert.Len(t, kept(t, s, replay.Filter{}), 30, "what was removed still counts")
}

func TestStrangersPushNothingOut(t *testing.T) {
	s := open(t, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 5}})
	appendAll(t, s, 5, nil)
	var group sync.WaitGroup
	for range 1100 {
		group.Go(func() {
			in := incoming(1)
			in.Delivery.Verdict = replay.Rejected
			_, err := s.Append(t.Context(), in)
			assert.NoError(t, err)
		})
	}
	group.Wait()
	assert.Len(t, kept(t, s, replay.Filter{Verdicts: []replay.Verdict{replay.Rejected}}), 1000)
	appendAll(t, s, 5, func(_ int, in *replay.Incoming) {
		in.Delivery.Verdict, in.Delivery.Body = replay.Rejected, make([]byte, 16<<20)
	})
	require.Eventually(t, func() bool { return len(kept(t, s, replay.Filter{Verdicts: []replay.Verdict{replay.Rejected}})) == 1 },
		20*time.Second, 5*time.Millisecond, "two do not fit into 32 MiB")
	assert.Len(t, kept(t, s, replay.Filter{Verdicts: []replay.Verdict{replay.Accepted}}), 5)

	// The same one again and again is one delivery, and takes space as well.
	again := incoming(1)
	again.Delivery.Verdict = replay.Rejected
	appendAll(t, s, 50, func(_ int, in *replay.Incoming) { *in = again })
	assert.Len(t, kept(t, s, replay.Filter{Verdicts: []replay.Verdict{replay.Rejected}}), 2)

	// A promoted one counts with the good ones.
	again.Delivery.Verdict = replay.Accepted
	appendAll(t, s, 1, func(_ int, in *replay.Incoming) { *in = again })
	assert.Len(t, kept(t, s, replay.Filter{Verdicts: []replay.Verdict{replay.Accepted}}), 5)
	appendAll(t, s, 20, nil)
	assert.Len(t, kept(t, s, replay.Filter{Verdicts: []replay.Verdict{replay.Accepted}}), 5)
}

// TestRetentionAtRest removes more than a group would, without one.
func TestRetentionAtRest(t *testing.T) {
	path := t.TempDir() + "/store.db"
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	appendAll(t, s, 1000, nil)
	require.NoError(t, s.Close())
	s, err = sqlite.Open(t.Context(), path, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 3}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	appendAll(t, s, 1, nil)
	eventuallyKeeps(t, s, 3)
}

// TestWatchAcrossRetention has a slow reader that what it was to read is taken
// from: it goes on with what is there.
func TestWatchAcrossRetention(t *testing.T) {
	s := open(t, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 10}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	news := s.Watch(ctx)
	last := appendAll(t, s, 500, nil)
	var seen []int64
	for n, err := range news {
		require.NoError(t, err)
		seen = append(seen, n.Arrival.ID)
		if n.Arrival.ID == last.DeliveryID {
			break
		}
	}
	assert.Len(t, seen, 10)
}

// TestQueueDoesNotStopRetention removes what was queued when it was looked at
// first.
func TestQueueDoesNotStopRetention(t *testing.T) {
	s := open(t, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 5}})
	for i := range 30 {
		in := incoming(int64(i))
		in.Targets = []string{target}
		r, err := s.Append(t.Context(), in)
		require.NoError(t, err)
		require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: r.DeliveryID, Target: target, Kind: replay.Live, Status: 200, Started: time.Now()}))
	}
	assert.Equal(t, []int64{26, 27, 28, 29, 30}, kept(t, s, replay.Filter{}))
}

// TestSpaceIsUsedAgain writes far more than it keeps.
func TestSpaceIsUsedAgain(t *testing.T) {
	path := t.TempDir() + "/store.db"
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 50}})
	require.NoError(t, err)
	appendAll(t, s, 1000, nil) // of about 2 KB
	require.NoError(t, s.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(500_000))
}
