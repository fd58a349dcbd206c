package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

// opening opens a tunnel.
type opening struct {
	within  time.Duration // for all carriers together
	tries   int           // failed ones after which a carrier is given up; 0: any number
	log     *slog.Logger
	trying  func(provider string)               // a carrier is being opened
	notify  func(e tunnel.Event, optional bool) // must not block
	skipped func(provider string, err error)    // a carrier is passed over
}

// first opens the first of carriers that can be, and gives its tunnel and the
// carrier. Without an error and a tunnel, all of them were passed over.
func (o opening) first(ctx context.Context, carriers []carrier) (tunnel.Tunnel, carrier, error) {
	late := time.Now().Add(o.within)
	for i, c := range carriers {
		// Each has its share of the time, and what those before it left.
		weights := 0
		for _, other := range carriers[i:] {
			weights += other.weight
		}
		o.trying(c.name())
		opened, err := o.one(ctx, c, time.Until(late)*time.Duration(c.weight)/time.Duration(weights))
		switch {
		case err == nil:
			return opened, c, nil
		case ctx.Err() != nil:
			return nil, c, context.Cause(ctx)
		case !c.optional:
			return nil, c, err
		}
		o.skipped(c.name(), err)
	}
	return nil, carrier{}, nil
}

func (o opening) one(ctx context.Context, c carrier, within time.Duration) (tunnel.Tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var over atomic.Bool // one that failed may still speak
	failures := 0        // events come one at a time
	opened, err := c.provider.Open(ctx, tunnel.Options{URL: c.url, Log: o.log, Notify: func(e tunnel.Event) {
		if over.Load() {
			return
		}
		// A name that is not in DNS yet is no failure: it is waited for.
		if e.State == tunnel.Opening && e.Err != nil && tunnelCode(e.Err) != "dns" {
			if failures++; failures == o.tries {
				cancel()
			}
		}
		o.notify(e, c.optional)
	}})
	over.Store(err != nil)
	return opened, err
}

// name is the provider's, "none" for no carrier.
func (c carrier) name() string {
	if c.provider == nil {
		return "none"
	}
	return c.provider.Name()
}
