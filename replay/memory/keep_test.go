package memory_test

import (
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestKeep(t *testing.T) {
	for name, keep := range map[string]replay.Keep{
		"deliveries": {Deliveries: 3, Bytes: replay.NoLimit},
		"bytes":      {Deliveries: replay.NoLimit, Bytes: 30},
		"age":        {Deliveries: replay.NoLimit, Bytes: replay.NoLimit, Age: 90 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fixture{t, memory.NewKeep(keep)}
				arrive := func(id, body string, targets ...string) replay.Receipt {
					time.Sleep(time.Hour)
					in := incoming(id, body)
					in.Targets, in.Arrival.Time = targets, time.Now()
					return f.append(in)
				}
				queued := arrive("w", "queued....", "t")
				for i := range 9 {
					arrive("", fmt.Sprint("body.....", i))
				}
				assert.Equal(t, []int64{1, 9, 10}, f.ids(replay.Filter{}), "what is queued stays")
				assert.Equal(t, []int64{1, 9}, f.ids(replay.Filter{Limit: 2}))
				assert.Equal(t, []int64{1, 9, 10}, f.ids(replay.Filter{Limit: 5, Newest: true}))
				_, err := f.s.Get(t.Context(), 5)
				require.ErrorIs(t, err, replay.ErrNotFound)
				require.NoError(t, f.s.Answered(t.Context(), 5, 200))
				require.ErrorIs(t, f.s.Finish(t.Context(), &replay.Attempt{DeliveryID: 5}), replay.ErrNotFound)

				f.live(queued, 200)
				arrive("", "body......")
				assert.Equal(t, int64(11), f.ids(replay.Filter{Newest: true, Limit: 1})[0])
				assert.NotContains(t, f.ids(replay.Filter{}), int64(1), "out of the queue, out of the store")
				again := arrive("w", "queued....", "t")
				assert.EqualValues(t, 12, again.DeliveryID, "no ID is used twice")
				assert.Equal(t, replay.First, again.Arrival.Repeat)
			})
		})
	}
}

func TestKeepCountsAnswers(t *testing.T) {
	f := fixture{t, memory.NewKeep(replay.Keep{Bytes: 1000})}
	r := f.append(incoming("", "{}"))
	f.append(incoming("", "{}"))
	require.NoError(t, f.s.Finish(t.Context(), &replay.Attempt{
		DeliveryID: r.DeliveryID, Target: "t", Kind: replay.Live, Body: make([]byte, 1000),
	}))
	assert.Equal(t, []int64{2}, f.ids(replay.Filter{}))
}

// A reader that stands still keeps nothing that Keep does not.
func TestWatchAcrossKeep(t *testing.T) {
	f := fixture{t, memory.NewKeep(replay.Keep{Deliveries: 1})}
	news, stop := iter.Pull2(f.s.Watch(t.Context()))
	defer stop()
	gone := incoming("", "{}")
	gone.Targets = nil
	r := f.append(gone)
	require.NoError(t, f.s.Finish(t.Context(), &replay.Attempt{DeliveryID: r.DeliveryID, Target: "t", Kind: replay.Replayed}))
	kept := f.append(incoming("", "{}"))
	n, err, ok := news()
	require.NoError(t, err)
	require.True(t, ok)
	require.NotNil(t, n.Arrival)
	assert.Equal(t, kept.DeliveryID, n.Arrival.ID)
}
