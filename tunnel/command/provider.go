// Package command makes a tunnel out of any program that forwards public
// requests to a port on this machine: another provider's agent, ssh, a named
// tunnel of cloudflared.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/child"
)

// Provider opens tunnels by running a program, without a shell. Where the
// public side is, the program says in its output, or the user knows.
type Provider struct {
	// Command is the program and its arguments, quoted as for a POSIX shell,
	// of which nothing else works: no variables, no pipes. On Windows a
	// backslash is a character like any other.
	//
	// In every argument {port} stands for the port to forward to, {host} for
	// its address, and {addr} for both. It is shown nowhere: users write
	// tokens into it.
	Command string

	// URLPattern is a regular expression. Its first group, or all of it, is
	// the public URL in a line of stdout or stderr; what is no https URL is
	// passed over. The first of a run counts. Empty: tunnel.Options has the URL.
	URLPattern string

	// Pass names variables of the environment that the program gets although
	// they hold secrets of hfhook, as "NGROK_AUTHTOKEN". Default: none.
	Pass []string

	// Secrets must appear in no log, event or error. Those of hfhook that are
	// in the environment need not be named.
	Secrets []string

	// OpenTimeout bounds Open. Default: 5 s more than URLTimeout.
	OpenTimeout time.Duration

	// URLTimeout is how long a program may take to print a URL.
	// Default: 30 s.
	URLTimeout time.Duration

	// Steady is how long a program has to run for a given URL to count as
	// online. Default: 1 s.
	Steady time.Duration
}

// Name is "command".
func (Provider) Name() string { return "command" }

// Check finds what is wrong with the provider, or with the URL that it is
// given, without running anything. The error is an *Error.
func (p Provider) Check(u *url.URL) error {
	_, _, err := p.parse(u)
	if err != nil { // not a nil *Error
		return err
	}
	return nil
}

// parse makes Command and URLPattern usable.
func (p Provider) parse(u *url.URL) (args []string, pattern *regexp.Regexp, _ *tunnel.Error) {
	refuse := func(detail, hint string, err error) ([]string, *regexp.Regexp, *tunnel.Error) {
		return nil, nil, &tunnel.Error{Provider: "command", Code: "usage", Permanent: true, Detail: detail, Hint: hint, Err: err}
	}
	const example = `for example --tunnel-cmd 'mytunnel --to 127.0.0.1:{port}'`

	args, err := Split(p.Command)
	switch {
	case err != nil:
		return refuse("the tunnel command has "+err.Error(), "quote it as for a shell, "+example, err)
	case len(args) == 0:
		return refuse("there is no tunnel command", example, nil)
	case strings.Contains(args[0], "="): // and a token in it would be shown
		return refuse("the tunnel command begins with a variable", "no shell runs it: set the variable for hfhook", nil)
	case !slices.ContainsFunc(args[1:], func(a string) bool {
		return strings.Contains(a, "{port}") || strings.Contains(a, "{addr}")
	}):
		return refuse("the tunnel command is not told where to forward to", "put {port} where it takes the local port, "+example, nil)
	case u == nil && p.URLPattern == "":
		return refuse("nothing says which public URL the tunnel command gives",
			"give a pattern for its output with --tunnel-url-pattern, or the URL with --public-url", nil)
	case u != nil && p.URLPattern != "":
		return refuse("a public URL and a pattern for one exclude each other", "leave out --tunnel-url-pattern or --public-url", nil)
	case u != nil:
		return args, nil, nil
	}
	pattern, err = regexp.Compile(p.URLPattern)
	if err != nil {
		why := err.Error()
		if e, ok := errors.AsType[*syntax.Error](err); ok {
			why = e.Code.String()
		}
		return refuse(fmt.Sprintf("the pattern for the URL is no regular expression (%s)", why),
			`for example --tunnel-url-pattern 'https://[a-z0-9-]+\.example\.com'`, err)
	}
	return args, pattern, nil
}

// Open runs the program, and returns when it has printed a URL or, with o.URL,
// when it has run for a moment: a program that cannot work ends at once. It
// runs it again up to three times when it ends before.
func (p Provider) Open(ctx context.Context, o tunnel.Options) (tunnel.Tunnel, error) {
	args, pattern, refused := p.parse(o.URL)
	if refused != nil {
		return nil, refused
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, missing(args[0], err)
	}
	p.URLTimeout = cmp.Or(p.URLTimeout, 30*time.Second)
	p.OpenTimeout = cmp.Or(p.OpenTimeout, p.URLTimeout+5*time.Second)
	p.Steady = cmp.Or(p.Steady, time.Second)
	t := &programTunnel{
		Provider: p,
		path:     path,
		args:     args,
		pattern:  pattern,
		given:    o.URL,
		log:      o.Log,
		redact:   child.Redactor(p.Secrets...),
	}
	return tunnel.Supervisor{Provider: "command", Run: t.run, OpenTimeout: p.OpenTimeout}.Open(ctx, o)
}

func missing(name string, err error) *tunnel.Error {
	return child.Missing("command", child.Show(name), "install it, or correct --tunnel-cmd", err)
}
