// Package ssh opens tunnels through SSH servers that listen for us: hosted
// services, which also give the public URL, and own servers, where a reverse
// proxy with a public URL stands in front. It needs no program on this
// machine.
package ssh

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

// Provider opens tunnels through an SSH server.
type Provider struct {
	// Server is where to. Required: one of Presets, or see Parse.
	Server Server

	// Token of an account at the service, for those that take one (pinggy).
	// It appears in no log, event or error. Default: no account.
	Token string

	// KeyFiles are private keys to log in with; none other is offered then.
	// One with a passphrase has to be in the agent too.
	// Default: for an own server those of the agent, and id_ed25519, id_ecdsa
	// and id_rsa in ~/.ssh; for a service none.
	KeyFiles []string

	// AgentSocket is where the SSH agent listens; "none": nowhere. The named
	// pipe of Windows' own agent is not known.
	// Default: SSH_AUTH_SOCK of the environment.
	AgentSocket string

	// HostKeys are the fingerprints ("SHA256:...") of the keys that the server
	// may have. Default: those built in for a service, else KnownHosts.
	HostKeys []string

	// KnownHosts are files that know the keys of servers, and stand for the
	// keys that are built in too.
	// Default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts.
	KnownHosts []string

	// Version is that of the program. Default: "dev".
	Version string

	// DialContext makes the connection to the server.
	// Default: that of a zero tunnel.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// OpenTimeout bounds Open. Default: 30 s.
	OpenTimeout time.Duration

	// HandshakeTimeout bounds the handshake, the login included.
	// Default: 15 s.
	HandshakeTimeout time.Duration

	// RequestTimeout bounds the answer to a request. Default: 10 s.
	RequestTimeout time.Duration

	// AnnounceTimeout is how long a service may take to say the public URL.
	// Default: 20 s.
	AnnounceTimeout time.Duration

	// KeepaliveInterval is how often the server is asked for a sign of life,
	// and KeepaliveTimeout how long that may take.
	// Default: 15 s both.
	KeepaliveInterval, KeepaliveTimeout time.Duration

	// Backoff is the pause after failed session n, counted from 0.
	// Default: tunnel.Backoff.
	Backoff func(n int) time.Duration
}

// Name is "ssh:" and the name of the service, or "ssh".
func (p Provider) Name() string {
	if p.Server.Name == "" {
		return "ssh"
	}
	return "ssh:" + p.Server.Name
}

// Open connects to the server. A service chooses the public URL, so o.URL must
// be nil; an own server does not know it, so o.URL is required. Whether it
// leads to the port on which an own server listens, only a tunnel.Prober finds
// out.
func (p Provider) Open(ctx context.Context, o tunnel.Options) (tunnel.Tunnel, error) {
	p.Version = cmp.Or(p.Version, "dev")
	p.AgentSocket = cmp.Or(p.AgentSocket, os.Getenv("SSH_AUTH_SOCK"))
	p.HandshakeTimeout = cmp.Or(p.HandshakeTimeout, 15*time.Second)
	p.RequestTimeout = cmp.Or(p.RequestTimeout, 10*time.Second)
	p.AnnounceTimeout = cmp.Or(p.AnnounceTimeout, 20*time.Second)
	p.KeepaliveInterval = cmp.Or(p.KeepaliveInterval, 15*time.Second)
	p.KeepaliveTimeout = cmp.Or(p.KeepaliveTimeout, 15*time.Second)
	if p.DialContext == nil {
		p.DialContext = tunnel.Dialer{}.DialContext
	}
	redact := tunnel.NewRedactor(p.Token)
	t := &opener{Provider: p, url: o.URL, redact: redact, log: redact.Logger(o.Log), ballast: make([]byte, ballastSize)}
	if err := t.check(); err != nil {
		return nil, err
	}
	return tunnel.Supervisor{
		Provider:    p.Name(),
		Run:         t.run,
		OpenTimeout: p.OpenTimeout,
		Backoff:     p.Backoff,
	}.Open(ctx, o)
}

const ballastSize = 32 << 20

// opener makes the sessions of one tunnel.
type opener struct {
	Provider
	url    *url.URL // of an own server
	redact *tunnel.Redactor
	log    *slog.Logger

	// ballast is never touched, so it takes no memory, but counts as heap: the
	// library makes a new slice for each packet, and a heap with next to nothing
	// else in it would be collected after every hundred of them.
	ballast []byte

	// Of the one session that there is at a time.
	online bool // there was a URL
	try    int  // which kind of host key to ask for
}

// check finds what is wrong before anything is sent, and takes the settings
// together.
func (o *opener) check() *tunnel.Error {
	s := &o.Server
	switch {
	case s.Addr == "":
		return o.problem("missing", "there is no SSH server to connect to", "for example --tunnel=ssh:localhost.run")
	case s.User == "":
		return o.problem("missing", "there is no user to log in as", "name one: --tunnel='ssh://user@host?listen=127.0.0.1:9000'")
	case !s.hosted() && o.url == nil:
		return o.problem("url", "an own SSH server does not say its public URL",
			"pass --public-url with the https URL that the reverse proxy on the server passes on")
	case s.hosted() && o.url != nil:
		return o.problem("url", s.Name+" chooses the public URL itself",
			"leave out --public-url, or use --tunnel=ngrok for a URL that stays")
	case o.Token != "" && s.TokenAddr == "":
		return o.problem("auth", cmp.Or(s.Name, "an own SSH server")+" takes no token", "leave out --tunnel-token")
	case strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return o.problem("auth", "the token of "+s.Name+" has odd characters in it", "copy --tunnel-token again")
	}
	if o.Token != "" {
		s.Addr, s.User, s.Suffixes = s.TokenAddr, o.Token, slices.Concat(s.TokenSuffixes, s.Suffixes)
	}
	if len(o.KeyFiles) > 0 {
		s.User = cmp.Or(s.KeyUser, s.User)
	}
	return nil
}
