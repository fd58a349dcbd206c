package replay

import (
	"context"
	"errors"
	"iter"
)

var (
	// ErrNotFound is returned for a delivery that is not in the store.
	ErrNotFound = errors.New("no such delivery")
	// ErrClosed is returned by a store that was closed.
	ErrClosed = errors.New("store is closed")
)

// Store keeps deliveries, their arrivals and their attempts. Its methods may be
// called at the same time, also from several processes. storetest.Run is the
// contract in full. What a Store gives out is for reading only.
type Store interface {
	// Append keeps one arrival and returns when it is durable: it survives
	// the process being killed and the power being cut.
	//
	// in.Delivery's ID, Arrivals, Attempts and Queued are not read. An arrival
	// whose Webhook-Id and body are those of a kept delivery is one more
	// arrival of it; the Receipt says so. Any other is a new delivery.
	//
	// Rejected arrivals keep to themselves: they are arrivals of rejected
	// deliveries only. When one of those comes again and is let in, it becomes
	// what the new arrival is, but for the earlier arrivals, and that arrival
	// is a Retry.
	//
	// With an error, also that of ctx, nothing was kept.
	Append(ctx context.Context, in Incoming) (Receipt, error)

	// Answered notes the status that the sender was given for an arrival. It
	// does not wait until that is durable; an arrival that is not kept any more
	// is no error.
	Answered(ctx context.Context, arrivalID int64, status int) error

	// Finish keeps attempts in one durable step and sets their IDs. A live
	// attempt takes its delivery out of its target's queue, unless it was
	// queued for an arrival after Attempt.ArrivalID. With an error nothing was
	// kept; ErrNotFound: one of the deliveries is not there.
	Finish(ctx context.Context, attempts ...*Attempt) error

	// Get gives a delivery with all that is known of it, or ErrNotFound.
	Get(ctx context.Context, id int64) (*Delivery, error)

	// List gives the deliveries that match, oldest first; with f.Newest, the
	// newest f.Limit of them, still oldest first. They are complete.
	List(ctx context.Context, f Filter) iter.Seq2[*Delivery, error]

	// Watch gives the news since the call to Watch (not since the first step of
	// its loop), in the order in which it became durable, also that of other
	// processes, and waits for more until ctx ends (then it stops without an
	// error, after what was durable by then) or an error was given.
	// A slow reader delays nobody and misses nothing that is still kept. What
	// it is given may be given to others too: it changes no Header and no Body.
	Watch(ctx context.Context) iter.Seq2[News, error]

	// Close waits for what is under way and frees the store.
	Close() error
}

// Incoming is an arrival that is to be kept.
type Incoming struct {
	Delivery Delivery
	Arrival  Arrival // Time and RemoteAddr are read
	// Targets names the live targets to queue the delivery for, if it is
	// accepted. On a retry, those that answered a live attempt with a 2xx
	// before, or have it in their queue still, are left out; on a replay none
	// is, and what is in a queue still is there for the new arrival then.
	Targets []string
}

// Receipt says what became of an arrival.
type Receipt struct {
	DeliveryID int64
	Arrival    Arrival  // with ID and Repeat
	Queued     []string // the targets that it was queued for because of this arrival
}

// News is one thing that happened in a store: exactly one of the two is set.
type News struct {
	// Arrival is a delivery whose last arrival is the news: as it was then,
	// but Queued may already leave out what was sent since.
	Arrival *Delivery
	Attempt *Attempt
}
