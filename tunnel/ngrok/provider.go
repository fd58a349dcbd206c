// Package ngrok opens tunnels through ngrok, with ngrok's own library.
//
// A free account gives a domain that stays the same, so a webhook is
// registered once. Opening a tunnel tells ngrok the name of this computer, the
// path of the running program and its process id: the library sends them and
// has no way to switch it off.
package ngrok

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

// Provider opens tunnels through ngrok. Each has an agent session of its own
// at ngrok; a free plan allows three.
type Provider struct {
	// Authtoken of the user's account. Required: see FindToken. It appears in
	// no log, event or error.
	Authtoken string

	// TokenSource says in error texts where the token came from.
	// Default: "NGROK_AUTHTOKEN".
	TokenSource string

	// Version is that of the program. ngrok takes semantic versions only, so
	// anything else counts as none. Default: "0.0.0-dev".
	Version string

	// DialContext makes the connection to ngrok.
	// Default: that of a zero tunnel.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// ConnectURL is the host and port of ngrok's agent side, no IPv6 literal.
	// Default: "connect.ngrok-agent.com:443".
	ConnectURL string

	// ConnectCAs are trusted to sign the certificate of ConnectURL.
	// Default: ngrok's own root and nothing else.
	ConnectCAs *x509.CertPool

	// OpenTimeout bounds Open. Default: 30 s.
	OpenTimeout time.Duration

	// HeartbeatInterval and HeartbeatTolerance decide when a silent
	// connection counts as broken: after both together.
	// Default: 10 s and 15 s; ngrok refuses much shorter ones.
	HeartbeatInterval, HeartbeatTolerance time.Duration

	// RebuildAfter is how long a tunnel tries to resume its old session before
	// it starts a new one. Default: 2 min.
	RebuildAfter time.Duration
}

const defaultConnectURL = "connect.ngrok-agent.com:443"

// Name is "ngrok".
func (Provider) Name() string { return "ngrok" }

// Open connects to ngrok and takes o.URL as the public URL, or without one
// the domain of the account. It tries again after errors that may pass, and
// fails with the last one when ctx or OpenTimeout ends.
//
// Connections of the tunnel have no write deadlines, so an http.Server's
// WriteTimeout has no effect: the heartbeat ends what hangs.
func (p Provider) Open(ctx context.Context, o tunnel.Options) (tunnel.Tunnel, error) {
	p.TokenSource = cmp.Or(p.TokenSource, "NGROK_AUTHTOKEN")
	if p.Version = strings.TrimPrefix(p.Version, "v"); !semver.MatchString(p.Version) {
		p.Version = "0.0.0-dev"
	}
	p.ConnectURL = cmp.Or(p.ConnectURL, defaultConnectURL)
	p.OpenTimeout = cmp.Or(p.OpenTimeout, tunnel.OpenTimeout)
	p.RebuildAfter = cmp.Or(p.RebuildAfter, 2*time.Minute)
	if p.DialContext == nil {
		p.DialContext = tunnel.Dialer{}.DialContext
	}
	if err := p.check(o.URL); err != nil {
		return nil, err
	}

	t := newTunnel(p, o)
	opening, cancel := context.WithTimeout(ctx, p.OpenTimeout)
	defer cancel()
	t.Emit(tunnel.Event{State: tunnel.Opening})
	l, err := t.connect(opening, tunnel.Opening)
	if err != nil {
		if err.Permanent || opening.Err() == nil {
			return nil, err
		}
		return nil, tunnel.OpenError(opening, err)
	}
	t.Emit(tunnel.Event{State: tunnel.Online, URL: l.public})
	go t.run(l)
	return t, nil
}

var semver = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// check finds what is wrong before anything is sent.
func (p Provider) check(u *url.URL) error {
	switch {
	case p.Authtoken == "":
		return &tunnel.Error{Provider: "ngrok", Code: "missing", Permanent: true,
			Detail: "ngrok needs an authtoken",
			Hint: "it is free: get it at https://dashboard.ngrok.com/get-started/your-authtoken, then: export NGROK_AUTHTOKEN=...; " +
				"without an account: hfhook dev --tunnel=ssh:localhost.run"}
	case u == nil:
		return nil
	case u.Scheme != "https":
		return badURL("ngrok tunnels start with https://")
	case strings.Trim(u.Path, "/") != "":
		return badURL("ngrok gives a whole domain: the public URL can have no path")
	}
	return nil
}

func badURL(detail string) error {
	return &tunnel.Error{Provider: "ngrok", Code: "url", Permanent: true, Detail: detail,
		Hint: "give a URL like https://name.ngrok-free.app, or leave out --public-url to use your dev domain"}
}
