package replay_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		var dead atomic.Bool
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Second)
			if dead.Load() {
				return refused()
			}
			return &replay.Attempt{Status: 418}
		}}
		d, _ := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})

		r := appendTo(t, s, incoming("1", "a/b", "h"))
		for range 2 { // before it is recorded, and after
			a, err := d.Await(t.Context(), r, "h")
			require.NoError(t, err)
			assert.Equal(t, 418, a.Status)
			assert.NotZero(t, a.ID)
		}
		_, err := d.Await(t.Context(), r, "other")
		require.Error(t, err)
		_, err = d.Await(t.Context(), appendTo(t, s, incoming("2", "a/b")), "h")
		require.ErrorIs(t, err, replay.ErrNotQueued)
		_, err = d.Await(t.Context(), replay.Receipt{DeliveryID: 99}, "h")
		require.ErrorIs(t, err, replay.ErrNotFound)

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = d.Await(ctx, appendTo(t, s, incoming("3", "a/b", "h")), "h")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		time.Sleep(time.Minute)
		dead.Store(true)
		r = appendTo(t, s, incoming("4", "a/b", "h"))
		_, err = d.Await(t.Context(), r, "h")
		require.ErrorIs(t, err, replay.ErrHeld, "it begins while somebody waits")
		_, err = d.Await(t.Context(), r, "h")
		require.ErrorIs(t, err, replay.ErrHeld)
		dead.Store(false)
		time.Sleep(time.Minute)
		a, err := d.Await(t.Context(), r, "h")
		require.NoError(t, err)
		assert.Equal(t, 418, a.Status)
	})
}
