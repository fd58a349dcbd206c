package tunnel

import (
	"context"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Outlet is the near end of a tunnel, the same for all providers: it has every
// method of Tunnel, and what a provider feeds it with. NewOutlet makes one;
// all methods may be called at the same time.
//
// One goroutine of the provider keeps the tunnel up. It ends with Context,
// and calls Gone as the last thing that it does.
type Outlet struct {
	notify func(Event)

	ctx    context.Context         // ends with the tunnel
	cancel context.CancelCauseFunc // with the *Error why, or nil
	gone   chan struct{}
	conns  chan net.Conn
	kick   chan struct{}
	url    atomic.Pointer[url.URL]
	once   sync.Once

	emitting sync.Mutex // one event at a time
}

// NewOutlet makes the Outlet of a tunnel that is asked for with o.
func NewOutlet(o Options) *Outlet {
	l := &Outlet{
		notify: o.Notify,
		gone:   make(chan struct{}),
		conns:  make(chan net.Conn),
		kick:   make(chan struct{}, 1),
	}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.url.Store(o.URL)
	return l
}

// Context ends with the tunnel.
func (l *Outlet) Context() context.Context { return l.ctx }

// Emit tells of an event, with the time of now. From an Online event on, the
// tunnel has its URL.
func (l *Outlet) Emit(e Event) {
	l.emitting.Lock()
	defer l.emitting.Unlock()
	if e.State == Online {
		l.url.Store(e.URL)
	}
	if l.notify != nil {
		e.Time = time.Now()
		l.notify(e)
	}
}

// Deliver hands a connection to Accept. It waits for one, and closes the
// connection when ctx or the tunnel ends before.
func (l *Outlet) Deliver(ctx context.Context, c net.Conn) {
	select {
	case l.conns <- c:
	case <-ctx.Done():
		_ = c.Close()
	case <-l.ctx.Done():
		_ = c.Close()
	}
}

// Kicked receives after Kick; one kick stands for several.
func (l *Outlet) Kicked() <-chan struct{} { return l.kick }

// Fail ends the tunnel for a reason. Without effect when it is over already.
func (l *Outlet) Fail(why *Error) { l.cancel(why) }

// Gone says that the provider let go of the tunnel: Shutdown waits for it.
func (l *Outlet) Gone() { l.once.Do(func() { close(l.gone) }) }

// URL is where the public side is.
func (l *Outlet) URL() *url.URL { return l.url.Load() }

// Accept gives the next connection.
func (l *Outlet) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ctx.Done():
		if err := l.Err(); err != nil {
			return nil, err
		}
		return nil, net.ErrClosed
	}
}

// Kick asks the provider to reconnect now.
func (l *Outlet) Kick() {
	select {
	case l.kick <- struct{}{}:
	default: // one is waiting already
	}
}

// Shutdown ends the tunnel.
func (l *Outlet) Shutdown(ctx context.Context) error {
	l.cancel(nil)
	select {
	case <-l.gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close is Shutdown with CloseTimeout.
func (l *Outlet) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), CloseTimeout)
	defer cancel()
	return l.Shutdown(ctx)
}

// Err is why Accept fails.
func (l *Outlet) Err() error {
	if err, ok := context.Cause(l.ctx).(*Error); ok {
		return err
	}
	return nil
}

// Addr is the public host; nothing should depend on it.
func (l *Outlet) Addr() net.Addr {
	if u := l.URL(); u != nil {
		return publicAddr(u.Host)
	}
	return publicAddr("")
}

type publicAddr string

func (publicAddr) Network() string  { return "tcp" }
func (a publicAddr) String() string { return string(a) }
