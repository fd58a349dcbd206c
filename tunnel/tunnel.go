// Package tunnel gives a listener on this machine a public URL.
//
// A [Provider] opens tunnels of one kind. Every tunnel is a [net.Listener]
// that outlives its connections to the provider, so an http.Server serves it
// like any other; only public traffic comes out of it. Whether the public URL
// really leads here, a [Prober] finds out.
package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// CloseTimeout is how long [Tunnel] Close waits at most.
const CloseTimeout = 2 * time.Second

// Provider opens tunnels of one kind. Its methods may be called at the same
// time.
type Provider interface {
	// Name is what --tunnel calls it.
	Name() string

	// Open returns when a public URL is known, on the first permanent error,
	// or when ctx ends. The tunnel does not end with ctx: the caller closes
	// it. The error is an *Error.
	Open(ctx context.Context, o Options) (Tunnel, error)
}

// Options are what every provider takes.
type Options struct {
	// URL is the wanted or given public URL. Nil: the provider decides.
	URL *url.URL

	// Log takes debug output of the provider, secrets already replaced.
	// Default: none.
	Log *slog.Logger

	// Notify takes the events of the tunnel, one at a time and in order. It
	// must not block and must not call methods of the tunnel other than URL
	// and Kick. It is called from any goroutine, before Open returned and
	// shortly after Close returned too. Default: nobody listens.
	Notify func(Event)
}

// Tunnel is a listener for the public side. Accept fails only when the tunnel
// is over for good; reconnects are invisible to it. All methods may be called
// at the same time.
//
// Close is Shutdown with [CloseTimeout]. Both may be called more than once.
type Tunnel interface {
	net.Listener

	// URL is where the public side is. It can change with an Online event;
	// the caller must not modify it. Nil: there is no public URL.
	URL() *url.URL

	// Kick drops the current connection to the provider and reconnects now.
	// It does not wait for either.
	Kick()

	// Shutdown ends the tunnel: Accept fails with net.ErrClosed, and
	// connections that it handed out may break. Whoever wants requests in
	// flight to end well answers new ones with 503, waits for the others, and
	// then calls Shutdown. It returns when the provider let go of the
	// connection, at the latest with ctx; the tunnel is over either way.
	Shutdown(ctx context.Context) error

	// Err is the *Error that made Accept fail; nil while the tunnel is alive,
	// and after Close.
	Err() error
}

// State is what a tunnel is doing.
type State string

const (
	Opening      State = "opening"      // no public URL yet
	Online       State = "online"       // requests arrive
	Reconnecting State = "reconnecting" // requests fail, the tunnel tries to come back
	Offline      State = "offline"      // over for good: closed, or for a reason in Err
)

// Event is a change of a tunnel's state, or a failed try to change it.
type Event struct {
	Time  time.Time
	State State
	URL   *url.URL      // set for Online; differs from before: it changed
	Err   error         // *Error; set for Reconnecting, for Opening after a failed try, and for Offline unless closed
	Retry time.Duration // pause before the next try; 0: at once
}

// Error says what is wrong with a tunnel, and what to do about it. No field
// holds a secret.
type Error struct {
	Provider string

	// Code tells errors apart: "missing" (a token, a program, a key), "auth",
	// "account", "limit", "rate", "taken", "domain", "url", "version", "dns",
	// "unreachable", "intercepted", "hostkey", "lost", "stopped", "refused",
	// "nourl" (none was announced), "anonymous" (a token was ignored),
	// "program" (it ended), "usage" (of a setting), "timeout".
	Code string

	Detail    string // what the user reads: one sentence, the provider's own code in brackets
	Permanent bool   // waiting does not help
	Hint      string // what the user can do; may be empty
	Err       error  // the cause; may be nil
}

// Error is Detail.
func (e *Error) Error() string { return e.Detail }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }
