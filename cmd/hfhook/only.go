package main

import (
	"context"

	"github.com/hfhook/hfhook/replay"
)

// parseOnly reads --only; nil: everything is shown and sent on.
func parseOnly(text string) (*replay.Filter, error) {
	f, err := arrivalFilter(text)
	if err != nil || len(f.Conditions()) == 0 {
		return nil, err
	}
	return &f, nil
}

// shows reports whether an arrival is to be shown.
func (d *dev) shows(arrived *replay.Delivery) bool {
	return d.only == nil || d.only.Match(arrived)
}

// showsAttempt reports whether an attempt is to be shown: one on a delivery that
// is. When that cannot be told, it is.
func (d *dev) showsAttempt(ctx context.Context, a *replay.Attempt) bool {
	if d.only == nil {
		return true
	}
	delivery, err := d.store.Get(ctx, a.DeliveryID)
	return err != nil || d.only.Match(delivery)
}

// onlyText says what is shown; empty: everything.
func (d *dev) onlyText() string {
	if d.only == nil {
		return ""
	}
	return d.only.String()
}
