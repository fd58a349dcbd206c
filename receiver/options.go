package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// Options say how a Server receives. The zero value is a working server.
type Options struct {
	// Secrets are let in, by X-Webhook-Secret or else ?secret=. Several help
	// while a new one takes the place of an old one. A secret is printable
	// ASCII without blanks at its ends. Default: WEBHOOK_SECRET from the
	// environment; when that is empty too, every request is let in, and the
	// server says so when it starts.
	Secrets []string
	// NoSecret lets every request in, whatever WEBHOOK_SECRET is. As that was
	// asked for, Log gets no warning.
	// Default: false.
	NoSecret bool

	// MaxBody is the longest body that is let in, in bytes. A bucket event
	// can list 10,000 files, which takes several MB. Default: 16 MiB.
	MaxBody int64
	// Timeout bounds the reading of a body, and the writing of an answer.
	// Default: 30 s.
	Timeout time.Duration
	// HeaderTimeout bounds the reading of a request's header. Default: 10 s.
	HeaderTimeout time.Duration
	// MaxHeaderBytes is the longest header that is read. Default: 64 KiB.
	MaxHeaderBytes int
	// MaxConns is how many connections a listener of Serve or Run may have
	// open. When there are more, one is closed that has not shown the secret,
	// or is idle; one that has shown it and waits for an answer is never
	// closed. Default: 1024, or half of what files the system lets the process
	// open.
	MaxConns int
	// MaxInFlight is how many deliveries are stored or handled at once; more
	// wait up to 5 s and are then answered with 503. Who is slow to send one
	// does not count yet. Default: 128.
	MaxInFlight int
	// MaxHeld is how much the bodies of more than 64 KiB may take at once, in
	// bytes; more wait up to 5 s and are then answered with 503. Together with
	// MaxConns it bounds the memory. Default: 256 MiB, or MaxBody if that is
	// more.
	MaxHeld int64
	// Grace is how long requests may take to end when the context of Serve or
	// Run ends. Where handlers run from the store, they have half of it, after
	// the requests, which then have two fifths. Default: 10 s.
	Grace time.Duration

	// Listen is the address that Run listens on. Default: 127.0.0.1:7860, on a
	// Space 0.0.0.0 and the port of PORT, or 7860.
	Listen string
	// PublicURL gives the URL under which the Hub reaches the server, or nil
	// while there is none. It is asked for each landing page, also at the same
	// time. Default: https://$SPACE_HOST on a Space, else the address of the
	// listener.
	PublicURL func() *url.URL
	// Landing answers GET and HEAD requests for "/". Default: a page that
	// lists the endpoints and says where to enter them.
	Landing http.Handler
	// Wrap puts a handler of the caller's around what Serve and Run serve. What
	// that answers itself is the last answer of its connection.
	// Default: none.
	Wrap func(http.Handler) http.Handler
	// AnyPath takes a POST to every path as a delivery, with a handler or
	// without. Its endpoint is the name under /webhooks/, else the path.
	// Default: false.
	AnyPath bool

	// Store keeps every delivery before it is acknowledged. The caller closes
	// it, after the server ended, from when on nothing is stored any more.
	// Default: none.
	Store replay.Store
	// Dispatcher sends what is stored to its targets; the caller runs it. It
	// takes the place of handlers. Default: when there is a Store and there
	// are handlers, one that calls them, and which the server runs.
	Dispatcher Dispatcher
	// Ack says when a stored delivery is acknowledged. Default: AckStore.
	Ack Ack
	// AckTimeout is how long AckHandler waits. Default: 8 s.
	AckTimeout time.Duration
	// Late is called when AckHandler had waited that long and acknowledged
	// the delivery unseen. It must not block. Default: none.
	Late func(replay.Receipt)

	// Fail answers with the status that it gives in the place of a 2xx, as
	// long as that is not 0, to see what the sender does then: the Hub tries
	// again, and suspends a webhook that keeps failing. The delivery is stored
	// all the same. Default: nothing fails on purpose.
	Fail func() (status int)

	// Log gets what goes wrong, a handler's errors and panics too, and at
	// debug level each delivery. Default: slog.Default(), as it is in New.
	Log *slog.Logger
	// Out gets the message that is printed at start. Default: os.Stderr.
	Out io.Writer
}

// Ack says when a delivery is acknowledged that was stored.
type Ack string

const (
	// AckStore acknowledges as soon as the delivery is stored, whatever its
	// handler will do.
	AckStore Ack = "store"
	// AckHandler waits for the first target's answer and gives it to the
	// sender. What fails without an answer, because nobody listens there for
	// instance, is a 502, which makes the Hub try again. When AckTimeout is
	// over, or sending is paused, the delivery is acknowledged all the same.
	AckHandler Ack = "handler"
)

// Dispatcher is what the receiver needs of a *replay.Dispatcher.
type Dispatcher interface {
	// TargetsFor names the targets that a delivery is queued for, which has
	// just arrived and is not stored yet. It may be called at the same time.
	TargetsFor(d *replay.Delivery) []string
	// Await gives the attempt to send a delivery, just stored, to a target,
	// replay.ErrHeld when the target refuses connections, or replay.ErrPaused
	// while nothing is sent on purpose.
	Await(ctx context.Context, r replay.Receipt, target string) (*replay.Attempt, error)
}

func (o Options) withDefaults() (Options, []error) {
	var errs []error
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"MaxBody", o.MaxBody},
		{"Timeout", int64(o.Timeout)},
		{"HeaderTimeout", int64(o.HeaderTimeout)},
		{"MaxHeaderBytes", int64(o.MaxHeaderBytes)},
		{"MaxConns", int64(o.MaxConns)},
		{"MaxInFlight", int64(o.MaxInFlight)},
		{"MaxHeld", o.MaxHeld},
		{"Grace", int64(o.Grace)},
		{"AckTimeout", int64(o.AckTimeout)},
	} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("option %s is negative", n.name))
		}
	}
	positive(&o.MaxBody, 16<<20)
	positive(&o.Timeout, 30*time.Second)
	positive(&o.HeaderTimeout, 10*time.Second)
	positive(&o.MaxHeaderBytes, 64<<10)
	positive(&o.MaxConns, maxConns())
	positive(&o.MaxInFlight, 128)
	positive(&o.MaxHeld, 256<<20)
	o.MaxHeld = max(o.MaxHeld, o.MaxBody)
	positive(&o.Grace, 10*time.Second)
	positive(&o.AckTimeout, 8*time.Second)
	if o.Ack == "" {
		o.Ack = AckStore
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.Ack != AckStore && o.Ack != AckHandler {
		errs = append(errs, fmt.Errorf("option Ack is %q, not %q or %q", o.Ack, AckStore, AckHandler))
	}
	if o.Store == nil && o.Dispatcher != nil {
		errs = append(errs, errors.New("a Dispatcher needs a Store"))
	}
	return o, errs
}

// positive puts the default in the place of zero and of what was refused.
func positive[T int | int64 | time.Duration](v *T, byDefault T) {
	if *v <= 0 {
		*v = byDefault
	}
}

func maxConns() int {
	const most = 1024
	if n, known := descriptors(); known && n < 2*most {
		return max(1, int(n/2))
	}
	return most
}
