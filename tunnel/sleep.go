package tunnel

import (
	"context"
	"time"
)

const (
	sleepTick = 2 * time.Second
	sleepMin  = 10 * time.Second
)

// WatchSleep calls woke after the computer slept, or this program was stopped,
// for 10 s or more, with about how long that was. It returns when ctx ends.
func WatchSleep(ctx context.Context, woke func(slept time.Duration)) {
	tick := time.NewTicker(sleepTick)
	defer tick.Stop()
	watchSleep(ctx, elapsed, tick.C, woke)
}

// watchSleep compares a clock that goes on during sleep with the ticks: some
// systems stop the monotonic clock and some do not, but none lets a program
// run.
func watchSleep(ctx context.Context, elapsed func() time.Duration, ticks <-chan time.Time, woke func(time.Duration)) {
	before := elapsed()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		after := elapsed()
		if slept := after - before - sleepTick; slept >= sleepMin {
			woke(slept)
		}
		before = after
	}
}
