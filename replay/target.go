package replay

import "context"

// Target is where deliveries are sent.
type Target interface {
	// Name tells targets apart, in the store too: it is stable and holds no
	// secret. For an HTTPTarget it is the URL.
	Name() string

	// Send makes one attempt. It never fails as such: what went wrong is in
	// the Attempt. Send may be called at the same time.
	Send(ctx context.Context, d *Delivery) *Attempt
}
