package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hfhook/hfhook/receiver"
)

const (
	// settleTime is how long deliveries that come one after the other are waited
	// for before they are counted.
	settleTime = time.Second

	// hiddenTime is how often it is told at most that a filter hides something.
	hiddenTime = time.Minute
)

// pause stops forwarding, or has it go on.
func (k *keyboard) pause() {
	switch {
	case k.d.dispatcher == nil:
		k.h.warning("nothing is forwarded, so there is nothing to pause", "start hfhook dev with --forward http://localhost:3000")
	case k.paused.Load():
		k.paused.Store(false)
		k.d.dispatcher.Resume()
		k.h.note("forwarding goes on; what waits is sent now, in order")
	default:
		k.d.dispatcher.Pause()
		k.paused.Store(true)
		text := "forwarding is paused: deliveries are received and kept, and wait"
		if k.d.c.String("ack") == string(receiver.AckHandler) {
			text += "; the Hub gets its 200 without an answer of the handler"
		}
		k.h.note(text + "; p goes on")
		k.changed()
	}
}

// changed says that there may be something new to tell.
func (k *keyboard) changed() {
	if k == nil {
		return
	}
	select {
	case k.news <- struct{}{}:
	default:
	}
}

// tell says how many deliveries wait while forwarding is paused, and how many a
// filter hides, when that has changed.
func (k *keyboard) tell(ctx context.Context) error {
	var told struct {
		waiting, hidden int
		filter          string
		at              time.Time
	}
	var settled, later <-chan time.Time
	settle := settleTime
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.news:
			if settled == nil {
				settled = time.After(settle)
			}
			continue
		case <-settled:
			settled = nil
		case <-later:
			later = nil
		}
		if !k.paused.Load() {
			told.waiting = 0
		} else {
			begin := time.Now()
			if n, err := k.d.countWaiting(ctx); err == nil && n != told.waiting && k.paused.Load() {
				told.waiting = n
				k.h.note(fmt.Sprintf("paused: %d %s; p goes on", n, plural(n, "delivery waits", "deliveries wait")))
			}
			settle = max(settleTime, 20*time.Since(begin)) // many take a while to count
		}
		_, filter, hidden := k.d.showing.state()
		if filter != told.filter {
			told.filter, told.hidden, told.at = filter, 0, time.Now()
		}
		if hidden <= told.hidden {
			told.hidden = hidden // the same filter may have been set anew
			continue
		}
		if wait := hiddenTime - time.Since(told.at); wait > 0 {
			later = time.After(wait)
			continue
		}
		told.hidden, told.at = hidden, time.Now()
		k.h.note(fmt.Sprintf("%d %s not shown, because of the filter %s", hidden, plural(hidden, "delivery was", "deliveries were"), filter))
	}
}
