package ngrok

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"golang.ngrok.com/ngrok/v2"

	"github.com/hfhook/hfhook/tunnel"
)

// ngrokTunnel keeps one link alive, and replaces it when it does not come
// back. One goroutine, run, owns the link and the order of events.
type ngrokTunnel struct {
	*tunnel.Outlet
	p      Provider
	redact *tunnel.Redactor
	log    *slog.Logger
}

func newTunnel(p Provider, o tunnel.Options) *ngrokTunnel {
	redact := tunnel.NewRedactor(p.Authtoken)
	return &ngrokTunnel{Outlet: tunnel.NewOutlet(o), p: p, redact: redact, log: redact.Logger(o.Log)}
}

// connect tries until a link is up, an error is permanent, or ctx ends; then
// it returns the last error.
func (t *ngrokTunnel) connect(ctx context.Context, state tunnel.State) (*link, *tunnel.Error) {
	last := &tunnel.Error{Provider: "ngrok", Code: "timeout", Detail: "ngrok did not answer in time"}
	for n := 0; ; n++ {
		l, err := t.attempt(ctx)
		if err == nil {
			select {
			case <-t.Kicked(): // meant the connection before this one
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
		t.Emit(tunnel.Event{State: state, Err: last, Retry: pause})
		select {
		case <-time.After(pause):
		case <-t.Kicked():
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
			go l.pump(t.Outlet)
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
	defer t.Gone()
	var (
		failures int              // since the tunnel was last online
		rebuild  <-chan time.Time // armed with the first failure
	)
	online := func(u *url.URL) {
		failures, rebuild = 0, nil
		t.Emit(tunnel.Event{State: tunnel.Online, URL: u})
	}
	replace := func() bool {
		l.close()
		next, err := t.connect(t.Context(), tunnel.Reconnecting)
		if err != nil {
			t.Fail(err) // without effect when ctx is what ended connect
			return false
		}
		l = next
		online(l.public)
		return true
	}
	for ok := true; ok; {
		select {
		case <-t.Context().Done():
			ok = false
		case e := <-l.events:
			switch e := e.(type) {
			case *ngrok.EventAgentConnectSucceeded:
				if failures > 0 {
					online(t.URL())
				}
			case *ngrok.EventAgentDisconnected:
				if e.Error == nil {
					continue // the session is over: ended tells why, or ctx
				}
				pause := libraryPause(failures)
				err := t.explain(e.Error, tunnel.Reconnecting, pause)
				if err.Permanent {
					t.Fail(err)
					continue
				}
				if failures++; rebuild == nil {
					rebuild = time.After(t.p.RebuildAfter)
				}
				t.Emit(tunnel.Event{State: tunnel.Reconnecting, Err: err, Retry: pause})
			}
		case err := <-l.ended:
			t.Fail(t.stopped(err))
		case <-t.Kicked():
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
	t.Emit(last)
}

// libraryPause is what the library waits after the nth failure of an outage:
// nothing after the connection broke, then 0.5 s, doubled up to 30 s.
func libraryPause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(500*time.Millisecond<<min(n-1, 6), 30*time.Second)
}
