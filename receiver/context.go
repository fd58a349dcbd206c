package receiver

import (
	"context"
	"sync"

	"github.com/hfhook/hfhook/replay"
)

type deliveryKey struct{}

// DeliveryFrom gives the delivery that a handler was called with: header, path,
// query, Webhook-Id, the body as it came, and which arrival it is. The secret
// is redacted. Its ID is 0 where there is no store. It must not be changed.
// With a context that is not a handler's it gives nil.
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
