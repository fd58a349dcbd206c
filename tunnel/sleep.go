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
	watchSleep(ctx, time.Now, tick.C, woke)
}

// watchSleep compares the wall clock with the ticks: some systems stop the
// monotonic clock during sleep and some do not, but none lets a program run.
func watchSleep(ctx context.Context, now func() time.Time, ticks <-chan time.Time, woke func(time.Duration)) {
	before := now().Round(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		after := now().Round(0) // without the monotonic clock
		if slept := after.Sub(before) - sleepTick; slept >= sleepMin {
			woke(slept)
		}
		before = after
	}
}
