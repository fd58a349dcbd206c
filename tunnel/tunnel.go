// Package tunnel gives a listener on this machine a public URL.
package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// Provider opens tunnels of one kind.
type Provider interface {
	// Name is what --tunnel calls it.
	Name() string
	// Open returns when a public URL is known, on the first permanent error,
	// or when ctx ends. The tunnel does not end with ctx.
	Open(ctx context.Context, o Options) (Tunnel, error)
}

// Options are what every provider takes.
type Options struct {
	URL    *url.URL     // wanted or given public URL; nil: the provider decides
	Log    *slog.Logger // debug output of the provider, secrets already replaced; nil: none
	Notify func(Event)  // never blocks; may come from any goroutine, also late; nil: nobody listens
}

// Tunnel is a listener for the public side. Accept fails only when the tunnel
// is over for good; reconnects are invisible to it.
type Tunnel interface {
	net.Listener
	URL() *url.URL
	Kick()                          // drop the current connection, reconnect now
	Shutdown(context.Context) error // graceful, bounded by its context
	Err() error                     // why Accept failed; nil while alive and after Close
}

// State is what a tunnel is doing.
type State string

const (
	Opening      State = "opening"
	Online       State = "online"
	Reconnecting State = "reconnecting"
	Offline      State = "offline"
)

// Event is a change of a tunnel's state.
type Event struct {
	Time  time.Time
	State State
	URL   *url.URL      // set for Online; differs from before: it changed
	Err   error         // *Error for Reconnecting and Offline
	Retry time.Duration // pause before the next attempt; 0: not known
}

// Error says what is wrong with a tunnel, and what to do about it.
type Error struct {
	Provider  string
	Code      string // "auth", "taken", "limit", "refused", "missing", ...
	Detail    string // what the user reads: one sentence, redacted, the provider's own code in brackets
	Permanent bool
	Hint      string // what the user can do; may be empty
	Err       error
}

func (e *Error) Error() string { return e.Detail }
func (e *Error) Unwrap() error { return e.Err }
