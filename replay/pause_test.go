package replay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestPauseFinishesWhatIsUnderWayAndKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Second)
			return &replay.Attempt{Status: 200}
		}}
		d, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}, MaxWaiting: 3})
		appendTo(t, s, incoming("1", "a/b", "h"))
		synctest.Wait()
		d.Pause()
		d.Pause()
		for i := range 19 {
			appendTo(t, s, incoming(fmt.Sprint(2+i), fmt.Sprint("a/", "bc"[i%2:i%2+1]), "h"))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, []int64{1}, h.seen())
		assert.Len(t, get(t, s, 1).Attempts, 1)

		d.Resume()
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		h.assertOrder(t, 20)
	})
}

func TestPauseBeforeRunAndThroughAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		first := &handler{name: "h"}
		d, err := replay.NewDispatcher(replay.DispatcherOptions{Store: s, Targets: []replay.Target{first}})
		require.NoError(t, err)
		d.Pause()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx) }()
		for i := range 5 {
			appendTo(t, s, incoming(fmt.Sprint(i), "a/b", "h"))
		}
		time.Sleep(time.Minute)
		cancel()
		require.NoError(t, <-ended)
		assert.Empty(t, first.seen())

		second := &handler{name: "h"}
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{second}})
		synctest.Wait()
		require.NoError(t, stop())
		second.assertOrder(t, 5)
	})
}

func TestPauseWhileATargetIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		tries, alive := 0, false
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			if tries++; !alive {
				return refused()
			}
			return &replay.Attempt{Status: 200}
		}}
		d, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		appendTo(t, s, incoming("1", "a/b", "h"))
		time.Sleep(time.Minute)
		d.Pause()
		synctest.Wait()
		before := tries
		d.Kick()
		time.Sleep(time.Minute)
		assert.Equal(t, before, tries, "nothing is tried")
		assert.Len(t, d.Holds(), 1)
		alive = true
		d.Resume()
		synctest.Wait()
		assert.Empty(t, d.Holds())
		require.NoError(t, stop())
		h.assertOrder(t, 1)
	})
}

func TestAwaitWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Second)
			return &replay.Attempt{Status: 418}
		}}
		d, _ := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		begun, behind := appendTo(t, s, incoming("1", "a/b", "h")), appendTo(t, s, incoming("2", "a/b", "h"))
		synctest.Wait()
		outcome := make(chan error, 1)
		go func() {
			_, err := d.Await(t.Context(), behind, "h")
			outcome <- err
		}()
		synctest.Wait()
		d.Pause()
		require.ErrorIs(t, <-outcome, replay.ErrPaused, "it begins while somebody waits")
		a, err := d.Await(t.Context(), begun, "h")
		require.NoError(t, err, "its answer is still to come")
		assert.Equal(t, 418, a.Status)
		_, err = d.Await(t.Context(), appendTo(t, s, incoming("3", "a/b", "h")), "h")
		require.ErrorIs(t, err, replay.ErrPaused)
		d.Resume()
		a, err = d.Await(t.Context(), behind, "h")
		require.NoError(t, err)
		assert.Equal(t, 418, a.Status)
	})
}

// However often it is paused, everything is sent once and in order.
func TestPauseLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			return &replay.Attempt{Status: 200}
		}}
		d, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}, Concurrency: 3, MaxWaiting: 7})
		for i := range 300 {
			switch rand.IntN(6) {
			case 0:
				d.Pause()
			case 1:
				d.Resume()
			}
			appendTo(t, s, incoming(fmt.Sprint(i), fmt.Sprint("r/", rand.IntN(4)), "h"))
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		}
		d.Resume()
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		h.assertOrder(t, 300)
	})
}
