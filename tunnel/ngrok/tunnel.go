package ngrok

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"golang.ngrok.com/ngrok/v2"

	"github.com/hfhook/hfhook/tunnel"
)

// ngrokTunnel keeps one link alive, and replaces it when it does not come
// back. One goroutine, run, owns the link and the order of events.
type ngrokTunnel struct {
	p      Provider
	o      tunnel.Options
	redact *tunnel.Redactor
	log    *slog.Logger

	ctx    context.Context         // ends with the tunnel
	cancel context.CancelCauseFunc // with the *tunnel.Error why, or nil
	gone   chan struct{}           // closed when run returned
	conns  chan net.Conn
	kick   chan struct{}
	url    atomic.Pointer[url.URL]
}

func newTunnel(p Provider, o tunnel.Options) *ngrokTunnel {
	t := &ngrokTunnel{
		p:      p,
		o:      o,
		redact: tunnel.NewRedactor(p.Authtoken),
		gone:   make(chan struct{}),
		conns:  make(chan net.Conn),
		kick:   make(chan struct{}, 1),
	}
	t.log = t.redact.Logger(o.Log)
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	t.url.Store(o.URL)
	return t
}

// connect tries until a link is up, an error is permanent, or ctx ends; then
// it returns the last error.
func (t *ngrokTunnel) connect(ctx context.Context, state tunnel.State) (*link, *tunnel.Error) {
	last := &tunnel.Error{Provider: "ngrok", Code: "timeout", Detail: "ngrok did not answer in time"}
	for n := 0; ; n++ {
		l, err := t.attempt(ctx)
		if err == nil {
			select {
			case <-t.kick: // meant the connection before this one
			default:
			}
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, last
		}
		pause := tunnel.Backoff(n)
		if last = t.explain(err, state, pause); last.Permanent {
			return nil, last
		}
		t.emit(tunnel.Event{State: state, Err: last, Retry: pause})
		select {
		case <-time.After(pause):
		case <-t.kick:
		case <-ctx.Done():
			return nil, last
		}
	}
}

// attempt makes one link. The library would try again for ever, whatever the
// error, and return nothing meanwhile: its first disconnect event ends the
// attempt.
func (t *ngrokTunnel) attempt(ctx context.Context) (*link, error) {
	l := t.p.newLink(t.log, t.URL())
	for {
		select {
		case err := <-l.opened:
			if err != nil {
				l.close()
				return nil, err
			}
			go l.pump(t.conns)
			return l, nil
		case e := <-l.events:
			if d, ok := e.(*ngrok.EventAgentDisconnected); ok && d.Error != nil {
				l.abort()
				return nil, d.Error
			}
		case <-ctx.Done():
			l.abort()
			return nil, ctx.Err()
		}
	}
}

// run lives as long as the tunnel.
func (t *ngrokTunnel) run(l *link) {
	defer close(t.gone)
	var (
		failures int              // since the tunnel was last online
		rebuild  <-chan time.Time // armed with the first failure
	)
	online := func() {
		failures, rebuild = 0, nil
		t.emit(tunnel.Event{State: tunnel.Online, URL: t.URL()})
	}
	replace := func() bool {
		l.close()
		next, err := t.connect(t.ctx, tunnel.Reconnecting)
		if err != nil {
			t.cancel(err) // without effect when ctx is what ended connect
			return false
		}
		l = next
		t.setURL(l.endpoint.URL())
		online()
		return true
	}
	for ok := true; ok; {
		select {
		case <-t.ctx.Done():
			ok = false
		case e := <-l.events:
			switch e := e.(type) {
			case *ngrok.EventAgentConnectSucceeded:
				if failures > 0 {
					online()
				}
			case *ngrok.EventAgentDisconnected:
				if e.Error == nil {
					continue // the session is over: ended tells why, or ctx
				}
				pause := libraryPause(failures)
				err := t.explain(e.Error, tunnel.Reconnecting, pause)
				if err.Permanent {
					t.cancel(err)
					continue
				}
				if failures++; rebuild == nil {
					rebuild = time.After(t.p.RebuildAfter)
				}
				t.emit(tunnel.Event{State: tunnel.Reconnecting, Err: err, Retry: pause})
			}
		case err := <-l.ended:
			t.cancel(t.stopped(err))
		case <-t.kick:
			// While the library pauses there is no connection to cut, and
			// its pause cannot be ended.
			if failures == 0 {
				l.dial.cut()
			} else {
				ok = replace()
			}
		case <-rebuild:
			ok = replace()
		}
	}
	l.close()
	last := tunnel.Event{State: tunnel.Offline}
	if err := t.Err(); err != nil {
		last.Err = err
	}
	t.emit(last)
}

// libraryPause is what the library waits after the nth failure of an outage:
// nothing after the connection broke, then 0.5 s, doubled up to 30 s.
func libraryPause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(500*time.Millisecond<<min(n-1, 6), 30*time.Second)
}

func (t *ngrokTunnel) emit(e tunnel.Event) {
	if t.o.Notify != nil {
		e.Time = time.Now()
		t.o.Notify(e)
	}
}

func (t *ngrokTunnel) setURL(u *url.URL) { t.url.Store(u) }

func (t *ngrokTunnel) URL() *url.URL { return t.url.Load() }

func (t *ngrokTunnel) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		return c, nil
	case <-t.ctx.Done():
		if err := t.Err(); err != nil {
			return nil, err
		}
		return nil, net.ErrClosed
	}
}

func (t *ngrokTunnel) Kick() {
	select {
	case t.kick <- struct{}{}:
	default: // one is waiting already
	}
}

func (t *ngrokTunnel) Shutdown(ctx context.Context) error {
	t.cancel(nil)
	select {
	case <-t.gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *ngrokTunnel) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), tunnel.CloseTimeout)
	defer cancel()
	return t.Shutdown(ctx)
}

func (t *ngrokTunnel) Err() error {
	if err, ok := context.Cause(t.ctx).(*tunnel.Error); ok {
		return err
	}
	return nil
}

// Addr is the public host; nothing should depend on it.
func (t *ngrokTunnel) Addr() net.Addr { return publicAddr(t.URL().Host) }

type publicAddr string

func (publicAddr) Network() string  { return "tcp" }
func (a publicAddr) String() string { return string(a) }
