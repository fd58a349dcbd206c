package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"

	"github.com/hfhook/hfhook/tunnel"
)

// link is the way from the public URL to this machine: it opens a tunnel and
// has a watcher follow it.
type link struct {
	d        *dev
	prober   *tunnel.Prober
	carriers []carrier // to try, in order

	name    string // the provider's
	carrier string // who carries the traffic and where TLS ends, in words

	tunnel tunnel.Tunnel
	over   <-chan struct{}           // closed when the tunnel takes no more connections
	public atomic.Pointer[published] // never nil

	watcher *watcher
	tasks   []*task // that feed the watcher, and the watcher
}

// published is the public URL, and who answers there.
type published struct {
	url      *url.URL // nil: there is none
	stranger error    // somebody else does; nil: not known of
}

// trusted is the URL to send the secret to; nil: there is none.
func (p *published) trusted() *url.URL {
	if p.stranger != nil {
		return nil
	}
	return p.url
}

func newLink(d *dev) (*link, error) {
	carriers, err := chooseCarriers(d.c, d.space)
	if err != nil {
		return nil, err
	}
	l := &link{d: d, prober: tunnel.NewProber(), carriers: carriers}
	l.public.Store(new(published))
	l.prober.Version = version
	l.watcher = newWatcher(d.reporter, l.announce)
	l.watcher.hangups = reconnects(d.c.Context)
	l.watcher.outage = d.hub.outage
	if !d.c.Bool("no-probe") {
		l.watcher.probe = l.prober.Probe
	}
	return l, nil
}

// publicURL is where the Hub reaches this machine; nil while it does not.
func (l *link) publicURL() *url.URL { return l.public.Load().url }

// trustedURL is publicURL, unless somebody else answers there.
func (l *link) trustedURL() *url.URL { return l.public.Load().trusted() }

// open opens the tunnel, leads it to front and checks it. It gives the public
// URL, or nil when there is none.
func (l *link) open(ctx context.Context, front *front, local net.Listener) (*url.URL, error) {
	l.tasks = append(l.tasks, start(ctx, l.watcher.run), start(ctx, func(ctx context.Context) error {
		tunnel.WatchSleep(ctx, l.watcher.slept)
		return nil
	}))
	if l.carriers[0].provider == (tunnel.None{}) {
		l.carriers[0].provider = tunnel.None{Listener: local}
	} else {
		front.add(local)
	}
	if err := l.openFirst(ctx); err != nil {
		return nil, err
	}
	if l.tunnel == nil {
		return nil, nil
	}
	l.over = front.add(l.tunnel)
	select {
	case l.watcher.opened <- opened{l.tunnel, l.name == "none"}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-l.watcher.announced:
		return l.publicURL(), nil
	case <-l.over:
		return nil, l.ended()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// autoTries are enough to know that a carrier will not do: with the pauses in
// between they take some ten seconds.
const autoTries = 6

// openFirst opens the first of the carriers that can be. When there are several,
// as with --tunnel auto, it says which it passed over, and that none is left.
func (l *link) openFirst(ctx context.Context) error {
	o := opening{
		within: tunnel.OpenTimeout, log: l.d.tunnelLog,
		trying: func(provider string) {
			if provider != "none" {
				l.d.reporter.note("opening a tunnel: " + provider)
			}
		},
		notify: l.watcher.notify, skipped: l.d.reporter.skipped,
	}
	if l.carriers[0].optional {
		o.tries = autoTries
	}
	opened, by, err := o.first(ctx, l.carriers)
	if err != nil {
		return err
	}
	l.tunnel, l.name, l.carrier = opened, by.name(), by.through
	if opened == nil {
		l.d.reporter.warning("no public URL: no tunnel could be opened, so the Hub cannot reach this receiver",
			"hfhook doctor tells what is in the way; deliveries from this machine are received all the same")
	}
	return nil
}

// ended is why the tunnel is over.
func (l *link) ended() error {
	if err := l.tunnel.Err(); err != nil {
		return err
	}
	return errors.New("the tunnel ended")
}

// close ends the tunnel, and then the reports of it.
func (l *link) close() {
	if l.tunnel != nil {
		l.tunnel.Close()
	}
	for _, t := range l.tasks {
		_ = t.end()
	}
}

// ours is an error when somebody else answers under the public URL.
func (l *link) ours() error {
	stranger := l.public.Load().stranger
	if stranger == nil {
		return nil
	}
	return &problem{exitNoTunnel, "another tunnel has another name: see --tunnel; --no-probe does without the check",
		fmt.Errorf("the Hub is not told to deliver where somebody else would get the secret: %w", stranger)}
}

// canReconnect reports whether there is a connection that a person could want
// to be made anew, or at least a URL to be checked.
func (l *link) canReconnect() bool { return l.tunnel != nil && l.tunnel.URL() != nil }

// announce takes note of a new public URL, and says when it replaces another.
// Neither the Hub nor hfhook trigger hears of one under which somebody else
// answers: they would send the secret there.
func (l *link) announce(public *url.URL, stranger error) {
	now := &published{public, stranger}
	old := l.public.Swap(now).url
	l.d.herald.moved(now.trusted())
	switch {
	case l.d.hub == nil || old == nil:
	case stranger != nil:
		l.d.hub.distrust()
	default:
		l.d.hub.point(public)
	}
	if old == nil || old.String() == public.String() {
		return
	}
	path := l.d.c.String("path")
	hint := "enter the new one at " + settingsPage + ", or use hfhook webhooks set-url"
	switch {
	case stranger != nil:
		hint = "do not enter it anywhere before it leads here"
	case l.d.hub != nil:
		hint = "the webhook at the Hub follows"
	}
	l.d.reporter.warning(fmt.Sprintf("the public URL changed: %s -> %s", old.JoinPath(path), public.JoinPath(path)), hint)
}

func tunnelCode(err error) string {
	if e, ok := errors.AsType[*tunnel.Error](err); ok {
		return e.Code
	}
	return ""
}
