package replay

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
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

// send makes an attempt and fills in all of it but the ID.
func send(ctx context.Context, log *slog.Logger, t Target, d *Delivery, kind Kind) (a *Attempt) {
	started := time.Now()
	defer func() {
		if v := recover(); v != nil {
			log.Error("target panicked", "target", t.Name(), "delivery", d.ID, "panic", v, "stack", string(debug.Stack()))
			a = &Attempt{Failure: FailPanic, Error: fmt.Sprintf("panic: %v", v)}
		}
		a.DeliveryID, a.Target, a.Kind = d.ID, t.Name(), kind
		if kind == Live && len(d.Arrivals) > 0 {
			a.ArrivalID = d.Arrivals[len(d.Arrivals)-1].ID
		}
		a.Started = started.UTC().Truncate(time.Microsecond)
		a.Duration = time.Since(started)
	}()
	return t.Send(ctx, d)
}
