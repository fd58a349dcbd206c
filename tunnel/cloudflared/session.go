package cloudflared

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/child"
)

// quickTunnel makes the sessions of one tunnel, one after the other: each is a
// run of the program.
type quickTunnel struct {
	Provider
	path    string
	log     *slog.Logger
	redact  *tunnel.Redactor
	opening child.Opening
	inVain  bool // the last session was never online
}

// pause is the supervisor's backoff.
func (t *quickTunnel) pause(n int) time.Duration {
	pause := tunnel.Backoff(n)
	if t.inVain {
		pause = max(pause, t.RetryPause)
	}
	return pause
}

// run is one session.
func (t *quickTunnel) run(ctx context.Context, s *tunnel.Session) error {
	near, err := child.Listen(s)
	if err != nil {
		return t.opening.Missing(t.missing(err))
	}
	defer near.Close()
	// With the config file of the user's own tunnels its rules would win over
	// --url, and a quick tunnel would answer 404 to everything.
	config, err := os.CreateTemp("", "hfhook-cloudflared-*.yml")
	if err != nil {
		return t.opening.Missing(t.missing(err))
	}
	defer os.Remove(config.Name())
	_ = config.Close()

	metrics := make(chan string, 1)
	program, err := child.Start(child.Program{
		Path: t.path,
		Args: []string{
			"tunnel", "--no-autoupdate", "--config", config.Name(), "--metrics", "127.0.0.1:0",
			"--output", "json", "--url", fmt.Sprintf("http://127.0.0.1:%d", near.Addr().Port),
		},
		Env:    child.Environ(nil, dropped),
		Line:   firstMatch(metrics),
		Redact: t.redact,
		Log:    t.log,
	})
	if err != nil {
		return t.opening.Missing(t.missing(err))
	}
	defer program.Stop()

	t.inVain = true
	err = t.forward(ctx, s, program, metrics)
	if how, ended := program.Ended(); ended && ctx.Err() == nil {
		return t.ended(program, how)
	}
	return err
}

// dropped are the variables that cloudflared takes for flags: they belong to
// the user's other tunnels, and a log level would hide what is read here. What
// it takes to get through a firewall stays.
func dropped(name string) bool {
	name = strings.ToUpper(name)
	for _, keep := range []string{"TUNNEL_TRANSPORT_PROTOCOL", "TUNNEL_EDGE", "TUNNEL_REGION", "TUNNEL_CACERT"} {
		if strings.HasPrefix(name, keep) {
			return false
		}
	}
	return strings.HasPrefix(name, "TUNNEL_")
}

// metricsLine is in a line of JSON, and as a line of text in old programs.
var metricsLine = regexp.MustCompile(`Starting metrics server on (127\.0\.0\.1:[0-9]{1,5})\b`)

// firstMatch sends the address in the first metricsLine, and looks at no other:
// what is logged later can be anybody's text.
func firstMatch(to chan<- string) func([]byte) {
	found := false
	return func(line []byte) {
		if found {
			return
		}
		if m := metricsLine.FindSubmatch(line); m != nil {
			found = true
			to <- string(m[1])
		}
	}
}

// forward brings a session online, and watches it until it breaks. When ctx
// ends it gives what the session waited for.
func (t *quickTunnel) forward(ctx context.Context, s *tunnel.Session, program *child.Process, metrics <-chan string) error {
	ctx, cancel := program.Within(ctx)
	defer cancel()
	starting, cancel := context.WithTimeout(ctx, t.StartTimeout)
	defer cancel()

	m := new(metricsServer)
	defer m.close()
	select {
	case m.addr = <-metrics:
	case <-starting.Done():
		return t.late("timeout", "cloudflared did not start in time", "", program)
	}
	host := ""
	if !t.until(starting, func() bool { host = m.hostname(starting); return host != "" }) {
		return t.late("nourl", "cloudflared announced no host name", "", program)
	}
	if !t.gives(host) {
		return &tunnel.Error{Provider: "cloudflared", Code: "nourl",
			Detail: fmt.Sprintf("cloudflared announced a host name that is not in %s", t.Domain)}
	}
	if !t.until(starting, func() bool { return m.ready(starting) == nil }) {
		return t.late("unreachable", "cloudflared cannot connect to Cloudflare",
			"it needs port 7844 to the outside, UDP or TCP: is it blocked here?", program)
	}
	if !t.appear(starting, s, host) {
		return &tunnel.Error{Provider: "cloudflared", Code: "dns", Detail: host + " did not appear in DNS"}
	}
	t.inVain = false
	t.opening.Online()
	s.Online(&url.URL{Scheme: "https", Host: host})
	return t.watch(ctx, m)
}

// until asks f until it says yes; false: ctx ended before.
func (t *quickTunnel) until(ctx context.Context, f func() bool) bool {
	for !f() {
		if !sleep(ctx, t.Poll) {
			return false
		}
	}
	return ctx.Err() == nil
}

// sleep tells whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil // both may have come
}

// maxMisses in a row end a session.
const maxMisses = 3

// watch returns when the program is not connected any more. It reconnects by
// itself after most troubles, so one bad answer means nothing.
func (t *quickTunnel) watch(ctx context.Context, m *metricsServer) error {
	for misses := 0; ; {
		if !sleep(ctx, t.ReadyInterval) {
			return ctx.Err()
		}
		err := m.ready(ctx)
		if err == nil {
			misses = 0
			continue
		}
		if misses++; misses < maxMisses {
			continue
		}
		e := &tunnel.Error{Provider: "cloudflared", Code: "lost", Err: err, Detail: "cloudflared does not answer any more"}
		if err == errNotReady {
			e.Detail = "cloudflared has no connection to Cloudflare any more"
		}
		return e
	}
}
