package tunnel

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"
)

// None is no tunnel at all: a listener on this machine, which something else
// makes public (a reverse proxy, a Space), or nothing.
type None struct {
	// Listener takes the connections. Required; the tunnel closes it.
	Listener net.Listener
}

// Name is "none".
func (None) Name() string { return "none" }

// Open never fails and never waits. The URL of the tunnel is o.URL: without
// one the Hub cannot reach the listener, and its Online event has none.
func (p None) Open(_ context.Context, o Options) (Tunnel, error) {
	t := &noTunnel{Listener: p.Listener, o: o}
	t.notify(Event{State: Online, URL: o.URL})
	return t, nil
}

type noTunnel struct {
	net.Listener
	o Options

	mu   sync.Mutex
	over bool
	err  error
}

func (t *noTunnel) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err == nil {
		return c, nil
	}
	// Out of file descriptors and the like pass by; http.Server waits for it.
	//lint:ignore SA1019 it is what http.Server decides by
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Temporary() {
		return nil, err
	}
	if why := t.end(&Error{Provider: "none", Code: "lost", Permanent: true, Err: err,
		Detail: "the listener on " + t.Addr().String() + " failed"}); why != nil {
		return nil, why
	}
	return nil, net.ErrClosed
}

// end makes the tunnel over, for a reason or, with nil, because it was closed.
// The first call decides; it returns why the tunnel is over.
func (t *noTunnel) end(why *Error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.over = true
		e := Event{State: Offline}
		if why != nil {
			t.err, e.Err = why, why
		}
		t.notify(e)
	}
	return t.err
}

func (t *noTunnel) Shutdown(context.Context) error {
	_ = t.end(nil)
	if err := t.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (t *noTunnel) Close() error  { return t.Shutdown(context.Background()) }
func (t *noTunnel) URL() *url.URL { return t.o.URL }
func (t *noTunnel) Kick()         {}

func (t *noTunnel) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *noTunnel) notify(e Event) {
	if t.o.Notify != nil {
		e.Time = time.Now()
		t.o.Notify(e)
	}
}
