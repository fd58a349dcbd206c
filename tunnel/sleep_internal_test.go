package tunnel

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSleepIsSeenByTheClock(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ticks, woke := make(chan time.Time), make(chan time.Duration, 1)
	clock := time.Hour
	step := make(chan time.Duration, 1)
	elapsed := func() time.Duration {
		select {
		case d := <-step:
			clock += d
		default:
		}
		return clock
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchSleep(ctx, elapsed, ticks, func(slept time.Duration) { woke <- slept })
	}()
	for _, c := range []struct{ ran, want time.Duration }{
		{2 * time.Second, 0},
		{11 * time.Second, 0}, // a busy machine
		{41*time.Minute + 2*time.Second, 41 * time.Minute},
		{-time.Hour, 0}, // somebody set the clock back
		{12 * time.Second, 10 * time.Second},
		{2 * time.Second, 0},
	} {
		step <- c.ran
		ticks <- time.Time{}
		if c.want > 0 {
			assert.Equal(t, c.want, <-woke)
		}
	}
	cancel()
	<-done
	assert.Empty(t, woke)
}

func TestNothingIsSeenWhileAwake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		WatchSleep(ctx, func(slept time.Duration) { t.Errorf("slept %s", slept) })
	})
}
