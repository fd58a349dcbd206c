package receiver

import (
	"context"
	"sync"

	"github.com/hfhook/hfhook/replay"
)

type deliveryKey struct{}

// DeliveryFrom gives the delivery that a handler was called with: header, path,
// query, Webhook-Id, and the body as it came. The secret is redacted. With a
// store it has its ID and all arrivals so far, and the last of them tells a
// retry from a replay; without one the ID is 0, and of the arrivals only this
// one is known. It must not be changed. With a context that is not a handler's
// it gives nil.
func DeliveryFrom(ctx context.Context) *replay.Delivery {
	if l, ok := ctx.Value(deliveryKey{}).(*lazyDelivery); ok {
		l.once.Do(func() { l.d = l.make() })
		return l.d
	}
	return nil
}

// lazyDelivery is made when it is asked for: most handlers do not ask.
type lazyDelivery struct {
	make func() *replay.Delivery
	once sync.Once
	d    *replay.Delivery
}

func withDelivery(ctx context.Context, get func() *replay.Delivery) context.Context {
	return context.WithValue(ctx, deliveryKey{}, &lazyDelivery{make: get})
}
