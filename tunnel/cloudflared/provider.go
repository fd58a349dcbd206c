// Package cloudflared opens quick tunnels through Cloudflare, with the user's
// own cloudflared. They need no account; each has a new name, and Cloudflare
// promises nothing about them.
package cloudflared

import (
	"cmp"
	"context"
	"os/exec"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/child"
)

// Provider opens tunnels with the program cloudflared. Each is a process of
// its own, which gets none of hfhook's secrets; what it prints goes to the log
// alone.
//
// The zero value is ready. The fields from Domain on are for tests.
type Provider struct {
	// Path of the program. Default: "cloudflared", looked up in PATH.
	Path string

	// Secrets must appear in no log, event or error. Those of hfhook that are
	// in the environment need not be named.
	Secrets []string

	// OpenTimeout bounds Open. Default: 30 s.
	OpenTimeout time.Duration

	// Domain is the zone that all names are in: any other name is refused.
	// Default: "trycloudflare.com".
	Domain string

	// NameServers gives the addresses, with ports, of the servers that know
	// the names of a zone first hand. Default: asks the system's resolver.
	NameServers func(ctx context.Context, zone string) ([]string, error)

	// Poll is the pause between two questions while opening. Default: 0.5 s.
	Poll time.Duration

	// Settle is how long a new name is left alone once cloudflared is
	// connected. Default: 5 s.
	Settle time.Duration

	// Unasked is how much longer that is when no name server can be asked.
	// Default: 12 s.
	Unasked time.Duration

	// StartTimeout bounds a session's way to being online, also when the
	// tunnel comes back. Default: 60 s.
	StartTimeout time.Duration

	// RetryPause follows a start that failed, at least, because Cloudflare
	// counts them. Default: 5 s.
	RetryPause time.Duration

	// ReadyInterval is the pause between two looks at a tunnel that is online;
	// three bad ones in a row end the session. Default: 10 s.
	ReadyInterval time.Duration
}

// Name is "cloudflared".
func (Provider) Name() string { return "cloudflared" }

// Open starts cloudflared, and returns when the name that it got is in DNS. It
// starts it again up to three times when it ends before. o.URL must be nil:
// quick tunnels choose their name, and every restart gives another.
func (p Provider) Open(ctx context.Context, o tunnel.Options) (tunnel.Tunnel, error) {
	if o.URL != nil {
		return nil, &tunnel.Error{Provider: "cloudflared", Code: "url", Permanent: true,
			Detail: "quick tunnels of cloudflared choose their name themselves",
			Hint:   "leave out --public-url, or run a named tunnel of your account with --tunnel=command and --public-url"}
	}
	path, err := exec.LookPath(cmp.Or(p.Path, "cloudflared"))
	if err != nil {
		return nil, p.missing(err)
	}
	p.Domain = cmp.Or(p.Domain, "trycloudflare.com")
	p.Poll = cmp.Or(p.Poll, 500*time.Millisecond)
	p.Settle = cmp.Or(p.Settle, 5*time.Second)
	p.Unasked = cmp.Or(p.Unasked, 12*time.Second)
	p.StartTimeout = cmp.Or(p.StartTimeout, 60*time.Second)
	p.RetryPause = cmp.Or(p.RetryPause, 5*time.Second)
	p.ReadyInterval = cmp.Or(p.ReadyInterval, 10*time.Second)
	if p.NameServers == nil {
		p.NameServers = nameServers
	}
	t := &quickTunnel{Provider: p, path: path, log: o.Log, redact: child.Redactor(p.Secrets...)}
	return tunnel.Supervisor{
		Provider:    "cloudflared",
		Run:         t.run,
		OpenTimeout: p.OpenTimeout,
		Backoff:     t.pause,
	}.Open(ctx, o)
}

func (p Provider) missing(err error) *tunnel.Error {
	return child.Missing("cloudflared", cmp.Or(p.Path, "cloudflared"),
		"install it, or use --tunnel=ssh:localhost.run, which needs nothing", err)
}
