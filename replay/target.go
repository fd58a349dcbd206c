package replay

import (
	"context"
	"time"
)

// Target is where deliveries are sent.
type Target interface {
	// Name tells targets apart, in the store too: it is stable and holds no
	// secret. For an HTTPTarget it is the URL.
	Name() string

	// Send makes one attempt and tells what the target answered. It never
	// fails as such: what went wrong is in the Attempt's Failure and Error.
	// Who calls Send knows the rest of an Attempt and fills it in. Send may be
	// called at the same time, and returns soon when ctx ends.
	Send(ctx context.Context, d *Delivery) *Attempt
}

// Limited is a Target that a Dispatcher sends to no more than Limit times at
// once, whatever its Concurrency is.
type Limited interface {
	Limit() int
}

// send makes an attempt and fills in all of it but the ID.
func send(ctx context.Context, t Target, d *Delivery, kind Kind) *Attempt {
	started := time.Now()
	a := t.Send(ctx, d)
	a.Duration = time.Since(started)
	a.Started = started.UTC().Truncate(time.Microsecond)
	a.DeliveryID, a.Target, a.Kind = d.ID, t.Name(), kind
	if kind == Live && len(d.Arrivals) > 0 {
		a.ArrivalID = d.Arrivals[len(d.Arrivals)-1].ID
	}
	return a
}
