package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok"
)

func tunnelFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tunnel", Usage: "get the public URL from `auto|none|ngrok`; auto takes ngrok when an authtoken is known", Value: "auto", EnvVars: []string{"HFHOOK_TUNNEL"}},
		&cli.StringFlag{Name: "public-url", Usage: "the Hub reaches this machine at `URL`; with ngrok, the URL that you want", EnvVars: []string{"HFHOOK_PUBLIC_URL"}},
		&cli.BoolFlag{Name: "insecure-public-url", Usage: "take an http URL there", EnvVars: []string{"HFHOOK_INSECURE_PUBLIC_URL"}, DisableDefaultText: true},
		&cli.StringFlag{Name: "tunnel-ca", Usage: "trust the certificates in `FILE` for the tunnel's own connection", TakesFile: true, EnvVars: []string{"HFHOOK_TUNNEL_CA"}},
		&cli.BoolFlag{Name: "no-probe", Usage: "do not check that the public URL leads here", EnvVars: []string{"HFHOOK_NO_PROBE"}, DisableDefaultText: true},
	}
}

// openingTime bounds the opening of a tunnel.
const openingTime = 30 * time.Second

// link is the way from the public URL to this machine.
type link struct {
	d       *dev
	prober  *tunnel.Prober
	name    string // the provider's
	carrier string // who carries the traffic and where TLS ends, in words

	tunnel tunnel.Tunnel
	over   <-chan struct{} // closed when the tunnel takes no more connections
	url    atomic.Pointer[url.URL]

	events chan tunnel.Event
	follow *task
	shown  atomic.Bool // the URL was announced
	kicked bool        // since it last led here; of followEvents alone
}

func newLink(d *dev) *link {
	l := &link{d: d, prober: tunnel.NewProber(), events: make(chan tunnel.Event, 64)}
	l.prober.Version = version
	return l
}

// publicURL is where the Hub reaches this machine; nil while it does not.
func (l *link) publicURL() *url.URL { return l.url.Load() }

// open opens the tunnel and leads it to front. It gives the public URL, or nil
// when there is none.
func (l *link) open(ctx context.Context, front *front, local net.Listener) (*url.URL, error) {
	wanted, err := l.wantedURL()
	if err != nil {
		return nil, err
	}
	provider, err := l.choose(wanted, local)
	if err != nil {
		return nil, err
	}
	l.follow = start(ctx, l.followEvents)
	if provider.Name() != "none" {
		front.add(local)
		opened, err := l.openOne(ctx, provider, wanted)
		switch {
		case err == nil:
			l.lead(front, opened)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case l.d.c.String("tunnel") != "auto":
			return nil, err
		default: // of auto, which goes on without
			_, hint := explain(err)
			l.d.reporter.warning(fmt.Sprintf("no tunnel through %s: %s", provider.Name(), err), hint)
			l.name, l.carrier = "none", ""
			return nil, nil
		}
	} else {
		opened, err := l.openOne(ctx, provider, wanted)
		if err != nil {
			return nil, err
		}
		l.lead(front, opened)
	}
	public := l.tunnel.URL()
	if public == nil {
		return nil, nil
	}
	l.url.Store(public)
	l.probe(ctx, public)
	l.shown.Store(true)
	return public, nil
}

func (l *link) lead(front *front, t tunnel.Tunnel) {
	l.tunnel = t
	l.over = front.add(t)
}

func (l *link) openOne(ctx context.Context, provider tunnel.Provider, wanted *url.URL) (tunnel.Tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, openingTime)
	defer cancel()
	l.name = provider.Name()
	return provider.Open(ctx, tunnel.Options{URL: wanted, Log: l.d.tunnelLog, Notify: l.notify})
}

// wantedURL is --public-url, or the Space's.
func (l *link) wantedURL() (*url.URL, error) {
	if given := l.d.c.String("public-url"); given != "" {
		wanted, err := tunnel.ParsePublicURL(given, l.d.c.Bool("insecure-public-url"))
		if err != nil {
			_, hint := explain(err)
			return nil, usage(err.Error(), hint)
		}
		return wanted, nil
	}
	if l.d.space != nil {
		return l.d.space.URL, nil
	}
	return nil, nil
}

// choose finds the provider. Of auto the first match wins: on a Space or with
// --public-url none, with a known authtoken ngrok, else none.
func (l *link) choose(wanted *url.URL, local net.Listener) (tunnel.Provider, error) {
	none := tunnel.None{Listener: local}
	word := l.d.c.String("tunnel")
	switch {
	case word != "auto" && word != "none" && word != "ngrok":
		return nil, usage(fmt.Sprintf("there is no tunnel %q", word), "tunnels are auto, none and ngrok")
	case word == "none" || word == "auto" && wanted != nil:
		switch {
		case l.d.space != nil && l.d.c.String("public-url") == "":
			l.carrier = "  this Space; the Hub reaches it unless it is private"
		case wanted != nil:
			l.carrier = "  as you gave it"
		}
		return none, nil
	}
	home, _ := os.UserHomeDir()
	token, source := ngrok.FindToken(os.Getenv, home, runtime.GOOS)
	if token == "" && word == "auto" {
		l.d.reporter.warning("no public URL: no ngrok authtoken is known", "get a free one at https://dashboard.ngrok.com/get-started/your-authtoken, then: export NGROK_AUTHTOKEN=...")
		return none, nil
	}
	cas, err := l.trusted()
	if err != nil {
		return nil, err
	}
	l.carrier = "  through ngrok, where TLS ends"
	return ngrok.Provider{
		Authtoken: token, TokenSource: source, Version: version,
		ConnectURL: os.Getenv("HFHOOK_NGROK_CONNECT_URL"), ConnectCAs: cas,
	}, nil
}

// trusted are the certificates in --tunnel-ca, for who reaches a tunnel's
// service through a proxy that looks into TLS.
func (l *link) trusted() (*x509.CertPool, error) {
	file := l.d.c.String("tunnel-ca")
	if file == "" {
		return nil, nil
	}
	const hint = "--tunnel-ca is to name a file with certificates in PEM"
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, failed(fmt.Errorf("read the certificates for the tunnel: %w", err), hint)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, failed(fmt.Errorf("there is no certificate in %s", file), hint)
	}
	return pool, nil
}

// notify takes an event of the tunnel without ever blocking it.
func (l *link) notify(e tunnel.Event) {
	select {
	case l.events <- e:
	default: // nobody could follow that many
		l.d.log.Debug("a tunnel event was left out", "state", e.State)
	}
}

// followEvents reports the tunnel's events and, when it is back, checks that
// the URL still leads here.
func (l *link) followEvents(ctx context.Context) error {
	var down time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-l.events:
			if e.State == tunnel.Online && e.URL == nil {
				continue // none: nothing is public
			}
			l.d.reporter.tunnel(e)
			switch e.State {
			case tunnel.Reconnecting:
				if down.IsZero() {
					down = e.Time
				}
			case tunnel.Online:
				if !down.IsZero() && l.shown.Load() {
					l.back(ctx, e.URL, down, e.Time)
				}
				down = time.Time{}
			}
		}
	}
}

// back is called when the tunnel is up again.
func (l *link) back(ctx context.Context, public *url.URL, since, until time.Time) {
	if old := l.url.Swap(public); old != nil && old.String() != public.String() {
		l.d.reporter.warning(fmt.Sprintf("the public URL changed: %s is now %s", old, public), "enter the new one at "+settingsPage)
	}
	l.probe(ctx, public)
	l.d.reporter.gap(since, until)
}

// probe checks that public leads here and says so when it does not. When it
// fails twice, the tunnel gets a kick, but only one: what the provider itself
// refuses, no reconnecting mends.
func (l *link) probe(ctx context.Context, public *url.URL) {
	if l.d.c.Bool("no-probe") {
		return
	}
	err := l.prober.Probe(ctx, public)
	if err != nil && l.shown.Load() {
		err = l.prober.Probe(ctx, public)
	}
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		l.kicked = false
		return
	case l.shown.Load() && !l.kicked:
		l.kicked = true
		defer l.tunnel.Kick()
	}
	hint := ""
	if e, ok := errors.AsType[*tunnel.ProbeError](err); ok {
		hint = e.Hint
	}
	l.d.reporter.warning(err.Error(), hint)
}

// close ends the tunnel, and then the reports of it.
func (l *link) close() {
	if l.tunnel != nil {
		l.tunnel.Close()
	}
	if l.follow != nil {
		_ = l.follow.end()
	}
}

func tunnelCode(err error) string {
	if e, ok := errors.AsType[*tunnel.Error](err); ok {
		return e.Code
	}
	return ""
}
